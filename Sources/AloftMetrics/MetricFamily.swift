/// One metric with all its samples, as a scrape shows it.
///
/// Names and label names are constants of the program, so a bad one is a bug and traps. Label values may hold anything.
package struct MetricFamily: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Only grows while the process lives; shown with the suffix `_total`.
        case counter
        case gauge
        case histogram
        /// Facts in labels, value always 1; shown with the suffix `_info`.
        case info
        /// One of several named states: see ``stateSet(_:help:states:samples:)``.
        case stateset
    }

    /// Without `_total`, `_info`, `_bucket`: `aloft_requests`, `http_server_request_duration_seconds`.
    package let name: String
    /// One line for people.
    package let help: String
    package let kind: Kind
    /// The unit, which the name ends in (`seconds`, `bytes`), or empty.
    package let unit: String
    /// Each set of labels at most once.
    package var samples: [MetricSample]

    /// Makes a family.
    ///
    /// - Precondition: the name is valid (`[a-zA-Z_:][a-zA-Z0-9_:]*`), bears no suffix that the kind adds, and ends in
    ///   `_<unit>` where there is a unit.
    package init(_ name: String, help: String, kind: Kind, unit: String = "", samples: [MetricSample] = []) {
        precondition(MetricName.isValid(name), "bad metric name")
        precondition(unit.isEmpty || name.hasSuffix("_" + unit), "a metric's name ends in its unit")
        precondition(
            !MetricName.reservedSuffixes(of: kind).contains(where: name.hasSuffix), "the writer adds the suffix")
        precondition(unit.isEmpty || (kind != .info && kind != .stateset), "facts and states have no unit")
        self.name = name
        self.help = help
        self.kind = kind
        self.unit = unit
        self.samples = samples
    }

    /// Adds a sample.
    package mutating func add(_ value: MetricValue, _ labels: MetricLabels = [:]) {
        samples.append(MetricSample(labels: labels, value: value))
    }
}

/// One set of labels and its value.
package struct MetricSample: Sendable, Hashable {
    package let labels: MetricLabels
    package let value: MetricValue

    package init(labels: MetricLabels = [:], value: MetricValue) {
        self.labels = labels
        self.value = value
    }
}

/// A value that fits its family's kind: a number for counters and gauges (and 1 for info), a state, or a histogram.
package enum MetricValue: Sendable, Hashable {
    case integer(Int64)
    case real(Double)
    case histogram(Histogram)
    /// The state that holds now, out of all that could: one line each, 1 or 0, in the label named like the family.
    case state(String, of: [String])
}

extension MetricValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .real(value) }

    /// Saturates at the largest `Int64`, which no counter reaches.
    package init(_ value: some BinaryInteger) { self = .integer(Int64(clamping: value)) }
    package init(_ value: Double) { self = .real(value) }
}

/// Names and values of a sample's labels, in the order they are written.
package struct MetricLabels: Sendable, Hashable {
    package struct Pair: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package private(set) var pairs: [Pair]

    /// - Precondition: names are valid (`[a-zA-Z_][a-zA-Z0-9_]*`), differ, and do not begin with `__`.
    package init(_ pairs: some Sequence<(String, String)>) {
        self.pairs = []
        for (name, value) in pairs { self[name] = value }
    }

    /// The value of a label; setting nil removes it.
    package subscript(name: String) -> String? {
        get { pairs.first { $0.name == name }?.value }
        set {
            precondition(MetricName.isValidLabel(name), "bad label name")
            let index = pairs.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): pairs[index] = Pair(name: name, value: value)
            case (let index?, nil): pairs.remove(at: index)
            case (nil, let value?): pairs.append(Pair(name: name, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension MetricLabels: ExpressibleByDictionaryLiteral {
    /// - Precondition: as ``init(_:)``; a name given twice is a bug and traps.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
        precondition(pairs.count == elements.count, "a label given twice")
    }
}

/// The grammar of names (OpenMetrics 1.0, "ABNF").
enum MetricName {
    static func isValid(_ name: String) -> Bool {
        isValid(name) { $0 == UInt8(ascii: ":") }
    }

    static func isValidLabel(_ name: String) -> Bool {
        isValid(name) { _ in false } && !name.hasPrefix("__")
    }

    private static func isValid(_ name: String, also: (UInt8) -> Bool) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: also(byte)
            }
        }
    }

    /// Suffixes that would make two families' sample names collide.
    static func reservedSuffixes(of kind: MetricFamily.Kind) -> [String] {
        switch kind {
        case .counter: ["_total", "_created"]
        case .histogram: ["_bucket", "_count", "_sum", "_created"]
        case .info: ["_info"]
        case .gauge, .stateset: []
        }
    }
}
