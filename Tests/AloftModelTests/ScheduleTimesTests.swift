import AloftModel
import Foundation
import Testing

@Suite("A schedule's times")
struct ScheduleTimesTests {
    private func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    /// The offset as the machine's database of zones has it.
    private func zone(_ name: String) throws -> (Timestamp) -> Duration {
        let zone = try #require(TimeZone(identifier: name))
        return {
            .seconds(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0.nanoseconds) / 1e9)))
        }
    }

    private static let utc: @Sendable (Timestamp) -> Duration = { _ in .zero }

    @Test(
        "the next and the previous time, in UTC",
        arguments: [
            ("0 2 * * *", "2026-11-21T01:59:59Z", "2026-11-21T02:00:00Z", "2026-11-20T02:00:00Z"),
            ("0 2 * * *", "2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z", "2026-11-20T02:00:00Z"),
            ("*/20 * * * *", "2026-12-31T23:50:00Z", "2027-01-01T00:00:00Z", "2026-12-31T23:40:00Z"),
            ("0 0 29 2 *", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0 9 * * mon", "2026-11-21T00:00:00Z", "2026-11-23T09:00:00Z", "2026-11-16T09:00:00Z"),
            // Both days restricted: either fits. 1 December 2026 is a Tuesday.
            ("0 0 1 * mon", "2026-11-25T00:00:00Z", "2026-11-30T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("0 0 1 * mon", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z", "2026-11-23T00:00:00Z"),
            // A star with a step counts as a star: both must fit.
            ("0 0 */2 * mon", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-09T00:00:00Z"),
        ])
    func times(text: String, now: String, next: String, previous: String) throws {
        let schedule = try Schedule(parsing: text)
        #expect(schedule.next(after: try instant(now), offset: Self.utc) == (try instant(next)))
        #expect(schedule.previous(before: try instant(now), offset: Self.utc) == (try instant(previous)))
    }

    @Test("a zone with a half hour")
    func kolkata() throws {
        let schedule = try Schedule(parsing: "0 22 * * * Asia/Kolkata")
        let offset = try zone("Asia/Kolkata")
        #expect(
            schedule.next(after: try instant("2026-11-21T16:29:59Z"), offset: offset)
                == (try instant("2026-11-21T16:30:00Z")))
        #expect(
            schedule.previous(before: try instant("2026-11-21T16:30:00Z"), offset: offset)
                == (try instant("2026-11-20T16:30:00Z")))
    }

    @Test("a time that the clock jumps over comes at the jump, once")
    func springForward() throws {
        // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
        let offset = try zone("Europe/Berlin")
        let schedule = try Schedule(parsing: "*/15 2 * * * Europe/Berlin")
        let jump = try instant("2026-03-29T01:00:00Z")
        #expect(schedule.next(after: try instant("2026-03-28T12:00:00Z"), offset: offset) == jump)
        #expect(schedule.next(after: jump, offset: offset) == (try instant("2026-03-30T00:00:00Z")))
        #expect(schedule.previous(before: try instant("2026-03-29T12:00:00Z"), offset: offset) == jump)
    }

    @Test("a time that the clock shows twice comes the first time only")
    func fallBack() throws {
        // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC, so 02:30 is 00:30 and 01:30 UTC.
        let offset = try zone("Europe/Berlin")
        let schedule = try Schedule(parsing: "30 2 * * * Europe/Berlin")
        let first = try instant("2026-10-25T00:30:00Z")
        #expect(schedule.next(after: try instant("2026-10-24T12:00:00Z"), offset: offset) == first)
        #expect(schedule.next(after: first, offset: offset) == (try instant("2026-10-26T01:30:00Z")))
        #expect(schedule.previous(before: try instant("2026-10-25T12:00:00Z"), offset: offset) == first)
    }

    @Test("next and previous undo each other through a year with both changes of the clock, on two hemispheres")
    func roundTrip() throws {
        for name in ["America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "UTC"] {
            let offset = try zone(name)
            let schedule = try Schedule(parsing: "10,40 1-3 * * *")
            var now = try instant("2026-01-01T00:00:00Z")
            var times: [Timestamp] = []
            while now < (try instant("2027-01-01T00:00:00Z")), let next = schedule.next(after: now, offset: offset) {
                #expect(next > now)
                if let last = times.last { #expect(schedule.previous(before: next, offset: offset) == last) }
                times.append(next)
                now = next
            }
            // Six a day; the jump makes one of those that it leaves out, so at most six are lost.
            #expect((365 * 6 - 6...366 * 6).contains(times.count), "\(name): \(times.count)")
        }
    }

    @Test("a schedule that never comes ends the search")
    func never() {
        let schedule = Schedule(
            description: "never", minutes: 1, hours: 1, daysOfMonth: 1 << 30, months: 1 << 2, daysOfWeek: 0x7F,
            restrictsDaysOfMonth: true, restrictsDaysOfWeek: false, timeZone: nil)
        #expect(schedule.next(after: Timestamp(nanoseconds: 0), offset: Self.utc) == nil)
        #expect(schedule.previous(before: Timestamp(nanoseconds: 0), offset: Self.utc) == nil)
    }
}
