import AloftModel

/// `services.*.scaling.metrics[]`.
enum MetricKeys {
    static let section = Section<ScalingMetric>(
        "metric",
        [
            cpu.member, memory.member, requestsPerReplica.member, latency.member, series.member, path.member,
            target.member,
        ],
        alternatives: [.exactlyOne("cpu", "memory", "requestsPerReplica", "latency", "series")],
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> ScalingMetric? {
        if !fields.has(series) {
            fields.report(path, idle: "without `series`", &reader)
            fields.report(target, idle: "without `series`", &reader)
        }
        if let name = fields[series] {
            guard let target = fields[target] else {
                if !fields.has(Self.target) {
                    reader.problems.error(
                        fields.span(series), "`target` is missing: how much of `\(name)` one replica should have",
                        hint: "write for example `{series: \(name), target: 100}`")
                }
                return nil
            }
            return .series(name: name, path: fields[path], target: target)
        }
        return fields[cpu].map { .cpu($0) } ?? fields[memory].map { .memory($0) }
            ?? fields[requestsPerReplica].map { .requestsPerReplica($0) }
            ?? fields[latency]?.first.map { .latency($0) }
    }

    private static let share = Kind<Percent>.percent(Percent(1)...Percent(1000))

    static let cpu = Key<ScalingMetric, Percent?>.optional(
        "cpu", share, "Mean use of the processor as a share of `resources.requests.cpu`.", example: "70%"
    ) { if case .cpu(let share) = $0 { share } else { nil } }

    static let memory = Key<ScalingMetric, Percent?>.optional(
        "memory", share, "Mean use of memory as a share of `resources.requests.memory`.", example: "80%",
        synonyms: ["mem"]
    ) { if case .memory(let share) = $0 { share } else { nil } }

    static let requestsPerReplica = Key<ScalingMetric, Rate?>.optional(
        "requestsPerReplica", .rate, "Requests that one replica should get.", example: "1000/min",
        synonyms: ["requests", "rps"]
    ) { if case .requestsPerReplica(let rate) = $0 { rate } else { nil } }

    static let latency = Key<ScalingMetric, [LatencyBound]?>.optional(
        "latency", .latencies(limit: 1), "The time to the first byte of an answer, one quantile of it.",
        example: "{p95: 500ms}", synonyms: ["responseTime"]
    ) { if case .latency(let bound) = $0 { [bound] } else { nil } }

    static let series = Key<ScalingMetric, String?>.optional(
        "series", seriesName, "A series of the replica's own metrics page; its samples are added up.",
        example: "orders_pending", synonyms: ["metric", "name"]
    ) { if case .series(let name, _, _) = $0 { name } else { nil } }

    static let path = Key<ScalingMetric, String>.applicable(
        "path", .requestPath, "/metrics", "Where `series` is found.", example: "/internal/metrics"
    ) { if case .series(_, let path, _) = $0 { path } else { nil } }

    static let target = Key<ScalingMetric, Double?>.optional(
        "target", .amount, otherwise: "needed with `series`", "How much of `series` one replica should have.",
        example: "100", synonyms: ["value", "averageValue"]
    ) { if case .series(_, _, let target) = $0 { target } else { nil } }

    private static let seriesName = Kind<String>.text(
        "name of a series", plural: "names of series", pattern: "^[A-Za-z_:][A-Za-z0-9_:]*$",
        limits: "at most 200 characters"
    ) { text in
        let fits = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
        guard let first = text.utf8.first, !(0x30...0x39).contains(first), fits, text.utf8.count <= 200 else {
            return .failure(Complaint("is not the name of a series", hint: "a name alone: labels are added up"))
        }
        return .success(text)
    }
}
