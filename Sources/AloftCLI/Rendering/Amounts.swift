import AloftModel

extension Duration {
    /// Two units at most, for people: `3m 12s`, `2d 4h`, `0s`.
    package var brief: String {
        let seconds = max(0, components.seconds)
        let parts: [(Int64, String)] = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        return parts[first...].prefix(2).filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }
}

/// Numbers as `aloft status` prints them.
package enum Amount {
    /// `24 MiB`, `1.4 GiB`: at most one digit after the point, and only below ten.
    package static func bytes(_ count: Int) -> String {
        var value = Double(max(0, count))
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit > 0, value < 10 {
            let tenths = Int((value * 10).rounded())
            return tenths % 10 == 0 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
        }
        return "\(Int(value.rounded())) \(units[unit])"
    }

    /// Share of one core: 0.034 is `3.4%`.
    package static func percent(_ share: Double) -> String {
        let tenths = Int((max(0, share) * 1000).rounded())
        return tenths >= 100 || tenths % 10 == 0 ? "\((tenths + 5) / 10)%" : "\(tenths / 10).\(tenths % 10)%"
    }

    /// A number of percent, at most two digits after the point: `12.5%`.
    package static func weight(_ percent: Double) -> String {
        let hundredths = Int((min(100, max(0, percent.isFinite ? percent : 0)) * 100).rounded())
        let (whole, part) = (hundredths / 100, hundredths % 100)
        guard part > 0 else { return "\(whole)%" }
        return part % 10 == 0 ? "\(whole).\(part / 10)%" : "\(whole).\(part < 10 ? "0" : "")\(part)%"
    }

    /// Seconds of one answer: `0.4 ms`, `41 ms`, `1.2 s`.
    package static func latency(_ seconds: Double) -> String {
        let milliseconds = max(0, seconds.isFinite ? seconds : 0) * 1000
        if milliseconds >= 999.5 { return "\(tenths(milliseconds / 1000)) s" }
        return milliseconds < 10 ? "\(tenths(milliseconds)) ms" : "\(Int(milliseconds.rounded())) ms"
    }

    /// A number a second: `0`, `0.4`, `41`, `12 040`.
    package static func rate(_ perSecond: Double) -> String {
        let value = max(0, perSecond.isFinite ? min(perSecond, 1e12) : 0)
        guard value < 9.95 else { return count(Int(value.rounded())) }
        return value > 0 && value < 0.05 ? "<0.1" : tenths(value)
    }

    /// A share of all as percent; anything above nothing is never `0%`.
    package static func share(_ share: Double) -> String {
        let value = min(1, max(0, share.isFinite ? share : 0))
        return value > 0 && value < 0.0005 ? "<0.1%" : percent(value)
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((min(value, 1e12) * 10).rounded())
        return tenths % 10 == 0 || tenths >= 1000 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    /// `12 040`: groups of three.
    package static func count(_ value: Int) -> String {
        let digits = Array(String(abs(value)))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += " " }
            text.append(digit)
        }
        return text
    }
}
