import AloftModel
import Foundation
import Testing

@testable import AloftEdge

private func chunked(_ body: String) -> String { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body }

extension Live {
    @Suite("an answer that is refused says what was refused")
    struct RefusedAnswerTests {
        /// Replica, log lines of requests, warnings.
        private func refuse(
            _ raw: String, pieces: [String] = [],
            _ check: @escaping @Sendable (Rig, Answer?, _ reason: String, _ warning: String) throws -> Void
        ) async throws {
            var plan = Plan()
            plan.accessShare = Percent(100)
            try await live(plan, loops: [1]) { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send(raw)
                    for piece in pieces {
                        usleep(50_000)
                        try wire.send(piece)
                    }
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                var answer: Answer?
                do { answer = try wire.answer() } catch {}
                try eventually("a line in the log") { rig.log.contains("\n") && !rig.warnings.isEmpty }
                let line = try JSONSerialization.jsonObject(with: Data(rig.log.utf8.prefix { $0 != 10 }))
                let fields = try #require(line as? [String: Any])
                #expect(fields["error"] as? String == "upstream_invalid")
                try check(rig, answer, fields["reason"] as? String ?? "", rig.warnings[0])
            }
        }

        @Test(
            "by field and byte, in the log and to the daemon; the client reads the sentence",
            arguments: [
                ("HTTP/1.1 200 OK\r\nX-Bad: a\u{1}b\r\n\r\n", "control byte", "field X-Bad, byte 0x01"),
                ("HTTP/1.1 200 OK\r\nX Bad: ab\r\n\r\n", "White space", "byte 0x20"),
                ("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na", "Content-Length", "field Content-Length"),
                ("SSH-2.0-OpenSSH_9.2\r\n", "status line", "status line"),
                ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "another protocol", ""),
                (String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 3000), "interim", ""),
                (chunked("zz\r\n0\r\n\r\n"), "chunk size", "chunked body, byte 0x7a"),
                (chunked("3\r\nabcd\r\n0\r\n\r\n"), "CRLF", "chunked body, byte 0x64"),
                (chunked("0\r\nContent-Length: 1\r\n\r\n"), "trailer", "chunked body"),
            ])
        func reasons(raw: String, sentence: String, place: String) async throws {
            try await refuse(raw) { _, answer, reason, warning in
                #expect(answer?.status == 502, "\(reason)")
                let text = answer?.text ?? ""
                #expect(text.contains(sentence) && text.contains("The application's answer was refused."), "\(text)")
                #expect(reason.contains(sentence) && (place.isEmpty || reason.contains(place)), "\(reason)")
                #expect(warning.contains("a replica's answer was refused") && warning.contains(reason), "\(warning)")
                #expect(!text.contains("broke off") && !text.contains("0x"))
            }
        }

        @Test("a bad first chunk in the packet of its head is 502, also to HTTP/1.0")
        func firstChunk() async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    while try wire.read(through: "\r\n\r\n") != nil {
                        try wire.send(chunked("5\r\nhello\r\nzz\r\n0\r\n\r\n"))
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for version in ["1.1", "1.0"] {
                    let answer = try rig.ask("GET / HTTP/\(version)\r\nHost: a\r\n\r\n")
                    #expect(answer.status == 502 && answer.text.contains("chunk size"))
                }
            }
        }

        @Test("what is cut midway is logged with its reason")
        func midway() async throws {
            try await refuse(chunked("3\r\nabc\r\n"), pieces: ["3\r\nabcd\r\n"]) { rig, answer, reason, warning in
                #expect(answer == nil && reason.contains("chunked body, byte 0x64") && warning.contains(reason))
                #expect(rig.log.contains("\"status\":200"))
            }
        }

        @Test("extensions past the limit cut the answer")
        func longExtension() async throws {
            let long = String(repeating: "x", count: 5000)
            try await refuse(chunked("1\r\na\r\n"), pieces: ["1;\(long)\r\na\r\n"]) { _, answer, reason, _ in
                #expect(answer == nil && reason.contains("extensions"))
            }
        }

        @Test("chunk extensions that nobody knows pass, up to a limit", arguments: [1, 300, 4000])
        func extensions(count: Int) async throws {
            try await live { rig in
                let raw = chunked("2;a=\(String(repeating: "x", count: count))\r\nok\r\n0\r\n\r\n")
                let upstream = try Upstream { wire in
                    while try wire.read(through: "\r\n\r\n") != nil { try wire.send(raw) }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for version in ["1.1", "1.0"] {
                    #expect(try rig.ask("GET / HTTP/\(version)\r\nHost: a\r\n\r\n").text == "ok")
                }
            }
        }

        @Test("a replica that is refused again and again is told of once a second")
        func flood() async throws {
            try await live(loops: [1]) { rig in
                let upstream = try Upstream { wire in
                    while try wire.read(through: "\r\n\r\n") != nil { try wire.send("SSH-2.0-OpenSSH_9.2\r\n") }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let start = Date()
                for _ in 0..<50 { #expect(try rig.get("/").status == 502) }
                let seconds = Int(Date().timeIntervalSince(start))
                #expect((1...seconds + 2).contains(rig.warnings.count))
            }
        }
    }
}
