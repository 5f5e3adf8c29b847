import AloftHTTP
import AloftModel
import NIOCore
import Testing

@testable import AloftEdge

@Suite("Forwarded heads")
struct ForwardingTests {
    private func request(_ text: String, trusted: Bool = false, tls: Bool = false, peer: String = "192.0.2.7") -> String
    {
        forwarded(text, peer: peer, isTLS: tls, isTrusted: trusted)
    }

    @Test("a request is passed on with who asked, and without what is meant for the edge")
    func request() {
        let text = request(
            "GET /a?b=1 HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, x-mine\r\nX-Mine: 1\r\nAccept: */*\r\n"
                + "Keep-Alive: timeout=5\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nX-Request-Id: forged\r\n\r\n")
        #expect(
            text == "GET /a?b=1 HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nX-Forwarded-For: 192.0.2.7\r\n"
                + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: example.com\r\n"
                + "Forwarded: for=192.0.2.7;host=\"example.com\";proto=http\r\n"
                + "X-Request-Id: 000000000000000100000000000000ff\r\n\r\n")
    }

    @Test("a trusted proxy's word is kept and the proxy added")
    func trusted() {
        let text = request(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Request-Id: abc\r\n\r\n",
            trusted: true, peer: "2001:db8::1")
        #expect(
            text == "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc\r\nX-Forwarded-For: 6.6.6.6, 2001:db8::1\r\n"
                + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"
                + "Forwarded: for=6.6.6.6;host=\"a\";proto=https, for=\"[2001:db8::1]\"\r\n\r\n")
    }

    @Test("an absolute target becomes origin form, an HTTP/1.0 request HTTP/1.1")
    func targets() {
        #expect(request("GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("GET /x?y HTTP/1.1\r\nHost: a\r\n"))
        #expect(request("GET /x HTTP/1.0\r\n\r\n").hasPrefix("GET /x HTTP/1.1\r\nHost: web\r\n"))
        #expect(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("OPTIONS * HTTP/1.1\r\n"))
        #expect(request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("OPTIONS * HTTP/1.1\r\n"))
    }

    @Test("a request that names no host gets the service's name, and nobody is told of a host")
    func madeHost() {
        for isTrusted in [false, true] {
            let text = request("GET /x HTTP/1.0\r\nAccept: */*\r\n\r\n", trusted: isTrusted)
            #expect(text.hasPrefix("GET /x HTTP/1.1\r\nAccept: */*\r\nHost: web\r\nX-Forwarded-For: 192.0.2.7\r\n"))
            #expect(text.contains("\r\nForwarded: for=192.0.2.7;proto=http\r\n") && !text.contains("X-Forwarded-Host"))
        }
        let absolute = request("GET http://b:81/x HTTP/1.0\r\n\r\n")
        #expect(absolute.hasPrefix("GET /x HTTP/1.1\r\nHost: b:81\r\nX-Forwarded-For: "))
    }

    @Test("OPTIONS and TRACE may pass one gateway fewer, and other methods don't count")
    func maxForwards() {
        for method in ["OPTIONS", "TRACE"] {
            let text = request("\(method) / HTTP/1.1\r\nMax-Forwards: 10\r\nHost: a\r\n\r\n")
            #expect(text.hasPrefix("\(method) / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 9\r\nX-Forwarded-For"))
            let most = request("\(method) / HTTP/1.1\r\nHost: a\r\nmax-forwards: 99999999999999999999\r\n\r\n")
            #expect(most.contains("\r\nMax-Forwards: 255\r\n"))
        }
        #expect(request("GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 10\r\n\r\n").contains("\r\nMax-Forwards: 10\r\n"))
    }

    @Test("an upgrade is asked for again, and bodies keep their framing")
    func upgradeAndFraming() {
        let upgrade = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        #expect(upgrade.contains("Upgrade: websocket\r\n") && upgrade.contains("Connection: upgrade\r\n"))
        let chunked = request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n")
        #expect(chunked.contains("Transfer-Encoding: chunked\r\n") && chunked.contains("Trailer: x-sum\r\n"))
    }

    private func response(_ text: String, _ manner: ResponseForwarding.Manner, rules: HeaderRules = HeaderRules())
        -> String
    {
        Array(text.utf8).withUnsafeBytes { bytes in
            var head = ResponseHead()
            var parser = ResponseParser(limits: HeadLimits())
            #expect(parser.parse(bytes, answering: .get, into: &head) == .complete)
            var buffer = ByteBuffer()
            ResponseForwarding.write(
                head, from: bytes, manner: manner, rules: CompiledHeaderRules(rules), into: &buffer)
            return String(buffer: buffer)
        }
    }

    @Test("an answer is passed on without the upstream's connection, with the file's fields")
    func responses() {
        let manner = ResponseForwarding.Manner(
            framing: .asIs, keepAlive: true, isHTTP10: false, switchesProtocol: false)
        let text = response(
            "HTTP/1.1 200 Fine\r\nServer: x\r\nConnection: keep-alive\r\nX-Powered-By: y\r\nContent-Length: 3\r\n\r\n",
            manner,
            rules: HeaderRules(set: [.init(name: "Server", value: "mine")], remove: ["x-powered-by"]))
        #expect(text == "HTTP/1.1 200 Fine\r\nContent-Length: 3\r\nServer: mine\r\n\r\n")
    }

    @Test("a closing answer says so, a close-framed body becomes chunks, HTTP/1.0 is told of keep-alive")
    func connectionFields() {
        let chunked = response(
            "HTTP/1.1 200 OK\r\n\r\n",
            .init(framing: .madeChunked, keepAlive: false, isHTTP10: false, switchesProtocol: false))
        #expect(chunked == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        let old = response(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            .init(framing: .asIs, keepAlive: true, isHTTP10: true, switchesProtocol: false))
        #expect(old.hasSuffix("Connection: keep-alive\r\n\r\n"))
    }

    @Test("the access line is one valid JSON line whatever the client sent")
    func accessLine() {
        let source = "GET /x?q=\\\"\u{1} HTTP/1.1"
        let escaped = JSONText.escaped(source)
        #expect(String(decoding: escaped, as: UTF8.self) == "GET /x?q=\\\\\\\"\\u0001 HTTP/1.1")
    }
}

@Suite("Connection gate")
struct GateTests {
    @Test("connections are counted in all and by address, and refused past either limit")
    func limits() throws {
        let gate = ConnectionGate(
            limits: EdgeLimits(head: .kibibytes(1), body: .kibibytes(1), connections: 3, connectionsPerAddress: 2))
        let one = try #require(PeerAddress(text: Array("10.0.0.1".utf8)))
        let other = try #require(PeerAddress(text: Array("10.0.0.2".utf8)))
        #expect(gate.enter(one, isTrusted: false) && gate.enter(one, isTrusted: false))
        #expect(!gate.enter(one, isTrusted: false))
        #expect(gate.enter(other, isTrusted: false))
        #expect(!gate.enter(other, isTrusted: true))
        #expect(gate.open == 3 && gate.refused == 2)
        gate.leave(one)
        #expect(gate.enter(one, isTrusted: true) && gate.open == 3)
    }
}
