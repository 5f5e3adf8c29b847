import ArgumentParser

/// How long to wait, as somebody types it: `90s`, `30m`, `2h`, `1d`, or seconds without a unit. A second to seven days.
struct TimeLimit: ExpressibleByArgument, Sendable, Hashable {
    static let longest = 7 * 86_400

    let seconds: Int
    /// As it was typed, for what is said when it is over.
    let text: String

    var duration: Duration { .seconds(seconds) }
    var defaultValueDescription: String { text }

    init?(argument: String) {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = argument.last.flatMap { units[$0] }
        guard let count = Int(unit == nil ? argument : String(argument.dropLast())), count >= 1 else { return nil }
        let (seconds, overflows) = count.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflows, seconds <= Self.longest else { return nil }
        self.seconds = seconds
        text = unit == nil ? "\(argument)s" : argument
    }

    private init(seconds: Int, text: String) {
        self.seconds = seconds
        self.text = text
    }

    static func minutes(_ count: Int) -> TimeLimit { TimeLimit(seconds: count * 60, text: "\(count)m") }
    static func hours(_ count: Int) -> TimeLimit { TimeLimit(seconds: count * 3600, text: "\(count)h") }
}
