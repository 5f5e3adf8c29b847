import AloftTestKit
import Glibc
import Testing

@testable import AloftSystem

@Suite("Files")
struct FileTests {
    @Test("an atomic write replaces the file, keeps its mode, leaves nothing beside it")
    func atomic() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try AtomicFile.write("old".utf8, to: folder + "/file")
            try AtomicFile.write("new".utf8, to: folder + "/file", mode: 0o640)
            #expect(try readText(folder + "/file") == "new")
            #expect(try Directories.names(in: folder) == ["file"])
            var status = stat()
            #expect(stat(folder + "/file", &status) == 0 && status.st_mode & 0o777 == 0o640)
            let failure = #expect(throws: SystemError.self) { try AtomicFile.write("x".utf8, to: folder + "/no/file") }
            #expect(failure?.code == ENOENT)
            try Directories.make(folder + "/folder")
            #expect(throws: SystemError.self) { try AtomicFile.write("x".utf8, to: folder + "/folder") }
            #expect(try Directories.names(in: folder) == ["file", "folder"])
        }
    }

    @Test("readers of a file that is replaced again and again see whole texts only")
    func wholeTexts() async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/file"
            let texts = (0..<2).map { String(repeating: "\($0)", count: 50_000) }
            try AtomicFile.write(texts[0].utf8, to: path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for round in 0..<100 { try AtomicFile.write(texts[round % 2].utf8, to: path) } }
                group.addTask {
                    for _ in 0..<100 {
                        let text = try readText(path)
                        #expect(texts.contains(text))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("the second to ask for a lock is told who has it, and gets it when the first lets go")
    func lock() async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/daemon.lock"
            var first: LockFile? = try LockFile(path)
            #expect(throws: LockFile.Failure.held(path: path, by: getpid())) { try LockFile(path) }
            withExtendedLifetime(first) {}
            first = nil
            let second = try LockFile(path)
            #expect(LockFile.holder(of: path) == getpid())
            withExtendedLifetime(second) {}
            #expect(throws: LockFile.Failure.self) { try LockFile(path + "/no") }
        }
    }

    @Test("folders are made with their parents and removed with all in them, links not followed")
    func folders() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try Directories.make(folder + "/keep")
            try AtomicFile.write("x".utf8, to: folder + "/keep/file")
            try Directories.make(folder + "/a/b/c")
            try AtomicFile.write("x".utf8, to: folder + "/a/b/file")
            #expect(symlink(folder + "/keep", folder + "/a/link") == 0)
            try Directories.remove(folder + "/a")
            try Directories.remove(folder + "/a")
            #expect(try Directories.names(in: folder) == ["keep"])
            #expect(try Directories.names(in: folder + "/keep") == ["file"])
            let failure = #expect(throws: SystemError.self) { try Directories.make(folder + "/keep/file") }
            #expect(failure?.code == ENOTDIR)
            #expect(
                Directories.parent(of: "/a") == "/" && Directories.parent(of: "a") == "."
                    && Directories.parent(of: "/a/b") == "/a")
        }
    }

    @Test("errors read as sentences")
    func errors() {
        let failure = #expect(throws: SystemError.self) { try readText("/no/such/file") }
        #expect(failure?.description == "cannot open /no/such/file: No such file or directory")
    }
}

@Suite("Ports and connections")
struct PortTests {
    /// Nil where a connection was made.
    private func problem(_ address: LocalAddress, within limit: Duration = .seconds(5)) async -> SystemError? {
        let result: Result<Void, SystemError>? = await AloftSystem.within(limit, clock: SystemTime()) {
            do throws(SystemError) {
                _ = try await LocalConnection(to: address)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        guard case .failure(let error)? = result else {
            return result == nil ? SystemError("connect", code: ETIMEDOUT) : nil
        }
        return error
    }

    @Test("a port that somebody listens on is not free, one given out is not given again, a preferred one is kept")
    func ports() async throws {
        let listener = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let first = try FreePort.choose()
        #expect(SocketAddress.loopback(first).bind(listener) == 0 && listen(listener.number, 1) == 0)
        #expect(try !FreePort.isFree(first))
        #expect(await problem(.port(first)) == nil)
        #expect(try FreePort.choose(preferred: first) != first)
        let second = try FreePort.choose()
        #expect(try FreePort.choose(preferred: second) == second)
        #expect(try FreePort.choose(preferred: second, excluded: [second]) != second)
        let refused = await problem(.port(second))
        #expect(refused?.code == ECONNREFUSED)
    }

    @Test("ports are taken from outside the range of outgoing connections")
    func ranges() {
        #expect(FreePort.listeningRange(ephemeral: 32_768...60_999) == 20_000...32_767)
        #expect(FreePort.listeningRange(ephemeral: 1_024...60_999) == 61_000...65_535)
        #expect(FreePort.listeningRange(ephemeral: 10_000...65_535) == 1_024...9_999)
        #expect(FreePort.listeningRange(ephemeral: 1_024...65_535) == 20_000...32_767)
    }

    @Test("Unix sockets: accepted, refused, absent, too long")
    func unix() async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/socket"
            #expect(await problem(.unix(path))?.code == ENOENT)
            let listener = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
            #expect(SocketAddress.unix(path).bind(listener) == 0)
            #expect(await problem(.unix(path))?.code == ECONNREFUSED)
            #expect(listen(listener.number, 1) == 0)
            #expect(await problem(.unix(path)) == nil)
            let long = "/tmp/" + String(repeating: "x", count: 120)
            #expect(await problem(.unix(long))?.code == ENAMETOOLONG)
        }
    }

    @Test("a connection that is neither made nor refused times out")
    func timesOut() async throws {
        let listener = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let port = try FreePort.choose()
        #expect(SocketAddress.loopback(port).bind(listener) == 0 && listen(listener.number, 0) == 0)
        // With a full queue the kernel drops what comes; two fill it.
        let fillers = (0..<3).map { _ in
            let filler = Descriptor(
                owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0))
            _ = SocketAddress.loopback(port).connect(filler)
            return filler
        }
        let clock = ContinuousClock()
        let start = clock.now
        let problem = await problem(.port(port), within: .milliseconds(200))
        #expect(problem?.code == ETIMEDOUT && clock.now - start < .seconds(5))
        withExtendedLifetime(fillers) {}
    }

    @Test("bytes go there and back, more of them than a socket's buffer holds")
    func exchange() async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/socket"
            // Says how many bytes came, then sends as many back; a connection without bytes is a question whether it listens.
            let script = """
                import socket
                s = socket.socket(socket.AF_UNIX); s.bind("\(path)"); s.listen(); n = 0
                while n == 0:
                    c, _ = s.accept()
                    while n < 4 << 20:
                        part = len(c.recv(65536)); n += part
                        if part == 0: break
                c.sendall(b"x" * n); c.close()
                """
            let watch = try await ProcessLaunch(
                executable: "/usr/bin/python3", arguments: ["python3", "-c", script], environment: [], directory: "/",
                standardOutput: 2, standardError: 2
            ).runWatched()
            try await eventually("it listens") { await problem(.unix(path)) == nil }
            let connection = try await LocalConnection(to: .unix(path))
            try await connection.send([UInt8](repeating: 0x61, count: 4 << 20))
            var received = 0
            while true {
                let part = try await connection.receive(upTo: 100_000)
                if part.isEmpty { break }
                received += part.count
            }
            #expect(received == 4 << 20)
            #expect(await watch.wait() == .exited(0))
        }
    }
}
