import AloftMetrics
import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Logging
import Synchronization
import Testing

@testable import AloftDaemon

@Suite("Sockets and what answers on them")
struct ServingTests {
    private func mode(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test("the control socket is for its owner alone from the first moment, whatever the umask")
    func permissions() async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/control.sock"
            let descriptor = try PrivateSocket.bind(path: path)
            #expect(try mode(of: path) == 0o600)
            close(descriptor)
        }
    }

    @Test("a dead daemon's socket is replaced, a living one's is not")
    func staleSocket() async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/control.sock"
            close(try PrivateSocket.bind(path: path))
            let descriptor = try PrivateSocket.bind(path: path)
            #expect(listen(descriptor, 1) == 0)
            #expect(throws: SystemError("listen on", path, code: EADDRINUSE)) { try PrivateSocket.bind(path: path) }
            close(descriptor)
        }
    }

    @Test("a socket in a folder with a long path is bound, and found taken")
    func longPath() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory() + "/" + String(repeating: "x", count: SocketPath.longest)
            try Directories.make(folder)
            let path = folder + "/control.sock"
            let descriptor = try PrivateSocket.bind(path: path)
            defer { close(descriptor) }
            #expect(try Directories.names(in: folder) == ["control.sock"])
            #expect(listen(descriptor, 1) == 0)
            #expect(throws: SystemError("listen on", path, code: EADDRINUSE)) { try PrivateSocket.bind(path: path) }
        }
    }

    @Test("a name that no socket address holds is refused")
    func longName() {
        let path = "/tmp/" + String(repeating: "x", count: SocketPath.longest)
        #expect(throws: SystemError("use the socket", path, code: ENAMETOOLONG)) {
            try PrivateSocket.bind(path: path)
        }
    }

    /// Serves admin routes on a Unix socket while `body` runs.
    private func serving(
        connectionLimit: Int = 8, state: HealthReport.State = .ok, _ body: @escaping @Sendable (String) throws -> Void
    ) async throws {
        try await withFixture { fixture in
            let path = try fixture.directory() + "/control.sock"
            let routes = AdminRoutes(
                families: { [MetricFamily("aloft_test", help: "A test.", kind: .gauge)] },
                health: { Self.health(state) })
            let service = try await HTTPService.bind(
                .descriptor(try PrivateSocket.bind(path: path)), responder: routes.router().buildResponder(),
                connectionLimit: connectionLimit, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await service.serve() }
                try await onThread { try body(path) }
                service.close()
            }
        }
    }

    private static func health(_ state: HealthReport.State) -> HealthReport {
        let time = Timestamp(nanoseconds: 0)
        let status = StatusReport(
            app: "a", file: "/f", digest: "d", version: "1", pid: 1, state: state == .down ? .stopping : .running,
            startedAt: time, now: time, urls: [],
            edge: EdgeReport(openConnections: 0, activeRequests: 0, requests: 0, failures: 0), services: [])
        return HealthReport(
            status, system: .init(diskFreeBytes: nil, diskTotalBytes: nil, openFiles: nil, openFileLimit: nil))
    }

    @Test("the admin address answers GET and HEAD, and nothing else")
    func admin() async throws {
        try await serving { path in
            let connection = try RawConnection(to: .unix(path))
            let full = try connection.get("/metrics")
            #expect(full.status == 200)
            #expect(full["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(full.text.contains("# TYPE aloft_test gauge"))
            let head = try connection.get("/metrics", method: "HEAD")
            #expect(head.status == 200)
            #expect(head["content-length"] == full["content-length"])
            #expect(try connection.get("/health").status == 200)
            #expect(try connection.get("/health/live").text == "live\n")
            #expect(try connection.get("/").text.contains("/metrics"))
            #expect(try connection.get("/nothing").status == 404)
            for method in ["DELETE", "OPTIONS"] {
                let refused = try connection.get("/metrics", method: method)
                #expect(refused.status == 405)
                #expect(refused["allow"] == "GET, HEAD")
            }
        }
    }

    @Test("health that is down is 503")
    func down() async throws {
        try await serving(state: .down) { path in
            let answer = try RawConnection(to: .unix(path)).get("/health")
            #expect(answer.status == 503)
        }
    }

    @Test("connections past the limit are closed at once, and their places are given again")
    func connectionLimit() async throws {
        try await serving(connectionLimit: 2) { path in
            do {
                let first = try RawConnection(to: .unix(path))
                let second = try RawConnection(to: .unix(path))
                #expect(try first.get("/health/live").status == 200)
                #expect(try second.get("/health/live").status == 200)
                #expect(throws: KitError.self) { try RawConnection(to: .unix(path)).get("/health/live") }
                #expect(try first.get("/health/live").status == 200)
            }
            // Both are closed now; the server notices when it reads their ends.
            var status: Int?
            for _ in 0..<100 where status == nil {
                do { status = try RawConnection(to: .unix(path)).get("/health/live").status } catch is KitError {}
            }
            #expect(status == 200)
        }
    }
}

@Suite("Requests to stop")
struct StopRequestTests {
    @Test("a reload is passed on, the first stop is graceful, its echo is nothing")
    func order() async {
        let requests = StopRequests()
        requests.ask(.reload)
        requests.ask(.stop(reason: "SIGTERM"))
        requests.ask(.stop(reason: "SIGTERM"))
        requests.ask(.reload)
        requests.finish()
        var log: [String] = []
        await requests.handle {
            log.append("reload")
        } stop: {
            log.append("stop for \($0)")
        } stopAtOnce: {
            log.append("at once")
        }
        #expect(log == ["reload", "stop for SIGTERM", "reload"])
    }
}

@Suite("Turnstile")
struct TurnstileTests {
    private final class Inside: Sendable {
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func enter() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func leave() { state.withLock { $0.now -= 1 } }
    }

    @Test("one at a time, and all in the end")
    func oneAtATime() async throws {
        let turnstile = Turnstile()
        let inside = Inside()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...50 {
                group.addTask {
                    try await turnstile.alone {
                        inside.enter()
                        await Task.yield()
                        inside.leave()
                        return number
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 1275)
        #expect(inside.most == 1)
    }

    @Test("too many that wait are refused, and those who failed hold up nobody")
    func limit() async throws {
        let turnstile = Turnstile()
        let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
            let (gate, opener) = AsyncStream<Void>.makeStream()
            let (entered, announcer) = AsyncStream<Void>.makeStream()
            group.addTask {
                try await turnstile.alone {
                    announcer.finish()
                    for await _ in gate {}
                    return true
                }
            }
            for await _ in entered {}
            for _ in 0..<Turnstile.limit + 5 {
                group.addTask {
                    do {
                        return try await turnstile.alone { true }
                    } catch is ControlFailure {
                        return false
                    }
                }
            }
            var refused = 0
            while refused < 5, let outcome = try await group.next() { refused += outcome ? 0 : 1 }
            opener.finish()
            return try await group.reduce(into: refused) { $0 += $1 ? 0 : 1 }
        }
        #expect(outcomes == 5)
    }
}
