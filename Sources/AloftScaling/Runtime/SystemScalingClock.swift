import AloftModel
import Foundation

/// The machine's clocks.
package struct SystemScalingClock: ScalingClock {
    private let origin = ContinuousClock.now

    package init() {}

    package var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let wall = Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        return Moment(monotonic: ContinuousClock.now - origin, wall: wall)
    }

    package func sleep(until monotonic: Duration) async throws {
        try await ContinuousClock().sleep(until: origin + monotonic, tolerance: .milliseconds(50))
    }
}

/// UTC offsets from the machine's database of time zones.
package enum TimeZones {
    /// A name that the database does not know is UTC; `exists` tells beforehand.
    package static func offset(_ name: String?, _ instant: Timestamp) -> Duration {
        let date = Date(timeIntervalSince1970: Double(instant.nanoseconds) / 1e9)
        let zone = name.map { TimeZone(identifier: $0) ?? .gmt } ?? TimeZone.current
        return .seconds(zone.secondsFromGMT(for: date))
    }

    package static func exists(_ name: String) -> Bool { TimeZone(identifier: name) != nil }
}
