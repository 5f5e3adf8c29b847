import AloftModel
import AloftSystem
import Testing

@testable import AloftCompute

@Suite("Service planner with two sets")
struct ReplicaSetPlannerTests {
    typealias Process = ServicePlanner.Process
    typealias ReplicaSet = ServicePlanner.ReplicaSet

    private let now = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func id(_ index: Int, _ generation: Int) -> ReplicaID {
        ReplicaID(service: "web", index: index, generation: generation)
    }

    /// A set whose replicas, from index 1, are in these conditions; its release is their generation.
    private func set(
        _ release: Int, _ desired: Int, _ conditions: [Process.Condition], inRotation: Bool = true,
        leaving: Bool = false
    ) -> ReplicaSet {
        ReplicaSet(
            release: release, wanted: Array(1..<desired + 1),
            processes: conditions.enumerated().map { Process(id: id($0 + 1, release), condition: $1) },
            isInRotation: inRotation, isLeaving: leaving)
    }

    private func decide(_ sets: [ReplicaSet], min minAvailable: Int, ending: Bool = false) -> ServicePlanner.Decision {
        ServicePlanner.decide(sets: sets, minAvailable: minAvailable, isEnding: ending, now: now)
    }

    @Test("a second set is started beside the first, which stays as it is")
    func second() {
        let decision = decide([set(1, 3, [.ready, .ready, .ready]), set(2, 2, [])], min: 3)
        #expect(decision.actions == [.start(index: 1, release: 2), .start(index: 2, release: 2)])
        #expect(decision.unsettled == [2])
    }

    @Test("a canary in rotation counts: for each of its replicas one of stable may go")
    func canaryCounts() {
        let stable = set(1, 1, [.ready, .ready, .ready])
        #expect(decide([stable, set(2, 2, [.unready, .unready])], min: 3).actions.isEmpty)
        #expect(
            decide([stable, set(2, 2, [.ready, .unready])], min: 3).actions == [.stop(id(3, 1), .scaledDown)])
        #expect(
            decide([stable, set(2, 2, [.ready, .ready])], min: 3).actions
                == [.stop(id(3, 1), .scaledDown), .stop(id(2, 1), .scaledDown)])
    }

    @Test("a set that is sent no requests does not count, and its own replicas may go at any time")
    func shadow() {
        let green = set(2, 3, [.ready, .ready, .ready], inRotation: false)
        #expect(decide([set(1, 1, [.ready, .ready, .ready]), green], min: 3).actions.count == 2)
        #expect(decide([set(1, 3, [.ready, .ready, .unready]), green], min: 3).actions.isEmpty)
        let shadow = set(0, 0, [.ready, .ready], inRotation: false)
        #expect(decide([shadow, set(1, 2, [.ready, .ready, .ready])], min: 2).actions.count == 3)
        let leaving = set(2, 3, [.ready, .adopting, .unready], inRotation: false, leaving: true)
        #expect(decide([set(1, 3, [.ready, .ready, .unready]), leaving], min: 3).actions.count == 3)
    }

    @Test("a set that leaves gives its replicas as the others get ready, and is settled once its last has ended")
    func leaving() {
        let old = set(1, 2, [.ready, .ready], leaving: true)
        #expect(decide([old, set(2, 2, [.unready, .unready])], min: 2).actions.isEmpty)
        #expect(decide([old, set(2, 2, [.ready, .unready])], min: 2).actions == [.stop(id(2, 1), .retired)])
        let both = decide([old, set(2, 2, [.ready, .ready])], min: 2)
        #expect(both.actions == [.stop(id(2, 1), .retired), .stop(id(1, 1), .retired)])
        let draining = decide([set(1, 0, [.stopping], leaving: true), set(2, 1, [.ready])], min: 1)
        #expect(draining.actions.isEmpty && draining.unsettled == [1])
        #expect(decide([set(1, 0, [], leaving: true), set(2, 1, [.ready])], min: 1).isSettled)
    }

    @Test("scaled to zero is an end in order: everything stops, and nothing is settled; then it is")
    func zero() {
        let going = decide([set(1, 0, [.ready, .unready])], min: 1)
        #expect(going.actions == [.stop(id(2, 1), .scaledDown), .stop(id(1, 1), .scaledDown)])
        #expect(!going.isSettled)
        #expect(decide([set(1, 0, [.stopping])], min: 1) == ServicePlanner.Decision())
        #expect(decide([set(1, 0, [])], min: 1) == ServicePlanner.Decision())
    }

    @Test("stable at zero while another is to be there: its replicas wait for those of the other")
    func handOver() {
        let stable = set(1, 0, [.ready, .ready])
        #expect(decide([stable, set(2, 2, [.unready, .unready])], min: 1).actions == [.stop(id(2, 1), .scaledDown)])
        #expect(decide([stable, set(2, 2, [.ready, .unready])], min: 1).actions.count == 2)
    }

    @Test("two sets that could each spare one spare one together")
    func together() {
        let sets = [set(1, 1, [.ready, .ready]), set(2, 1, [.ready, .ready]), set(3, 1, [.unready])]
        let actions = decide(sets, min: 3).actions
        #expect(actions == [.stop(id(2, 1), .scaledDown)])
    }

    @Test("one successor at a time, whichever set it is in")
    func successors() {
        var sets = [set(1, 1, [.ready]), set(2, 1, [.ready])]
        for index in sets.indices { sets[index].processes[0].isCurrent = false }
        #expect(decide(sets, min: 1).actions == [.start(index: 1, release: 1)])
    }

    @Test("indexes need not be without gaps")
    func gaps() {
        let gapped = ReplicaSet(
            release: 1, wanted: [1, 3], processes: [1, 2, 3].map { Process(id: id($0, 1), condition: .ready) })
        #expect(decide([gapped], min: 2).actions == [.stop(id(2, 1), .scaledDown)])
    }

    @Test("the end of the service heeds nothing")
    func ending() {
        let actions = decide([set(1, 2, [.ready, .adopting]), set(2, 1, [.ready])], min: 3, ending: true).actions
        #expect(actions.count == 3)
    }
}

@Suite("Facts of a set")
struct SetFactsTests {
    private func facts(_ count: Int) -> SetFacts {
        SetFacts(ServiceTarget(spec: service("web", ["x"]), release: 1), desired: count, host: [:])
    }

    @Test("the ones that are not ready go first, then the highest; what comes takes the lowest that are free")
    func resize() {
        var set = facts(4)
        set.resize(to: 2, ready: [1, 3, 4])
        #expect(set.wanted == [1, 3])
        set.resize(to: 4, ready: [1, 3])
        #expect(set.wanted == [1, 2, 3, 4])
        set.resize(to: 0, ready: [1, 2, 3, 4])
        #expect(set.wanted.isEmpty)
        set.resize(to: 1, ready: [])
        #expect(set.wanted == [1])
    }

    @Test("after a crash a set goes on with the indexes it had")
    func keep() {
        var set = facts(2)
        set.keep([1, 3, 7])
        #expect(set.wanted == [1, 3])
        set = facts(3)
        set.keep([3])
        #expect(set.wanted == [1, 2, 3])
    }

    @Test("bounds: schedules and idleness reach further than the file's two numbers")
    func reach() throws {
        var scaling = ScalingSpec(minReplicas: 2, maxReplicas: 5, minAvailable: 1)
        #expect(scaling.reach == 2...5)
        #expect(scaling.bounded(0) == 2 && scaling.bounded(9) == 5)
        scaling.idle = IdleSpec(after: .seconds(60))
        scaling.schedule = [
            ScalingSchedule(
                cron: try Schedule(parsing: "0 8 * * *"), minReplicas: 4, maxReplicas: 12, duration: nil)
        ]
        #expect(scaling.reach == 0...12)
        #expect(scaling.bounded(0) == 0 && scaling.bounded(1) == 2 && scaling.bounded(20) == 12)
    }
}
