import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Adoption of sets after a crash of the daemon", .serialized)
struct SetAdoptionTests {
    /// Runs two sets, crashes the daemon, and gives what is left to a second one that was told of `targets`.
    private func crashing(
        _ initial: ServiceTarget = SetTests.target(1, 2, minAvailable: 2),
        before: @Sendable (Rig) async throws -> Void, _ primary: ServiceTarget,
        _ others: [(target: ServiceTarget, desired: Int)],
        _ body: @Sendable (Rig, [ReplicaStatus]) async throws -> Void
    ) async throws {
        try await withFixture { fixture in
            let first = Rig(try fixture.directory(), targets: [initial])
            first.start()
            fixture.atEnd("stop what a failure left") {
                try await first.crash()
                await Rig(first.directory, recorder: first.recorder, targets: []).compute.stopAll()
            }
            #expect(await first.compute.settled(within: .seconds(20)), "\(first.log)")
            try await before(first)
            let old = await first.compute.status().flatMap(\.replicas)
            try await first.crash()
            first.recorder.state.withLock {
                $0.inRotation = [:]
                $0.attached = []
                $0.events = []
            }
            let second = Rig(first.directory, recorder: first.recorder, targets: [primary])
            for other in others { try await second.compute.start(other.target, desired: other.desired) }
            second.start()
            fixture.atEnd("stop") {
                await second.compute.stopAll()
                try await second.crash()
            }
            try await body(second, old)
            await second.compute.stopAll()
            #expect(try Directories.names(in: "\(second.directory)/run").isEmpty)
        }
    }

    private static let twoSets: @Sendable (Rig) async throws -> Void = { rig in
        try await rig.compute.start(SetTests.target(2), desired: 2)
        #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
    }

    @Test("both sets are found again, each replica in its release")
    func both() async throws {
        let primary = SetTests.target(1, 2, minAvailable: 2)
        try await crashing(before: Self.twoSets, primary, [(SetTests.target(2), 2)]) { rig, old in
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            let sets = await rig.compute.sets("web")
            #expect(sets.map(\.release) == [1, 2] && sets.map(\.ready) == [2, 2])
            for set in sets {
                let pids = Set(old.filter { $0.release == set.release }.map(\.pid))
                #expect(Set(set.replicas.map(\.pid)) == pids && pids.count == 2)
            }
            #expect(rig.recorder.endpoints.map(\.release).sorted() == [1, 1, 2, 2])
            #expect(rig.recorder.events("replica.started").isEmpty)
            try await rig.compute.restart("web")
            #expect(await rig.compute.settled(within: .seconds(20)))
            try await eventually("four others run") {
                let names = await rig.compute.sets("web").flatMap(\.replicas).map(\.id)
                return Set(names).count == 4 && names.allSatisfy { $0.generation > 2 }
            }
        }
    }

    @Test("replicas of a release that nobody names are stopped; the named one is left alone")
    func unnamed() async throws {
        try await crashing(before: Self.twoSets, SetTests.target(1, 2, minAvailable: 2), []) { rig, old in
            try await eventually("those of release 2 are gone") {
                old.filter { $0.release == 2 }.allSatisfy { !isAlive($0.pid ?? 0) }
            }
            try await eventually("only one set is left") { await rig.compute.sets("web").map(\.release) == [1] }
            #expect(await rig.compute.settled(within: .seconds(20)))
            let now = await rig.compute.sets("web").flatMap(\.replicas)
            #expect(Set(now.map(\.pid)) == Set(old.filter { $0.release == 1 }.map(\.pid)))
        }
    }

    @Test("records without a release belong to the set that they fit")
    func withoutRelease() async throws {
        let forget: @Sendable (Rig) async throws -> Void = { rig in
            try await Self.twoSets(rig)
            rig.recorder.state.withLock { state in
                for id in state.records.keys { state.records[id]?.release = 0 }
            }
        }
        let primary = SetTests.target(2, 2, minAvailable: 2)
        try await crashing(before: forget, primary, [(SetTests.target(1), 2)]) { rig, old in
            #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
            for set in await rig.compute.sets("web") {
                let pids = Set(old.filter { $0.release == set.release }.map(\.pid))
                #expect(Set(set.replicas.map(\.pid)) == pids)
            }
            try await eventually("it is written down") {
                rig.recorder.state.withLock { Set($0.records.values.map(\.release)) == [1, 2] }
            }
        }
    }

    @Test("a restart that was under way goes on")
    func restart() async throws {
        try await withFixture { fixture in
            let flag = "\(try fixture.directory())/hold"
            var target = SetTests.target(1, 2, minAvailable: 2)
            let script = "while [ -e \(flag) ]; do sleep 0.05; done; exec busybox httpd -f -p 127.0.0.1:$PORT"
            target.spec.command = Programs.shell(script).map { Template($0) }
            try await crashing(
                target,
                before: { rig in
                    try AtomicFile.write("".utf8, to: flag)
                    try await rig.compute.restart("web")
                    try await eventually("it is written down") {
                        rig.recorder.state.withLock { $0.records.values.count { $0.restartAsked } == 2 }
                    }
                    #expect(unlink(flag) == 0)
                }, target, []
            ) { rig, old in
                try await eventually("both are in rotation") { rig.recorder.endpoints.count >= 2 }
                rig.recorder.watchMinimum()
                #expect(await rig.compute.settled(within: .seconds(20)), "\(rig.log)")
                let first = old.filter { $0.id.generation == 1 }.compactMap(\.pid)
                try await eventually("none of the old ones runs") { first.allSatisfy { !isAlive($0) } }
                #expect((rig.recorder.fewest ?? 0) >= 2)
                try await eventually("no restart is due any more") {
                    rig.recorder.state.withLock { state in
                        state.records.values.allSatisfy { !$0.restartAsked && $0.id.generation > 1 }
                    }
                }
            }
        }
    }
}
