import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

extension Live {
    @Suite("leaving in order")
    struct DrainTests {
        /// Answers after `gate` opens; each waiting request takes one.
        private func gated(_ gate: DispatchSemaphore) throws -> Upstream {
            try Upstream { wire in
                while let head = try wire.read(through: "\r\n\r\n") {
                    if head.contains("/slow") { gate.wait() }
                    try wire.send(reply(String(repeating: "d", count: 200_000)))
                }
            }
        }

        @Test("an ejected replica ends its requests, and is drained when they have ended")
        func eject() async throws {
            try await live { rig in
                let gate = DispatchSemaphore(value: 0)
                let upstream = try gated(gate)
                defer { upstream.close() }
                let replica = rig.admit(upstream)
                let edge = rig.edge
                _ = try rig.get("/quick")
                let wires = try (0..<5).map { _ in try rig.connect() }
                for wire in wires { try wire.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") }
                try eventually("all are under way") { rig.statistics().activeRequests == 5 }
                edge.eject(replica)
                #expect(waiting { await edge.drained(replica, within: .milliseconds(100)) } == 5)
                #expect(try rig.get("/quick").status == 503)
                for _ in wires { gate.signal() }
                for wire in wires { #expect(try wire.answer().body.count == 200_000) }
                #expect(waiting { await edge.drained(replica, within: .seconds(10)) } == 0)
                try eventually("no connection to it is kept") { upstream.open == 0 }
                #expect(rig.statistics().backends.isEmpty)
                rig.admit(upstream)
                #expect(try rig.get("/quick").status == 200)
            }
        }

        @Test(
            "stop lets every request under way end, closes idle connections and takes no new ones", arguments: [1, 2])
        func stop(loops: Int) async throws {
            try await onOwnThread {
                let rig = try Rig(Plan(), loops: loops)
                let gate = DispatchSemaphore(value: 0)
                let upstream = try gated(gate)
                defer { upstream.close() }
                rig.admit(upstream)
                let idle = try (0..<5).map { _ in try rig.connect() }
                for wire in idle { try wire.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n") }
                let busy = try (0..<20).map { _ in try rig.connect(receiveBuffer: 64 << 10) }
                for wire in busy { try wire.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") }
                let half = try rig.connect()
                try half.send("GET /quick HTTP/1.1\r\nHo")
                try eventually("all are under way") {
                    rig.statistics().openConnections == 26 && upstream.accepted >= 20
                }
                let stopped = DispatchSemaphore(value: 0)
                let begin = Date()
                Thread {
                    rig.stop(drain: .seconds(15))
                    stopped.signal()
                }.start()
                for wire in idle {
                    #expect(try wire.answer().body.count == 200_000)
                    #expect(try wire.readToEnd() == ([], .orderly))
                    wire.close()
                }
                try half.send("st: a\r\n\r\n")
                #expect(try half.answer()["connection"] == "close")
                half.close()
                for _ in busy { gate.signal() }
                for wire in busy {
                    let answer = try wire.answer()
                    #expect(answer.body.count == 200_000)
                    #expect(try wire.readToEnd() == ([], .orderly))
                    wire.close()
                }
                stopped.wait()
                #expect(Date().timeIntervalSince(begin) < 10, "it does not wait for the whole drain time")
                #expect(throws: WireError.self) { try rig.connect() }
            }
        }

        @Test("what does not end in time is cut")
        func cut() async throws {
            try await onOwnThread {
                let rig = try Rig(Plan(), loops: 2)
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\n\r\nabc")
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wires = try ["1.0", "1.1"].map { version in
                    let wire = try rig.connect()
                    try wire.send("GET / HTTP/\(version)\r\nHost: a\r\n\r\n")
                    #expect(try wire.read(through: "abc") != nil)
                    return wire
                }
                rig.stop(drain: .milliseconds(100))
                #expect(try wires[0].readToEnd().end == .reset)
                #expect(try !wires[1].readToEnd().bytes.elementsEqual("\r\n0\r\n\r\n".utf8))
                try eventually("the replica's connections are closed") { upstream.open == 0 }
            }
        }
    }
}
