import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

extension Live {
    @Suite("releases")
    struct SplitTests {
        private func split(_ share: Int) -> TrafficSplit {
            TrafficSplit(stable: 1, canary: 2, canaryShare: Percent(share))
        }

        private func replica(_ text: String, status: String = "200 OK") throws -> Upstream {
            try Upstream { wire in
                while let head = try wire.read(through: "\r\n\r\n") {
                    _ = try wire.body(of: head)
                    try wire.send(reply(text, status: status))
                }
            }
        }

        private func counts(_ rig: Rig, _ release: Int) -> EdgeStatistics.ReleaseCounts {
            rig.statistics().releases.first { $0.service == "web" && $0.release == release }
                ?? EdgeStatistics.ReleaseCounts(service: "web", release: release)
        }

        @Test("a split of 5% holds over kept-alive connections, before replicas and across reloads")
        func share() async throws {
            try await live { rig in
                rig.split(self.split(5))
                let (old, new) = (try self.replica("old"), try self.replica("new"))
                defer {
                    old.close()
                    new.close()
                }
                rig.admit(old, release: 1)
                rig.admit(new, 2, release: 2)
                _ = try rig.apply(Plan())
                let wires = try (0..<8).map { _ in try rig.connect() }
                var canary = 0
                for number in 0..<2000 {
                    let wire = wires[number % 8]
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    if try wire.answer().text == "new" { canary += 1 }
                }
                for wire in wires { wire.close() }
                #expect((98...102).contains(canary))
                #expect(self.counts(rig, 2).requests == UInt64(canary))
                #expect(self.counts(rig, 1).requests == UInt64(2000 - canary))
                #expect(self.counts(rig, 2).latency.count == UInt64(canary))
            }
        }

        @Test("the split moves under load while replicas come and go: every request is answered")
        func underLoad() async throws {
            try await live { rig in
                let old = try (0..<2).map { _ in try self.replica("old") }
                let new = try (0..<2).map { _ in try self.replica("new") }
                defer { for upstream in old + new { upstream.close() } }
                for (index, upstream) in old.enumerated() { rig.admit(upstream, index + 1, release: 1) }
                rig.split(self.split(0))
                let total = 600
                let requests = Array(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: total).utf8)
                let wires = try (0..<6).map { _ in try rig.connect() }
                let senders = wires.map { Sender($0, requests) }
                let steps = Mutex(0)
                let mover = Thread {
                    for step in 0..<60 {
                        let ids = new.enumerated().map { rig.admit($1, $0 + 10, release: 2) }
                        for share in [1, 25, 50, 100, 30, 0] { rig.split(self.split(share)) }
                        for id in ids { rig.edge.eject(id) }
                        steps.withLock { $0 = step + 1 }
                    }
                }
                mover.start()
                var texts: [String: Int] = [:]
                for wire in wires {
                    for _ in 0..<total {
                        let answer = try wire.answer()
                        #expect(answer.status == 200)
                        texts[answer.text, default: 0] += 1
                    }
                }
                for sender in senders { try sender.finish() }
                try eventually("the split has moved sixty times") { steps.withLock { $0 } == 60 }
                for wire in wires { wire.close() }
                #expect(texts["old", default: 0] + texts["new", default: 0] == 6 * total)
                #expect(self.counts(rig, 1).requests == UInt64(texts["old", default: 0]))
                #expect(self.counts(rig, 2).requests == UInt64(texts["new", default: 0]))
                #expect(self.counts(rig, 1).failures == 0 && self.counts(rig, 2).failures == 0)
            }
        }

        @Test("force and stickiness hold over sockets; the mark of copies is taken from clients")
        func wishes() async throws {
            var plan = Plan()
            plan.described = [
                EdgeService(name: "web", sticky: .cookie("sid"), forceHeader: "X-Release", forceCookie: "rel")
            ]
            try await live(plan) { rig in
                let old = try Upstream { head, _ in reply("old \(head.lowercased().contains("x-aloft-mirror"))") }
                let new = try Upstream { _, _ in reply("new") }
                defer {
                    old.close()
                    new.close()
                }
                rig.admit(old, release: 1)
                rig.admit(new, 2, release: 2)
                rig.split(self.split(0))
                #expect(try rig.get("/", fields: "x-aloft-mirror: 1\r\nX-Aloft-Mirrox: 1\r\n").text == "old false")
                #expect(try rig.get("/", fields: "X-Release: canary\r\n").text == "new")
                #expect(try rig.get("/", fields: "Cookie: a=b; rel=canary\r\n").text == "new")
                rig.split(self.split(50))
                #expect(try rig.get("/", fields: "X-Release: stable\r\n").text == "old false")
                for user in 0..<40 {
                    let answers = try (0..<3).map { _ in
                        try rig.get("/", fields: "Cookie: sid=\(user)\r\n").text
                    }
                    #expect(Set(answers).count == 1)
                }
            }
        }

        @Test("a canary that refuses, breaks off or answers 5xx: clients see stable's answers, failures are counted")
        func failures() async throws {
            try await live { rig in
                let old = try self.replica("old")
                let new = try Upstream { wire in _ = try wire.read(through: "\r\n\r\n") }
                defer {
                    old.close()
                    new.close()
                }
                rig.admit(old, release: 1)
                rig.admit(new, 2, release: 2)
                rig.split(self.split(50))
                for _ in 0..<20 { #expect(try rig.get("/").text == "old") }
                #expect(self.counts(rig, 2).requests == self.counts(rig, 2).failures)
                #expect((9...11).contains(self.counts(rig, 2).failures) && self.counts(rig, 1).failures == 0)
                new.refuse()
                new.cutConnections()
                for _ in 0..<20 { #expect(try rig.get("/").text == "old") }
                let id = ReplicaID(service: "web", index: 2, generation: 1)
                rig.edge.eject(id)
                let before = self.counts(rig, 2)
                let ill = try self.replica("ill", status: "500 No")
                defer { ill.close() }
                rig.admit(ill, 3, release: 2)
                var seen = 0
                for _ in 0..<20 where try rig.get("/").status == 500 { seen += 1 }
                let since = self.counts(rig, 2).since(before)
                #expect(since.requests == UInt64(seen) && since.failures == UInt64(seen) && seen >= 9)
            }
        }

        @Test("copies go to the canary, marked and counted apart, and change nothing for the client")
        func mirror() async throws {
            var plan = Plan()
            plan.described = [EdgeService(name: "web", mirror: Percent(50))]
            try await live(plan) { rig in
                let seen = Mutex<[String]>([])
                let old = try self.replica("old")
                let new = try Upstream { head, _ in
                    seen.withLock { $0.append(head) }
                    return reply(String(repeating: "x", count: 100_000), status: "503 No")
                }
                defer {
                    old.close()
                    new.close()
                }
                rig.admit(old, release: 1)
                rig.admit(new, 2, release: 2)
                rig.split(self.split(0))
                let wire = try rig.connect()
                for number in 0..<100 {
                    try wire.send("GET /\(number) HTTP/1.1\r\nHost: a\r\nX-Aloft-Mirror: 7\r\n\r\n")
                    #expect(try wire.answer().text == "old")
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
                    #expect(try wire.answer().text == "old")
                }
                wire.close()
                try eventually("the copies have arrived") {
                    let now = self.counts(rig, 2)
                    return now.requests == now.failures && now.mirrored == now.requests && now.requests >= 49
                        && now.latency.count == now.requests
                }
                let heads = seen.withLock { $0 }
                #expect(heads.count == Int(self.counts(rig, 2).mirrored) && (49...51).contains(heads.count))
                #expect(
                    heads.allSatisfy {
                        $0.hasPrefix("GET /") && $0.hasSuffix("\r\nX-Aloft-Mirror: 1\r\n\r\n")
                            && $0.components(separatedBy: "X-Aloft-Mirror").count == 2
                    })
                #expect(self.counts(rig, 1).mirrored == 0 && self.counts(rig, 1).requests == 200)
                let series = rig.statistics().series
                #expect(series.allSatisfy { $0.status == 200 } && series.reduce(0) { $0 + $1.duration.count } == 200)
            }
        }

        @Test("copies are sent once, whatever the canary does, and neither they nor probes count in the retry budget")
        func copiesAreNotRetried() async throws {
            var plan = Plan()
            plan.described = [EdgeService(name: "web", mirror: Percent(100))]
            plan.routes = [Plan.route(attempts: 3, on: [.connect, .status(503)], budget: 1)]
            try await live(plan, loops: [1]) { rig in
                let copies = Mutex(0)
                let old = try self.replica("old")
                // Refuses one copy, and breaks the connection under the next.
                let new = try Upstream { wire in
                    var served = 0
                    while try wire.read(through: "\r\n\r\n") != nil {
                        copies.withLock { $0 += 1 }
                        if served == 1 { return wire.reset() }
                        try wire.send(reply("no", status: "503 No"))
                        served += 1
                    }
                }
                defer {
                    old.close()
                    new.close()
                }
                rig.admit(old, release: 1)
                rig.admit(new, 2, release: 2)
                rig.split(self.split(0))
                let wire = try rig.connect()
                for number in 1...40 {
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try wire.answer().text == "old")
                    try eventually("the copy has ended") { self.counts(rig, 2).failures == UInt64(number) }
                }
                let edge = rig.edge
                for _ in 0..<20 {
                    _ = waiting {
                        await edge.probe(service: "web", release: 1, path: "/", host: "a", within: .seconds(5))
                    }
                }
                wire.close()
                #expect(copies.withLock { $0 } == 40 && self.counts(rig, 2).mirrored == 40)
                #expect(rig.statistics().retries == 0 && rig.statistics().retriesRefused == 0)
                let budget = try #require(rig.edge.loops[0].rotation(ofKnown: "web")?.budget)
                #expect(budget.requestsCounted <= 40, "copies and probes are no requests of the budget")
            }
        }

        @Test("a canary that never answers delays nobody; copies past the limit are dropped and counted")
        func deafCanary() async throws {
            var plan = Plan()
            plan.described = [EdgeService(name: "web", mirror: Percent(100))]
            try await live(plan, loops: [1]) { rig in
                let old = try self.replica("old")
                let new = try Upstream { wire in while try wire.read(through: "\r\n\r\n") != nil {} }
                rig.admit(old, release: 1)
                let id = rig.admit(new, 2, release: 2)
                rig.split(self.split(0))
                let wire = try rig.connect()
                let start = Date()
                for _ in 0..<200 {
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try wire.answer().text == "old")
                }
                #expect(Date().timeIntervalSince(start) < 10)
                wire.close()
                let now = self.counts(rig, 2)
                #expect(now.mirrored == 64 && now.mirrorsDropped == 136)
                new.close()
                rig.edge.eject(id)
                try eventually("no copy is under way") {
                    rig.statistics().backends.allSatisfy { $0.underWay == 0 }
                }
                old.close()
            }
        }

        @Test("a probe goes to a replica of its release and counts as an attempt; a bad one is never sent")
        func probe() async throws {
            try await live { rig in
                let new = try self.replica("new", status: "204 None")
                let ill = try Upstream { wire in while try wire.read(through: "\r\n\r\n") != nil {} }
                defer {
                    new.close()
                    ill.close()
                }
                rig.admit(new, 2, release: 2)
                rig.admit(ill, 3, release: 3)
                func probe(_ release: Int, _ path: String = "/p?q", host: String = "a", within: Duration = .seconds(5))
                    -> ProbeOutcome
                {
                    waiting {
                        await rig.edge.probe(service: "web", release: release, path: path, host: host, within: within)
                    }
                }
                for _ in 0..<5 {
                    guard case .answered(let status, let duration) = probe(2) else {
                        Issue.record("no answer")
                        return
                    }
                    #expect(status == 204 && duration < .seconds(5))
                }
                #expect(self.counts(rig, 2).requests == 5 && self.counts(rig, 2).failures == 0)
                #expect(probe(3, within: .milliseconds(50)) == .failed(reason: "timeout"))
                #expect(self.counts(rig, 3).failures == 1)
                #expect(probe(1) == .noReplica && probe(2, "no") == .invalid && probe(2, "/a b") == .invalid)
                #expect(probe(2, "/\r\nX: y") == .invalid && probe(2, host: "a\r\nb") == .invalid)
                #expect(rig.statistics().series.isEmpty)
            }
        }
    }
}
