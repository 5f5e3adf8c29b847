import AloftModel

/// `services.*.deploy.analysis`.
enum AnalysisKeys {
    static let section = Section<AnalysisSpec>(
        "analysis",
        [
            interval.member, minRequests.member, maxErrorRate.member, maxLatency.member, comparedToStable.member,
            failureLimit.member, probeRequests.member,
        ]
    ) { fields, reader in
        // `{}` is the default of `maxLatency`; one that could not be read has its own problem.
        let bounds = fields.node(maxLatency)?.entries?.isEmpty == false
        let judges = [fields.has(maxErrorRate), bounds, fields.has(comparedToStable)]
        if !judges.contains(true) {
            reader.problems.error(
                fields.span, "`analysis` has nothing to judge by",
                hint: "write for example `maxErrorRate: 1%`, `maxLatency: {p95: 500ms}` or "
                    + "`comparedToStable: {errorRate: 2x}`")
        }
        return AnalysisSpec(
            interval: fields[interval], minRequests: fields[minRequests], maxErrorRate: fields[maxErrorRate],
            maxLatency: fields[maxLatency], comparedToStable: fields[comparedToStable],
            failureLimit: fields[failureLimit], probeRequests: fields[probeRequests])
    }

    static let interval = Key<AnalysisSpec, Duration>.standard(
        "interval", .duration(.seconds(1)...(.seconds(3600))), "10s", "From one judgement to the next.", example: "30s",
        synonyms: ["period", "every"]
    ) { $0.interval }

    static let minRequests = Key<AnalysisSpec, Int>.standard(
        "minRequests", .integer(1...1_000_000), "200",
        "Fewer requests are \"insufficient\", never a verdict; they are gathered until there are enough.",
        example: "50", synonyms: ["minSamples"]
    ) { $0.minRequests }

    static let maxErrorRate = Key<AnalysisSpec, Percent?>.optional(
        "maxErrorRate", .percent(Percent(0)...Percent(100)), otherwise: "any",
        "The share of requests that may be answered with 5xx or not at all.", example: "1%",
        synonyms: ["errorRate", "maxErrors"]
    ) { $0.maxErrorRate }

    static let maxLatency = Key<AnalysisSpec, [LatencyBound]>.applicable(
        "maxLatency", .latencies(limit: 8), "{}", "The time to the first byte, by quantile.",
        example: "{p95: 500ms, p99: 1s}", synonyms: ["latency"]
    ) { $0.maxLatency.isEmpty ? nil : $0.maxLatency }

    static let comparedToStable = Key<AnalysisSpec, AnalysisSpec.Comparison?>.optional(
        "comparedToStable", .comparison, otherwise: "not compared",
        "How many times the numbers of the release before it may reach.",
        example: "{errorRate: 2x, p95: 1.5x}", synonyms: ["baseline", "compare"]
    ) { $0.comparedToStable }

    static let failureLimit = Key<AnalysisSpec, Int>.standard(
        "failureLimit", .integer(0...100), "0", "Failed judgements in a row that are let pass.", example: "2"
    ) { $0.failureLimit }

    static let probeRequests = Key<AnalysisSpec, AnalysisSpec.ProbeRequests?>.optional(
        "probeRequests", probeSection.kind, otherwise: "none",
        "Requests that Aloft itself sends to the new release while too few come.",
        example: "{path: /health, rate: 5/s}", synonyms: ["synthetic", "probe"]
    ) { $0.probeRequests }

    static let probeSection = Section<AnalysisSpec.ProbeRequests>(
        "probeRequests", [path.member, rate.member]
    ) { fields, _ in
        AnalysisSpec.ProbeRequests(path: fields[path], rate: fields[rate])
    }

    static let path = Key<AnalysisSpec.ProbeRequests, String>.standard(
        "path", .requestPath, "/", "What is asked for, with GET.", example: "/health", synonyms: ["url", "httpGet"]
    ) { $0.path }

    static let rate = Key<AnalysisSpec.ProbeRequests, Rate>.standard(
        "rate", .rate, "5/s", "How many, all replicas of the release together.", example: "1/s"
    ) { $0.rate }
}
