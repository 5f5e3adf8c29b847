import AloftModel

/// Judges a new release by what both releases were sent over the same interval.
package enum Analysis {
    /// - Parameters:
    ///   - canary: What the new release was sent since the interval began.
    ///   - stable: What the old one was sent in the same time; empty where it runs no more.
    package static func judge(canary: ReleaseNumbers, stable: ReleaseNumbers, by spec: AnalysisSpec) -> Verdict {
        guard canary.requests >= spec.minRequests, canary.requests > 0 else {
            return .insufficient(have: canary.requests, need: max(1, spec.minRequests))
        }
        let isComparable = stable.requests >= max(1, spec.minRequests)
        var reasons = limits(canary, beside: isComparable ? stable : nil, spec)
        if reasons.isEmpty, isComparable, let comparison = spec.comparedToStable {
            reasons = excesses(canary, over: stable, comparison)
        }
        guard !reasons.isEmpty else { return .pass }
        if isComparable {
            let stableReasons = limits(stable, beside: nil, spec)
            if !stableReasons.isEmpty {
                return .inconclusive(reasons + stableReasons.map { "stable too: \($0)" })
            }
        }
        return .fail(reasons)
    }

    /// What breaks the bounds that hold whatever stable does.
    private static func limits(
        _ numbers: ReleaseNumbers, beside stable: ReleaseNumbers?, _ spec: AnalysisSpec
    ) -> [String] {
        var reasons: [String] = []
        if let allowed = spec.maxErrorRate, numbers.errorRate > allowed.fraction {
            let other = stable.map { "; stable \(share($0.errorRate))" } ?? ""
            reasons.append("\(errors(numbers)), allowed \(allowed)\(other)")
        }
        for bound in spec.maxLatency {
            guard let value = numbers.latency.quantile(bound.quantile), value > bound.limit else { continue }
            let other =
                stable?.latency.quantile(bound.quantile).map { "; stable \(milliseconds($0))" } ?? ""
            reasons.append("\(bound.quantile) \(milliseconds(value)), allowed \(milliseconds(bound.limit))\(other)")
        }
        return reasons
    }

    /// What is worse than stable by more than the factors allow.
    ///
    /// A number of failures that chance explains is none: the count must lie two standard deviations (of a Poisson
    /// count) above what the factor allows, so that where stable has no failure at all two are still let pass.
    private static func excesses(
        _ canary: ReleaseNumbers, over stable: ReleaseNumbers, _ comparison: AnalysisSpec.Comparison
    ) -> [String] {
        var reasons: [String] = []
        if let factor = comparison.errorRate {
            let allowed = factor * stable.errorRate * Double(canary.requests)
            if Double(canary.failures) > allowed + 2 * (allowed + 1).squareRoot() {
                reasons.append(
                    "\(errors(canary)), stable \(share(stable.errorRate)), allowed \(number(factor)) times that")
            }
        }
        for bound in comparison.latency {
            guard let value = canary.latency.quantile(bound.quantile),
                let other = stable.latency.quantile(bound.quantile),
                Double(value.nanoseconds) > Double(other.nanoseconds) * bound.factor
            else { continue }
            reasons.append(
                "\(bound.quantile) \(milliseconds(value)), stable \(milliseconds(other)), "
                    + "allowed \(number(bound.factor)) times that")
        }
        return reasons
    }

    private static func errors(_ numbers: ReleaseNumbers) -> String {
        "\(share(numbers.errorRate)) errors (\(numbers.failures) of \(numbers.requests))"
    }

    /// `4.1%`, `0.02%`, `0%`.
    package static func share(_ fraction: Double) -> String {
        let digits: Double = fraction > 0 && fraction < 0.001 ? 100 : 10
        return number((fraction * 100 * digits).rounded() / digits) + "%"
    }

    /// `612 ms`, `1.5 ms`.
    package static func milliseconds(_ duration: Duration) -> String {
        let tenths = (duration.nanoseconds + 50_000) / 100_000
        return tenths >= 100 || tenths % 10 == 0 ? "\((tenths + 5) / 10) ms" : "\(tenths / 10).\(tenths % 10) ms"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
