import AloftModel

/// One judgement of a new release.
package enum Verdict: Sendable, Hashable, Codable {
    case pass
    /// At least one reason, each with its numbers.
    case fail([String])
    /// Stable is as bad: nothing can be said about the new release, and going back would help nobody.
    case inconclusive([String])
    /// Fewer requests than a judgement needs; the interval goes on.
    case insufficient(have: Int, need: Int)
}

extension Verdict: CustomStringConvertible {
    /// `fail: 4.1% errors (21 of 512), allowed 1%; stable 0.1%`.
    package var description: String {
        switch self {
        case .pass: "pass"
        case .fail(let reasons): "fail: " + reasons.joined(separator: "; ")
        case .inconclusive(let reasons): "inconclusive: " + reasons.joined(separator: "; ")
        case .insufficient(let have, let need): "insufficient: \(have) of \(need) requests"
        }
    }

    /// `pass`, `fail`, `inconclusive`, `insufficient`.
    package var name: String {
        switch self {
        case .pass: "pass"
        case .fail: "fail"
        case .inconclusive: "inconclusive"
        case .insufficient: "insufficient"
        }
    }
}

/// A judgement, with what it was made of.
package struct VerdictRecord: Sendable, Hashable, Codable {
    package var time: Timestamp
    /// The share that the new release was sent then.
    package var weight: Percent
    package var verdict: Verdict
    package var canary: IntervalSample
    package var stable: IntervalSample

    package init(
        time: Timestamp, weight: Percent, verdict: Verdict, canary: IntervalSample, stable: IntervalSample
    ) {
        self.time = time
        self.weight = weight
        self.verdict = verdict
        self.canary = canary
        self.stable = stable
    }
}

/// One release over one interval, as a sparkline draws it.
package struct IntervalSample: Sendable, Hashable, Codable {
    package var requests: Int
    package var failures: Int
    package var p50: Duration?
    package var p95: Duration?

    package var errorRate: Double { requests == 0 ? 0 : Double(failures) / Double(requests) }

    package init(requests: Int = 0, failures: Int = 0, p50: Duration? = nil, p95: Duration? = nil) {
        self.requests = requests
        self.failures = failures
        self.p50 = p50
        self.p95 = p95
    }

    package init(_ numbers: ReleaseNumbers) {
        self.init(
            requests: numbers.requests, failures: numbers.failures, p50: numbers.latency.quantile(.p50),
            p95: numbers.latency.quantile(.p95))
    }
}
