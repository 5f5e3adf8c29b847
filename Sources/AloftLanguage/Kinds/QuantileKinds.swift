import AloftModel

/// `p50`, `p95`, `p99.9` as names of a map.
enum QuantileNames {
    static let pattern = "^p[1-9]?[0-9](\\.[0-9]{1,2})?$"
    static let rule = NameRule(
        noun: "quantiles", subject: "a quantile", pattern: pattern, rule: "`p95`: above p0, below p100",
        complaint: complaint)

    @Sendable static func complaint(_ text: String) -> String? {
        guard quantile(text) == nil else { return nil }
        let example = Decimal(text) == nil ? "p95" : "p\(text)"
        return "is not a quantile; write for example `\(example)`, the time within which 95% of requests are answered"
    }

    static func quantile(_ text: String) -> Quantile? {
        guard text.hasPrefix("p"), let points = Decimal(String(text.dropFirst()))?.scaled(by: 100),
            (1..<10_000).contains(points), !text.hasPrefix("p0") || text.hasPrefix("p0.")
        else { return nil }
        return Quantile(Percent(basisPoints: points))
    }
}

extension Kind where Value == [LatencyBound] {
    /// `{p95: 500ms, p99: 1s}`, sorted by quantile.
    static func latencies(limit: Int) -> Kind {
        let map = Kind<[(name: String, value: Duration)]>.map(
            QuantileNames.rule, of: .duration(.milliseconds(1)...(.seconds(600)), usual: "ms"), limit: limit)
        return Kind(
            map.form, spell: { map.spell($0.map { ($0.quantile.description, $0.limit) }) },
            read: { node, reader in
                guard let pairs = map.read(node, &reader) else { return nil }
                let bounds = pairs.compactMap { pair in
                    QuantileNames.quantile(pair.name).map { LatencyBound($0, pair.value) }
                }.sorted { $0.quantile < $1.quantile }
                report(bounds, node, &reader)
                return bounds
            })
    }

    private static func report(_ bounds: [LatencyBound], _ node: Node, _ reader: inout Reader) {
        for (lower, higher) in zip(bounds, bounds.dropFirst()) {
            if lower.quantile == higher.quantile {
                reader.error(node, "`\(lower.quantile)` stands here twice")
            } else if lower.limit > higher.limit {
                reader.error(
                    node,
                    "`\(higher.quantile): \(higher.limit.quantity)` is less than `\(lower.quantile): "
                        + "\(lower.limit.quantity)`, so it alone would decide",
                    hint: "a higher quantile is never faster; give it more time")
            }
        }
    }
}

extension Kind where Value == AnalysisSpec.Comparison {
    /// `{errorRate: 2x, p95: 1.5x}`.
    static var comparison: Kind {
        let errorRate = "errorRate"
        let rule = NameRule(
            noun: "`errorRate` or quantiles", subject: "a measure",
            pattern: "^(\(errorRate)|\(QuantileNames.pattern.dropFirst().dropLast()))$", rule: "`errorRate` or `p95`"
        ) { name in
            guard name != errorRate, QuantileNames.quantile(name) == nil else { return nil }
            let near = Nearest.word(to: name, among: [errorRate])
            return "is not compared; " + (near == nil ? "write `errorRate` or a quantile" : "did you mean `errorRate`?")
        }
        let map = Kind<[(name: String, value: Double)]>.map(rule, of: .multiple(1...1000), limit: 8)
        return Kind(
            map.form,
            spell: { comparison in
                let rate = comparison.errorRate.map { [(name: errorRate, value: $0)] } ?? []
                return map.spell(rate + comparison.latency.map { ($0.quantile.description, $0.factor) })
            },
            read: { node, reader in
                guard let pairs = map.read(node, &reader) else { return nil }
                guard !pairs.isEmpty else {
                    reader.error(
                        node, "`\(reader.key)` compares nothing", hint: "write for example `{errorRate: 2x, p95: 1.5x}`"
                    )
                    return nil
                }
                let factors = pairs.compactMap { pair in
                    QuantileNames.quantile(pair.name).map { LatencyFactor($0, pair.value) }
                }.sorted { $0.quantile < $1.quantile }
                for (lower, higher) in zip(factors, factors.dropFirst()) where lower.quantile == higher.quantile {
                    reader.error(node, "`\(lower.quantile)` stands here twice")
                }
                return AnalysisSpec.Comparison(
                    errorRate: pairs.first { $0.name == errorRate }?.value, latency: factors)
            })
    }
}
