import AloftModel
import Foundation
import Testing

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "reads what it writes, and other spellings of the same instant",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-20T22:12:20.041Z", 1_795_212_740_041_000_000),
            ("2026-11-21T00:12:20.041+02:00", 1_795_212_740_041_000_000),
            ("2000-02-29T12:00:00.000000001Z", 951_825_600_000_000_001), ("1969-12-31T23:59:59.5Z", -500_000_000),
        ] as [(String, Int64)])
    func reads(text: String, nanoseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test(
        "refuses what is not RFC 3339",
        arguments: [
            "", "2026-11-20", "2026-11-20T22:12:20", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-11-20T24:00:00Z", "2026-11-20T22:12:60Z", "2026-11-20T22:12:20.Z", "2026-11-20T22:12:20.0000000001Z",
            "2026-11-20T22:12:20Zx", "+026-11-20T22:12:20Z", "9999-11-20T22:12:20Z",
        ])
    func refuses(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("a round trip through JSON keeps every nanosecond")
    func roundTrip() throws {
        let range: ClosedRange<Int64> = -9_000_000_000_000_000_000...9_000_000_000_000_000_000
        for _ in 0..<500 {
            let time = Timestamp(nanoseconds: .random(in: range))
            let data = try JSONEncoder().encode([time])
            #expect(try JSONDecoder().decode([Timestamp].self, from: data) == [time], "\(time.nanoseconds)")
        }
    }
}
