import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Adoption after a crash of the daemon", .serialized)
struct AdoptionTests {
    /// Runs services in one rig, crashes it, and gives the state directory with its store to a second one.
    private func crashing(
        _ before: [ServiceSpec], _ after: [ServiceSpec], _ meanwhile: @Sendable (Rig) async throws -> Void = { _ in },
        _ body: @Sendable (Rig, [ReplicaStatus]) async throws -> Void
    ) async throws {
        try await withFixture { fixture in
            let first = Rig(try fixture.directory(), before)
            first.start()
            #expect(await first.compute.settled(within: .seconds(20)), "\(first.log)")
            let old = await first.compute.status().flatMap(\.replicas)
            try await first.crash()
            #expect(old.allSatisfy { isAlive($0.pid ?? 0) })
            try await meanwhile(first)
            first.recorder.state.withLock {
                $0.inRotation = [:]
                $0.attached = []
                $0.events = []
            }
            let second = Rig(first.directory, recorder: first.recorder, after)
            second.start()
            fixture.atEnd("stop") {
                await second.compute.stopAll()
                try await second.crash()
            }
            try await body(second, old)
            await second.compute.stopAll()
            #expect(try Directories.names(in: "\(second.directory)/run").isEmpty)
            #expect(
                second.recorder.state.withLock { $0.records.isEmpty && $0.inRotation.isEmpty && $0.attached.isEmpty })
        }
    }

    @Test("the same processes are in rotation again, and wait for no period of their probes")
    func same() async throws {
        let probe = ProbeTests.probe(.httpGet(path: "/\(Self.page)"), period: .seconds(8), success: 2)
        let specs = [
            service("web", Programs.httpd, replicas: 3, probes: Probes(readiness: probe)),
            service("plain", Programs.httpd),
        ]
        try await crashing(specs, specs) { rig, old in
            try await eventually("all are in rotation", within: .seconds(7)) { rig.recorder.endpoints.count == 4 }
            let now = await rig.compute.status().flatMap(\.replicas)
            #expect(now.map(\.pid) == old.map(\.pid) && now.map(\.address) == old.map(\.address))
            #expect(now.allSatisfy { $0.adopted && $0.current && $0.restarts == 0 && $0.state == .ready })
            #expect(rig.recorder.events("replica.started").isEmpty)
        }
    }

    private static let page = "aloft-compute-test-page"

    init() throws { try AtomicFile.write("hello".utf8, to: "/tmp/\(Self.page)") }

    @Test("one that ended meanwhile is started again, the end of an adopted one is noticed at once")
    func ended() async throws {
        let specs = [service("web", Programs.httpd, replicas: 2)]
        let killFirst: @Sendable (Rig) async throws -> Void = { rig in
            let record = rig.recorder.state.withLock { $0.records.values.first { $0.id.index == 1 } }
            kill(try #require(record).process.pid, SIGKILL)
            try await eventually("it is gone") { !isAlive(record?.process.pid ?? 0) }
        }
        try await crashing(specs, specs, killFirst) { rig, old in
            let first = try await rig.replica("web-1", "is started again") { $0.state == .ready }
            #expect(first.pid != old[0].pid && first.id.generation == 2)
            let second = try await rig.replica("web-2", "is adopted") { $0.state == .ready }
            #expect(second.pid == old[1].pid)
            kill(try #require(second.pid), SIGKILL)
            _ = try await rig.replica("web-2", "is started again") { $0.state == .ready && $0.pid != second.pid }
        }
    }

    @Test("a replica of an older file is replaced only once its successor is ready")
    func outdated() async throws {
        var changed = service("web", Programs.httpd, replicas: 2, minAvailable: 2)
        changed.environment = [EnvironmentVariable(name: "NEW", value: Template("yes"))]
        try await crashing([service("web", Programs.httpd, replicas: 2, minAvailable: 2)], [changed]) { rig, old in
            try await eventually("both are in rotation") { rig.recorder.endpoints.count == 2 }
            rig.recorder.watchMinimum()
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            let now = await rig.compute.status().flatMap(\.replicas).filter { $0.state == .ready }
            #expect(Set(now.map(\.pid)).isDisjoint(with: old.map(\.pid)))
            // A port that a neighbour took first costs one more process.
            #expect(now.allSatisfy { $0.current && $0.id.generation >= 2 })
            #expect((rig.recorder.fewest ?? 0) >= 2)
        }
    }

    @Test("a service that the file has no more is stopped, surplus replicas too")
    func removed() async throws {
        let before = [service("web", Programs.httpd, replicas: 2), service("old", Programs.httpd)]
        try await crashing(before, [service("web", Programs.httpd, replicas: 1)]) { rig, old in
            try await eventually("two are gone") { old.filter { isAlive($0.pid ?? 0) }.count == 1 }
            let kept = try await rig.replica("web-1", "is adopted") { $0.state == .ready }
            #expect(kept.pid == old.first { $0.id.name == "web-1" }?.pid)
            try await eventually("the old service is forgotten") { await rig.compute.status().map(\.name) == ["web"] }
        }
    }

    @Test("a process that no record tells of is ended, and what it printed is read", arguments: [true, false])
    func unrecorded(cgroups: Bool) async throws {
        try await withFixture { fixture in
            let script = Programs.shell("echo precious; sleep 1006 & exec sleep 1007")
            let first = Rig(try fixture.directory(), [service("web", script)], cgroups: cgroups)
            first.start()
            let pid = try #require(try await first.replica("web-1", "runs") { $0.pid != nil }.pid)
            try await eventually("it printed") {
                try readSpool("\(first.directory)/run/web-1.1/stdout") == "precious\n"
            }
            try await first.crash()
            first.recorder.state.withLock {
                $0.records = [:]
                $0.attached = []
                $0.output = [:]
            }
            let second = Rig(first.directory, recorder: first.recorder, [], cgroups: cgroups)
            second.start()
            try await eventually("it is gone") { !isAlive(pid) }
            let id = ReplicaID(service: "web", index: 1, generation: 1)
            try await eventually("its output was read") {
                first.recorder.state.withLock { $0.output[id] == "precious\n" }
            }
            try await eventually("nothing is left") { try Directories.names(in: "\(first.directory)/run").isEmpty }
            await second.compute.stopAll()
            try await second.crash()
        }
    }

    @Test("stopAll without a run stops what an earlier daemon left")
    func stopWithoutRun() async throws {
        try await withFixture { fixture in
            let first = Rig(try fixture.directory(), [service("web", Programs.httpd, replicas: 2)])
            first.start()
            #expect(await first.compute.settled(within: .seconds(20)))
            let pids = await first.compute.status().flatMap(\.replicas).compactMap(\.pid)
            try await first.crash()
            #expect(pids.filter(isAlive).count == 2)
            let second = Rig(first.directory, recorder: first.recorder, [])
            await second.compute.stopAll()
            #expect(pids.filter(isAlive).isEmpty && first.recorder.state.withLock { $0.records.isEmpty })
        }
    }
}
