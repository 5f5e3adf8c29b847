import AloftModel
import Testing

@testable import AloftDaemon
@testable import AloftEdge

@Suite("Requests of late")
struct TrafficTests {
    private let start = Timestamp(nanoseconds: 0)

    private func series(_ route: String, _ status: Int, _ count: UInt64) -> EdgeStatistics.Series {
        EdgeStatistics.Series(
            route: route, method: "GET", status: status, scheme: "http", protocolVersion: "1.1", errorType: "",
            duration: .init(counts: [count], sum: 0), requestBytes: 0, responseBytes: 0)
    }

    private func routes(_ text: String) throws -> [RouteSpec] {
        let services = "a: {command: [x]}, b: {command: [x]}"
        let file = "version: 1\nservices: {\(services)}\nedge: {routes: [\(text)]}\n"
        return try Running.check(
            .init(name: "aloft.yaml", directory: "/", text: file), environment: nil, variables: [:]
        ).running.plan.edge.routes
    }

    @Test("are counted by the routes that lead to a service, the edge's own answers included")
    func byRoute() throws {
        var statistics = EdgeStatistics()
        statistics.series = [
            series("/a/*", 200, 90), series("/a/*", 503, 10), series("/*", 200, 7), series("", 404, 5),
        ]
        let totals = ServiceTraffic.totals(
            statistics, try routes("{match: {path: /a/*}, service: a}, {match: {path: /*}, service: b}"))
        #expect(totals["a"]?.requests == 100)
        #expect(totals["a"]?.errors == 10)
        #expect(totals["b"]?.requests == 7)
    }

    @Test("are attempts of releases where one route's name stands for two services")
    func byRelease() throws {
        var statistics = EdgeStatistics()
        statistics.series = [series("/*", 200, 100)]
        statistics.releases = [
            .init(service: "a", release: 1, requests: 60, failures: 6, mirrored: 10),
            .init(service: "b", release: 1, requests: 40),
        ]
        let totals = ServiceTraffic.totals(
            statistics,
            try routes("{match: {path: /*, methods: [GET]}, service: a}, {match: {path: /*}, service: b}"))
        #expect(totals["a"]?.requests == 50)
        #expect(totals["a"]?.errors == 6)
        #expect(totals["b"]?.requests == 40)
    }

    @Test("are those since the oldest sample, at most the last minute")
    func window() throws {
        let window = TrafficWindow()
        func totals(_ requests: UInt64, _ errors: UInt64 = 0) -> [String: ServiceTraffic] {
            ["a": ServiceTraffic(service: "a", requests: requests, errors: errors)]
        }
        let young = try #require(window.rates(totals(10), now: start + .seconds(5), start: start)["a"])
        #expect(young.requestsPerSecond == 2)
        #expect(young.errorShare == 0)
        for second in 1...20 { window.keep(totals(UInt64(second * 100)), at: start + .seconds(Int64(second * 10))) }
        let later = try #require(window.rates(totals(2300, 60), now: start + .seconds(200), start: start)["a"])
        #expect(later.seconds == 60)
        #expect(later.requestsPerSecond == 15)
        #expect(later.errorShare == 60.0 / 900)
        #expect(later.p95 == nil)
        let quiet = try #require(window.rates(totals(1400), now: start + .seconds(200), start: start)["a"])
        #expect(quiet.requestsPerSecond == 0)
        #expect(quiet.errorShare == nil)
        let reset = try #require(window.rates(totals(0), now: start + .seconds(200), start: start)["a"])
        #expect(reset.requestsPerSecond == 0)
    }

    @Test("have the latency of those alone")
    func latency() throws {
        var before = LatencyDigest()
        for _ in 0..<1000 { before.add(.seconds(2)) }
        var after = before
        for _ in 0..<100 { after.add(.milliseconds(10)) }
        let window = TrafficWindow()
        window.keep(["a": ServiceTraffic(service: "a", latency: before)], at: start)
        let rates = window.rates(
            ["a": ServiceTraffic(service: "a", latency: after)], now: start + .seconds(10), start: start)
        let p95 = try #require(rates["a"]?.p95)
        #expect(abs(p95 - 0.010) < 0.001)
    }
}
