/// How long a channel is left alone after so many failures in a row.
enum Backoff {
    /// 1 s, 2 s, 4 s … 15 min, of which a random half is taken off, so that many daemons do not come back together.
    ///
    /// - Parameter random: From 0 up to 1.
    static func delay(failures: Int, random: Double) -> Duration {
        let full = min(900.0, Double(UInt64(1) << UInt64(min(max(failures, 1) - 1, 20))))
        return .milliseconds(Int64(1000 * full * (0.5 + 0.5 * min(max(random, 0), 1))))
    }
}
