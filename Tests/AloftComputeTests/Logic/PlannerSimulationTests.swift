import AloftModel
import AloftSystem
import Testing

@testable import AloftCompute

/// A world in which processes get ready, crash and end as dice say, and a planner that is asked after each thing.
private struct World {
    var random: Dice
    var desired = 3
    let minAvailable = 2
    var epoch = 0
    var processes: [(process: ServicePlanner.Process, epoch: Int)] = []
    var slots: [Int: ServicePlanner.Slot] = [:]
    var generations: [Int: Int] = [:]
    var now = MonotonicTime(nanoseconds: 0)
    /// The fewest that stops alone would have left in rotation.
    var broken: [String] = []

    var facts: [ServicePlanner.Process] {
        processes.map { entry in
            var process = entry.process
            process.isCurrent = entry.epoch == epoch
            return process
        }
    }

    var ready: Int { processes.count { $0.process.condition == .ready } }

    mutating func plan() -> ServicePlanner.Decision {
        let decision = ServicePlanner.decide(
            sets: [.init(wanted: Array(1...desired), processes: facts, slots: slots)], minAvailable: minAvailable,
            now: now)
        for action in decision.actions {
            let before = ready
            switch action {
            case .start(let index, _): start(index)
            case .stop(let id, let reason): stop(id, reason, before)
            }
        }
        return decision
    }

    private mutating func start(_ index: Int) {
        let live = processes.filter { $0.process.id.index == index && $0.process.isLive }
        if live.count > 1 { broken.append("a third process of index \(index)") }
        generations[index, default: 0] += 1
        let id = ReplicaID(service: "web", index: index, generation: generations[index] ?? 0)
        processes.append((ServicePlanner.Process(id: id, condition: .unready), epoch))
    }

    private mutating func stop(_ id: ReplicaID, _ reason: ServicePlanner.Reason, _ before: Int) {
        guard let place = processes.firstIndex(where: { $0.process.id == id }) else {
            broken.append("stops \(id), which is not there")
            return
        }
        let process = processes[place].process
        if process.condition == .stopping || process.condition == .ended { broken.append("stops \(id) twice") }
        let patient = process.condemnedSince.map { now - $0 < ServicePlanner.patience } ?? true
        if process.condition == .ready, before <= minAvailable, patient {
            broken.append("stops \(id) (\(reason)) with \(before) in rotation")
        }
        processes[place].process.condition = .stopping
    }

    /// One thing that happens to one process.
    mutating func happen(crashes: Bool) {
        guard let place = processes.indices.randomElement(using: &random) else { return }
        let dice = Int.random(in: 0..<10, using: &random)
        switch processes[place].process.condition {
        case .unready where dice < 6: processes[place].process.condition = .ready
        case .ready where crashes && dice == 0: processes[place].process.condition = .unready
        case .ready where crashes && dice == 1: processes[place].process.condemnedSince = now
        case .ready where crashes && dice == 2, .unready where crashes && dice == 9:
            processes[place].process.condition = .ended
            slots[processes[place].process.id.index] = .init(notBefore: now + .seconds(2))
        case .stopping, .ended: processes.remove(at: place)
        default: break
        }
    }
}

@Suite("Service planner in a world of chance")
struct PlannerSimulationTests {
    @Test("keeps minAvailable through crashes, restarts and scaling, and settles when they end", arguments: 0..<40)
    func invariants(round: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var world = World(random: Dice(state: seed))
        for step in 0..<300 {
            if step % 90 == 40 { world.epoch += 1 }
            if step % 70 == 50 { world.desired = Int.random(in: 2...5, using: &world.random) }
            world.happen(crashes: true)
            world.now = world.now + .milliseconds(500)
            _ = world.plan()
        }
        var settled = false
        for _ in 0..<2000 where !settled {
            world.happen(crashes: false)
            world.now = world.now + .milliseconds(500)
            settled = world.plan().isSettled
        }
        #expect(world.broken.isEmpty, "seed \(seed): \(world.broken)")
        #expect(settled, "seed \(seed): \(world.facts)")
        #expect(world.ready == world.desired, "seed \(seed)")
    }
}
