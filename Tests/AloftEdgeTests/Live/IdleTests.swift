import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

extension Live {
    @Suite("idle connections to replicas")
    struct IdleTests {
        /// Answers requests for `/burst` once as many of them have come as were expected.
        private final class Barrier: Sendable {
            private let arrived = Mutex(0)
            private let all = DispatchSemaphore(value: 0)
            let expected: Int

            init(_ expected: Int) { self.expected = expected }

            func pass() {
                let isLast = arrived.withLock { arrived in
                    arrived += 1
                    return arrived == expected
                }
                if isLast { for _ in 0..<expected { all.signal() } }
                all.wait()
            }
        }

        private func replica(_ barrier: Barrier) throws -> Upstream {
            try Upstream { wire in
                while let head = try wire.read(through: "\r\n\r\n") {
                    if head.contains("/burst") { barrier.pass() }
                    try wire.send(reply("ok"))
                }
            }
        }

        private func idle(_ rig: Rig) -> Int { rig.statistics().backends.map(\.idleConnections).reduce(0, +) }

        @Test("a burst leaves at most the limit, and after a moment a few")
        func burst() async throws {
            try await live(loops: [1]) { rig in
                let count = Backend.idleOfService + 88
                let barrier = Barrier(count)
                let upstream = try self.replica(barrier)
                defer { upstream.close() }
                rig.admit(upstream)
                let wires = try (0..<count).map { _ in try rig.connect() }
                for wire in wires { try wire.send("GET /burst HTTP/1.1\r\nHost: a\r\n\r\n") }
                for wire in wires { #expect(try wire.answer().text == "ok") }
                for wire in wires { wire.close() }
                #expect(upstream.accepted == count)
                #expect(self.idle(rig) <= Backend.idleOfService)
                try eventually("a few are left", within: 10) { self.idle(rig) == Backend.keptLong }
                try eventually("the replica's are closed") { upstream.open == Backend.keptLong }
                // What is left is used.
                #expect(try rig.get("/").text == "ok")
                #expect(upstream.accepted == count)
            }
        }

        @Test("connections that are in use again and again stay")
        func steady() async throws {
            try await live(loops: [1]) { rig in
                let upstream = try Upstream { _, _ in
                    usleep(20_000)
                    return reply("ok")
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wires = try (0..<64).map { _ in try rig.connect() }
                let end = Date().addingTimeInterval(4)
                while Date() < end {
                    for wire in wires { try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
                    for wire in wires { #expect(try wire.answer().text == "ok") }
                }
                for wire in wires { wire.close() }
                #expect(upstream.accepted <= 64)
            }
        }

        @Test("the limit is the service's, shared among its replicas")
        func shared() {
            let rotation = ServiceRotation(name: "web")
            for index in 1...4 {
                rotation.admit(
                    Endpoint(
                        replica: ReplicaID(service: "web", index: index, generation: 1), address: .port(index)))
            }
            #expect(rotation.backends.allSatisfy { $0.idleLimit == Backend.idleOfService / 4 })
            for index in 5...100 {
                rotation.admit(
                    Endpoint(
                        replica: ReplicaID(service: "web", index: index, generation: 1), address: .port(index)))
            }
            #expect(rotation.backends.allSatisfy { $0.idleLimit == Backend.keptLong })
        }
    }
}
