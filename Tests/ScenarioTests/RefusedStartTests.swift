import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("What Aloft needs is not there")
    struct RefusedStart {
        @Test("a port that is taken is one clear error, and nothing is left running")
        func portTaken() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web")
                let folder = try fixture.directory()
                let other = try Child(
                    ["python3", AppFile.apps + "/recorder.py"],
                    environment: Child.plainEnvironment.merging(["PORT": "\(file.port)"]) { $1 }, directory: folder,
                    output: folder + "/other.out")
                fixture.atEnd("end the one that has the port") { kill(other.pid, SIGKILL) }
                try await eventually("the port is taken") { (try? RawConnection(to: file.target)) != nil }
                let aloft = try file.start(fixture)
                try await refuses(aloft, naming: ["127.0.0.1:\(file.port)", "is taken"])
            }
        }

        @Test("an admin port that is taken is one clear error as well")
        func adminPortTaken() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                let folder = try fixture.directory()
                let port = try Machine.freePort()
                let other = try Child(
                    ["python3", AppFile.apps + "/recorder.py"],
                    environment: Child.plainEnvironment.merging(["PORT": "\(port)"]) { $1 }, directory: folder,
                    output: folder + "/other.out")
                fixture.atEnd("end the one that has the port") { kill(other.pid, SIGKILL) }
                try await eventually("the port is taken") { (try? RawConnection(to: .port(port))) != nil }
                file.admin = "{address: \"127.0.0.1:\(port)\"}"
                try await refuses(try file.start(fixture), naming: ["127.0.0.1:\(port)", "in use"])
            }
        }

        @Test("a private key that cannot be read is one clear error with its path")
        func unreadableKey() async throws {
            try await withFixture { fixture in
                let keys = try await Certificate.make(in: try fixture.directory())
                chmod(keys.key, 0)
                var file = try AppFile(app: "web")
                file.listenerKeys = ", tls: true"
                file.edge =
                    "tls: {certificates: [{hosts: [localhost], files: {certificate: \(keys.chain), key: \(keys.key)}}]}"
                let aloft = try file.start(fixture, wrapper: Self.withoutOverride)
                try await refuses(aloft, naming: [keys.key, "ermission denied"])
            }
        }

        @Test("a private key that is a folder is one clear error with its path")
        func keyIsFolder() async throws {
            try await withFixture { fixture in
                let keys = try await Certificate.make(in: try fixture.directory())
                let folder = try fixture.directory()
                var file = try AppFile(app: "web")
                file.listenerKeys = ", tls: true"
                file.edge =
                    "tls: {certificates: [{hosts: [localhost], files: {certificate: \(keys.chain), key: \(folder)}}]}"
                try await refuses(try file.start(fixture), naming: [folder])
            }
        }

        @Test("a state directory that cannot be written is one clear error with its path")
        func unwritableState() async throws {
            try await withFixture { fixture in
                let state = try fixture.directory()
                chmod(state, 0o500)
                fixture.atEnd("let it be removed") { chmod(state, 0o700) }
                let aloft = try AppFile(app: "web").start(
                    fixture, wrapper: Self.withoutOverride, environment: ["ALOFT_STATE": state + "/state"])
                try await refuses(aloft, naming: [state, "ermission denied"])
            }
        }

        @Test("a full disk at the start is one clear error", .enabled(if: mayMount, "needs to mount a small disk"))
        func fullDisk() async throws {
            try await withFixture { fixture in
                let state = try fixture.directory()
                let fill = "dd if=/dev/zero of=\(state)/filler bs=4k 2>/dev/null;"
                let aloft = try AppFile(app: "web").start(
                    fixture, wrapper: Self.onSmallDisk(state, size: "256k", then: fill),
                    environment: ["ALOFT_STATE": state])
                try await refuses(aloft, naming: ["o space left"])
            }
        }

        @Test(
            "a disk that fills up while it runs costs log lines, not requests",
            .enabled(if: mayMount, "needs to mount a small disk"))
        func diskFillsUp() async throws {
            try await withFixture { fixture in
                let state = try fixture.directory()
                let file = try AppFile(app: "floods")
                let aloft = try file.start(
                    fixture, wrapper: Self.onSmallDisk(state, size: "8m", then: ""),
                    environment: ["ALOFT_STATE": state])
                try await eventually("it serves") {
                    aloft.child.ending == nil ? (try? await fetch("/", at: file.target))?.status == 200 : true
                }
                try await eventually("the flood is over", within: .seconds(90), every: .milliseconds(200)) {
                    FileManager.default.fileExists(atPath: aloft.directory + "/flooded") || aloft.child.ending != nil
                }
                for _ in 0..<50 { #expect(try await fetch("/", at: file.target).status == 200) }
                #expect(aloft.child.ending == nil, "\(aloft.output.suffix(2000))")
            }
        }

        @Test("too few open files to start with is one clear error", arguments: [20, 100])
        func noFilesToStart(limit: Int) async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "web").start(fixture, wrapper: ["prlimit", "--nofile=\(limit):\(limit)"])
                try await refuses(aloft, naming: ["open files"])
            }
        }

        @Test("when open files run out under load it refuses connections, stays up and recovers")
        func filesRunOut() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                file.edge = "limits: {connections: 1000, connectionsPerAddress: 1000}"
                let aloft = try file.start(fixture, wrapper: ["prlimit", "--nofile=160:160"])
                _ = try await aloft.ready(1)
                let target = file.target
                let opened = try await onThread {
                    var crowd: [RawConnection] = []
                    for _ in 0..<400 { crowd.append(try RawConnection(to: target, timeout: .seconds(1))) }
                    return crowd.count
                }
                #expect(opened == 400)
                try await eventually("it serves again once they are gone") {
                    (try? await fetch("/", at: file.target, timeout: .seconds(2)))?.status == 200
                }
                #expect(aloft.child.ending == nil)
            }
        }

        @Test("a bad file is refused with every problem, its place and its fix")
        func badFile() async throws {
            try await withFixture { fixture in
                let text = """
                    version: 1
                    app: scenario
                    services:
                      web: {command: [python3], replica: 3}
                    edge:
                      listeners: [{address: "127.0.0.1:8080"}]
                      timeouts: {request: 30}
                      routes: [{match: {path: /*}, service: wed}]
                    """
                let aloft = try Aloft.start(in: try fixture.directory(), file: text, fixture: fixture)
                #expect(try await aloft.child.ended() == .exited(2))
                for words in [
                    "aloft.yaml:4:", "did you mean `replicas`", "aloft.yaml:7:", "30s", "aloft.yaml:8:", "`web`",
                ] {
                    #expect(aloft.output.contains(words), "\(words) in:\n\(aloft.output)")
                }
            }
        }

        /// It ends with 1 and one error that has these words, runs nothing, and answers on no control socket.
        private func refuses(_ aloft: Aloft, naming words: [String]) async throws {
            #expect(try await aloft.child.ended(within: .seconds(15)) == .exited(1), "\(aloft.output)")
            for word in words { #expect(aloft.output.contains(word), "\(word) in:\n\(aloft.output)") }
            let errors = aloft.output.split(separator: "\n").count { $0.lowercased().hasPrefix("error") }
            #expect(errors <= 1, "one error:\n\(aloft.output)")
            #expect(!aloft.output.contains("Fatal error"), "\(aloft.output)")
            let left = Processes.withDirectory(aloft.directory)
            #expect(left.isEmpty, "processes \(left) are left behind")
            #expect(!FileManager.default.fileExists(atPath: aloft.state + "/control.sock"))
        }

        /// Root may read and write everything unless this is taken away.
        private static var withoutOverride: [String] {
            Machine.isRoot ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []
        }

        /// Mounts a file system of this size at `folder` that only this process and its children see.
        private static func onSmallDisk(_ folder: String, size: String, then: String) -> [String] {
            ["unshare", "--mount"] + (Machine.isRoot ? [] : ["--map-root-user"]) + [
                "sh", "-c", "mount -t tmpfs -o size=\(size) none \(folder); \(then) exec \"$@\"", "sh",
            ]
        }
    }
}

/// Whether this user may mount file systems in a name space of its own.
private let mayMount: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    process.arguments =
        ["--mount"] + (Machine.isRoot ? [] : ["--map-root-user"]) + ["mount", "-t", "tmpfs", "none", "/mnt"]
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}()
