import AloftTestKit
import Testing

@testable import AloftMetrics

@Suite("Histogram")
struct HistogramTests {
    @Test("a bound belongs to its own bucket, and what is larger than all to the last one")
    func boundsAreInclusive() {
        var histogram = Histogram(bounds: [1, 2])
        for value in [0.5, 1, 1.5, 2, 2.5, .infinity] { histogram.observe(value) }
        #expect(histogram.counts == [2, 2, 2])
        #expect(histogram.count == 6)
    }

    @Test("not-a-number counts in the last bucket and does not spoil the sum")
    func notANumber() {
        var histogram = Histogram(bounds: [1])
        histogram.observe(0.5)
        histogram.observe(.nan)
        #expect(histogram.counts == [1, 1])
        #expect(histogram.sum == 0.5)
    }

    @Test("merging per-loop histograms gives what one histogram would have counted")
    func mergeEqualsOne() {
        var generator = SplitMix(seed: 7)
        var whole = Histogram()
        var loops = [Histogram](repeating: Histogram(), count: 4)
        for index in 0..<1000 {
            // Multiples of 1/64 add without rounding, so the sums are equal whatever the order.
            let value = Double(Int.random(in: 0..<1280, using: &generator)) / 64
            whole.observe(value)
            loops[index % 4].observe(value)
        }
        let merged = loops.dropFirst().reduce(into: loops[0]) { $0.merge($1) }
        #expect(merged == whole)
    }

    @Test("the duration buckets are those of OpenTelemetry's HTTP conventions")
    func durationBounds() {
        #expect(Histogram().bounds == [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
    }
}
