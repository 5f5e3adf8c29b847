/// The sum of one series in a page of metrics: the text formats of Prometheus and OpenMetrics.
///
/// Label sets are added up; timestamps, exemplars, comments and metadata are passed over. Lines that are no sample are an
/// error only where they name the series: one odd line of another metric is not this one's problem.
package enum MetricsText {
    package enum Problem: Error, Sendable, Hashable, CustomStringConvertible {
        case tooLarge(Int)
        case tooManyLines
        /// A page without the series; counts as missing, not as 0.
        case absent(String)
        case notANumber(String, line: Int)
        case malformed(line: Int)

        package var description: String {
            switch self {
            case .tooLarge(let bytes): "the page is \(bytes) bytes; at most \(MetricsText.maxBytes) are read"
            case .tooManyLines: "the page has more than \(MetricsText.maxLines) lines"
            case .absent(let name): "the page has no sample of \(name)"
            case .notANumber(let name, let line): "line \(line): \(name) is NaN or infinite"
            case .malformed(let line): "line \(line) is no sample"
            }
        }
    }

    package static let maxBytes = 4 << 20
    package static let maxLines = 1_000_000

    /// - Parameter name: The sample's full name; `orders_total` finds `orders_total{shop="a"} 5`.
    package static func sum(of name: String, in page: some Collection<UInt8>) throws(Problem) -> Double {
        guard page.count <= maxBytes else { throw .tooLarge(page.count) }
        let bytes = Array(page)
        let wanted = Array(name.utf8)
        var total = 0.0
        var found = false
        var line = 0
        var start = 0
        while start < bytes.count {
            line += 1
            guard line <= maxLines else { throw .tooManyLines }
            let end = bytes[start...].firstIndex(of: newline) ?? bytes.count
            if let value = try value(of: wanted, in: bytes[start..<end], line: line, name: name) {
                total += value
                found = true
            }
            start = end + 1
        }
        guard found else { throw .absent(name) }
        guard total.isFinite else { throw .notANumber(name, line: line) }
        return total
    }

    private static let newline = UInt8(ascii: "\n")

    private static func value(
        of name: [UInt8], in line: ArraySlice<UInt8>, line number: Int, name text: String
    ) throws(Problem) -> Double? {
        var rest = line.drop(while: isBlank)
        guard rest.starts(with: name) else { return nil }
        rest = rest.dropFirst(name.count)
        guard let next = rest.first, next == UInt8(ascii: "{") || isBlank(next) else { return nil }
        rest = rest.drop(while: isBlank)
        if rest.first == UInt8(ascii: "{") {
            guard let after = labelsEnd(rest) else { throw .malformed(line: number) }
            rest = rest[after...].drop(while: isBlank)
        }
        let token = rest.prefix { !isBlank($0) }
        guard !token.isEmpty, let value = Double(String(decoding: token, as: UTF8.self)) else {
            throw .malformed(line: number)
        }
        guard value.isFinite else { throw .notANumber(text, line: number) }
        return value
    }

    /// Where the label set ends; braces inside quoted values do not count.
    private static func labelsEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var isQuoted = false
        var isEscaped = false
        for index in bytes.indices.dropFirst() {
            let byte = bytes[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: "}"), !isQuoted {
                return index + 1
            }
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}
