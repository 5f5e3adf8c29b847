/// Why a text is no schedule: one line that names the field and says what to write.
package struct ScheduleError: Error, Sendable, Hashable {
    package let message: String

    package init(message: String) { self.message = message }
}

extension Schedule {
    /// Reads five fields and, after them, the name of a time zone where the machine's own is not meant.
    ///
    /// The name of the zone is checked for its form only: which zones exist, the machine's database says.
    /// A text is at most 256 bytes. Names of months and days may be in either case.
    package init(parsing text: String) throws(ScheduleError) {
        guard text.utf8.count <= 256 else { throw ScheduleError(message: "a schedule is at most 256 characters") }
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        try Self.refuseOtherForms(words)
        guard words.count == 5 || words.count == 6 else {
            throw ScheduleError(
                message: "has \(words.count) field\(words.count == 1 ? "" : "s"); a schedule has five, "
                    + "minute hour day month weekday, and may end with a time zone: \"0 2 * * * Asia/Kolkata\"")
        }
        let zone = words.count == 6 ? words[5] : nil
        if let zone { try Self.checkZone(zone) }
        let days = try CronField.dayOfMonth.bits(of: words[2])
        let months = try CronField.month.bits(of: words[3])
        // As cron(8): a field that begins with a star restricts nothing in the question which of the two days counts.
        let restrictsDays = !words[2].hasPrefix("*")
        let restrictsWeekdays = !words[4].hasPrefix("*")
        if !restrictsWeekdays { try Self.refuseImpossible(days: days, months: months) }
        self.init(
            description: words.joined(separator: " "),
            minutes: try CronField.minute.bits(of: words[0]), hours: try CronField.hour.bits(of: words[1]),
            daysOfMonth: days, months: months, daysOfWeek: try CronField.dayOfWeek.bits(of: words[4]),
            restrictsDaysOfMonth: restrictsDays, restrictsDaysOfWeek: restrictsWeekdays, timeZone: zone)
    }

    private static func refuseOtherForms(_ words: [String]) throws(ScheduleError) {
        guard let first = words.first else { throw ScheduleError(message: "is empty; write \"0 2 * * *\" for 02:00") }
        if first.hasPrefix("@") {
            let spellings = [
                "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
                "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
            ]
            guard let spelling = spellings[first.lowercased()] else {
                throw ScheduleError(message: "'\(first)' is no time of day; write five fields, as in \"0 2 * * *\"")
            }
            let zone = words.count == 2 ? " \(words[1])" : ""
            throw ScheduleError(message: "'\(first)' is written \"\(spelling)\(zone)\" here")
        }
        if let name = ["CRON_TZ=", "TZ="].first(where: first.hasPrefix) {
            let zone = first.dropFirst(name.utf8.count)
            throw ScheduleError(
                message:
                    "the time zone stands at the end: \"\((words.dropFirst() + [String(zone)]).joined(separator: " "))\""
            )
        }
        if words.count == 6, let start = words[5].unicodeScalars.first, start == "*" || ("0"..."9").contains(start) {
            throw ScheduleError(
                message: "has six fields of time; seconds and years are not part of a schedule, which has five")
        }
    }

    private static func checkZone(_ zone: String) throws(ScheduleError) {
        let fits = zone.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                || "_-+/".unicodeScalars.contains($0)
        }
        let parts = zone.split(separator: "/", omittingEmptySubsequences: false)
        guard fits, zone.utf8.count <= 64, let start = zone.unicodeScalars.first, start.properties.isAlphabetic,
            parts.allSatisfy({ !$0.isEmpty })
        else {
            throw ScheduleError(
                message: "time zone: '\(zone)' is no name of a zone; write one such as Asia/Kolkata or UTC")
        }
    }

    /// 30 February would parse and never come.
    private static func refuseImpossible(days: UInt64, months: UInt64) throws(ScheduleError) {
        let first = days.trailingZeroBitCount
        let longest = (1...12).filter { months & (1 << UInt64($0)) != 0 }.map(CivilDay.longest).max() ?? 31
        guard first <= longest else {
            throw ScheduleError(
                message: "day of month: no month of this schedule has a day \(first), so it never comes")
        }
    }
}

/// One of the five fields: its numbers and the names that stand for them.
private struct CronField {
    let name: String
    let range: ClosedRange<Int>
    var names: [String] = []
    /// What the first name stands for.
    var firstName = 0

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let dayOfMonth = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], firstName: 1)
    static let dayOfWeek = CronField(
        name: "day of week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])

    func bits(of text: String) throws(ScheduleError) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard !part.isEmpty else { throw error("'\(text)' has an empty place in its list") }
            bits |= try partBits(String(part))
        }
        // Sunday is 0 and 7.
        if range.upperBound == 7, bits & (1 << 7) != 0 { bits = (bits | 1) & 0x7F }
        return bits
    }

    private func partBits(_ part: String) throws(ScheduleError) -> UInt64 {
        let halves = part.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard halves.count <= 2 else { throw error("'\(part)' has more than one step") }
        let (span, isRange) = try span(halves[0])
        guard halves.count == 2 else { return mask(span, step: 1) }
        guard isRange else {
            throw error("'\(part)': a step needs a range; write \(halves[0])-\(last)/\(halves[1])")
        }
        guard let step = number(halves[1]), (1...last).contains(step) else {
            throw error("'\(part)': a step is a number from 1 to \(last)")
        }
        return mask(span, step: step)
    }

    /// The largest that is worth writing: Sunday need not be 7.
    private var last: Int { range.upperBound == 7 ? 6 : range.upperBound }

    private func span(_ text: String) throws(ScheduleError) -> (ClosedRange<Int>, isRange: Bool) {
        if text == "*" { return (range.lowerBound...last, true) }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard ends.count <= 2 else { throw error("'\(text)' is no range; write \(range.lowerBound)-\(last)") }
        let low = try value(ends[0])
        guard ends.count == 2 else { return (low...low, false) }
        var high = try value(ends[1])
        if range.upperBound == 7, high == 0, low > 0 { high = 7 }
        guard low <= high else {
            throw error("'\(text)' runs backwards; write \(ends[0])-\(last),\(range.lowerBound)-\(ends[1])")
        }
        return (low...high, true)
    }

    private func value(_ text: String) throws(ScheduleError) -> Int {
        if let index = names.firstIndex(of: text.lowercased()) { return index + firstName }
        guard let number = number(text) else {
            let words = names.isEmpty ? "" : " or a name such as \(names[1])"
            throw error("'\(text)' is not a number\(words)")
        }
        guard range.contains(number) else {
            throw error("\(number) is outside \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Digits only: `Int` itself would accept a sign.
    private func number(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private func mask(_ span: ClosedRange<Int>, step: Int) -> UInt64 {
        stride(from: span.lowerBound, through: span.upperBound, by: step).reduce(0) { $0 | 1 << UInt64($1) }
    }

    private func error(_ reason: String) -> ScheduleError { ScheduleError(message: "\(name): \(reason)") }
}
