/// Appends families as text, in either format.
///
/// Bucket bounds are written `1.0`, not `1`, in both formats, so that a series keeps its identity when a scraper changes
/// from one to the other (OpenMetrics 1.0 asks for that spelling, the older format allows it).
struct ExpositionWriter {
    private let format: MetricsFormat
    private var bytes: [UInt8] = []

    init(format: MetricsFormat) { self.format = format }

    mutating func write(_ families: [MetricFamily]) -> [UInt8] {
        let merged = Self.merged(families)
        bytes.reserveCapacity(merged.reduce(16) { $0 + 256 + $1.samples.count * 96 })
        for family in merged { write(family) }
        if format == .openMetrics { append("# EOF\n") }
        return bytes
    }

    private static func merged(_ families: [MetricFamily]) -> [MetricFamily] {
        var places: [String: Int] = [:]
        var merged: [MetricFamily] = []
        for family in families {
            if let place = places[family.name] {
                precondition(
                    merged[place].kind == family.kind && merged[place].unit == family.unit,
                    "two metrics of one name")
                merged[place].samples += family.samples
            } else {
                places[family.name] = merged.count
                merged.append(family)
            }
        }
        return merged
    }

    private mutating func write(_ family: MetricFamily) {
        writeHead(family)
        for sample in family.samples {
            switch sample.value {
            case .integer(let value): writeNumber(family, sample.labels, String(value))
            case .real(let value): writeNumber(family, sample.labels, Self.text(value))
            case .histogram(let histogram):
                precondition(family.kind == .histogram, "a histogram in a family of another kind")
                write(histogram, family.name, sample.labels)
            case .state(let current, let states):
                precondition(family.kind == .stateset && states.contains(current), "a state that is none")
                for state in states {
                    var labels = sample.labels
                    labels[family.name] = state
                    writeSample(family.name, "", labels, state == current ? "1" : "0")
                }
            }
        }
    }

    private mutating func writeHead(_ family: MetricFamily) {
        // The older format knows neither info nor state set, and names a counter with its suffix.
        let older = format == .prometheus
        let name = older ? family.name + Self.suffix(of: family.kind) : family.name
        let kind = older && (family.kind == .info || family.kind == .stateset) ? .gauge : family.kind
        append("# HELP ", name, " ")
        appendEscaped(family.help, quotes: !older)
        append("\n# TYPE ", name, " ", kind.rawValue, "\n")
        if !older, !family.unit.isEmpty { append("# UNIT ", name, " ", family.unit, "\n") }
    }

    private mutating func writeNumber(_ family: MetricFamily, _ labels: MetricLabels, _ value: String) {
        precondition(family.kind != .histogram && family.kind != .stateset, "a number in a family of another kind")
        writeSample(family.name, Self.suffix(of: family.kind), labels, value)
    }

    private mutating func write(_ histogram: Histogram, _ name: String, _ labels: MetricLabels) {
        var cumulative: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            cumulative &+= count
            let bound = index < histogram.bounds.count ? Self.text(histogram.bounds[index]) : "+Inf"
            writeSample(name, "_bucket", labels, String(cumulative), bound: bound)
        }
        writeSample(name, "_count", labels, String(cumulative))
        // A sum that can shrink is no counter, so the format forbids it beside negative bounds.
        if (histogram.bounds.first ?? 0) >= 0 { writeSample(name, "_sum", labels, Self.text(histogram.sum)) }
    }

    private mutating func writeSample(
        _ name: String, _ suffix: String, _ labels: MetricLabels, _ value: String, bound: String? = nil
    ) {
        append(name, suffix)
        var separator = "{"
        for pair in labels.pairs {
            append(separator, pair.name, "=\"")
            appendEscaped(pair.value, quotes: true)
            append("\"")
            separator = ","
        }
        if let bound {
            append(separator, "le=\"", bound, "\"")
            separator = ","
        }
        if separator == "," { append("}") }
        append(" ", value, "\n")
    }

    private static func suffix(of kind: MetricFamily.Kind) -> String {
        switch kind {
        case .counter: "_total"
        case .info: "_info"
        case .gauge, .histogram, .stateset: ""
        }
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    private mutating func append(_ parts: String...) {
        for part in parts { bytes.append(contentsOf: part.utf8) }
    }

    private mutating func appendEscaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\"") where quotes: append("\\\"")
            default: bytes.append(byte)
            }
        }
    }
}
