/// The `process_*` families of this process: processor time, memory, file descriptors, start.
package enum ProcessMetrics {
    /// Reads /proc; a file that cannot be read leaves its families out, since a scrape must not fail for it.
    ///
    /// Cost: five small reads and one folder, about 100 µs.
    package static func families() -> [MetricFamily] {
        ProcessSample.read().families
    }
}
