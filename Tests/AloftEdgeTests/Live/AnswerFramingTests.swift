import Foundation
import Testing

@testable import AloftEdge

/// An upstream that answers by the request's path with raw bytes and then does as `then` says.
private func scripted(_ answers: [String: String], then: @escaping @Sendable (Wire) -> Bool = { _ in true }) throws
    -> Upstream
{
    try Upstream { wire in
        while let head = try wire.read(through: "\r\n\r\n") {
            _ = try wire.body(of: head)
            let path = String(head.split(separator: " ")[1])
            try wire.send(answers[path] ?? reply("next"))
            if answers[path] != nil, !then(wire) { return }
        }
    }
}

extension Live {
    @Suite("an answer ends where its framing says")
    struct AnswerFramingTests {
        private let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

        @Test(
            "bytes behind an answer are nobody's",
            arguments: [
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\nevil",
                "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil",
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
                "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            ])
        func surplus(raw: String) async throws {
            try await live { rig in
                let upstream = try scripted(["/x": raw])
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                for _ in 0..<3 {
                    try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
                    let answer = try wire.answer()
                    #expect(!answer.text.contains("evil"))
                    if answer.status == 204 { #expect(answer["content-length"] == nil) }
                    #expect(try wire.answer().text == "next")
                }
            }
        }

        @Test("the answer to HEAD has no body whatever it announces")
        func head() async throws {
            try await live { rig in
                let upstream = try scripted(["/x": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer(head: true)["content-length"] == "1000")
                #expect(try wire.answer().text == "next")
                // Its body may still come.
                #expect(upstream.accepted == 2)
            }
        }

        @Test("interim answers go before the final one, cleaned, and not to HTTP/1.0")
        func interim() async throws {
            try await live { rig in
                let raw =
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close, x-own\r\n"
                    + "X-Own: 1\r\nContent-Length: 5\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                let upstream = try scripted(["/x": raw + reply("ok")])
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                for _ in 0..<2 {
                    let answer = try wire.answer()
                    #expect(answer.interim == [100, 103, 102] && answer.text == "ok")
                }
                try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try wire.read(through: "\r\n\r\n")
                let hints = try wire.read(through: "\r\n\r\n") ?? ""
                #expect(hints.contains("Link: </a>") && !hints.lowercased().contains("x-own"))
                #expect(!hints.lowercased().contains("content-length") && !hints.contains("close"))
                _ = try wire.answer()
                #expect(try rig.ask("GET /x HTTP/1.0\r\nHost: a\r\n\r\n").interim == [])
            }
        }

        @Test("interim answers without end are 502")
        func endlessInterim() async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    while true { try wire.send(String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 100)) }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(try rig.get("/").status == 502)
                try eventually("the replica's connection is closed") { upstream.open == 0 }
            }
        }

        @Test(
            "nonsense is 502 and not retried",
            arguments: [
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                "SSH-2.0-OpenSSH_9.2\r\n",
                "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 70_000))\r\n\r\n",
            ])
        func nonsense(raw: String) async throws {
            try await live { rig in
                let upstream = try scripted(["/x": raw])
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer().status == 502)
                try wire.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer().text == "next")
                #expect(upstream.accepted == 2)
            }
        }

        @Test("a body that ends by closing becomes chunks, and stays as it is for HTTP/1.0")
        func closeDelimited() async throws {
            try await live { rig in
                let body = String(repeating: "0123456789", count: 30_000)
                let upstream = try scripted(["/x": "HTTP/1.1 200 OK\r\n\r\n" + body]) { _ in false }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                for _ in 0..<2 {
                    try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                    let answer = try wire.answer()
                    #expect(answer["transfer-encoding"] == "chunked" && answer.text == body)
                }
                let old = try rig.ask("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(old["transfer-encoding"] == nil && old["connection"] == "close" && old.text == body)
            }
        }

        @Test("chunks go through with their trailers; an HTTP/1.0 client gets the payload only")
        func chunks() async throws {
            try await live { [chunked] rig in
                let raw = chunked + "3;a=b\r\nabc\r\n5\r\ndefgh\r\n0\r\nX-Sum: 8\r\n\r\n"
                let upstream = try scripted(["/x": raw])
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                for _ in 0..<3 {
                    try wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                    let answer = try wire.answer()
                    #expect(answer.text == "abcdefgh" && answer["x-sum"] == "8")
                }
                #expect(upstream.accepted == 1)
                let old = try rig.ask("GET /x HTTP/1.0\r\n\r\n")
                #expect(old.text == "abcdefgh" && old["transfer-encoding"] == nil)
            }
        }

        @Test(
            "an answer that breaks is seen broken",
            arguments: [
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            ])
        func broken(raw: String) async throws {
            try await live { rig in
                let upstream = try scripted(["/x": raw]) { _ in false }
                defer { upstream.close() }
                rig.admit(upstream)
                for version in ["1.1", "1.0"] {
                    #expect(throws: (any Error).self) { try rig.ask("GET /x HTTP/\(version)\r\nHost: a\r\n\r\n") }
                }
                #expect(throws: WireError.self) {
                    try rig.ask("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                }
            }
        }

        @Test("a body that should end by closing and is reset is seen broken")
        func resetCloseDelimited() async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\n\r\nabc")
                    usleep(30_000)
                    wire.reset()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for version in ["1.1", "1.0"] {
                    #expect(throws: (any Error).self) { try rig.ask("GET /x HTTP/\(version)\r\nHost: a\r\n\r\n") }
                }
            }
        }

        @Test("an answer before the body has come is passed on, and the connection ends")
        func early() async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send(reply("no", status: "403 Forbidden"))
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for framing in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
                    let wire = try rig.connect()
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n5\r\nhello\r\n")
                    let answer = try wire.answer()
                    #expect(answer.status == 403 && answer.text == "no" && answer["connection"] == "close")
                    // What it goes on sending does no harm.
                    try wire.send(String(repeating: "x", count: 10_000))
                    #expect(try wire.readToEnd().bytes.isEmpty)
                }
                try eventually("the replica's connections are closed") { upstream.open == 0 }
            }
        }
    }
}
