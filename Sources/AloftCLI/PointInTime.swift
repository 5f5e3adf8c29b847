import AloftDaemon
import AloftModel
import ArgumentParser

/// `2026-11-20T22:12:20Z`, or how long ago: `90s`, `30m`, `2h`, `7d`.
struct PointInTime: ExpressibleByArgument, Sendable, Hashable {
    let time: Timestamp

    init(_ time: Timestamp) { self.time = time }

    init?(argument: String) { self.init(argument, now: .now) }

    init?(_ text: String, now: Timestamp) {
        if let time = Timestamp(rfc3339: text) {
            self.time = time
            return
        }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            (0...100_000_000).contains(count)
        else { return nil }
        time = now + .seconds(-count * unit)
    }
}
