import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("People are told")
    struct Notifications {
        @Test("a replica that ends again and again is one notice, signed; a test is delivered at once")
        func crashLoop() async throws {
            try await withFixture { fixture in
                let sink = try await Sink.start(fixture)
                let aloft = try app("exits", sink).start(fixture, environment: ["HOOK_SECRET": "hush"])
                _ = try await aloft.status("three restarts", within: .seconds(60)) {
                    $0.replicas.contains { $0.restarts >= 3 }
                }
                try await eventually("a notice") { try !sink.taken().isEmpty }
                let test = try await aloft.command("notify", "test", "ops")
                #expect(test.ending == .exited(0), "\(test.output)")
                #expect(test.output.contains("delivered, HTTP 200"), "\(test.output)")
                // The test came later and was taken, so what would have come between is there by now.
                let taken = try sink.taken()
                #expect(taken.allSatisfy { $0.isSigned })
                let notices = taken.flatMap(\.notices).filter { $0.key == "replica/web" }
                #expect(notices.map(\.title) == ["web: replicas end by themselves"], "\(taken)")
                #expect(notices.first?.text.contains("exit code 3") == true)
            }
        }

        @Test("what waits for a server that is down survives kill -9 of the daemon, and arrives once, as one message")
        func outbox() async throws {
            try await withFixture { fixture in
                let sink = try await Sink.start(fixture)
                try sink.setDown(true)
                let first = try app("exits", sink).start(fixture, environment: ["HOOK_SECRET": "hush"])
                try await eventually("a refused notice", within: .seconds(60)) { try !sink.refused().isEmpty }
                let status = try await first.command("status")
                #expect(status.output.contains("notifications by ops failing: HTTP 503"), "\(status.output)")
                let test = try await first.command("notify", "test", "ops")
                #expect(test.ending == .exited(1), "\(test.output)")
                kill(first.pid, SIGKILL)
                _ = try await first.child.ended()
                try sink.setDown(false)
                let second = try Aloft.again(
                    in: first.directory, environment: ["HOOK_SECRET": "hush"], fixture: fixture)
                try await eventually("the notice", within: .seconds(60)) { try !sink.taken().isEmpty }
                let list = try await second.command("notify", "list")
                #expect(list.output.contains("working"), "\(list.output)")
                let notices = try sink.taken().flatMap(\.notices).filter { $0.key == "replica/web" }
                #expect(notices.count == 1, "\(notices)")
                let ids = try Set(sink.refused().filter { $0.notices.first?.key == "replica/web" }.map(\.id))
                #expect(try Set(sink.taken().map(\.id)) == ids, "the same message, not another one")
            }
        }

        @Test("an unknown channel is named with those there are; a secret without a value is an error of the file")
        func wrongNames() async throws {
            try await withFixture { fixture in
                let sink = try await Sink.start(fixture)
                let aloft = try app("web", sink).start(fixture, environment: ["HOOK_SECRET": "hush"])
                _ = try await aloft.ready(1)
                let unknown = try await aloft.command("notify", "test", "oops")
                #expect(unknown.ending != .exited(0))
                #expect(unknown.output.contains("there is no channel 'oops'; the file has ops"), "\(unknown.output)")
                let check = try await aloft.command("check")
                #expect(check.output.contains("the environment has no variable `HOOK_SECRET`"), "\(check.output)")
            }
        }

        private func app(_ name: String, _ sink: Sink) throws -> AppFile {
            var file = try AppFile(app: name)
            file.more += """

                notifications:
                  channels:
                    ops: {webhook: {url: "http://127.0.0.1:\(sink.port)/", secret: "${env.HOOK_SECRET}"}}
                  critical: {to: [ops]}
                  warning: {to: [ops]}
                  deploys: {to: [ops]}
                """
            return file
        }
    }
}

/// A server that takes webhooks, or refuses them.
struct Sink {
    struct Message: Decodable {
        struct Notice: Decodable {
            var key: String
            var title: String
            var text: String
        }

        var id: String
        var isSigned: Bool
        var notices: [Notice]
    }

    let port: Int
    let directory: String

    static func start(_ fixture: Fixture) async throws -> Sink {
        let directory = try fixture.directory()
        let child = try Child(
            ["python3", AppFile.apps + "/webhook_sink.py"], directory: directory, output: directory + "/sink.log")
        fixture.atEnd("stop the sink") {
            child.signal(SIGKILL)
            _ = try await child.ended()
        }
        let port = try await eventually("the sink's port") {
            Int(child.output.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return Sink(port: port, directory: directory)
    }

    func setDown(_ isDown: Bool) throws {
        let path = directory + "/down"
        if isDown {
            try Data().write(to: URL(fileURLWithPath: path))
        } else {
            try FileManager.default.removeItem(atPath: path)
        }
    }

    func taken() throws -> [Message] { try messages("taken") }
    func refused() throws -> [Message] { try messages("refused") }

    private func messages(_ name: String) throws -> [Message] {
        guard let data = FileManager.default.contents(atPath: directory + "/" + name) else { return [] }
        // A line that is being written has no end yet.
        return try data.split(separator: 0x0A, omittingEmptySubsequences: true)
            .prefix(data.count { $0 == 0x0A })
            .map { try JSONDecoder().decode(Message.self, from: Data($0)) }
    }
}
