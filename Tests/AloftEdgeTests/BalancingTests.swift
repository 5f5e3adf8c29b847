import AloftModel
import Testing

@testable import AloftEdge

@Suite("Balancing")
struct BalancingTests {
    private func rotation(_ count: Int) -> ServiceRotation {
        let rotation = ServiceRotation(name: "web")
        for index in 1...max(1, count) where count > 0 { rotation.admit(endpoint(index)) }
        return rotation
    }

    private func endpoint(_ index: Int, generation: Int = 1) -> Endpoint {
        Endpoint(replica: ReplicaID(service: "web", index: index, generation: generation), address: .port(4000 + index))
    }

    private var random: QuickRandom { QuickRandom(seed: 7) }

    @Test("nobody is chosen from an empty rotation")
    func empty() {
        var random = random
        #expect(rotation(0).pick(.roundRobin, client: 0, avoided: nil, now: 1, random: &random) == nil)
    }

    @Test("roundRobin takes each in turn")
    func roundRobin() {
        var random = random
        let rotation = rotation(3)
        let picked = (0..<6).map { _ in
            rotation.pick(.roundRobin, client: 0, avoided: nil, now: 1, random: &random)?.endpoint.replica.index
        }
        #expect(picked == [1, 2, 3, 1, 2, 3])
    }

    @Test("leastRequests never takes the busiest of three")
    func leastRequests() {
        var random = random
        let rotation = rotation(3)
        rotation.backends[1].underWay = 10
        for _ in 0..<200 {
            let picked = rotation.pick(.leastRequests, client: 0, avoided: nil, now: 1, random: &random)
            #expect(picked?.endpoint.replica.index != 2)
        }
    }

    @Test("leastRequests spreads evenly over equals")
    func even() {
        var random = random
        let rotation = rotation(4)
        var counts = [0, 0, 0, 0]
        for _ in 0..<8000 {
            let picked = rotation.pick(.leastRequests, client: 0, avoided: nil, now: 1, random: &random)
            counts[(picked?.endpoint.replica.index ?? 1) - 1] += 1
        }
        for count in counts { #expect((1800...2200).contains(count)) }
    }

    @Test("ewma prefers the quicker replica")
    func ewma() {
        var random = random
        let rotation = rotation(2)
        rotation.backends[0].load.add(200_000_000, now: 1)
        rotation.backends[1].load.add(2_000_000, now: 1)
        for _ in 0..<50 {
            let picked = rotation.pick(.ewma, client: 0, avoided: nil, now: 1, random: &random)
            #expect(picked?.endpoint.replica.index == 2)
        }
    }

    @Test("hash sends a client to the same replica, and moves few when one leaves")
    func consistentHash() {
        var random = random
        let rotation = rotation(5)
        func owner(_ client: UInt64) -> Int? {
            rotation.pick(.hash, client: PeerAddress.mix(client), avoided: nil, now: 1, random: &random)?
                .endpoint.replica.index
        }
        let before = (0..<5000).map { owner(UInt64($0)) }
        #expect((0..<5000).map { owner(UInt64($0)) } == before)
        _ = rotation.eject(endpoint(3).replica)
        var moved = 0
        for client in 0..<5000 where before[client] != 3 && owner(UInt64(client)) != before[client] { moved += 1 }
        #expect(moved == 0)
        #expect(before.filter { $0 == 3 }.count > 500)
    }

    @Test("a suspended replica is left out until its time is over, unless all are")
    func suspension() {
        var random = random
        let rotation = rotation(2)
        rotation.backends[0].suspendedUntil = 100
        for _ in 0..<20 {
            let picked = rotation.pick(.roundRobin, client: 0, avoided: nil, now: 50, random: &random)
            #expect(picked?.endpoint.replica.index == 2)
        }
        rotation.backends[1].suspendedUntil = 100
        #expect(rotation.pick(.leastRequests, client: 0, avoided: nil, now: 50, random: &random) != nil)
    }

    @Test("a retry goes to another replica while there is one")
    func avoidance() {
        var random = random
        let rotation = rotation(2)
        for balance in [ServiceRoute.Balance.roundRobin, .leastRequests, .ewma, .hash] {
            let picked = rotation.pick(
                balance, client: 9, avoided: rotation.backends[0], now: 1, random: &random)
            #expect(picked === rotation.backends[1])
        }
        let alone = self.rotation(1)
        #expect(alone.pick(.roundRobin, client: 0, avoided: alone.backends[0], now: 1, random: &random) != nil)
    }

    @Test("an ejected replica drains while requests are under way, and comes back with them")
    func draining() {
        let rotation = rotation(2)
        let leaving = rotation.backends[0]
        leaving.underWay = 1
        #expect(rotation.eject(leaving.endpoint.replica) === leaving)
        #expect(rotation.backends.count == 1 && rotation.draining.count == 1 && leaving.isDraining)
        rotation.admit(leaving.endpoint)
        #expect(rotation.backends.count == 2 && rotation.draining.isEmpty && !leaving.isDraining)
        #expect(rotation.eject(endpoint(9).replica) == nil)
    }
}

@Suite("RetryBudget")
struct RetryBudgetTests {
    @Test("a share of the last ten seconds' requests may be retried, and a few in any case")
    func share() {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.countRequest(second: 5) }
        let spent = (0..<50).filter { _ in budget.spend(share: Percent(20), second: 5) }.count
        #expect(spent == 20)
    }

    @Test("a quiet service may be retried three times a second")
    func free() {
        var budget = RetryBudget()
        let answers = (0..<5).map { _ in budget.spend(share: Percent(20), second: 1) }
        #expect(answers == [true, true, true, false, false])
        let next = budget.spend(share: Percent(20), second: 2)
        #expect(next)
    }

    @Test("requests older than ten seconds count no more, and a clock that goes back does no harm")
    func window() {
        var budget = RetryBudget()
        for _ in 0..<1000 { budget.countRequest(second: 5) }
        func allowed(at second: UInt64) -> Int {
            (0..<200).filter { _ in budget.spend(share: Percent(10), second: second) }.count
        }
        #expect(allowed(at: 14) == 100)
        #expect(allowed(at: 30) == 3)
        #expect(allowed(at: 29) <= 3)
    }
}
