import AloftEdge
import AloftMetrics

/// The edge's counters as metrics, under OpenTelemetry's names (semantic conventions for HTTP, stable).
struct EdgeFamilies {
    private let statistics: EdgeStatistics

    init(_ statistics: EdgeStatistics) { self.statistics = statistics }

    var families: [MetricFamily] { server + client + connections }

    private var server: [MetricFamily] {
        var duration = MetricFamily(
            "http_server_request_duration_seconds", help: "Duration of requests at the edge.", kind: .histogram,
            unit: "seconds")
        var requestBytes = MetricFamily(
            "aloft_edge_request_body_bytes", help: "Bytes of request bodies taken in.", kind: .counter, unit: "bytes")
        var responseBytes = MetricFamily(
            "aloft_edge_response_body_bytes", help: "Bytes of answers' bodies sent.", kind: .counter, unit: "bytes")
        for series in statistics.series {
            let labels = labels(of: series)
            duration.add(.histogram(histogram(series.duration)), labels)
            requestBytes.add(MetricValue(series.requestBytes), labels)
            responseBytes.add(MetricValue(series.responseBytes), labels)
        }
        let active = MetricFamily(
            "http_server_active_requests", help: "Requests under way at the edge.", kind: .gauge,
            samples: [MetricSample(value: MetricValue(statistics.activeRequests))])
        return [duration, active, requestBytes, responseBytes]
    }

    private func labels(of series: EdgeStatistics.Series) -> MetricLabels {
        var labels: MetricLabels = [
            "http_request_method": series.method, "http_route": series.route,
            "http_response_status_code": "\(series.status)", "url_scheme": series.scheme,
            "network_protocol_version": series.protocolVersion,
        ]
        if !series.errorType.isEmpty { labels["error_type"] = series.errorType }
        return labels
    }

    private var client: [MetricFamily] {
        var duration = MetricFamily(
            "http_client_request_duration_seconds",
            help: "From a request sent to a replica to the first byte of its answer.", kind: .histogram,
            unit: "seconds")
        var active = MetricFamily(
            "http_client_active_requests", help: "Requests under way at a replica.", kind: .gauge)
        var requests = MetricFamily("aloft_replica_requests", help: "Requests sent to a replica.", kind: .counter)
        var failures = MetricFamily(
            "aloft_replica_failures", help: "Requests that a replica did not answer.", kind: .counter)
        var idle = MetricFamily(
            "aloft_replica_idle_connections", help: "Kept-alive connections to a replica.", kind: .gauge)
        var opened = MetricFamily(
            "aloft_replica_connections_opened", help: "Connections opened to a replica.", kind: .counter)
        for backend in statistics.backends {
            let labels: MetricLabels = ["service": backend.replica.service, "replica": backend.replica.name]
            duration.add(.histogram(histogram(backend.duration)), labels)
            active.add(MetricValue(backend.underWay), labels)
            requests.add(MetricValue(backend.requests), labels)
            failures.add(MetricValue(backend.failures), labels)
            idle.add(MetricValue(backend.idleConnections), labels)
            opened.add(MetricValue(backend.connectionsOpened), labels)
        }
        return [duration, active, requests, failures, idle, opened]
    }

    private var connections: [MetricFamily] {
        var refused = MetricFamily(
            "aloft_edge_refused_requests", help: "Requests whose head or framing was refused.", kind: .counter)
        for (reason, count) in statistics.refusedRequests.sorted(by: { $0.key < $1.key }) {
            refused.add(MetricValue(count), ["reason": reason])
        }
        return [
            gauge("aloft_edge_open_connections", "Client connections that are open.", statistics.openConnections),
            gauge("aloft_edge_open_tunnels", "Upgraded connections that are open.", statistics.openTunnels),
            counter("aloft_edge_accepted_connections", "Client connections taken.", statistics.acceptedConnections),
            counter(
                "aloft_edge_refused_connections", "Client connections closed because of a limit.",
                statistics.refusedConnections),
            refused,
            counter("aloft_edge_retries", "Requests sent to a second replica.", statistics.retries),
            counter("aloft_edge_retries_refused", "Retries that the budget forbade.", statistics.retriesRefused),
            counter(
                "aloft_edge_tls_handshake_failures", "TLS connections that were never made.",
                statistics.tlsHandshakeFailures),
        ]
    }

    private func histogram(_ distribution: EdgeStatistics.Distribution) -> Histogram {
        Histogram(bounds: LatencyBuckets.seconds, counts: distribution.counts, sum: distribution.sum)
    }

    private func gauge(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        MetricFamily(name, help: help, kind: .gauge, samples: [MetricSample(value: MetricValue(value))])
    }

    private func counter(_ name: String, _ help: String, _ value: UInt64) -> MetricFamily {
        MetricFamily(name, help: help, kind: .counter, samples: [MetricSample(value: MetricValue(value))])
    }
}
