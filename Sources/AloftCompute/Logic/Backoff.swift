import AloftModel

/// How long a replica that ended waits for its next start: doubling, up to a limit, and short again after a good time.
package struct Backoff: Sendable, Hashable {
    /// Starts in a row that did not lead to a good time.
    package private(set) var failures = 0

    package init() {}

    /// A process ended (or was never made).
    ///
    /// - Parameter readyFor: The longest time it was in rotation without a break.
    /// - Returns: How long to wait before the next start.
    package mutating func ended(readyFor: Duration, spec: RestartSpec.Backoff) -> Duration {
        if readyFor >= spec.resetAfter { failures = 0 }
        let wait = Self.wait(failures: failures, spec: spec)
        failures += 1
        return wait
    }

    /// The file changed or somebody asked for a restart: what failed before says nothing about what comes.
    package mutating func reset() { failures = 0 }

    private static func wait(failures: Int, spec: RestartSpec.Backoff) -> Duration {
        var wait = spec.initial
        var left = failures
        while left > 0 && wait < spec.max {
            wait = wait * 2
            left -= 1
        }
        return min(wait, spec.max)
    }
}
