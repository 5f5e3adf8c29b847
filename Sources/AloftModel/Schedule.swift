/// Times of day: a cron expression of five fields with an optional time zone, `0 2 * * * Asia/Kolkata`.
///
/// Fields are minute, hour, day of month, month, day of week (0 and 7 are Sunday; names such as `mon`, `jan`), each `*`, a
/// number, a range, a list, with `/step`. As in cron(8): where both days are restricted, either fits.
package struct Schedule: Sendable, Hashable, CustomStringConvertible {
    /// As the file spells it.
    package let description: String
    /// Bit n is set where minute n fits.
    package let minutes: UInt64
    package let hours: UInt64
    /// Bits 1 to 31.
    package let daysOfMonth: UInt64
    /// Bits 1 to 12.
    package let months: UInt64
    /// Bits 0 (Sunday) to 6.
    package let daysOfWeek: UInt64
    package let restrictsDaysOfMonth: Bool
    package let restrictsDaysOfWeek: Bool
    /// Name of the IANA time zone; nil is the machine's own.
    package let timeZone: String?

    package init(
        description: String, minutes: UInt64, hours: UInt64, daysOfMonth: UInt64, months: UInt64, daysOfWeek: UInt64,
        restrictsDaysOfMonth: Bool, restrictsDaysOfWeek: Bool, timeZone: String?
    ) {
        self.description = description
        self.minutes = minutes
        self.hours = hours
        self.daysOfMonth = daysOfMonth
        self.months = months
        self.daysOfWeek = daysOfWeek
        self.restrictsDaysOfMonth = restrictsDaysOfMonth
        self.restrictsDaysOfWeek = restrictsDaysOfWeek
        self.timeZone = timeZone
    }
}
