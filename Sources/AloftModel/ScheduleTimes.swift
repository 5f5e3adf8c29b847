/// When a schedule comes. Pure: the zone is a function from an instant to its offset from UTC.
///
/// Daylight saving: a time that the clock jumps over comes at the jump, once however many such times there are. A time that
/// the clock shows twice comes the first time only, so a schedule of every minute pauses for the repeated hour.
/// A zone that changes twice within three days is not understood exactly; none does.
extension Schedule {
    /// The first time after `instant`, or nil where there is none within 5 years.
    package func next(after instant: Timestamp, offset: (Timestamp) -> Duration) -> Timestamp? {
        let start = CivilDay.number(of: instant, offset: offset(instant)) - 1
        for day in start...(start + Self.searchedDays) where matches(day: day) {
            let clock = CivilDay(number: day, offset: offset)
            for hour in 0..<24 where hours & (1 << UInt64(hour)) != 0 {
                for minute in 0..<60 where minutes & (1 << UInt64(minute)) != 0 {
                    let candidate = clock.instant(hour: hour, minute: minute, offset: offset)
                    if candidate > instant { return candidate }
                }
            }
        }
        return nil
    }

    /// The last time before `instant`, or nil where there is none within 5 years.
    package func previous(before instant: Timestamp, offset: (Timestamp) -> Duration) -> Timestamp? {
        let start = CivilDay.number(of: instant, offset: offset(instant)) + 1
        for day in stride(from: start, through: start - Self.searchedDays, by: -1) where matches(day: day) {
            let clock = CivilDay(number: day, offset: offset)
            for hour in (0..<24).reversed() where hours & (1 << UInt64(hour)) != 0 {
                for minute in (0..<60).reversed() where minutes & (1 << UInt64(minute)) != 0 {
                    let candidate = clock.instant(hour: hour, minute: minute, offset: offset)
                    if candidate < instant { return candidate }
                }
            }
        }
        return nil
    }

    private static var searchedDays: Int64 { 5 * 366 }

    private func matches(day: Int64) -> Bool {
        let (_, month, dayOfMonth) = Timestamp.civil(daysSinceEpoch: day)
        guard months & (1 << UInt64(month)) != 0 else { return false }
        let fitsMonthDay = daysOfMonth & (1 << UInt64(dayOfMonth)) != 0
        let fitsWeekday = daysOfWeek & (1 << UInt64(CivilDay.weekday(day))) != 0
        return restrictsDaysOfMonth && restrictsDaysOfWeek ? fitsMonthDay || fitsWeekday : fitsMonthDay && fitsWeekday
    }
}

/// One day on a wall clock, with the offsets that hold around it.
struct CivilDay {
    private static let second: Int64 = 1_000_000_000
    private static let day: Int64 = 86_400 * second

    /// Nanoseconds of local midnight, read as if it were UTC.
    private let midnight: Int64
    private let before: Duration
    private let after: Duration

    /// - Parameter number: Local days since 1970-01-01.
    init(number: Int64, offset: (Timestamp) -> Duration) {
        midnight = number * Self.day
        before = offset(Timestamp(nanoseconds: midnight - Self.day))
        after = offset(Timestamp(nanoseconds: midnight + 2 * Self.day))
    }

    static func number(of instant: Timestamp, offset: Duration) -> Int64 {
        (instant + offset).nanoseconds.flooringQuotient(by: day)
    }

    /// 0 is Sunday; 1970-01-01 was a Thursday.
    static func weekday(_ number: Int64) -> Int64 {
        let shifted = number + 4
        return shifted - shifted.flooringQuotient(by: 7) * 7
    }

    static func longest(month: Int) -> Int { month == 2 ? 29 : [4, 6, 9, 11].contains(month) ? 30 : 31 }

    /// When the clock shows this time of the day: the first time of two, or the jump that leaves it out.
    func instant(hour: Int, minute: Int, offset: (Timestamp) -> Duration) -> Timestamp {
        let local = Timestamp(nanoseconds: midnight + Int64(hour * 3600 + minute * 60) * Self.second)
        let early = local - before
        guard before != after else { return early }
        if offset(early) == before { return early }
        let late = local - after
        if offset(late) == after { return late }
        return jump(offset: offset)
    }

    /// The first second with the new offset.
    private func jump(offset: (Timestamp) -> Duration) -> Timestamp {
        var low = (midnight - Self.day) / Self.second
        var high = (midnight + 2 * Self.day) / Self.second
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if offset(Timestamp(nanoseconds: middle * Self.second)) == before { low = middle } else { high = middle }
        }
        return Timestamp(nanoseconds: high * Self.second)
    }
}

extension Timestamp {
    fileprivate static func - (left: Timestamp, right: Duration) -> Timestamp {
        Timestamp(nanoseconds: left.nanoseconds - right.nanoseconds)
    }
}
