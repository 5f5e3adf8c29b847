import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

/// A reproducible stream of choices.
private struct Dice {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func below(_ bound: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// What a replica does with a request; the request's path names it.
private enum Manner: Int, CaseIterable {
    case length, chunked, close, empty, interim, early, busy
    case surplus, cutHead, cutBody, cutChunks, badChunks, nonsense, silent, drop, resetClose

    /// Whether a complete answer may come of it.
    var isSound: Bool {
        switch self {
        case .length, .chunked, .close, .empty, .interim, .early, .busy, .surplus: true
        default: false
        }
    }
}

extension Live {
    /// Mixed scenarios: whatever replicas and clients do, each request gets one right answer, one error, or a cut.
    @Suite("a thousand mixed requests")
    struct RandomTests {
        /// The body that belongs to a request, and to no other.
        private static func body(of id: String, _ size: Int) -> String {
            String(repeating: id + ".", count: size / (id.utf8.count + 1) + 1)
        }

        private static func script(_ wire: Wire, resets: Bool = true) throws {
            while let head = try wire.read(through: "\r\n\r\n") {
                // /manner/size/id
                let parts = head.split(separator: " ")[1].split(separator: "/").map(String.init)
                var manner = Manner(rawValue: Int(parts[0]) ?? 0) ?? .length
                // A Unix socket knows no RST: its close is an orderly end.
                if manner == .resetClose, !resets { manner = .drop }
                let text = body(of: parts[2], Int(parts[1]) ?? 0)
                if head.hasPrefix("HEAD") {
                    try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n")
                    continue
                }
                if manner != .early { _ = try wire.body(of: head) }
                guard try answer(manner, text, wire) else { return }
            }
        }

        /// False when the connection is to be closed.
        private static func answer(_ manner: Manner, _ text: String, _ wire: Wire) throws -> Bool {
            let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            let chunk = String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
            switch manner {
            case .length: try wire.send(reply(text))
            case .chunked: try wire.send(chunked + chunk + "0\r\n\r\n")
            case .close:
                try wire.send("HTTP/1.1 200 OK\r\n\r\n" + text)
                return false
            case .empty: try wire.send("HTTP/1.1 204 No Content\r\n\r\n")
            case .interim: try wire.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n" + reply(text))
            case .early:
                try wire.send(reply(text, fields: "Connection: close\r\n"))
                _ = try wire.readToEnd()
                return false
            case .busy: try wire.send(reply(text, status: "503 Busy"))
            case .surplus: try wire.send(reply(text) + reply("evil"))
            case .cutHead:
                try wire.send("HTTP/1.1 200 OK\r\nContent-Le")
                return false
            case .cutBody:
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count + 1)\r\n\r\n" + text)
                return false
            case .cutChunks:
                try wire.send(chunked + chunk)
                return false
            case .badChunks: try wire.send(chunked + chunk + "zz\r\n0\r\n\r\n")
            case .nonsense: try wire.send("nonsense\r\n\r\n")
            case .silent:
                try wire.waitForEnd()
                return false
            case .drop: return false
            case .resetClose:
                try wire.send("HTTP/1.1 200 OK\r\n\r\n" + text)
                usleep(20_000)
                wire.reset()
                return false
            }
            return true
        }

        private static let seed: UInt64 = {
            let given = ProcessInfo.processInfo.environment["ALOFT_TEST_SEED"].flatMap { UInt64($0) }
            return given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        }()

        @Test("each request gets one right answer, one error, or a cut; afterwards nothing is left")
        func mixed() async throws {
            var plan = Plan()
            plan.timeouts.request = .milliseconds(500)
            plan.timeouts.idle = .seconds(3)
            plan.routes = [
                Plan.respond("/local", "local"),
                Plan.route(attempts: 2, on: [.connect, .status(503)], timeout: .milliseconds(500)),
            ]
            let seed = Self.seed
            print("seed of the mixed requests: \(seed) (ALOFT_TEST_SEED)")
            try await live(plan) { [plan] rig in
                let path = NSTemporaryDirectory() + "/aloft-\(UInt32.random(in: 0 ... .max))-mixed"
                let upstreams = [
                    try Upstream { try Self.script($0) },
                    try Upstream(unix: path) { try Self.script($0, resets: false) },
                    try Upstream { try Self.script($0) },
                ]
                defer { for upstream in upstreams { upstream.close() } }
                for (number, upstream) in upstreams.enumerated() { rig.admit(upstream, number + 1) }
                let wrong = Mutex<[String]>([])
                let done = DispatchSemaphore(value: 0)
                let clients = 12
                for client in 0..<clients {
                    Thread {
                        var dice = Dice(seed &+ UInt64(client))
                        for round in 0..<45 {
                            do {
                                try Self.client(rig, &dice, "\(client)-\(round)")
                            } catch let error as WireError {
                                wrong.withLock { $0.append("client \(client) round \(round): \(error)") }
                            } catch {}
                        }
                        done.signal()
                    }.start()
                }
                // Replicas leave and come back, and plans change, meanwhile.
                var dice = Dice(seed &+ 1000)
                var running = clients
                while running > 0 {
                    if done.wait(timeout: .now() + .milliseconds(20)) == .success { running -= 1 }
                    let index = dice.below(upstreams.count)
                    rig.edge.eject(ReplicaID(service: "web", index: index + 1, generation: 1))
                    if dice.below(3) == 0 { _ = try rig.apply(plan) }
                    rig.admit(upstreams[index], index + 1)
                }
                #expect(wrong.withLock { $0 } == [])
                try eventually("nothing is left") { rig.isQuiet() }
                let now = rig.statistics()
                #expect(now.backends.map(\.idleConnections).reduce(0, +) <= clients * 2)
                try eventually("replicas have idle connections only") {
                    upstreams.map(\.open).reduce(0, +) <= rig.statistics().backends.map(\.idleConnections).reduce(0, +)
                }
            }
        }

        /// One connection with a few requests; throws `malformed` for an answer that is not what it should be.
        private static func client(_ rig: Rig, _ dice: inout Dice, _ name: String) throws {
            let wire = try rig.connect(receiveBuffer: dice.below(2) == 0 ? 16 << 10 : nil)
            let count = 1 + dice.below(4)
            var asked: [(manner: Manner, text: String, isHead: Bool, isLocal: Bool)] = []
            var bytes = ""
            for number in 0..<count {
                let method = ["GET", "HEAD", "POST", "PUT"][dice.below(4)]
                let drawn = Manner.allCases[dice.below(dice.below(2) == 0 ? 7 : Manner.allCases.count)]
                let manner = method == "HEAD" ? .length : drawn
                let size = [0, 1, 100, 5000, 70_000, 400_000][dice.below(6)]
                let id = "\(name)-\(number)"
                let isLocal = dice.below(5) == 0
                let target = isLocal ? "/local" : "/\(manner.rawValue)/\(size)/\(id)"
                let upload = [0, 3, 30_000, 200_000][dice.below(4)]
                let body = String(repeating: "b", count: upload)
                bytes += "\(method) \(target) HTTP/1.1\r\nHost: a\r\n"
                if method.hasPrefix("P"), dice.below(2) == 0 {
                    bytes += "Content-Length: \(upload)\r\n\r\n\(body)"
                } else if method.hasPrefix("P") {
                    bytes += "Transfer-Encoding: chunked\r\n\r\n"
                    if upload > 0 { bytes += String(upload, radix: 16) + "\r\n\(body)\r\n" }
                    bytes += "0\r\n\r\n"
                } else {
                    bytes += "\r\n"
                }
                asked.append((manner, Self.body(of: id, size), method == "HEAD", isLocal))
            }
            let leaves = dice.below(8)
            let sender = Sender(
                wire, Array(bytes.utf8), pieces: [1 + dice.below(50), 1000 + dice.below(50_000), .max][dice.below(3)])
            defer { ignoringFailure { try sender.finish() } }
            if leaves == 0 { return wire.cut() }
            if leaves == 1 { wire.finishSendingLater(sender) }
            for one in asked {
                let answer: Answer
                do {
                    answer = try wire.answer(head: one.isHead)
                } catch WireError.malformed(let what) { throw WireError.malformed(what) } catch WireError.timedOut(
                    let what)
                {
                    throw WireError.timedOut(what)
                } catch { return wire.cut() }
                try check(answer, one.manner, one.text, isHead: one.isHead, isLocal: one.isLocal)
                if answer["connection"] == "close" { break }
            }
            wire.cut()
        }

        private static func ignoringFailure(_ body: () throws -> Void) {
            // A client that is cut can't finish sending; what it was answered is what counts.
            do { try body() } catch {}
        }

        private static func check(_ answer: Answer, _ manner: Manner, _ text: String, isHead: Bool, isLocal: Bool)
            throws
        {
            let isOwn = [408, 413, 500, 502, 503, 504].contains(answer.status) && answer["cache-control"] == "no-store"
            if isOwn { return }
            if isLocal {
                guard answer.status == 200, isHead || answer.text == "local" else { throw WireError.malformed("local") }
                return
            }
            guard manner.isSound else { throw WireError.malformed("\(manner) looked whole: \(answer.status)") }
            let status = manner == .empty ? 204 : manner == .busy ? 503 : 200
            let body = manner == .empty || isHead ? "" : text
            guard answer.status == status, answer.text == body else {
                throw WireError.malformed(
                    "\(manner) gave \(answer.status) with \(answer.body.count) for \(body.utf8.count)")
            }
        }
    }
}

extension Wire {
    /// Ends this side's half once everything is sent.
    fileprivate func finishSendingLater(_ sender: Sender) {
        Thread {
            sender.wait()
            self.finishSending()
        }.start()
    }
}
