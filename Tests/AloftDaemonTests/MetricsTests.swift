import AloftMetrics
import AloftModel
import Testing

@testable import AloftDaemon
@testable import AloftEdge
@testable import AloftLogs

@Suite("Metrics of the daemon")
struct DaemonMetricsTests {
    private let time = Timestamp(nanoseconds: 1_795_212_740_000_000_000)

    private var edge: EdgeStatistics {
        var counts = [UInt64](repeating: 0, count: LatencyBuckets.seconds.count + 1)
        counts[1] = 3
        let distribution = EdgeStatistics.Distribution(counts: counts, sum: 0.025)
        var statistics = EdgeStatistics()
        statistics.series = [
            .init(
                route: "/api/*", method: "GET", status: 200, scheme: "http", protocolVersion: "1.1", errorType: "",
                duration: distribution, requestBytes: 10, responseBytes: 2048),
            .init(
                route: "", method: "_OTHER", status: 502, scheme: "https", protocolVersion: "1.0",
                errorType: "connect", duration: distribution, requestBytes: 0, responseBytes: 0),
        ]
        statistics.backends = [
            .init(
                replica: ReplicaID(service: "web", index: 1, generation: 2), inRotation: true, requests: 6, failures: 1,
                underWay: 2, idleConnections: 3, connectionsOpened: 4, duration: distribution)
        ]
        statistics.activeRequests = 2
        statistics.refusedRequests = ["bareLineFeed": 5]
        return statistics
    }

    private func replica(_ generation: Int, inRotation: Bool) -> ReplicaReport {
        ReplicaReport(
            name: "web-1", generation: generation, state: inRotation ? "ready" : "draining", inRotation: inRotation,
            since: time, cpuSeconds: 1.5, memory: 4096, restarts: 1)
    }

    private var daemon: DaemonFamilies {
        let status = StatusReport(
            app: "shop", region: "eu", environment: "staging", file: "/f", digest: "0a1b", version: "0.1.0", pid: 7,
            state: .running, startedAt: time, now: time, urls: [],
            edge: EdgeReport(openConnections: 0, activeRequests: 0, requests: 0, failures: 0),
            services: [
                ServiceReport(
                    name: "web", desired: 2, ready: 1, minReplicas: 1, maxReplicas: 2, minAvailable: 1, listen: "port",
                    replicas: [replica(2, inRotation: true), replica(1, inRotation: false)])
            ],
            channels: [ChannelReport(name: "ops", kind: "slack", state: "failing", waiting: 4, dropped: 2)])
        let certificate = CertificateFacts(hosts: "localhost", notAfter: time)
        return DaemonFamilies(
            status: status, certificates: [certificate, certificate], logs: LogStatistics(), spool: SpoolStatistics(),
            lostEvents: 0, reloads: ReloadCounts(applied: 3, refused: 1))
    }

    private func lines(_ families: [MetricFamily]) -> [String] {
        String(decoding: MetricsFormat.prometheus.write(families), as: UTF8.self).split(separator: "\n").map(
            String.init)
    }

    @Test("requests are counted under OpenTelemetry's names, by route template and never by path")
    func requests() {
        let lines = lines(EdgeFamilies(edge).families)
        let labels =
            #"http_request_method="GET",http_route="/api/*",http_response_status_code="200",url_scheme="http","#
            + #"network_protocol_version="1.1""#
        #expect(lines.contains(#"http_server_request_duration_seconds_count{\#(labels)} 3"#))
        #expect(lines.contains(#"http_server_request_duration_seconds_bucket{\#(labels),le="0.01"} 3"#))
        #expect(lines.contains(#"aloft_edge_response_body_bytes_total{\#(labels)} 2048"#))
        #expect(lines.contains { $0.contains(#"error_type="connect""#) })
        #expect(lines.contains(#"http_client_active_requests{service="web",replica="web-1"} 2"#))
        #expect(lines.contains(#"aloft_edge_refused_requests_total{reason="bareLineFeed"} 5"#))
        #expect(lines.contains("http_server_active_requests 2"))
    }

    @Test("a replica that is being replaced and its successor are one series, the successor's")
    func oneSeriesAReplica() {
        let up = lines(daemon.families).filter { $0.hasPrefix("up{") }
        #expect(up == [#"up{service="web",replica="web-1"} 1"#])
    }

    @Test("a channel through which nobody hears anything can be seen and counted")
    func channels() {
        let lines = lines(daemon.families)
        #expect(lines.contains(#"aloft_channel_working{channel="ops",kind="slack"} 0"#))
        #expect(lines.contains(#"aloft_channel_waiting_notices{channel="ops",kind="slack"} 4"#))
        #expect(lines.contains(#"aloft_channel_dropped_notices_total{channel="ops",kind="slack"} 2"#))
    }

    @Test("the target, the build, certificates and reloads are there")
    func identity() {
        let lines = lines(daemon.families)
        #expect(lines.contains(#"aloft_build_info{version="0.1.0",plan="0a1b"} 1"#))
        #expect(
            lines.contains(
                #"target_info{service_name="shop",service_instance_id="7",service_version="0.1.0","#
                    + #"deployment_environment_name="staging",cloud_region="eu"} 1"#))
        #expect(lines.contains(#"aloft_reloads_total{outcome="refused"} 1"#))
        #expect(lines.count { $0.hasPrefix("aloft_certificate_not_after_timestamp_seconds{") } == 1)
    }

    @Test("no two families bear one name, so that both formats can be written")
    func distinctNames() {
        let families = daemon.families + EdgeFamilies(edge).families + ProcessMetrics.families()
        #expect(Set(families.map(\.name)).count == families.count)
        #expect(MetricsFormat.openMetrics.write(families).suffix(6) == Array("# EOF\n".utf8)[...])
    }
}
