import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Examples")
    struct Examples {
        /// Each file of `examples`, with each environment it has and without any.
        private static let files: [(name: String, environment: String?)] = [
            ("hello", nil), ("httpbin", nil), ("autoscaling", nil), ("notifications", nil), ("rollouts", nil),
            ("hello", nil), ("httpbin", nil), ("autoscaling", nil), ("notifications", nil), ("rollouts", nil),
            ("services", nil), ("jobs", nil),
            ("rollouts", "staging"),
            ("rollouts", "production"),
        ]

        @Test("every example is in the list of those that are checked")
        func listed() throws {
            let folder = Checkout.root + "/examples"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(Set(names) == Set(Self.files.map(\.name)))
            for name in names {
                let text = try String(contentsOfFile: folder + "/" + name + "/aloft.yaml", encoding: .utf8)
                let hasEnvironments = text.contains("\nenvironments:")
                #expect(hasEnvironments == Self.files.contains { $0.name == name && $0.environment != nil })
            }
        }

        @Test("`check` has nothing to say about it", arguments: files.indices)
        func checked(_ index: Int) async throws {
            let (name, environment) = Self.files[index]
            try await withFixture { fixture in
                let folder = try fixture.directory() + "/" + name
                try FileManager.default.copyItem(atPath: Checkout.root + "/examples/" + name, toPath: folder)
                let choice = environment.map { ["--env", $0] } ?? []
                var environment = Child.plainEnvironment
                environment["HOOK_SECRET"] = "hush"
                let check = try await Child.run(
                    [Checkout.aloft, "check"] + choice, environment: environment, directory: folder)
                #expect(check.ending == .exited(0), "\(check.output)")
                // Of what a user makes first, such as httpbin's environment of Python.
                let about = check.output.split(separator: "\n").filter { $0.contains("warning:") }
                #expect(about.allSatisfy { $0.contains("there is no program `./.venv/") }, "\(check.output)")
            }
        }

        @Test("the example `autoscaling` grows with its visitors, loses none, and the reasons are told")
        func autoscaling() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                let example = Checkout.root + "/examples/autoscaling"
                var text = try String(contentsOfFile: example + "/aloft.yaml", encoding: .utf8)
                try FileManager.default.copyItem(atPath: example + "/app.py", toPath: folder + "/app.py")
                let port = try Machine.freePort()
                text.replace("127.0.0.1:8080", with: "127.0.0.1:\(port)")
                text.replace("127.0.0.1:9900", with: "127.0.0.1:\(try Machine.freePort())")
                let aloft = try Aloft.start(in: folder, file: text, fixture: fixture)
                _ = try await aloft.ready(1)
                let traffic = try Child(
                    [
                        "python3", Checkout.root + "/examples/rollouts/traffic.py",
                        "http://127.0.0.1:\(port)/work?ms=20", "--rate", "120", "--seconds", "20",
                    ], directory: folder, output: folder + "/traffic")
                let grown = try await aloft.status("three replicas", within: .seconds(40)) {
                    $0.services[0].ready >= 3
                }
                let scaling = try #require(grown.services[0].scaling)
                #expect(
                    scaling.metrics.map(\.name) == ["requests", "cpu", "p95", "work_waiting"], "\(scaling.metrics)")
                #expect(try await traffic.ended(within: .seconds(40)) == .exited(0))
                #expect(traffic.output.hasSuffix(" 0 failed\n"), "\(traffic.output)")
                let events = try await aloft.command("events").output
                #expect(events.contains(#/1 → [23] replicas: requests .* over 40/s a replica/#), "\(events)")
            }
        }
    }
}
