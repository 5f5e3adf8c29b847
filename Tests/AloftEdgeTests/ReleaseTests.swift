import AloftHTTP
import AloftModel
import Testing

@testable import AloftEdge

@Suite("Releases")
struct ReleaseTests {
    private func rotation(stable: Int, canary: Int, share: Percent?, seed: UInt64 = 7) -> ServiceRotation {
        let rotation = ServiceRotation(name: "web")
        var random = QuickRandom(seed: seed)
        if let share { rotation.follow(TrafficSplit(stable: 1, canary: 2, canaryShare: share), random: &random) }
        for index in 0..<stable { rotation.admit(endpoint(index + 1, release: 1)) }
        for index in 0..<canary { rotation.admit(endpoint(index + 1, release: 2)) }
        return rotation
    }

    private func endpoint(_ index: Int, release: Int) -> Endpoint {
        Endpoint(
            replica: ReplicaID(service: "web", index: index, generation: release),
            address: .port(4000 + index + release * 100), release: release)
    }

    private func pick(
        _ rotation: ServiceRotation, _ lane: Lane = .any, avoided: Backend? = nil, random: inout QuickRandom
    ) -> Int? {
        rotation.pick(.leastRequests, lane: lane, client: 0, avoided: avoided, now: 10, random: &random)?
            .endpoint.release
    }

    @Test("a share is exact to one request a loop, for every start, share and number of loops")
    func exactShare() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = QuickRandom(seed: seed)
            let loops = 1 + random.below(16)
            let share = random.below(10_001)
            let rotations = (0..<loops).map { _ in
                rotation(stable: 2, canary: 1, share: Percent(basisPoints: share), seed: random.next())
            }
            var canary = 0
            let requests = 1 + random.below(3000)
            for _ in 0..<requests where pick(rotations[random.below(loops)], random: &random) == 2 { canary += 1 }
            let exact = Double(requests) * Double(share) / 10_000
            #expect(abs(Double(canary) - exact) < Double(loops) + 0.001, "seed \(seed), \(loops) loops, share \(share)")
        }
    }

    @Test("5% of 10 000 requests over two loops is 500, wherever they land")
    func fivePercent() {
        for seed in 1...100 as ClosedRange<UInt64> {
            var random = QuickRandom(seed: seed)
            let rotations = (0..<2).map { _ in rotation(stable: 1, canary: 1, share: Percent(5), seed: random.next()) }
            var canary = 0
            for _ in 0..<10_000 where pick(rotations[random.below(2)], random: &random) == 2 { canary += 1 }
            #expect((498...502).contains(canary), "seed \(seed)")
        }
    }

    @Test("loops start at different places, so that few requests each still add up")
    func startsDiffer() {
        var random = QuickRandom(seed: 3)
        var canary = 0
        for seed in 1...2000 as ClosedRange<UInt64> {
            let rotation = rotation(stable: 1, canary: 1, share: Percent(5), seed: PeerAddress.mix(seed))
            if pick(rotation, random: &random) == 2 { canary += 1 }
        }
        // 100 expected, standard deviation 9.7.
        #expect((71...129).contains(canary))
    }

    @Test("0% sends the canary nothing, 100% everything, and many small steps lose nothing")
    func ends() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 1, canary: 1, share: Percent(0))
        for _ in 0..<500 { #expect(pick(rotation, random: &random) == 1) }
        var canary = 0
        for step in 0..<10_000 {
            rotation.follow(
                TrafficSplit(stable: 1, canary: 2, canaryShare: Percent(basisPoints: step)), random: &random)
            if pick(rotation, random: &random) == 2 { canary += 1 }
        }
        #expect((4998...5001).contains(canary))
        rotation.follow(TrafficSplit(stable: 1, canary: 2, canaryShare: Percent(100)), random: &random)
        for _ in 0..<500 { #expect(pick(rotation, random: &random) == 2) }
    }

    @Test("who is on the canary at one share is on it at every larger one")
    func stickyGrows() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 1, canary: 1, share: Percent(0))
        var before: Set<UInt16> = []
        for share in [0, 100, 500, 2500, 5000, 9999, 10_000] {
            rotation.follow(
                TrafficSplit(stable: 1, canary: 2, canaryShare: Percent(basisPoints: share)), random: &random)
            var now: Set<UInt16> = []
            for slot in 0..<10_000 as Range<UInt16> where pick(rotation, .slot(slot), random: &random) == 2 {
                now.insert(slot)
            }
            #expect(now.count == share && before.isSubset(of: now))
            before = now
        }
    }

    @Test("a forced request goes where it asks, whatever the weights; nobody else reaches a release of weight 0")
    func forced() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 1, canary: 1, share: Percent(0))
        #expect(pick(rotation, .canary, random: &random) == 2 && pick(rotation, .stable, random: &random) == 1)
        _ = rotation.eject(endpoint(1, release: 1).replica)
        #expect(pick(rotation, random: &random) == nil && !rotation.isServing)
        #expect(pick(rotation, .canary, random: &random) == 2)
    }

    @Test("a release without usable replicas is stood in for by the other, unless that is a canary without a share")
    func fallback() {
        var random = QuickRandom(seed: 1)
        let early = rotation(stable: 1, canary: 0, share: Percent(90))
        for _ in 0..<50 { #expect(pick(early, random: &random) == 1) }
        #expect(pick(early, .canary, random: &random) == 1)
        let suspended = rotation(stable: 1, canary: 1, share: Percent(50))
        suspended.backends[1].suspendedUntil = 100
        for _ in 0..<50 { #expect(pick(suspended, random: &random) == 1) }
        suspended.backends[0].suspendedUntil = 100
        for _ in 0..<50 { #expect(pick(suspended, random: &random) != nil) }
        let third = ServiceRotation(name: "web")
        third.follow(TrafficSplit(stable: 1, canary: 2, canaryShare: Percent(50)), random: &random)
        third.admit(endpoint(1, release: 3))
        #expect(pick(third, random: &random) == nil && !third.isServing)
    }

    @Test("after the switch to the new release the old one, while it is there, answers where nobody else does")
    func fallbackAfterTheSwitch() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 2, canary: 2, share: Percent(100))
        for _ in 0..<50 { #expect(pick(rotation, random: &random) == 2) }
        let canaries = rotation.backends.filter { $0.endpoint.release == 2 }
        // What failed on one of the new ones is tried on the other one, then on the old release.
        #expect(pick(rotation, avoided: canaries[0], random: &random) == 2)
        for backend in canaries { backend.suspendedUntil = 100 }
        for _ in 0..<50 { #expect(pick(rotation, random: &random) == 1) }
        for backend in canaries { _ = rotation.eject(backend.endpoint.replica) }
        #expect(rotation.isServing)
        for lane in [Lane.any, .slot(0), .slot(9999), .canary] {
            for _ in 0..<50 { #expect(pick(rotation, lane, random: &random) == 1) }
        }
    }

    @Test("what failed on the canary is tried again on stable")
    func retry() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 1, canary: 2, share: Percent(80))
        for backend in rotation.backends {
            for lane in [Lane.any, .slot(0), .canary] where backend.endpoint.release == 2 {
                #expect(pick(rotation, lane, avoided: backend, random: &random) == 1)
            }
        }
        let onlyStable = rotation.backends[0]
        #expect(pick(rotation, avoided: onlyStable, random: &random) == 2)
    }

    @Test("without a split, and after one is taken back, all replicas are equal")
    func unsplit() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 1, canary: 1, share: Percent(0))
        rotation.follow(nil, random: &random)
        var releases: Set<Int> = []
        for _ in 0..<100 { if let release = pick(rotation, .slot(0), random: &random) { releases.insert(release) } }
        #expect(releases == [1, 2])
    }

    @Test("replicas of one name share the clients that hash to it")
    func twins() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 1, canary: 1, share: nil)
        var counts = [1: 0, 2: 0]
        for client in 0..<2000 as Range<UInt64> {
            let picked = rotation.pick(
                .hash, client: PeerAddress.mix(client), avoided: nil, now: 1, random: &random)
            counts[picked?.endpoint.release ?? 0, default: 0] += 1
        }
        #expect((counts[1] ?? 0) > 400 && (counts[2] ?? 0) > 400)
    }

    @Test("replicas may leave in any number while they are taken in turn")
    func shrinking() {
        var random = QuickRandom(seed: 1)
        let rotation = rotation(stable: 5, canary: 0, share: nil)
        for _ in 0..<4 { _ = rotation.pick(.roundRobin, client: 0, avoided: nil, now: 1, random: &random) }
        for index in 1...3 { _ = rotation.eject(endpoint(index, release: 1).replica) }
        for _ in 0..<4 {
            #expect(rotation.pick(.roundRobin, client: 0, avoided: nil, now: 1, random: &random) != nil)
        }
    }

    @Test("a release's counters stay when its replicas leave, and are forgotten an hour later or past the limit")
    func ledger() {
        let rotation = rotation(stable: 1, canary: 1, share: nil)
        for backend in rotation.backends {
            backend.requests = 10
            for _ in 0..<3 { backend.attemptFailed(isAnswered: false) }
            for _ in 0..<7 { backend.answered(200, after: 5_000_000, now: 1) }
        }
        let leaving = rotation.backends[0]
        leaving.underWay = 1
        _ = rotation.eject(leaving.endpoint.replica, now: 5)
        leaving.answered(200, after: 5_000_000, now: 1)
        leaving.underWay = 0
        rotation.forget(leaving, now: 6)
        rotation.forget(leaving, now: 7)
        rotation.admit(endpoint(1, release: 1))
        for _ in 0..<4 { rotation.backends.last?.answered(200, after: 5_000_000, now: 1) }
        // Under way, or given up by their clients: no result.
        rotation.backends.last?.requests = 9
        let rows = rotation.releaseRows()
        #expect(rows[1]?.requests == 15 && rows[1]?.failures == 3 && rows[1]?.digest.count == 12)
        #expect(rows[2]?.requests == 10)
        let hour: UInt64 = 3_600_000_000_000
        _ = rotation.eject(endpoint(1, release: 1).replica, now: 8)
        rotation.tidy(now: hour)
        #expect(rotation.releaseRows()[1]?.requests == 15)
        rotation.tidy(now: hour + 9)
        #expect(rotation.releaseRows()[1] == nil && rotation.releaseRows()[2] != nil)
        for release in 10..<200 { rotation.ledger.countMirror(release, isDropped: false, now: UInt64(release)) }
        rotation.tidy(now: 200)
        #expect(rotation.ledger.rows.count == ReleaseLedger.limit && rotation.ledger.rows[199] != nil)
    }
}

@Suite("Latency digest")
struct LatencyDigestTests {
    @Test("quantiles are within 9% of the exact ones")
    func accuracy() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var random = QuickRandom(seed: seed)
            var digest = LatencyDigest()
            var samples: [UInt64] = []
            for _ in 0..<(1 + random.below(5000)) {
                let sample = 131_072 + random.next() >> UInt64(28 + random.below(16))
                samples.append(sample)
                digest.add(nanoseconds: sample)
            }
            samples.sort()
            for fraction in [0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1] {
                let rank = max(1, Int((Double(samples.count) * fraction).rounded(.up)))
                let exact = Double(samples[rank - 1])
                let found = Double(digest.quantile(fraction)?.nanoseconds ?? 0)
                #expect(abs(found - exact) <= exact * 0.09, "seed \(seed), \(fraction)")
            }
        }
    }

    @Test("every duration has a bucket, and longer ones never an earlier one")
    func buckets() {
        var last = 0
        for bit in 0..<64 as Range<UInt64> {
            for step in 0..<8 as Range<UInt64> {
                let value = (1 << bit) + (bit >= 3 ? step << (bit - 3) : 0)
                let bucket = LatencyDigest.bucket(value)
                #expect(bucket >= last && bucket < LatencyDigest.buckets)
                last = bucket
            }
        }
        #expect(LatencyDigest.bucket(0) == 0 && last == LatencyDigest.buckets - 1)
    }

    @Test("an empty digest has no quantile; what was subtracted is gone and comes back merged")
    func arithmetic() {
        var early = LatencyDigest()
        #expect(early.quantile(0.5) == nil)
        early.add(.milliseconds(1))
        var late = early
        for _ in 0..<9 { late.add(.milliseconds(100)) }
        let added = late.subtracting(early)
        #expect(added.count == 9 && added.merging(early) == late && early.subtracting(late).count == 0)
        let median = added.quantile(0.5)?.milliseconds ?? 0
        #expect((91...109).contains(median))
    }
}

@Suite("Wishes of requests")
struct WishTests {
    private func lane(_ service: EdgeService, _ fields: String, peer: UInt8 = 1) throws -> Lane {
        let wishes = try #require(ReleaseWishes(service))
        var parser = RequestParser(limits: HeadLimits(headBytes: 16_384))
        var head = RequestHead()
        return Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8).withUnsafeBytes { bytes in
            guard case .complete = parser.parse(bytes, into: &head) else {
                Issue.record("not parsed: \(fields)")
                return .any
            }
            return wishes.lane(head, in: bytes) { PeerAddress(bytes: [10, 0, 0, peer]) }
        }
    }

    @Test("only the two words force, in one field or a sound cookie")
    func forced() throws {
        let service = EdgeService(name: "web", forceHeader: "X-Release", forceCookie: "rel")
        let cases: [(String, Lane)] = [
            ("", .any), ("x-release: canary\r\n", .canary), ("X-RELEASE: stable\r\n", .stable),
            ("X-Release: Canary\r\n", .any), ("X-Release: canary2\r\n", .any), ("X-Release:\r\n", .any),
            ("X-Release: canary\r\nX-Release: stable\r\n", .any), ("Cookie: rel=canary\r\n", .canary),
            ("Cookie: a=b; rel=\"stable\"; c=d\r\n", .stable), ("Cookie: xrel=canary\r\n", .any),
            ("Cookie: rel=can ary\r\n", .any), ("Cookie: rel=canary,x\r\n", .any), ("Cookie: ;;;=;rel\r\n", .any),
            ("Cookie: rel=\"canary\r\n", .any), ("Cookie: REL=canary\r\n", .any),
            ("Cookie: rel=stable; rel=canary\r\n", .stable), ("Cookie: a=\"x; rel=canary\"\r\n", .any),
            ("X-Release: stable\r\nCookie: rel=canary\r\n", .stable),
        ]
        for (fields, expected) in cases { #expect(try lane(service, fields) == expected, "\(fields)") }
    }

    @Test("a user's slot comes from the key alone, and from the address where there is none")
    func sticky() throws {
        let byCookie = EdgeService(name: "web", sticky: .cookie("sid"))
        let one = try lane(byCookie, "Cookie: sid=abc\r\n")
        #expect(try lane(byCookie, "Cookie: x=1; sid=abc\r\nUser-Agent: y\r\n", peer: 9) == one)
        #expect(try lane(byCookie, "Cookie: sid=abd\r\n") != one)
        let byAddress = try lane(EdgeService(name: "web", sticky: .address), "")
        for fields in [
            "", "Cookie: sid=\r\n", "Cookie: sid=a b\r\n", "Cookie: sid=\(String(repeating: "x", count: 4097))\r\n",
        ] {
            #expect(try lane(byCookie, fields) == byAddress)
        }
        let byHeader = EdgeService(name: "web", sticky: .header("X-User"))
        #expect(try lane(byHeader, "x-user: abc\r\n") == one)
        #expect(try lane(EdgeService(name: "api", sticky: .cookie("sid")), "Cookie: sid=abc\r\n") != one)
        // What is kept across restarts and releases of Aloft: this number must never change.
        #expect(one == .slot(8942))
    }

    @Test("users fall evenly over the scale")
    func even() throws {
        let service = EdgeService(name: "web", sticky: .header("X-User"))
        var below = 0
        for user in 0..<4000 {
            guard case .slot(let slot) = try lane(service, "X-User: user-\(user)\r\n") else { continue }
            if slot < 500 { below += 1 }
        }
        // 200 expected, standard deviation 13.8.
        #expect((159...241).contains(below))
    }
}
