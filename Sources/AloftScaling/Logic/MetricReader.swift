import AloftModel

/// What each metric says about one sample, by the algorithm of Kubernetes' HorizontalPodAutoscaler.
///
/// Source: "Horizontal Pod Autoscaling, Algorithm details" of the Kubernetes documentation.
struct MetricReader {
    let spec: ScalingSpec
    let requests: Resources.Amount
    let sample: ServiceSample
    /// The number that the last decision asked for.
    let current: Int

    func readings() -> [MetricReading] { spec.metrics.map(read) }

    private func read(_ metric: ScalingMetric) -> MetricReading {
        switch metric {
        case .cpu(let target): cpu(target)
        case .memory(let target): memory(target)
        case .requestsPerReplica(let rate): rate.count > 0 ? requestRate(rate) : unusable(metric)
        case .latency(let bound): latency(bound)
        case .series(let name, let path, let target): target > 0 ? series(name, path, target) : unusable(metric)
        }
    }

    /// A target of 0 would ask for endlessly many; the language refuses it before.
    private func unusable(_ metric: ScalingMetric) -> MetricReading {
        MetricReading(name: "\(metric)", target: "0", problem: "has a target of 0", isMissing: true)
    }

    // MARK: Utilisation

    private func cpu(_ target: Percent) -> MetricReading {
        guard let request = requests.cpu, request.millicores > 0 else {
            return missing("cpu", "\(target)", "resources.requests.cpu is not set")
        }
        let warm = spec.behavior.warmUp
        return utilization(
            name: "cpu", target: target, request: Double(request.millicores) / 1000,
            counts: { $0 >= warm }, value: { $0.cores })
    }

    private func memory(_ target: Percent) -> MetricReading {
        guard let request = requests.memory, request.bytes > 0 else {
            return missing("memory", "\(target)", "resources.requests.memory is not set")
        }
        return utilization(
            name: "memory", target: target, request: Double(request.bytes),
            counts: { _ in true }, value: { $0.memory.map(Double.init) })
    }

    /// - Parameter counts: Whether a replica that is ready for so long is measured, or else ignored.
    private func utilization(
        name: String, target: Percent, request: Double, counts: (Duration) -> Bool, value: (ReplicaSample) -> Double?
    ) -> MetricReading {
        let counted = sample.replicas.filter { $0.readyFor.map(counts) ?? false }
        // One that was asked for and is not there yet is starting.
        let ignored = max(sample.replicas.count, current) - counted.count
        let values = counted.compactMap(value).filter(\.isFinite)
        guard !values.isEmpty else {
            guard counted.isEmpty else { return missing(name, "\(target)", "no replica has a sample") }
            return silent(name, "\(target)", "no replica is ready and past its warm-up")
        }
        let used = values.reduce(0, +) / request / Double(values.count)
        let ratio = used / target.fraction
        return MetricReading(
            name: name, current: percent(used), target: "\(target)", ratio: ratio,
            recommendation: recommend(
                ratio: ratio, measured: values.count, missing: counted.count - values.count, ignored: ignored,
                target: target.fraction),
            isMissing: false)
    }

    /// Steps 2 to 4 of the algorithm.
    private func recommend(ratio: Double, measured: Int, missing: Int, ignored: Int, target: Double) -> Int {
        let countsIgnored = ignored > 0 && ratio > 1
        guard missing > 0 || countsIgnored else {
            return isTolerated(ratio) ? current : ceiling(ratio * Double(measured))
        }
        // Those without a sample are taken to stand against the change: full when scaling down, at rest when up.
        let assumed = ratio < 1 ? Double(missing) * max(1, target) / target : 0
        let count = measured + missing + (countsIgnored ? ignored : 0)
        let again = (ratio * Double(measured) + assumed) / Double(count)
        guard !isTolerated(again), (again > 1) == (ratio > 1) else { return current }
        let number = ceiling(again * Double(count))
        return (again > 1) == (number > current) ? number : current
    }

    // MARK: Totals

    private func requestRate(_ target: Rate) -> MetricReading {
        guard let count = sample.requests else {
            return missing("requests", "\(target) a replica", "the edge's counters could not be read")
        }
        guard sample.elapsed > .zero else { return silent("requests", "\(target) a replica", "first sample") }
        let perSecond = Double(count) / sample.elapsed.seconds
        let total = perSecond * target.per.seconds
        return share(name: "requests", total: total, target: Double(target.count), shown: "\(target) a replica") {
            "\(number($0))\(target.description.drop { $0 != "/" })"
        }
    }

    private func series(_ name: String, _ path: String, _ target: Double) -> MetricReading {
        let found = sample.series.first { $0.name == name && $0.path == path }
        guard let total = found?.total, total.isFinite else {
            return missing(name, "\(number(target)) a replica", found?.problem ?? "\(path) has no value for it")
        }
        return share(name: name, total: max(0, total), target: target, shown: "\(number(target)) a replica") {
            number($0)
        }
    }

    /// A total that replicas share: `ceil(total ÷ target)`, unless that is within tolerance of now.
    private func share(
        name: String, total: Double, target: Double, shown: String, text: (Double) -> String
    ) -> MetricReading {
        let each = total / Double(max(1, current))
        let ratio = each / target
        return MetricReading(
            name: name, current: text(each), target: shown, ratio: ratio,
            recommendation: current > 0 && isTolerated(ratio) ? current : ceiling(total / target), isMissing: false)
    }

    // MARK: Latency

    /// Latency does not halve when replicas double: it says that there are too few, hardly ever how many.
    ///
    /// Over the target it asks for its share more, at most twice as many. Under it, it has no say beside other metrics;
    /// alone it gives up one at a time while it is under half of the target, or nobody asks.
    private func latency(_ bound: LatencyBound) -> MetricReading {
        let name = bound.quantile.description
        let target = milliseconds(bound.limit)
        guard let count = sample.requests else { return missing(name, target, "the edge's counters could not be read") }
        let isAlone = spec.metrics.count == 1
        guard count >= Self.fewest(for: bound.quantile) else {
            var reading = silent(name, target, "\(count) requests are too few for \(name)")
            reading.recommendation = isAlone ? (count == 0 ? max(0, current - 1) : current) : nil
            return reading
        }
        guard let value = sample.latency[bound.quantile] else { return missing(name, target, "no latency was counted") }
        let ratio = value.seconds / bound.limit.seconds
        let wanted: Int?
        if ratio > 1 {
            wanted = isTolerated(ratio) ? current : max(current, ceiling(min(ratio, 2) * Double(current)))
        } else if isAlone {
            wanted = ratio < 0.5 ? max(0, current - 1) : current
        } else {
            wanted = nil
        }
        return MetricReading(
            name: name, current: milliseconds(value), target: target, ratio: ratio, recommendation: wanted,
            isMissing: false)
    }

    /// Requests of which one lies beyond the quantile: 20 for p95, 100 for p99; at most 1000.
    static func fewest(for quantile: Quantile) -> Int {
        1_000_000 / max(1000, (10_000 - quantile.percent.basisPoints) * 100)
    }

    // MARK: Parts

    private func missing(_ name: String, _ target: String, _ problem: String) -> MetricReading {
        MetricReading(name: name, target: target, problem: problem, isMissing: true)
    }

    /// Has nothing to say, and nothing is wrong.
    private func silent(_ name: String, _ target: String, _ problem: String) -> MetricReading {
        MetricReading(name: name, target: target, problem: problem, isMissing: false)
    }

    private func isTolerated(_ ratio: Double) -> Bool { abs(1 - ratio) <= spec.behavior.tolerance.fraction + 1e-9 }
}

/// Up to the next whole number; forgives what binary fractions add, and ends at a million.
func ceiling(_ value: Double) -> Int { Int(min(max(0, (value - 1e-9).rounded(.up)), 1_000_000)) }

func percent(_ fraction: Double) -> String { "\(Int(min(fraction * 100, 1e9).rounded()))%" }

func milliseconds(_ duration: Duration) -> String {
    let count = duration.milliseconds
    return count < 10_000 ? "\(count) ms" : "\(number(Double(count) / 1000)) s"
}

/// Three digits that matter, no exponent: `0.12`, `4.5`, `1340`.
func number(_ value: Double) -> String {
    let size = abs(value)
    let factor: Double = size >= 100 ? 1 : size >= 10 ? 10 : 100
    let rounded = (value * factor).rounded() / factor
    if rounded == rounded.rounded(), abs(rounded) < 1e15 { return "\(Int(rounded))" }
    return "\(rounded)"
}

extension Duration {
    var seconds: Double { Double(nanoseconds) / 1e9 }
}
