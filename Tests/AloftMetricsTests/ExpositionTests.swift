import Testing

@testable import AloftMetrics

@Suite("Exposition")
struct ExpositionTests {
    static let families: [MetricFamily] = [
        MetricFamily(
            "aloft_requests", help: "Requests \"seen\".\nAll of them \\o/", kind: .counter,
            samples: [
                MetricSample(labels: ["service": "web", "path": "a\\b\"c\nd"], value: 3),
                MetricSample(labels: ["service": "é☂"], value: MetricValue(UInt64.max)),
            ]),
        MetricFamily(
            "aloft_load_ratio", help: "Load.", kind: .gauge, unit: "ratio",
            samples: [MetricSample(value: 0.25), MetricSample(labels: ["of": "none"], value: .real(.nan))]),
        MetricFamily(
            "request_seconds", help: "Time.", kind: .histogram, unit: "seconds",
            samples: [
                MetricSample(
                    labels: ["route": "/"],
                    value: .histogram(Histogram(bounds: [0.5, 1], counts: [1, 0, 2], sum: 7.5)))
            ]),
        MetricFamily(
            "target", help: "Build.", kind: .info, samples: [MetricSample(labels: ["version": "1.2"], value: 1)]),
        MetricFamily(
            "replica_state", help: "State.", kind: .stateset,
            samples: [MetricSample(labels: ["replica": "web-1"], value: .state("ready", of: ["starting", "ready"]))]),
    ]

    @Test("OpenMetrics, byte for byte")
    func openMetrics() {
        let expected = #"""
            # HELP aloft_requests Requests \"seen\".\nAll of them \\o/
            # TYPE aloft_requests counter
            aloft_requests_total{service="web",path="a\\b\"c\nd"} 3
            aloft_requests_total{service="é☂"} 9223372036854775807
            # HELP aloft_load_ratio Load.
            # TYPE aloft_load_ratio gauge
            # UNIT aloft_load_ratio ratio
            aloft_load_ratio 0.25
            aloft_load_ratio{of="none"} NaN
            # HELP request_seconds Time.
            # TYPE request_seconds histogram
            # UNIT request_seconds seconds
            request_seconds_bucket{route="/",le="0.5"} 1
            request_seconds_bucket{route="/",le="1.0"} 1
            request_seconds_bucket{route="/",le="+Inf"} 3
            request_seconds_count{route="/"} 3
            request_seconds_sum{route="/"} 7.5
            # HELP target Build.
            # TYPE target info
            target_info{version="1.2"} 1
            # HELP replica_state State.
            # TYPE replica_state stateset
            replica_state{replica="web-1",replica_state="starting"} 0
            replica_state{replica="web-1",replica_state="ready"} 1
            # EOF

            """#
        #expect(String(decoding: MetricsFormat.openMetrics.write(Self.families), as: UTF8.self) == expected)
    }

    @Test("Prometheus text, byte for byte")
    func prometheus() {
        let expected = #"""
            # HELP aloft_requests_total Requests "seen".\nAll of them \\o/
            # TYPE aloft_requests_total counter
            aloft_requests_total{service="web",path="a\\b\"c\nd"} 3
            aloft_requests_total{service="é☂"} 9223372036854775807
            # HELP aloft_load_ratio Load.
            # TYPE aloft_load_ratio gauge
            aloft_load_ratio 0.25
            aloft_load_ratio{of="none"} NaN
            # HELP request_seconds Time.
            # TYPE request_seconds histogram
            request_seconds_bucket{route="/",le="0.5"} 1
            request_seconds_bucket{route="/",le="1.0"} 1
            request_seconds_bucket{route="/",le="+Inf"} 3
            request_seconds_count{route="/"} 3
            request_seconds_sum{route="/"} 7.5
            # HELP target_info Build.
            # TYPE target_info gauge
            target_info{version="1.2"} 1
            # HELP replica_state State.
            # TYPE replica_state gauge
            replica_state{replica="web-1",replica_state="starting"} 0
            replica_state{replica="web-1",replica_state="ready"} 1

            """#
        #expect(String(decoding: MetricsFormat.prometheus.write(Self.families), as: UTF8.self) == expected)
    }

    @Test("families of one name, given apart, are written once and together")
    func merges() {
        func up(_ job: String) -> MetricFamily {
            MetricFamily("up", help: "Up.", kind: .gauge, samples: [MetricSample(labels: ["job": job], value: 1)])
        }
        let other = MetricFamily("other", help: "Other.", kind: .gauge, samples: [MetricSample(value: 0)])
        let text = String(decoding: MetricsFormat.prometheus.write([up("a"), other, up("b")]), as: UTF8.self)
        #expect(
            text == """
                # HELP up Up.
                # TYPE up gauge
                up{job="a"} 1
                up{job="b"} 1
                # HELP other Other.
                # TYPE other gauge
                other 0

                """)
    }

    @Test("no families at all are still a whole exposition")
    func empty() {
        #expect(MetricsFormat.openMetrics.write([]) == Array("# EOF\n".utf8))
        #expect(MetricsFormat.prometheus.write([]).isEmpty)
    }

    @Test(
        "the format is chosen by Accept",
        arguments: [
            (nil, MetricsFormat.prometheus),
            ("", .prometheus),
            ("*/*", .prometheus),
            ("text/html,application/xhtml+xml,*/*;q=0.8", .prometheus),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics),
            ("application/openmetrics-text; version=\"1.0.0\"", .openMetrics),
            ("APPLICATION/OpenMetrics-Text;Version=1.0.0", .openMetrics),
            ("application/openmetrics-text;version=0.0.1", .prometheus),
            ("application/openmetrics-text;version=2.0.0,*/*;q=0.1", .prometheus),
            ("application/openmetrics-text;q=0", .prometheus),
            ("application/openmetrics-text;q=0.3,text/plain;q=0.7", .prometheus),
            ("application/openmetrics-text;q=0.5,text/plain;q=0.2,*/*;q=0.9", .openMetrics),
            ("application/openmetrics-text;q=seven", .prometheus),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                    + "text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1", .openMetrics
            ),
            (",;,;q=1,/", .prometheus),
        ] as [(String?, MetricsFormat)])
    func negotiation(accept: String?, expected: MetricsFormat) {
        #expect(MetricsFormat(accept: accept) == expected)
    }

    @Test("label and metric names follow the grammar")
    func names() {
        for good in ["a", "_a", "a:b", "A9_"] { #expect(MetricName.isValid(good)) }
        for bad in ["", "9a", "a-b", "é", "a b", "a\n"] { #expect(!MetricName.isValid(bad)) }
        for bad in ["", "__name__", "a:b", "le gal"] { #expect(!MetricName.isValidLabel(bad)) }
        #expect(MetricName.isValidLabel("le"))
    }

    @Test("a label can be replaced and removed, in place")
    func labels() {
        var labels: MetricLabels = ["a": "1", "b": "2"]
        labels["a"] = "3"
        #expect(labels.pairs.map(\.value) == ["3", "2"])
        labels["a"] = nil
        #expect(labels == ["b": "2"])
    }
}
