import AloftModel
import AloftSystem
import AloftTestKit
import Testing

@testable import AloftCompute

/// A world in which processes get ready, crash and end as dice say, and a planner that is asked after each thing.
private struct World {
    var random: SplitMix
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
        var world = World(random: SplitMix(seed: seed))
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

/// Two sets of one service, of which one takes over from the other while everything that can go wrong does.
private struct TwoSets {
    var random: SplitMix
    let minAvailable = 2
    var sets = [
        ServicePlanner.ReplicaSet(release: 1, wanted: [1, 2, 3], processes: []),
        ServicePlanner.ReplicaSet(release: 2, wanted: [], processes: []),
    ]
    var generations: [Int: Int] = [:]
    var now = MonotonicTime(nanoseconds: 0)
    var broken: [String] = []

    /// In rotation in the sets that are sent requests, and how many of them are wanted.
    var ready: Int { count { $0.condition == .ready } }
    var asked: Int { sets.filter { $0.isInRotation && !$0.isLeaving }.reduce(0) { $0 + $1.wanted.count } }

    private func count(_ condition: (ServicePlanner.Process) -> Bool) -> Int {
        sets.filter(\.isInRotation).reduce(0) { $0 + $1.processes.count(where: condition) }
    }

    mutating func plan() -> ServicePlanner.Decision {
        let decision = ServicePlanner.decide(sets: sets, minAvailable: minAvailable, now: now)
        for action in decision.actions {
            switch action {
            case .start(let index, let release): start(index, release)
            case .stop(let id, let reason): stop(id, reason)
            }
        }
        return decision
    }

    private mutating func start(_ index: Int, _ release: Int) {
        generations[index, default: 0] += 1
        let id = ReplicaID(service: "web", index: index, generation: generations[index] ?? 0)
        guard let place = sets.firstIndex(where: { $0.release == release }), sets[place].wanted.contains(index) else {
            return broken.append("starts \(id) of release \(release), which nobody wants")
        }
        sets[place].processes.append(.init(id: id, condition: .unready))
    }

    private mutating func stop(_ id: ReplicaID, _ reason: ServicePlanner.Reason) {
        for set in sets.indices {
            guard let place = sets[set].processes.firstIndex(where: { $0.id == id }) else { continue }
            let process = sets[set].processes[place]
            let patient = process.condemnedSince.map { now - $0 < ServicePlanner.patience } ?? true
            if process.condition == .ready, sets[set].isInRotation, ready <= min(minAvailable, asked), patient {
                broken.append("stops \(id) (\(reason)) with \(ready) in rotation")
            }
            sets[set].processes[place].condition = .stopping
        }
    }

    /// One thing that happens to one process.
    mutating func happen(crashes: Bool) {
        let set = Int.random(in: 0...1, using: &random)
        guard let place = sets[set].processes.indices.randomElement(using: &random) else { return }
        let dice = Int.random(in: 0..<10, using: &random)
        let process = sets[set].processes[place]
        switch process.condition {
        case .unready where dice < 6: sets[set].processes[place].condition = .ready
        case .ready where crashes && dice == 0: sets[set].processes[place].condition = .unready
        case .ready where crashes && dice == 1: sets[set].processes[place].condemnedSince = now
        case .ready where crashes && dice == 2:
            sets[set].processes[place].condition = .ended
            sets[set].slots[process.id.index] = .init(notBefore: now + .seconds(2))
        case .stopping, .ended: sets[set].processes.remove(at: place)
        default: break
        }
    }

    /// Somebody changes a number, the traffic, or takes a set out.
    mutating func change() {
        let set = Int.random(in: 0...1, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: sets[set].isInRotation.toggle()
        case 1: sets[set].isLeaving.toggle()
        default: sets[set].wanted = Array(1..<Int.random(in: 1...5, using: &random))
        }
    }
}

extension PlannerSimulationTests {
    @Test("two sets keep what they must together, whatever is asked of them, and settle", arguments: 0..<40)
    func twoSets(round: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var world = TwoSets(random: SplitMix(seed: seed))
        for step in 0..<400 {
            if step % 25 == 20 { world.change() }
            world.happen(crashes: true)
            world.now = world.now + .milliseconds(500)
            _ = world.plan()
        }
        world.sets[0].isLeaving = true
        world.sets[1].isLeaving = false
        world.sets[1].isInRotation = true
        world.sets[1].wanted = [1, 2, 3]
        var settled = false
        for _ in 0..<3000 where !settled {
            world.happen(crashes: false)
            world.now = world.now + .milliseconds(500)
            settled = world.plan().isSettled
        }
        #expect(world.broken.isEmpty, "seed \(seed): \(world.broken)")
        #expect(settled, "seed \(seed): \(world.sets)")
        #expect(world.sets[0].processes.isEmpty, "seed \(seed)")
        #expect(world.sets[1].processes.count { $0.condition == .ready } == 3, "seed \(seed)")
    }
}
