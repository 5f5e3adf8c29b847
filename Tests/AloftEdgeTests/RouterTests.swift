import AloftHTTP
import AloftModel
import Testing

@testable import AloftEdge

@Suite("Router")
struct RouterTests {
    @Test("the first route of the file that fits wins, whatever is more specific")
    func firstMatchWins() {
        let router = Router(routes: [
            RouteMatch(path: .prefix("/api/")), RouteMatch(path: .exact("/api/health")), RouteMatch(path: .prefix("/")),
        ])
        #expect(router.find("GET", "example.com", "/api/health") == 0)
        #expect(router.find("GET", "example.com", "/other") == 2)
    }

    @Test("a prefix takes its folder, everything below, and not a longer name")
    func prefixes() {
        let router = Router(routes: [RouteMatch(path: .prefix("/api/"))])
        #expect(router.find("GET", "a", "/api") == 0)
        #expect(router.find("GET", "a", "/api/") == 0)
        #expect(router.find("GET", "a", "/api/x/y") == 0)
        #expect(router.find("GET", "a", "/apix") == nil)
        #expect(router.find("GET", "a", "/ap") == nil)
        #expect(router.find("GET", "a", "/") == nil)
    }

    @Test("a redirect to https and else the same place is not for clients that a trusted proxy reached by https")
    func upgrade() {
        let router = Router(routes: [RouteMatch(path: .prefix("/")), RouteMatch(path: .prefix("/"))], upgrades: [0])
        for said in ["X-Forwarded-Proto: https\r\n", "Forwarded: proto=HTTPS\r\n"] {
            #expect(router.find("GET", "a", "/", fields: said, isTrusted: true) == 1)
            #expect(router.find("GET", "a", "/", fields: said, isTrusted: false) == 0, "anybody can say so")
        }
        #expect(router.find("GET", "a", "/", fields: "X-Forwarded-Proto: http\r\n", isTrusted: true) == 0)
        #expect(router.find("GET", "a", "/", isTrusted: true) == 0)
    }

    @Test("an exact path takes itself only")
    func exact() {
        let router = Router(routes: [RouteMatch(path: .exact("/health"))])
        #expect(router.find("GET", "a", "/health") == 0)
        #expect(router.find("GET", "a", "/health/") == nil)
        #expect(router.find("GET", "a", "/healthy") == nil)
    }

    @Test("hosts are compared without case, port or closing dot; a wildcard is one label")
    func hosts() {
        let router = Router(routes: [
            RouteMatch(host: HostPattern(name: "example.com")),
            RouteMatch(host: HostPattern(name: "example.com", isWildcard: true)),
        ])
        #expect(router.find("GET", "Example.COM:8080", "/") == 0)
        #expect(router.find("GET", "example.com.", "/") == 0)
        #expect(router.find("GET", "www.example.com", "/") == 1)
        #expect(router.find("GET", "a.b.example.com", "/") == nil)
        #expect(router.find("GET", "example.org", "/") == nil)
    }

    @Test("routes with and without a host keep the order of the file")
    func hostsAndOrder() {
        let host = HostPattern(name: "example.com")
        let router = Router(routes: [
            RouteMatch(path: .exact("/a")), RouteMatch(host: host), RouteMatch(path: .prefix("/")),
        ])
        #expect(router.find("GET", "example.com", "/a") == 0)
        #expect(router.find("GET", "example.com", "/b") == 1)
        #expect(router.find("GET", "other", "/b") == 2)
    }

    @Test("methods and header fields are asked before a route is taken")
    func conditions() {
        let router = Router(routes: [
            RouteMatch(path: .prefix("/"), methods: ["POST"]),
            RouteMatch(path: .prefix("/"), headers: [.init(name: "x-beta", value: "1")]),
            RouteMatch(path: .prefix("/")),
        ])
        #expect(router.find("POST", "a", "/") == 0)
        #expect(router.find("GET", "a", "/", fields: "X-Beta: 1\r\n") == 1)
        #expect(router.find("GET", "a", "/", fields: "X-Beta: 2\r\n") == 2)
    }

    @Test("what only a trusted proxy may say opens no route to anyone else")
    func guardedConditions() {
        let rules = ForwardingRules(ForwardingSpec(remove: ["X-Team"]), trusted: TrustedNetworks([]))
        let wanted = ["x-forwarded-proto", "x-forwarded-user", "x-real-ip", "x-team", "x-beta"]
        let router = Router(
            routes: wanted.map { RouteMatch(headers: [.init(name: $0, value: "1")]) }, isGuarded: rules.isGuarded)
        for (number, name) in wanted.enumerated() {
            #expect(router.find("GET", "a", "/", fields: "\(name): 1\r\n", isTrusted: true) == number)
            let found = router.find("GET", "a", "/", fields: "\(name): 1\r\n", isTrusted: false)
            #expect(found == (name == "x-beta" ? number : nil))
        }
    }

    @Test("an encoded path is matched as what it stands for")
    func encodedPaths() {
        let router = Router(routes: [RouteMatch(path: .prefix("/admin/")), RouteMatch(path: .prefix("/"))])
        #expect(router.find("GET", "a", "/%61dmin/users") == 0)
        #expect(router.find("GET", "a", "//admin//users") == 0)
    }

    @Test("ten thousand routes are each found")
    func many() {
        let matches = (0..<10_000).map { number in
            RouteMatch(
                host: number % 2 == 0 ? HostPattern(name: "h\(number).test") : nil, path: .prefix("/p\(number)/"))
        }
        let router = Router(routes: matches)
        for number in stride(from: 0, to: 10_000, by: 37) {
            #expect(router.find("GET", "h\(number).test", "/p\(number)/x") == number)
        }
    }
}

extension Router {
    /// Parses a request as the edge does and finds its route.
    func find(
        _ method: String, _ host: String, _ path: String, fields: String = "", isTrusted: Bool = false
    ) -> Int? {
        let text = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n"
        return Array(text.utf8).withUnsafeBytes { bytes in
            var head = RequestHead()
            var parser = RequestParser(limits: HeadLimits())
            #expect(parser.parse(bytes, into: &head) == .complete)
            return withUnsafeTemporaryAllocation(byteCount: max(1, head.path.count), alignment: 1) { canonical in
                let count = PathCheck.canonical(bytes, head.path, into: canonical)
                let path = UnsafeRawBufferPointer(rebasing: canonical[..<count])
                return route(head, in: bytes, path: path, isTrusted: isTrusted)
            }
        }
    }
}
