import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("What the file says of proxies")
    struct Proxies {
        @Test("an app hears of a client what the file lets it say, and redirects lead to the public port")
        func heard() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "recorder")
                let (secure, plain) = (try Machine.freePort(), try Machine.freePort())
                file.listenerKeys =
                    "}, {address: \"127.0.0.1:\(secure)\", tls: true, publicPort: 443}, "
                    + "{address: \"127.0.0.1:\(plain)\", redirect: https"
                file.edge = """
                    tls: {certificates: [{hosts: [localhost], selfSigned: true}]}
                    headers: {forwarded: standard, untrusted: {remove: [X-Team], keep: [X-Real-IP]}}
                    """
                file.routes =
                    "[{match: {path: /moved}, redirect: \"https://${host}/new\"}, {match: {path: /*}, service: web}]"
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let claims =
                    "X-Forwarded-Ssl: on\r\nX-Team: a\r\nX-Real-IP: 6.6.6.6\r\nProxy: http://x\r\nX_Client_IP: 6.6.6.6\r\n"
                let answer = try await ask("GET /first HTTP/1.0\r\n\(claims)\r\n", file.target)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                let seen = FileManager.default.contents(atPath: aloft.directory + "/seen") ?? Data()
                let lines = String(decoding: seen, as: UTF8.self).components(separatedBy: "\r\n")
                #expect(
                    lines.prefix(4) == [
                        "GET /first HTTP/1.1", "X-Real-IP: 6.6.6.6", "Host: web", "Forwarded: for=127.0.0.1;proto=http",
                    ])
                #expect(lines.count == 7 && lines[4].hasPrefix("X-Request-Id: "), "\(lines)")
                let host = "Host: shop.example:8080\r\n\r\n"
                let redirect = try await ask("GET /a?b HTTP/1.1\r\n\(host)", .port(plain))
                #expect(redirect.contains("\r\nLocation: https://shop.example/a?b\r\n"))
                let moved = try await ask("GET /moved HTTP/1.1\r\n\(host)", file.target)
                #expect(moved.contains("\r\nLocation: https://shop.example/new\r\n"))
            }
        }

        @Test("where a balancer has the certificate, the redirect to https ends at https")
        func balancer() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                file.edge = "trustedProxies: [127.0.0.1/32]"
                file.routes =
                    "[{match: {path: /*}, redirect: \"https://${host}${uri}\"}, {match: {path: /*}, service: web}]"
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let request = "GET /a?b HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 203.0.113.9\r\n"
                let plain = try await ask(request + "X-Forwarded-Proto: http\r\n\r\n", file.target)
                #expect(plain.hasPrefix("HTTP/1.1 308 ") && plain.contains("Location: https://shop.example/a?b\r\n"))
                let secure = try await ask(request + "X-Forwarded-Proto: https\r\n\r\n", file.target)
                #expect(secure.hasPrefix("HTTP/1.1 200 "), "\(secure)")
            }
        }

        /// Sends one request and reads the head of the answer.
        private func ask(_ request: String, _ target: RawConnection.Target) async throws -> String {
            try await onThread {
                let connection = try RawConnection(to: target, timeout: .seconds(5))
                try connection.send(request)
                var head = ""
                while !head.hasSuffix("\r\n\r\n") {
                    let line = try connection.readLine()
                    guard !line.isEmpty else { break }
                    head += String(decoding: line, as: UTF8.self)
                }
                return head
            }
        }
    }
}
