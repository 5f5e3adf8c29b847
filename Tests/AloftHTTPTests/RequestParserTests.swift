import Testing

@testable import AloftHTTP

@Suite("Request heads")
struct RequestParserTests {
    @Test("are accepted or refused by name", arguments: RequestCase.all)
    func settled(_ given: RequestCase) throws {
        let verdict = parseRequest(given.bytes)
        #expect(verdict.reason == given.reason)
        if given.reason == nil { _ = try #require(verdict.parsed) }
    }

    @Test("mean the same byte by byte and at each split", arguments: RequestCase.all)
    func splits(_ given: RequestCase) {
        let bytes = given.bytes
        let whole = parseRequest(bytes)
        #expect(parseRequest(bytes, cuts: 0...bytes.count) == whole)
        let cuts = bytes.count < 600 ? Array(0...bytes.count) : Array(stride(from: 0, to: bytes.count, by: 97))
        for cut in cuts where parseRequest(bytes, cuts: [cut]) != whole {
            Issue.record("differs when cut at \(cut)")
        }
    }

    @Test("need every byte: no prefix of an accepted head is complete", arguments: RequestCase.all)
    func prefixes(_ given: RequestCase) {
        guard let parsed = parseRequest(given.bytes).parsed else { return }
        let head = Array(given.bytes[..<parsed.byteCount])
        #expect(parseRequest(Array(head.dropLast())) == .incomplete)
        #expect(parseRequest(head).parsed == parsed)
    }

    @Test("give their parts")
    func parts() throws {
        let text = "POST /a/b?c=d HTTP/1.1\r\nHost: Example.com:81\r\nContent-Length: 12\r\nX-Y:  z \r\n\r\nhello"
        let head = try #require(parseRequest(Array(text.utf8)).parsed)
        #expect(head.method == .post)
        #expect(head.path == "/a/b" && head.query == "?c=d" && head.authority == "Example.com:81")
        #expect(head.framing == .length(12) && head.keepAlive && head.pathIsPlain)
        #expect(head.fields.map(\.name) == ["Host", "Content-Length", "X-Y"])
        #expect(head.fields.map(\.known) == [.host, .contentLength, .other])
        #expect(head.fields[2].value == Array("z".utf8))
        #expect(head.byteCount == text.utf8.count - 5)
    }

    @Test("count the empty line that was skipped before them")
    func skippedLine() throws {
        let text = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let head = try #require(parseRequest(Array(text.utf8)).parsed)
        #expect(head.methodName == "GET" && head.byteCount == text.utf8.count)
    }

    @Test("follow one another on a connection, each from its own first byte")
    func pipelined() {
        let first = Array("GET /1 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n".utf8)
        let second = Array("PUT /2 HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\n".utf8)
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        for _ in 0..<3 {
            (first + second)[...].withExactCopy { bytes in
                #expect(parser.parse(bytes, into: &head) == .complete)
                #expect(head.byteCount == first.count && bytes.text(head.path) == "/1" && head.framing == .none)
                let rest = UnsafeRawBufferPointer(rebasing: bytes[first.count...])
                #expect(parser.parse(rest, into: &head) == .complete)
                #expect(rest.text(head.path) == "/2" && head.framing == .length(3) && head.fields.count == 2)
            }
        }
    }

    @Test(
        "that were abandoned leave nothing behind after a reset",
        arguments: [
            "PO", "POST /lost?x", "POST /lost HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHo",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\nX: val", "POST / HTTP/1.1\r\nX_", "\r\nP",
        ])
    func reset(abandoned: String) {
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        Array(abandoned.utf8)[...].withExactCopy {
            #expect(parser.parse($0, into: &head) == .incomplete)
        }
        parser.reset()
        Array("GET /found HTTP/1.1\r\nHost: a\r\nTraceparent: x\r\n\r\n".utf8)[...].withExactCopy {
            #expect(parser.parse($0, into: &head) == .complete)
            #expect($0.text(head.path) == "/found" && head.framing == .none && head.fields.count == 2 && head.keepAlive)
        }
    }

    @Test(
        "say whether the connection is kept",
        arguments: [
            ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: X, Close\r\n", false),
            ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false), ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true), ("1.0", "Connection: keep-alive, close\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
        ])
    func keepAlive(version: String, fields: String, kept: Bool) {
        let text = "GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"
        #expect(parseRequest(Array(text.utf8)).parsed?.keepAlive == kept)
    }

    @Test(
        "want an upgrade only with all that belongs to it",
        arguments: [
            ("1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", true),
            ("1.1", "Upgrade: websocket\r\nConnection: upgrade\r\n", true),
            ("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false),
            ("1.1", "Upgrade: websocket\r\n", false), ("1.1", "Connection: upgrade\r\n", false),
            ("1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", false),
            ("1.1", "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", false),
            ("1.1", "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n", false),
            ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", false),
        ])
    func upgrade(version: String, fields: String, wanted: Bool) {
        let text = "GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"
        #expect(parseRequest(Array(text.utf8)).parsed?.wantsUpgrade == wanted)
    }

    @Test(
        "expect to be told to continue only where a body waits",
        arguments: [
            ("1.1", "Content-Length: 1\r\n", true), ("1.1", "Transfer-Encoding: chunked\r\n", true),
            ("1.1", "Content-Length: 0\r\n", false), ("1.1", "", false), ("1.0", "Content-Length: 1\r\n", false),
        ])
    func expectation(version: String, fields: String, expects: Bool) {
        let text = "POST / HTTP/\(version)\r\nHost: a\r\nExpect: 100-Continue\r\n\(fields)\r\n"
        #expect(parseRequest(Array(text.utf8)).parsed?.expectsContinue == expects)
    }

    @Test("mark the fields that end here, by definition and by Connection")
    func hopByHop() throws {
        let text = """
            GET / HTTP/1.1\r\nX-One: 1\r\nHost: a\r\nConnection: x-one, TE\r\nTE: trailers\r\nx-two: 2\r\n\
            Connection: X-Two\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\n\
            Trailer: z\r\nUpgrade: w\r\nX-Three: 3\r\n\r\n
            """
        let head = try #require(parseRequest(Array(text.utf8)).parsed)
        let forwarded = head.fields.filter { !$0.isHopByHop }.map(\.name)
        #expect(forwarded == ["Host", "Trailer", "X-Three"])
    }

    @Test("mark a single field that Connection names")
    func oneNamed() throws {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nConnection: x-one\r\n\r\n"
        let head = try #require(parseRequest(Array(text.utf8)).parsed)
        #expect(head.fields.filter { !$0.isHopByHop }.map(\.name) == ["Host"])
    }

    @Test("see what stands in two blocks of sixteen bytes as in one", arguments: 0...50)
    func acrossBlocks(offset: Int) {
        let padding = String(repeating: "x", count: offset)
        func parse(target: String, host: String = "a") -> Verdict<ParsedRequest> {
            parseRequest(Array("GET \(target) HTTP/1.1\r\nHost: \(host)\r\nX: y\r\nAccept: text/html\r\n\r\n".utf8))
        }
        #expect(parse(target: "/\(padding)/../y").reason == .dotSegment)
        #expect(parse(target: "/\(padding)/./y").reason == .dotSegment)
        #expect(parse(target: "/\(padding)//y").parsed?.pathIsPlain == false)
        #expect(parse(target: "/\(padding)x/y").parsed?.pathIsPlain == true)
        #expect(parse(target: "/", host: "x\(padding)..y").reason == .invalidHost)
        #expect(parse(target: "/", host: "x\(padding).y").parsed?.authority == "x\(padding).y")
    }

    @Test(
        "say which paths are plain",
        arguments: [
            ("/", true), ("/a/b.c", true), ("/.well-known/x", true), ("/a;b", true), ("//", false), ("/a//", false),
            ("/%61", false), ("/a%2Fb", false), ("/x|y", true), ("/x?//%61", true),
        ])
    func plainPaths(target: String, isPlain: Bool) {
        let text = "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(parseRequest(Array(text.utf8)).parsed?.pathIsPlain == isPlain)
    }

    @Test(
        "resolve each form of target",
        arguments: [
            ("OPTIONS", "*", "a", "*", "", "a"), ("GET", "http://A:1", "a:1", "/", "", "a:1"),
            ("GET", "https://a?x/y", "a", "/", "?x/y", "a"), ("GET", "http://[::1]/p?q", "[::1]", "/p", "?q", "[::1]"),
            ("CONNECT", "a:443", "a:443", "", "", "a:443"), ("GET", "/?", "a", "/", "?", "a"),
            ("OPTIONS", "http://a", "a", "", "", "a"), ("OPTIONS", "http://a?x", "a", "/", "?x", "a"),
            ("OPTIONS", "http://a/", "a", "/", "", "a"),
        ])
    func targets(_ method: String, _ target: String, _ host: String, path: String, query: String, authority: String) {
        let text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        let head = parseRequest(Array(text.utf8)).parsed
        #expect(head?.path == path && head?.query == query && head?.authority == authority)
    }

    @Test("recognise every known field in any case, and nothing that only resembles one")
    func knownFields() {
        for (name, known) in KnownFieldNames.all {
            for spelling in [name, name.uppercased(), name.capitalized] {
                #expect(KnownFieldNames.recognise(spelling) == known)
            }
            for i in name.indices {
                var other = name
                other.replaceSubrange(i...i, with: name[i] == "q" ? "z" : "q")
                #expect(KnownFieldNames.recognise(other) == .other, "\(other)")
            }
            #expect(KnownFieldNames.recognise(name + "x") == .other)
            #expect(KnownFieldNames.recognise(String(name.dropLast())) == .other)
        }
        #expect(Set(KnownFieldNames.all.values).count == KnownField.allCases.count - 1)
    }
}

extension String {
    var capitalized: String {
        split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "-")
    }
}

enum KnownFieldNames {
    /// `xForwardedFor` is spelt `x-forwarded-for`; two cases are spelt otherwise than their names say.
    static let all: [String: KnownField] = {
        var names: [String: KnownField] = [:]
        for known in KnownField.allCases where known != .other {
            let name = "\(known)".reduce(into: "") { text, letter in
                text += letter.isUppercase ? "-" + letter.lowercased() : String(letter)
            }
            names[name == "x-request-i-d" ? "x-request-id" : name] = known
        }
        return names
    }()

    static func recognise(_ name: String) -> KnownField {
        Array(name.utf8)[...].withExactCopy { KnownField.recognise($0.baseAddress.unsafelyUnwrapped, count: $0.count) }
    }
}
