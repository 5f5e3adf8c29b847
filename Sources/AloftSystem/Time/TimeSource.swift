import Glibc

/// A point on the clock that never goes back, for measuring and waiting; has no meaning outside this boot.
package struct MonotonicTime: Sendable, Hashable, Comparable, InstantProtocol {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

    package func advanced(by duration: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds + duration.wholeNanoseconds)
    }

    package func duration(to other: MonotonicTime) -> Duration { .nanoseconds(other.nanoseconds - nanoseconds) }

    package static func + (left: MonotonicTime, right: Duration) -> MonotonicTime { left.advanced(by: right) }
    package static func - (left: MonotonicTime, right: MonotonicTime) -> Duration { right.duration(to: left) }
}

extension Duration {
    /// Rounded towards zero; a duration of centuries is cut to what fits.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min / 4 : .max / 4) : product + attoseconds / 1_000_000_000
    }
}

/// The two clocks of the machine, as a port: tests put one by hand in its place.
package protocol TimeSource: Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z; for people only, since it may be set back.
    var wallNanoseconds: Int64 { get }
    var now: MonotonicTime { get }
    /// Returns once `now` has reached `deadline`.
    /// - Throws: `CancellationError` where the task is cancelled first.
    func sleep(until deadline: MonotonicTime) async throws
}

extension TimeSource {
    package func sleep(for duration: Duration) async throws { try await sleep(until: now + duration) }
}

/// The machine's own clocks.
package struct SystemTime: TimeSource {
    package init() {}

    package var wallNanoseconds: Int64 { read(CLOCK_REALTIME) }

    /// Goes on while the machine is suspended, so that a wait of five minutes is five minutes of the user's time.
    package var now: MonotonicTime { MonotonicTime(nanoseconds: read(CLOCK_BOOTTIME)) }

    /// Waits of a second and more end on a tenth of a second, those of five and more on a quarter, up to that much late:
    /// the periods of hundreds of probes then share their wake-ups.
    package func sleep(until deadline: MonotonicTime) async throws {
        var left = now.duration(to: deadline)
        if left >= .seconds(1) {
            let grain: Int64 = left >= .seconds(5) ? 250_000_000 : 100_000_000
            left += .nanoseconds(grain - 1 - (deadline.nanoseconds - 1) % grain)
        }
        if left > .zero { try await Task.sleep(for: left) } else { try Task.checkCancellation() }
    }

    private func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
