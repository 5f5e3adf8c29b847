import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Services that depend on one another", .serialized)
struct DependencyTests {
    private func worker(_ name: String, _ needs: [String] = [], replicas: Int = 1) -> ServiceSpec {
        var spec = service(name, ["/bin/sleep", "1000"], replicas: replicas, listen: .nothing)
        spec.dependsOn = needs
        return spec
    }

    /// Ready once the file is there.
    private func gated(_ name: String, by file: String, _ needs: [String] = []) -> ServiceSpec {
        var spec = worker(name, needs)
        spec.probes.readiness = ProbeTests.probe(.exec(["/usr/bin/test", "-e", file].map { Template($0) }))
        return spec
    }

    private func order(_ rig: Rig, _ kind: String) -> [String] { rig.recorder.events(kind).map(\.subject) }

    @Test("a service starts after what it needs is ready and says meanwhile what it waits for, and stops before it")
    func order() async throws {
        try await withFixture { fixture in
            let file = try fixture.directory() + "/up"
            let specs = [worker("web", ["api"], replicas: 2), worker("api", ["db"]), gated("db", by: file)]
            try await withRig(specs) { rig, _ in
                _ = try await rig.replica("db-1", "runs") { $0.reason == "exit code 1" }
                let api = try #require(await rig.replica("api-1"))
                #expect(api.state == .starting && api.pid == nil)
                #expect(api.reason == "waits for db (0 of 1 replica ready)")
                #expect(await rig.replica("web-2")?.reason == "waits for api (0 of 1 replica ready)")
                #expect(Set(order(rig, "service.waiting")) == ["web", "api"])
                try ProbeTests.write("x", file)
                #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
                #expect(order(rig, "replica.started").prefix(2) == ["db-1", "api-1"])
                await rig.compute.stopAll()
                #expect(Set(order(rig, "replica.stopped").prefix(2)) == ["web-1", "web-2"])
                #expect(order(rig, "replica.stopped").suffix(2) == ["api-1", "db-1"])
            }
        }
    }

    @Test("what runs is left alone: a dependency that restarts or goes down holds up no restart after it")
    func later() async throws {
        try await withFixture { fixture in
            let file = try fixture.directory() + "/up"
            try ProbeTests.write("x", file)
            try await withRig([worker("web", ["db"]), gated("db", by: file)]) { rig, _ in
                #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
                let web = try #require(await rig.replica("web-1"))
                try await rig.compute.restart("db")
                _ = try await rig.replica("db-1", "is another") { $0.id.generation == 2 && $0.state == .ready }
                #expect(await rig.replica("web-1")?.pid == web.pid)
                unlink(file)
                _ = try await rig.replica("db-1", "is down") { $0.state == .unready }
                kill(try #require(web.pid), SIGKILL)
                _ = try await rig.replica("web-1", "is started again") { $0.id.generation == 2 && $0.state == .ready }
            }
        }
    }

    @Test("a service that was taken out of the file stops before what it needed, which is taken out too")
    func removed() async throws {
        try await withRig([worker("web", ["db"]), worker("db"), worker("other")]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            await rig.compute.apply([worker("other")])
            try await eventually("both are gone") { await rig.compute.status().map(\.name) == ["other"] }
            #expect(order(rig, "replica.stopped") == ["web-1", "db-1"])
        }
    }

    @Test("a dependency that ended well and stays so is done; one that failed holds the others up")
    func done() async throws {
        @Sendable func once(_ name: String, _ code: Int) -> ServiceSpec {
            service(name, Programs.shell("exit \(code)"), listen: .nothing, policy: .never)
        }
        let specs = [once("setup", 0), once("broken", 1), worker("web", ["setup"]), worker("late", ["broken"])]
        try await withRig(specs) { rig, _ in
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            #expect(await rig.replica("late-1")?.reason == "waits for broken (0 of 1 replica ready)")
            // And it starts once nothing is in its way any more.
            await rig.compute.apply([once("setup", 0), once("broken", 1), worker("web", ["setup"]), worker("late")])
            _ = try await rig.replica("late-1", "is ready") { $0.state == .ready }
        }
    }

    @Test("a release command waits until what its service needs is ready, and is told what is not")
    func command() async throws {
        try await withFixture { fixture in
            let file = try fixture.directory() + "/up"
            try await withRig([gated("db", by: file)]) { rig, _ in
                _ = try await rig.replica("db-1", "runs") { $0.reason == "exit code 1" }
                let spec = worker("web", ["db", "queue"])
                let missing = await rig.compute.awaitDependencies(of: spec, within: .milliseconds(200))
                #expect(missing == ["db (0 of 1 replica ready)", "queue (no release yet)"])
                async let later = rig.compute.awaitDependencies(of: worker("web", ["db"]), within: .seconds(20))
                try ProbeTests.write("x", file)
                #expect(await later.isEmpty)
            }
        }
    }

    @Test("an adopted replica runs on while what it needs is not there")
    func adopted() async throws {
        try await withFixture { fixture in
            let file = try fixture.directory() + "/up"
            try ProbeTests.write("x", file)
            let specs = [worker("web", ["db"]), gated("db", by: file)]
            let first = Rig(try fixture.directory(), specs)
            first.start()
            #expect(await first.compute.settled(within: .seconds(20)), "\(first.log)")
            let pid = await first.replica("web-1")?.pid
            try await first.crash()
            unlink(file)
            let second = Rig(first.directory, recorder: first.recorder, specs)
            second.start()
            fixture.atEnd("stop") {
                await second.compute.stopAll()
                try await second.crash()
            }
            let web = try await second.replica("web-1", "is adopted") { $0.state == .ready }
            #expect(web.pid == pid)
            kill(try #require(web.pid), SIGKILL)
            _ = try await second.replica("web-1", "is started again") { $0.id.generation == 2 && $0.state == .ready }
        }
    }
}
