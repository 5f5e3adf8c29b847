/// A number of bytes, written in the file with a unit: `512MiB`, `16KiB`, `100B`.
///
/// Units are binary (`KiB` = 1024 bytes) or decimal (`KB` = 1000 bytes); a size is never negative.
package struct ByteSize: Sendable, Hashable, Comparable, Codable {
    package let bytes: Int

    package init(bytes: Int) {
        precondition(bytes >= 0, "a size is never negative")
        self.bytes = bytes
    }

    package static func kibibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 10) }
    package static func mebibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 20) }
    package static func gibibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 30) }

    package static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

extension ByteSize: CustomStringConvertible {
    /// The shortest exact spelling with a binary unit: `16KiB`, `1536B`.
    package var description: String {
        var value = bytes
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value != 0, value % 1024 == 0, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(value)\(units[unit])"
    }
}

/// A share of a whole, written `70%`; kept in basis points (1/100 %) so that equality is exact.
package struct Percent: Sendable, Hashable, Comparable, Codable {
    package let basisPoints: Int

    package init(basisPoints: Int) { self.basisPoints = basisPoints }
    package init(_ percent: Int) { self.basisPoints = percent * 100 }

    /// 70% is 0.7.
    package var fraction: Double { Double(basisPoints) / 10_000 }

    package static func < (left: Percent, right: Percent) -> Bool { left.basisPoints < right.basisPoints }
}

extension Percent: CustomStringConvertible {
    package var description: String {
        if basisPoints % 100 == 0 { return "\(basisPoints / 100)%" }
        let tail = basisPoints % 100
        let digits = tail % 10 == 0 ? "\(tail / 10)" : (tail < 10 ? "0\(tail)" : "\(tail)")
        return "\(basisPoints / 100).\(digits)%"
    }
}

/// Processor time per second, in thousandths of a core: `2` is 2000, `250m` is 250 (Kubernetes' spelling).
package struct CPUQuantity: Sendable, Hashable, Comparable, Codable {
    package let millicores: Int

    package init(millicores: Int) { self.millicores = millicores }

    package static func < (left: CPUQuantity, right: CPUQuantity) -> Bool { left.millicores < right.millicores }
}

extension CPUQuantity: CustomStringConvertible {
    package var description: String {
        millicores % 1000 == 0 ? "\(millicores / 1000)" : "\(millicores)m"
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    /// Whole nanoseconds, rounded towards zero.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The file's spelling, in the largest unit that is exact: `5m`, `1500ms`, `30s`.
    package var quantity: String {
        let total = milliseconds
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where total != 0 && total % size == 0 {
            return "\(total / size)\(unit)"
        }
        return total == 0 ? "0s" : "\(total)ms"
    }
}

extension ByteSize {
    /// For people: `1.2GiB`, `340MiB`, `12KiB`.
    package var rounded: String {
        var value = Double(bytes)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return unit == 0 || tenths >= 100 || tenths % 10 == 0
            ? "\(Int(value.rounded()))\(units[unit])" : "\(tenths / 10).\(tenths % 10)\(units[unit])"
    }
}
