import AloftSystem
import AloftTestKit
import Glibc

@testable import AloftReactor

/// Clients and upstreams that behave as they like on both sides of a proxy on the loop: they connect, send, stall,
/// half-close, reset and come again, with the same descriptors used at once for others.
///
/// One thread plays all of them, so that a seed brings back what they do (not how it meets the loop). Each byte is a
/// function of its connection and place, so that one in the wrong connection is noticed.
struct Torture: Sendable {
    struct Report: Sendable, CustomStringConvertible {
        let seed: UInt64
        var connections = 0
        var bytesAtClients = 0
        var bytesAtUpstreams = 0
        var orderly = 0
        var problems: [String] = []

        var description: String {
            "seed \(seed): \(connections) connections, \(bytesAtUpstreams) bytes there, \(bytesAtClients) back, "
                + "\(orderly) orderly ones afterwards"
                + problems.map { "\n  PROBLEM: \($0)" }.joined()
        }
    }

    private static let mostClients = 24
    private static let orderlyBytes = 200_000

    private let fronts: [SocketAddress]
    private let backs: [Descriptor]
    private var clients: [TorturePeer] = []
    private var upstreams: [TorturePeer] = []
    private var random: SplitMix
    private var nextID: UInt64
    private var report: Report

    /// Plays `steps` moves with a loop of its own. `folder` is for Unix sockets.
    ///
    /// - Parameter descriptors: How many the process is to have afterwards; nil where others open some, too.
    static func run(seed: UInt64, steps: Int, folder: String, descriptors: Int? = nil) async throws -> Report {
        var report = try await play(seed: seed, steps: steps, folder: folder)
        guard let descriptors else { return report }
        var after = TortureSockets.openDescriptors()
        // The loop's thread lets go of its own a moment after it has said that it ends.
        for _ in 0..<200 where after != descriptors {
            try await Task.sleep(for: .milliseconds(10))
            after = TortureSockets.openDescriptors()
        }
        if after != descriptors { report.problems.append("\(after) descriptors instead of \(descriptors)") }
        return report
    }

    private static func play(seed: UInt64, steps: Int, folder: String) async throws -> Report {
        let handle = try LoopHandle.start(name: "torture")
        let fronts = [
            try ListeningSockets.open(.loopback(0), loops: 1),
            try ListeningSockets.open(.unix("\(folder)/front-\(seed)"), loops: 1),
        ]
        let backs = [
            try ListeningSockets.open(.loopback(0), loops: 1),
            try ListeningSockets.open(.unix("\(folder)/back-\(seed)"), loops: 1),
        ]
        let isWild = Guarded(true)
        try await handle.run { loop in
            let proxy = TortureProxy(loop, upstreams: backs.map(\.address), seed: seed &+ 1, isWild: isWild)
            for front in fronts { _ = loop.listen(on: front.sockets[0], for: proxy) }
        }
        var torture = Torture(
            fronts: fronts.map(\.address), backs: backs.map { $0.sockets[0] }, random: SplitMix(seed: seed),
            nextID: seed << 32, report: Report(seed: seed))
        torture = try await Self.onThread(torture) { $0.misbehave(steps: steps, handle) }
        _ = try await Self.settled(handle)
        isWild.withLock { $0 = false }
        torture = try await Self.onThread(torture) { $0.behave(count: 10) }
        let usage = try await Self.settled(handle)
        if usage.slots != 2 || usage.memoryUsed != 0 { torture.report.problems.append("left on the loop: \(usage)") }
        let metrics = try await handle.run { $0.takeMetrics() }
        if metrics.connections != 0 || metrics.queuedBytes != 0 {
            torture.report.problems.append("\(metrics.connections) connections, \(metrics.queuedBytes) bytes queued")
        }
        await handle.stop()
        return torture.report
    }

    /// Plays on a thread of its own, so that the few threads of Swift's pool stay free; then all leave.
    private static func onThread(
        _ torture: Torture, _ play: @escaping @Sendable (inout Torture) -> Void
    ) async throws -> Torture {
        let result = Played(torture)
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try LoopThread.start(name: "peers") {
                    result.torture.withLock { torture in
                        play(&torture)
                        torture.leave()
                    }
                } ended: {
                    continuation.resume(returning: result.torture.withLock { $0 })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private final class Played: Sendable {
        let torture: Guarded<Torture>
        init(_ torture: Torture) { self.torture = Guarded(torture) }
    }

    /// Usage once only the listening sockets are left, or after half a minute.
    private static func settled(_ handle: LoopHandle) async throws -> LoopUsage {
        for _ in 0..<600 {
            let usage = try await handle.run { $0.usage }
            if usage.slots == 2, usage.memoryUsed == 0 { return usage }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await handle.run { $0.usage }
    }

    private mutating func misbehave(steps: Int, _ handle: LoopHandle) {
        for step in 0..<steps {
            accept()
            if clients.count < Self.mostClients, chance(30) { connect() }
            move(\.clients)
            move(\.upstreams)
            // Work from another thread in between; a refusal would say that the loop hangs.
            if step % 64 == 0 {
                do {
                    try handle.submit { _ = $0.usage }
                } catch {
                    report.problems.append("\(error)")
                }
            }
        }
    }

    private mutating func connect(to address: SocketAddress? = nil) {
        guard let address = address ?? fronts.randomElement(using: &random),
            let socket = TortureSockets.connect(to: address, receiveBuffer: chance(30) ? 8 << 10 : nil)
        else { return }
        nextID += 1
        report.connections += 1
        clients.append(TorturePeer(client: socket, id: nextID))
    }

    private mutating func accept() {
        for back in backs {
            while let socket = TortureSockets.accept(from: back) { upstreams.append(TorturePeer(upstream: socket)) }
        }
    }

    private typealias Side = WritableKeyPath<Torture, [TorturePeer]>

    /// One of them does something.
    private mutating func move(_ side: Side) {
        guard !self[keyPath: side].isEmpty else { return }
        let index = Int.random(in: self[keyPath: side].indices, using: &random)
        let size = 1 << Int.random(in: 4...17, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: self[keyPath: side][index].send(size)
        case 35..<80: self[keyPath: side][index].receive(size)
        case 80..<84: self[keyPath: side][index].endOutput()
        case 84..<86: return remove(index, from: side, resetting: true)
        case 86..<88: return remove(index, from: side, resetting: false)
        // Stalls: does nothing at all.
        default: break
        }
        if self[keyPath: side][index].isOver { remove(index, from: side, resetting: chance(20)) }
    }

    private mutating func remove(_ index: Int, from side: Side, resetting: Bool) {
        let peer = self[keyPath: side].remove(at: index)
        note(peer)
        peer.close(resetting: resetting)
    }

    private mutating func note(_ peer: TorturePeer) {
        if peer.isUpstream { report.bytesAtUpstreams += peer.received } else { report.bytesAtClients += peer.received }
        if peer.strays > 0 {
            report.problems.append(
                "\(peer.strays) bytes of somebody else at \(peer.isUpstream ? "an upstream" : "a client")")
        }
    }

    /// All go, without a word.
    private mutating func leave() {
        accept()
        for peer in clients + upstreams {
            note(peer)
            peer.close(resetting: chance(50))
        }
        clients = []
        upstreams = []
    }

    /// After all that, connections which do as they should still reach their upstream and hear from it; the proxy,
    /// too, breaks none any more. (The first one may meet what is still ending.)
    private mutating func behave(count: Int) {
        for index in 0..<count {
            connect(to: fronts[index % 2])
            for _ in 0..<20_000 {
                accept()
                var moved = 0
                for index in clients.indices {
                    moved += clients[index].send(9000) + clients[index].receive(64 << 10)
                }
                for index in upstreams.indices {
                    moved += upstreams[index].receive(64 << 10) + upstreams[index].send(9000)
                }
                // The loop has the processor while there is nothing to do here.
                if moved == 0 { poll(nil, 0, 1) }
                let isThrough =
                    clients.allSatisfy { $0.received >= Self.orderlyBytes }
                    && upstreams.allSatisfy { $0.received >= Self.orderlyBytes }
                if isThrough, !clients.isEmpty {
                    report.orderly += 1
                    break
                }
                if clients.contains(where: { $0.isOver || $0.inputEnded }) { break }
            }
            leave()
        }
        if report.orderly < count - 1 {
            report.problems.append("only \(report.orderly) of \(count) orderly ones came through")
        }
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
}
