import Foundation
import Testing

@testable import AloftEdge

/// Bytes that wait in the kernel on TCP connections of this machine to or from a port.
private enum KernelQueues {
    /// Both directions' send and receive queues of every socket that has `port` at one end.
    static func bytes(port: Int) throws -> Int {
        guard let file = FileHandle(forReadingAtPath: "/proc/net/tcp"), let data = try file.readToEnd() else {
            throw WireError.ended("no table of sockets")
        }
        let table = String(decoding: data, as: UTF8.self)
        let suffix = ":" + String(format: "%04X", port)
        var total = 0
        for line in table.split(separator: "\n").dropFirst() {
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            guard columns.count > 4, columns[1].hasSuffix(suffix) || columns[2].hasSuffix(suffix), columns[3] != "0A"
            else { continue }
            for queue in columns[4].split(separator: ":") { total += Int(queue, radix: 16) ?? 0 }
        }
        return total
    }
}

extension Live {
    @Suite("the slower side sets the pace")
    struct BackPressureTests {
        /// Counts what an upstream could write.
        private final class Tally: @unchecked Sendable {
            // SAFETY: guarded by the lock.
            private let lock = NSLock()
            private var count = 0
            func add(_ bytes: Int) { lock.withLock { count += bytes } }
            var bytes: Int { lock.withLock { count } }
        }

        /// Waits until a count stands still.
        private func settled(_ count: () -> Int) throws -> Int {
            var last = count()
            var same = 0
            try eventually("the flow stands still") {
                usleep(40_000)
                let now = count()
                same = now == last ? same + 1 : 0
                last = now
                return same > 10
            }
            return last
        }

        private static let size = 24 << 20

        @Test("a slow client holds at most 256 KiB of a fast answer here", arguments: ["length", "chunked", "close"])
        func slowClient(framing: String) async throws {
            try await live { rig in
                let tally = Tally()
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    let size = Self.size
                    switch framing {
                    case "length": try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                    case "chunked": try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    default: try wire.send("HTTP/1.1 200 OK\r\n\r\n")
                    }
                    var block = [UInt8](repeating: 120, count: 32 << 10)
                    if framing == "chunked" { block = Array("8000\r\n".utf8) + block + Array("\r\n".utf8) }
                    for _ in 0..<(size >> 15) {
                        var rest = block[...]
                        while !rest.isEmpty {
                            let count = try wire.sendSome(rest)
                            guard count > 0 else { throw WireError.timedOut("send") }
                            tally.add(count)
                            rest = rest.dropFirst(count)
                        }
                    }
                    if framing == "chunked" { try wire.send("0\r\n\r\n") }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 64 << 10)
                try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                let written = try settled { tally.bytes }
                let inKernel = try KernelQueues.bytes(port: rig.port) + KernelQueues.bytes(port: upstream.port)
                #expect(written - inKernel <= 256 << 10, "\(written) written, \(inKernel) in the kernel")
                #expect(written < Self.size)
                #expect(try wire.answer().body.count == Self.size)
            }
        }

        @Test(
            "an answer that its replica has written and closed behind does not pile up here either",
            .enabled(if: getuid() == 0, "only root may tell the kernel to hold the whole answer"))
        func closedBehind() async throws {
            try await live { rig in
                let size = 7 << 20
                let upstream = try Upstream { wire in
                    try wire.holdAtOnce(size)
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n")
                    try wire.send([UInt8](repeating: 120, count: size))
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 64 << 10)
                try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try eventually("the replica has written") { upstream.accepted == 1 && upstream.open == 0 }
                usleep(100_000)
                let inKernel = try KernelQueues.bytes(port: rig.port) + KernelQueues.bytes(port: upstream.port)
                #expect(size - inKernel <= 256 << 10, "\(inKernel) in the kernel")
                #expect(try wire.answer().body.count == size)
            }
        }

        @Test("a slow replica holds back a fast client")
        func slowReplica() async throws {
            try await live { rig in
                let gate = DispatchSemaphore(value: 0)
                let upstream = try Upstream(receiveBuffer: 64 << 10) { wire in
                    guard let head = try wire.read(through: "\r\n\r\n") else { return }
                    gate.wait()
                    let body = try wire.body(of: head)
                    try wire.send(reply("\(body.count)"))
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for chunked in [false, true] {
                    let wire = try rig.connect()
                    try wire.send(
                        "POST / HTTP/1.1\r\nHost: a\r\n"
                            + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: \(Self.size)\r\n\r\n"))
                    let tally = Tally()
                    var bytes = [UInt8](repeating: 120, count: Self.size)
                    if chunked {
                        bytes = Array("\(String(Self.size, radix: 16))\r\n".utf8) + bytes + Array("\r\n0\r\n\r\n".utf8)
                    }
                    let total = bytes.count
                    let sender = Sender(wire, bytes, tally: { tally.add($0) })
                    let taken = try settled { tally.bytes }
                    let inKernel = try KernelQueues.bytes(port: rig.port) + KernelQueues.bytes(port: upstream.port)
                    #expect(taken - inKernel <= 256 << 10, "\(taken) taken, \(inKernel) in the kernel")
                    #expect(taken < total)
                    gate.signal()
                    #expect(try wire.answer().text == "\(Self.size)")
                    try sender.finish()
                }
            }
        }

        @Test(
            "the last bytes of an answer reach a slow client although the connection closes", arguments: ["1.1", "1.0"])
        func lastBytes(version: String) async throws {
            var plan = Plan()
            plan.timeouts.request = .seconds(2)
            plan.timeouts.idle = .seconds(2)
            plan.routes = [Plan.route(timeout: .seconds(2))]
            try await live(plan, loops: [1]) { rig in
                let size = 8 << 20
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\n\r\n")
                    try wire.send([UInt8](repeating: 120, count: size))
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 128 << 10)
                try wire.send("GET / HTTP/\(version)\r\nHost: a\r\nConnection: close\r\n\r\n")
                var count = 0
                guard try wire.read(through: "\r\n\r\n") != nil else { throw WireError.ended("no head") }
                // A pause now and then, each shorter than the limit; four seconds in all.
                while count < size {
                    _ = try wire.read(size >> 4)
                    count += size >> 4
                    usleep(300_000)
                }
                if version == "1.0" { #expect(try wire.readToEnd() == ([], .orderly)) }
            }
        }

        @Test("a client that takes nothing is cut in time, and the answer does not look whole")
        func deadClient() async throws {
            var plan = Plan()
            plan.timeouts.request = .milliseconds(400)
            plan.routes = [Plan.route(timeout: .milliseconds(400))]
            try await live(plan) { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\n\r\n")
                    try wire.send([UInt8](repeating: 120, count: 40 << 20))
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 64 << 10)
                try wire.send("GET / HTTP/1.0\r\n\r\n")
                try eventually("both sides are let go") {
                    upstream.accepted == 1 && upstream.open == 0 && rig.isQuiet()
                }
                #expect(try wire.readToEnd().end == .reset)
            }
        }
    }
}
