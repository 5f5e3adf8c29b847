import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("Expect: 100-continue")
    struct ContinueTests {
        private static let framings = ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"]
        private func body(_ framing: String) -> String { framing.hasPrefix("T") ? "5\r\nhello\r\n0\r\n\r\n" : "hello" }

        @Test("the replica's 100 goes to the client, whose body goes to the replica", arguments: framings)
        func passes(framing: String) async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        #expect(head.contains("Expect: 100-continue"))
                        try wire.send("HTTP/1.1 100 Continue\r\n\r\n")
                        try wire.send(reply(String(decoding: try wire.body(of: head), as: UTF8.self)))
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                for _ in 0..<3 {
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\(framing)\r\n")
                    #expect(try wire.read(through: "\r\n\r\n")?.hasPrefix("HTTP/1.1 100 ") == true)
                    try wire.send(body(framing))
                    #expect(try wire.answer().text == "hello")
                }
            }
        }

        @Test("a client that does not wait is served the same", arguments: framings)
        func impatient(framing: String) async throws {
            try await live { rig in
                let upstream = try Upstream { _, body in reply(String(decoding: body, as: UTF8.self)) }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                let one = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\(framing)\r\n" + body(framing)
                try wire.send(one + one)
                for _ in 0..<2 { #expect(try wire.answer().text == "hello") }
            }
        }

        @Test("a refusal comes at once and ends the connection", arguments: framings)
        func refusal(framing: String) async throws {
            var plan = Plan()
            plan.routes = [Plan.respond("/local", "no", status: 403), Plan.route()]
            try await live(plan) { rig in
                let upstream = try Upstream { wire in
                    while try wire.read(through: "\r\n\r\n") != nil {
                        try wire.send(reply("", status: "417 Expectation Failed"))
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for (path, status) in [("/far", 417), ("/local", 403)] {
                    let wire = try rig.connect()
                    try wire.send("POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\(framing)\r\n")
                    let answer = try wire.answer()
                    #expect(answer.status == status && answer["connection"] == "close")
                    #expect(try wire.readToEnd().bytes.isEmpty)
                }
            }
        }
    }
}
