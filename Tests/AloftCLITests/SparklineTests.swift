import AloftDaemon
import Testing

@testable import AloftCLI

@Suite("Lines of blocks")
struct SparklineTests {
    @Test("the largest value fills a cell, zero is the lowest, and what was not measured is a blank")
    func levels() {
        #expect(Sparkline.render([0, 0.001, 2, nil, 4, 8], width: 20) == "▁▂▃ ▅█")
    }

    @Test("two lines can share a scale, and values over it are cut")
    func sharedTop() {
        #expect(Sparkline.render([1, 2], top: 8, width: 20) == "▂▃")
        #expect(Sparkline.render([9], top: 8, width: 20) == "█")
    }

    @Test("the newest values are shown where not all fit")
    func newest() { #expect(Sparkline.render([8, 0, 0, 8], width: 2) == "▁█") }

    @Test("nothing but zeros, or nothing at all, is no division by zero")
    func empty() {
        #expect(Sparkline.render([0, 0], width: 5) == "▁▁")
        #expect(Sparkline.render([nil, nil], width: 5) == "  ")
        #expect(Sparkline.render([Double?](), width: 5) == "")
        #expect(Sparkline.render([1, 2], width: 0) == "")
    }

    @Test("a long history keeps its peaks in few cells")
    func thinned() {
        var history = [Int](repeating: 2, count: 240)
        history[117] = 8
        let text = Sparkline.peaks(of: history, width: 40)
        #expect(text.count == 40)
        #expect(text.filter { $0 == "█" }.count == 1)
        #expect(Sparkline.peaks(of: [1, 2, 4], width: 40).count == 3)
        #expect(Sparkline.peaks(of: [], width: 40) == "")
    }

    @Test(
        "a bar is filled by eighths and always as wide as asked",
        arguments: [
            (0, "░░░░"), (1, "████"), (0.5, "██░░"), (0.125, "▌░░░"), (0.03125, "▏░░░"), (2, "████"), (-1, "░░░░"),
            (.nan, "░░░░"),
        ] as [(Double, String)])
    func bar(share: Double, text: String) { #expect(Bar.render(share, width: 4) == text) }

    @Test(
        "weights have two digits after the point at most",
        arguments: [
            (0, "0%"), (5, "5%"), (12.5, "12.5%"), (0.25, "0.25%"), (0.05, "0.05%"), (99.999, "100%"), (101, "100%"),
        ] as [(Double, String)])
    func weight(percent: Double, text: String) { #expect(Amount.weight(percent) == text) }

    @Test(
        "latencies have the unit that suits them",
        arguments: [
            (0.0004, "0.4 ms"), (0.002, "2 ms"), (0.0412, "41 ms"), (0.9994, "999 ms"), (0.9996, "1 s"),
            (1.25, "1.3 s"),
            (120, "120 s"),
        ] as [(Double, String)])
    func latency(seconds: Double, text: String) { #expect(Amount.latency(seconds) == text) }
}
