import AloftModel
import AloftSystem
import Testing

@testable import AloftCompute

@Suite("Service planner")
struct ServicePlannerTests {
    typealias Process = ServicePlanner.Process
    typealias Action = ServicePlanner.Action

    private let now = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func process(
        _ index: Int, _ generation: Int = 1, _ condition: Process.Condition = .ready, current: Bool = true,
        condemned: Duration? = nil
    ) -> Process {
        Process(
            id: id(index, generation), condition: condition, isCurrent: current,
            condemnedSince: condemned.map { now.advanced(by: .zero - $0) })
    }

    private func id(_ index: Int, _ generation: Int = 1) -> ReplicaID {
        ReplicaID(service: "web", index: index, generation: generation)
    }

    private func decide(
        _ desired: Int, min minAvailable: Int = 0, _ processes: [Process], slots: [Int: ServicePlanner.Slot] = [:]
    ) -> ServicePlanner.Decision {
        ServicePlanner.decide(
            sets: [.init(wanted: Array(1..<desired + 1), processes: processes, slots: slots)],
            minAvailable: minAvailable, now: now)
    }

    @Test("starts all that are missing, at once")
    func starts() {
        #expect(decide(3, []).actions == [.start(index: 1), .start(index: 2), .start(index: 3)])
        #expect(decide(2, [process(1), process(2)]) == ServicePlanner.Decision())
    }

    @Test("waits for the back-off and says until when")
    func backsOff() {
        let slots = [1: ServicePlanner.Slot(notBefore: now + .seconds(4)), 2: .init(notBefore: now + .seconds(2))]
        let decision = decide(2, [], slots: slots)
        #expect(decision.actions.isEmpty && decision.nextWake == now + .seconds(2) && !decision.isSettled)
        #expect(decide(1, [], slots: [1: .init(notBefore: now)]).actions == [.start(index: 1)])
    }

    @Test("leaves alone what has ended for good")
    func finished() {
        #expect(decide(1, [], slots: [1: .init(isFinished: true)]) == ServicePlanner.Decision())
    }

    @Test("does not start beside one that ended by itself until its remains are gone; beside one told to stop it does")
    func remains() {
        #expect(decide(1, [process(1, 1, .ended)]).actions.isEmpty)
        #expect(decide(1, [process(1, 1, .stopping)]).actions == [.start(index: 1)])
        #expect(decide(1, [process(1, 1, .stopping, condemned: .zero)]).actions.isEmpty)
    }

    @Test("scaling down stops the highest, those out of rotation first, and keeps minAvailable")
    func scaleDown() {
        let processes = [process(1), process(2, 1, .unready), process(3), process(4, 1, .unready), process(5)]
        #expect(
            decide(2, min: 2, processes).actions == [.stop(id(4), .scaledDown), .stop(id(5), .scaledDown)])
        #expect(
            decide(2, processes).actions
                == [.stop(id(4), .scaledDown), .stop(id(5), .scaledDown), .stop(id(3), .scaledDown)])
        #expect(decide(0, min: 2, processes).actions.count == 5)
    }

    @Test("outdated: out of rotation stops at once, in rotation one at a time gets a successor")
    func outdated() {
        let old = (1...3).map { process($0, 1, .ready, current: false) }
        #expect(decide(3, min: 3, old).actions == [.start(index: 1)])
        #expect(decide(1, [process(1, 1, .unready, current: false)]).actions == [.stop(id(1), .outdated)])
        #expect(decide(1, [process(1, 1, .adopting, current: false)]).actions.isEmpty)
    }

    @Test("the old one stops once its successor is ready, and the next is replaced")
    func rolling() {
        let waiting = [process(1, 1, current: false), process(1, 2, .unready), process(2, 1, current: false)]
        #expect(decide(2, min: 2, waiting).actions.isEmpty)
        let ready = [process(1, 1, current: false), process(1, 2), process(2, 1, current: false)]
        #expect(decide(2, min: 2, ready).actions == [.stop(id(1, 1), .replaced)])
        let next = [process(1, 1, .stopping, current: false), process(1, 2), process(2, 1, current: false)]
        #expect(decide(2, min: 2, next).actions == [.start(index: 2)])
    }

    @Test("a successor that is outdated itself gives way; back to the old file it is the old one that stays")
    func changedAgain() {
        let stale = [process(1, 1, current: false), process(1, 2, .unready, current: false)]
        #expect(decide(1, stale).actions == [.stop(id(1, 2), .outdated)])
        let back = [process(1, 1), process(1, 2, .unready, current: false)]
        #expect(decide(1, back).actions == [.stop(id(1, 2), .outdated)])
    }

    @Test("unhealthy in rotation: in place where the others suffice, else a successor first, but not for ever")
    func condemned() {
        let others = [process(2), process(3)]
        #expect(
            decide(3, min: 2, [process(1, 1, condemned: .zero)] + others).actions == [.stop(id(1), .unhealthy)])
        let tight = decide(3, min: 3, [process(1, 1, condemned: .zero)] + others)
        #expect(tight.actions == [.start(index: 1)] && tight.nextWake == now + ServicePlanner.patience)
        #expect(
            decide(3, min: 3, [process(1, 1, condemned: .seconds(30))] + others).actions
                == [.stop(id(1), .unhealthy)])
        #expect(decide(1, min: 1, [process(1, 1, .unready, condemned: .zero)]).actions == [.stop(id(1), .unhealthy)])
    }

    @Test("two unhealthy at once are not stopped at once")
    func twoCondemned() {
        let processes = [process(1, 1, condemned: .zero), process(2, 1, condemned: .zero), process(3)]
        let actions = decide(3, min: 1, processes).actions
        #expect(actions == [.stop(id(1), .unhealthy), .start(index: 2)])
    }

    @Test("an unhealthy one with an unready successor waits for it, at most for its patience")
    func condemnedWithSuccessor() {
        let young = [process(1, 1, condemned: .seconds(1)), process(1, 2, .unready)]
        #expect(decide(1, min: 1, young).actions.isEmpty)
        #expect(decide(1, min: 1, young).nextWake == now + .seconds(29))
        let old = [process(1, 1, condemned: .seconds(31)), process(1, 2, .unready)]
        #expect(decide(1, min: 1, old).actions == [.stop(id(1, 1), .unhealthy)])
    }
}
