/// A text format that a scraper can ask for.
package enum MetricsFormat: Sendable, Hashable, CaseIterable {
    /// OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/).
    case openMetrics
    /// The older text format, version 0.0.4, which everything reads.
    case prometheus

    /// For the `Content-Type` field.
    package var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// Chooses by an `Accept` field (RFC 9110 §12.5.1), with several fields joined by commas, or nil where there is none.
    ///
    /// OpenMetrics only when it is named and weighs at least as much as plain text; a client that accepts neither gets
    /// plain text all the same, since a page that somebody can read beats a 406.
    package init(accept: String?) {
        self = Negotiation.format(for: accept ?? "")
    }

    /// The exposition of these families.
    ///
    /// Families of one name are put together under the first one's help; the order is that of the first of each.
    ///
    /// - Precondition: families of one name agree in kind and unit; values fit the kind.
    package func write(_ families: [MetricFamily]) -> [UInt8] {
        var writer = ExpositionWriter(format: self)
        return writer.write(families)
    }
}
