import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("requests behind one another")
    struct PipeliningTests {
        private static var mixed: Plan {
            var plan = Plan()
            plan.routes = [Plan.respond("/local", "local"), Plan.route()]
            return plan
        }

        @Test(
            "ten thousand in one write are answered in order, from here and from the replica", arguments: [true, false])
        func order(keepsConnection: Bool) async throws {
            try await live(Self.mixed) { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        try wire.send(
                            reply(
                                String(head.split(separator: " ")[1]),
                                fields: keepsConnection ? "" : "Connection: close\r\n"))
                        if !keepsConnection { return }
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let count = keepsConnection ? 10_000 : 1000
                let paths = (0..<count).map { $0 % 3 == 1 ? "/local" : $0 % 7 == 0 ? "/none\($0)" : "/\($0)" }
                let wire = try rig.connect()
                let sender = Sender(wire, Array(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined().utf8))
                for path in paths {
                    let answer = try wire.answer()
                    guard answer.text == (path == "/local" ? "local" : path) else {
                        Issue.record("\(path) got \(answer.text)")
                        break
                    }
                }
                try sender.finish()
                if keepsConnection { #expect(upstream.accepted == 1) }
            }
        }

        @Test("what stands behind a body is the next request")
        func behindBody() async throws {
            try await live(Self.mixed) { rig in
                let upstream = try Upstream { head, body in
                    reply(String(head.split(separator: " ")[1]) + ":" + String(decoding: body, as: UTF8.self))
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let one =
                    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz"
                    + "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n"
                    + "POST /local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n"
                    + "GET /d HTTP/1.1\r\nHost: a\r\n\r\n"
                // In one write, byte by byte, and in sevens.
                for size in [one.utf8.count * 20, 1, 7] {
                    let wire = try rig.connect()
                    let all = Array(String(repeating: one, count: size == 1 ? 1 : 20).utf8)
                    let sender = Sender(wire, all, pieces: size)
                    for _ in 0..<(size == 1 ? 1 : 20) {
                        for expected in ["/a:GET /", "/b:", "local", "/c:GET", "local", "/d:"] {
                            let text = try wire.answer().text
                            #expect(text == expected, "in pieces of \(size)")
                        }
                    }
                    try sender.finish()
                }
            }
        }

        @Test("with `halfClose: answer` requests sent before the client's half-close are all answered")
        func halfClose() async throws {
            var plan = Self.mixed
            plan.halfClose = .answer
            try await live(plan) { rig in
                let upstream = try Upstream { head, _ in reply(String(head.split(separator: " ")[1])) }
                defer { upstream.close() }
                rig.admit(upstream)
                for last in ["/z", "/local"] {
                    let wire = try rig.connect()
                    try wire.send(["/x", "/y", last].map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
                    wire.finishSending()
                    #expect(try wire.answer().text == "/x")
                    #expect(try wire.answer().text == "/y")
                    #expect(try wire.answer().text == (last == "/z" ? "/z" : "local"))
                    #expect(try wire.readToEnd() == ([], .orderly))
                }
            }
        }

        @Test("a client that takes no answers is heard no more", arguments: ["/local", "/proxied"])
        func bounded(path: String) async throws {
            try await live(Self.mixed) { rig in
                let upstream = try Upstream { _, _ in reply(String(repeating: "x", count: 2000)) }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 64 << 10)
                let request = Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                let block = Array(repeatElement(request, count: 2000).joined())
                var sent = 0
                while true {
                    let rest = sent % block.count
                    let count = try wire.sendSome(block[rest...], within: 700)
                    if count == 0 { break }
                    sent += count
                    if sent > 200 << 20 { break }
                }
                // Requests and their answers fill the kernel's buffers (4 MiB out, 6 MiB in), not this process.
                #expect(sent < 40 << 20, "\(sent) bytes of requests were taken")
                for _ in 0..<min(3000, sent / request.count) {
                    guard try wire.answer().status == 200 else {
                        Issue.record("a wrong answer")
                        break
                    }
                }
            }
        }
    }
}
