import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Changes while services run", .serialized)
struct ChangeTests {
    private func pids(_ rig: Rig) async -> [String: Int32] {
        var pids: [String: Int32] = [:]
        for replica in await rig.compute.status().flatMap(\.replicas) where replica.state == .ready {
            pids[replica.id.name] = replica.pid
        }
        return pids
    }

    @Test(
        "a rolling restart replaces every process and never goes below minAvailable",
        arguments: [ServiceSpec.Listen.port, .unix])
    func rolling(listen: ServiceSpec.Listen) async throws {
        let command = listen == .port ? Programs.httpd : ProbeTests.server("/tmp")
        let spec = service("web", command, replicas: 3, minAvailable: 3, listen: listen)
        try await withRig([spec]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            let before = await pids(rig)
            rig.recorder.watchMinimum()
            try await rig.compute.restart("web")
            #expect(await rig.compute.settled("web", within: .seconds(20)), "\(rig.log)")
            let after = await pids(rig)
            #expect(before.count == 3 && after.count == 3 && Set(before.values).isDisjoint(with: after.values))
            #expect(rig.recorder.fewest == 3)
            try await eventually("the old ones are gone") { before.values.filter(isAlive).isEmpty }
        }
    }

    @Test("a replacement that never gets ready leaves the old replicas serving, and the next file mends it")
    func brokenReplacement() async throws {
        let good = service("web", Programs.httpd, replicas: 2)
        try await withRig([good]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let before = await pids(rig)
            await rig.compute.apply([service("web", Programs.shell("sleep 1008"), replicas: 2)])
            _ = try await rig.replica("web-1", "is being replaced") {
                $0.id.generation == 2 && $0.state == .probing && $0.reason?.contains("Connection refused") == true
            }
            #expect(await pids(rig) == before)
            #expect(await rig.compute.settled(within: .milliseconds(50)) == false)
            #expect(await rig.compute.status().first?.updating == true)
            await rig.compute.apply([service("web", ["./nothing"], replicas: 2)])
            _ = try await rig.replica("web-1", "failed") { _ in !rig.recorder.events("replica.failed").isEmpty }
            #expect(await pids(rig) == before)
            await rig.compute.apply([good])
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            #expect(await pids(rig) == before)
        }
    }

    @Test("apply leaves unchanged services alone, adds and removes others, and changes probes without a restart")
    func apply() async throws {
        try await withRig([service("a", Programs.httpd), service("b", Programs.httpd)]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let before = await pids(rig)
            let probes = Probes(readiness: ProbeTests.probe(.exec(["/bin/false"].map(template)), failure: 1))
            await rig.compute.apply([service("a", Programs.httpd, probes: probes), service("c", Programs.httpd)])
            let unready = try await rig.replica("a-1", "is unready") { $0.state == .unready }
            #expect(unready.pid == before["a-1"] && unready.reason == "exit code 1")
            await rig.compute.apply([service("a", Programs.httpd), service("c", Programs.httpd)])
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            let after = await pids(rig)
            #expect(after["a-1"] == before["a-1"] && after["c-1"] != nil && after["b-1"] == nil)
            try await eventually("b is gone") { await rig.compute.status().map(\.name) == ["a", "c"] }
            #expect(!isAlive(try #require(before["b-1"])))
        }
    }

    @Test("scale up and down within the bounds; what is refused says why")
    func scale() async throws {
        let spec = service("web", Programs.httpd, scaling: ScalingSpec(minReplicas: 1, maxReplicas: 4, minAvailable: 1))
        try await withRig([spec]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let first = await pids(rig)
            try await rig.compute.scale("web", to: 4)
            #expect(await rig.compute.settled(within: .seconds(20)))
            #expect(rig.recorder.endpoints.map(\.replica.name) == ["web-1", "web-2", "web-3", "web-4"])
            try await rig.compute.scale("web", to: 1)
            try await eventually("three are gone") { await rig.compute.status().first?.replicas.count == 1 }
            #expect(await pids(rig) == first)
            await #expect(throws: ComputeError.outOfBounds(service: "web", asked: 5, minReplicas: 1, maxReplicas: 4)) {
                try await rig.compute.scale("web", to: 5)
            }
            await #expect(throws: ComputeError.unknownService("wob", known: ["web"])) {
                try await rig.compute.restart("wob")
            }
        }
    }

    @Test("a hundred reloads in a row leave an unchanged replica alone")
    func reloads() async throws {
        let spec = service("web", Programs.httpd)
        try await withRig([spec]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let before = await pids(rig)
            for round in 0..<100 {
                await rig.compute.apply([spec, service("other", Programs.httpd, replicas: round % 2)])
            }
            await rig.compute.apply([spec])
            try await eventually("only web is left") { await rig.compute.status().map(\.name) == ["web"] }
            #expect(await pids(rig) == before)
        }
    }
}
