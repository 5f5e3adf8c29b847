/// Reading of an `Accept` field as far as the two text formats need it.
enum Negotiation {
    static func format(for accept: String) -> MetricsFormat {
        var openMetrics = 0.0
        var text = Preference()
        for element in accept.split(separator: ",") {
            guard let range = MediaRange(element) else { continue }
            switch range.type {
            case "application/openmetrics-text" where range.version == nil || range.version == "1.0.0":
                openMetrics = max(openMetrics, range.quality)
            case "text/plain" where range.version == nil || range.version == "0.0.4":
                text.offer(range.quality, specificity: 3)
            case "text/*": text.offer(range.quality, specificity: 2)
            case "*/*": text.offer(range.quality, specificity: 1)
            default: break
            }
        }
        return openMetrics > 0 && openMetrics >= text.quality ? .openMetrics : .prometheus
    }

    /// The weight of the most specific range that fits (RFC 9110 §12.5.1); the highest of equals.
    private struct Preference {
        private(set) var quality = 0.0
        private var specificity = 0

        mutating func offer(_ quality: Double, specificity: Int) {
            guard specificity >= self.specificity else { return }
            self.quality = specificity == self.specificity ? max(quality, self.quality) : quality
            self.specificity = specificity
        }
    }
}

/// One element of an `Accept` field.
private struct MediaRange {
    let type: String
    /// From 0 to 1; 0 means "never".
    let quality: Double
    let version: String?

    /// Nil for an element with a weight that is no number from 0 to 1: it is not understood, so it says nothing.
    init?(_ element: Substring) {
        let parts = element.split(separator: ";", omittingEmptySubsequences: false).map {
            Self.trimmed($0).lowercased()
        }
        type = parts[0]
        var quality = 1.0
        var version: String?
        for parameter in parts.dropFirst() {
            if parameter.hasPrefix("q=") {
                guard let value = Double(parameter.dropFirst(2)), (0...1).contains(value) else { return nil }
                quality = value
            } else if parameter.hasPrefix("version=") {
                version = String(parameter.dropFirst(8)).filter { $0 != "\"" }
            }
        }
        self.quality = quality
        self.version = version
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop { $0 == " " || $0 == "\t" }
        guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return head[...last]
    }
}
