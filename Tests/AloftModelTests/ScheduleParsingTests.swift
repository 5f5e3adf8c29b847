import AloftModel
import Testing

@Suite("A schedule's text")
struct ScheduleParsingTests {
    @Test("a star is every value, a number is one")
    func numbers() throws {
        let schedule = try Schedule(parsing: "0 2 * * *")
        #expect(schedule.minutes == 1)
        #expect(schedule.hours == 1 << 2)
        #expect(schedule.daysOfMonth == 0xFFFF_FFFE)
        #expect(schedule.months == 0b1_1111_1111_1110)
        #expect(schedule.daysOfWeek == 0b111_1111)
        #expect(!schedule.restrictsDaysOfMonth && !schedule.restrictsDaysOfWeek)
        #expect(schedule.timeZone == nil)
    }

    @Test("ranges, lists, steps and names in either case")
    func forms() throws {
        let schedule = try Schedule(parsing: "*/15,7 9-17/4\t1,15 jan-Mar,12 MON-fri  Asia/Kolkata")
        #expect(schedule.minutes == 1 | 1 << 15 | 1 << 30 | 1 << 45 | 1 << 7)
        #expect(schedule.hours == 1 << 9 | 1 << 13 | 1 << 17)
        #expect(schedule.daysOfMonth == 1 << 1 | 1 << 15)
        #expect(schedule.months == 0b1_0000_0000_1110)
        #expect(schedule.daysOfWeek == 0b11_1110)
        #expect(schedule.restrictsDaysOfMonth && schedule.restrictsDaysOfWeek)
        #expect(schedule.timeZone == "Asia/Kolkata")
        #expect(schedule.description == "*/15,7 9-17/4 1,15 jan-Mar,12 MON-fri Asia/Kolkata")
    }

    @Test("Sunday is 0, 7 and sun, also at the end of a range")
    func sundays() throws {
        #expect(try Schedule(parsing: "0 0 * * 0").daysOfWeek == 1)
        #expect(try Schedule(parsing: "0 0 * * 7").daysOfWeek == 1)
        #expect(try Schedule(parsing: "0 0 * * sat-sun").daysOfWeek == 0b100_0001)
        #expect(try Schedule(parsing: "0 0 * * 5-7").daysOfWeek == 0b110_0001)
    }

    @Test(
        "says which field is wrong, and why",
        arguments: [
            ("", "is empty; write \"0 2 * * *\" for 02:00"),
            ("60 * * * *", "minute: 60 is outside 0 to 59"),
            ("0 24 * * *", "hour: 24 is outside 0 to 23"),
            ("0 0 0 * *", "day of month: 0 is outside 1 to 31"),
            ("0 0 * 13 *", "month: 13 is outside 1 to 12"),
            ("0 0 * jam *", "month: 'jam' is not a number or a name such as feb"),
            ("0 0 * * 8", "day of week: 8 is outside 0 to 7"),
            ("x * * * *", "minute: 'x' is not a number"),
            ("+5 * * * *", "minute: '+5' is not a number"),
            ("1,,2 * * * *", "minute: '1,,2' has an empty place in its list"),
            ("5/15 * * * *", "minute: '5/15': a step needs a range; write 5-59/15"),
            ("*/0 * * * *", "minute: '*/0': a step is a number from 1 to 59"),
            ("*/90 * * * *", "minute: '*/90': a step is a number from 1 to 59"),
            ("1-2-3 * * * *", "minute: '1-2-3' is no range; write 0-59"),
            ("0 22-6 * * *", "hour: '22-6' runs backwards; write 22-23,0-6"),
            ("0 0 * * fri-mon", "day of week: 'fri-mon' runs backwards; write fri-6,0-mon"),
            ("0 0 30 2 *", "day of month: no month of this schedule has a day 30, so it never comes"),
            ("0 0 31 4,6 *", "day of month: no month of this schedule has a day 31, so it never comes"),
            ("@daily", "'@daily' is written \"0 0 * * *\" here"),
            ("@weekly Asia/Kolkata", "'@weekly' is written \"0 0 * * 0 Asia/Kolkata\" here"),
            ("@reboot", "'@reboot' is no time of day; write five fields, as in \"0 2 * * *\""),
            ("TZ=UTC 0 2 * * *", "the time zone stands at the end: \"0 2 * * * UTC\""),
            ("0 0 2 * * 1", "has six fields of time; seconds and years are not part of a schedule, which has five"),
            ("0 2 * * * +05:30", "time zone: '+05:30' is no name of a zone; write one such as Asia/Kolkata or UTC"),
            ("0 2 * * * Asia//x", "time zone: 'Asia//x' is no name of a zone; write one such as Asia/Kolkata or UTC"),
            (
                "0 2 * *",
                "has 4 fields; a schedule has five, minute hour day month weekday, and may end with a time zone: "
                    + "\"0 2 * * * Asia/Kolkata\""
            ),
        ])
    func refuses(text: String, message: String) {
        #expect(throws: ScheduleError(message: message)) { try Schedule(parsing: text) }
    }

    @Test("a text of more than 256 bytes is refused unread")
    func long() {
        let text = "0 0 * * " + Array(repeating: "1", count: 200).joined(separator: ",")
        #expect(throws: ScheduleError(message: "a schedule is at most 256 characters")) { try Schedule(parsing: text) }
    }

    @Test("a day that only the weekday can reach is not called impossible")
    func possibleByWeekday() throws {
        #expect(try Schedule(parsing: "0 0 30 2 mon").restrictsDaysOfWeek)
    }
}
