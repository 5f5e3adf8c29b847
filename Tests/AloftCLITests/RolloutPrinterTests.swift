import AloftDaemon
import AloftModel
import Foundation
import Testing

@testable import AloftCLI

@Suite("Watching a rollout")
struct RolloutPrinterTests {
    private func printer(_ mode: RolloutPrinter.Mode, wanted: Int = 7) -> RolloutPrinter {
        RolloutPrinter(
            mode: mode, text: RolloutText(palette: .plain), wanted: wanted, began: Reports.start)
    }

    @Test("a block needs a terminal of 40 columns that can move its cursor")
    func modes() {
        #expect(RolloutPrinter.mode(json: false, terminalWidth: 40, isDumb: false) == .live)
        #expect(RolloutPrinter.mode(json: false, terminalWidth: 39, isDumb: false) == .lines)
        #expect(RolloutPrinter.mode(json: false, terminalWidth: nil, isDumb: false) == .lines)
        #expect(RolloutPrinter.mode(json: false, terminalWidth: 80, isDumb: true) == .lines)
        #expect(RolloutPrinter.mode(json: true, terminalWidth: 80, isDumb: false) == .json)
    }

    @Test("elsewhere there is one line for each change, and time that passes is none")
    func lines() {
        var printer = printer(.lines)
        var printed: [String] = []
        for (second, report) in [
            Reports.rollout(step: 1, weight: 5, message: "5% for 2m, 2m left"),
            Reports.rollout(step: 1, weight: 5, message: "5% for 2m, 1m59s left"),
            Reports.rollout(step: 1, weight: 5, message: "5% for 2m, 58s left", verdict: "pass: 0% errors"),
            Reports.rollout(step: 2, weight: 50, message: "50% for 2m, 2m left", verdict: "pass: 0% errors"),
            Reports.rollout(phase: "done", step: 0, weight: 100, message: "", outcome: .succeeded),
        ].enumerated() {
            printed.append(printer.take(report, after: .seconds(second), width: 80))
        }
        #expect(
            printed == [
                "22:12:20  web 7  shifting 1/4  5%  new 1/1, stable 4/4  5% for 2m, 2m left\n",
                "",
                "22:12:22  web 7  verdict pass: 0% errors\n",
                "22:12:23  web 7  shifting 2/4  50%  new 1/1, stable 4/4  50% for 2m, 2m left\n",
                "22:12:24  web 7  done  100%  new 1/1, stable 4/4\n",
            ])
        #expect(printer.draw(after: .seconds(9), width: 80) == "")
        #expect(printer.end(after: .seconds(9), width: 80) == "")
    }

    @Test("JSON is a line for each report")
    func json() throws {
        var printer = printer(.json)
        let line = printer.take(Reports.rollout(), after: .zero, width: 80)
        #expect(line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
        #expect(try JSONDecoder().decode(RolloutReport.self, from: Data(line.utf8)) == Reports.rollout())
    }

    @Test("a thousand reports in a second are ten drawings, and the last of them is drawn")
    func pace() {
        var printer = printer(.live)
        var drawings: [String] = []
        for millisecond in 0..<1000 {
            let after = Duration.milliseconds(millisecond)
            let report = Reports.rollout(weight: Double(millisecond) / 10)
            #expect(printer.take(report, after: after, width: 80) == "")
            let text = printer.draw(after: after, width: 80)
            if !text.isEmpty { drawings.append(text) }
        }
        #expect(drawings.count == 10)
        let last = printer.end(after: .seconds(1), width: 80)
        #expect(last.contains(" 99.9%"))
        #expect(printer.end(after: .seconds(1), width: 80) == "")
    }

    @Test("without news the block is drawn once a second, for the time that passes")
    func idle() {
        var printer = printer(.live)
        _ = printer.take(Reports.rollout(), after: .zero, width: 80)
        #expect(printer.draw(after: .zero, width: 80).contains("by ana, 0s"))
        #expect(printer.draw(after: .milliseconds(900), width: 80) == "")
        #expect(printer.draw(after: .milliseconds(1000), width: 80).contains("by ana, 1s"))
    }

    @Test("a step that is over stays as a line above the block, with how it went")
    func steps() {
        var printer = printer(.live)
        _ = printer.take(Reports.rollout(step: 1, weight: 5), after: .zero, width: 80)
        _ = printer.draw(after: .zero, width: 80)
        _ = printer.take(Reports.rollout(step: 2, weight: 50), after: .seconds(120), width: 80)
        let second = printer.draw(after: .seconds(120), width: 80)
        #expect(second.contains("✓ shifting, step 1 of 4, 5% of the traffic  2m\n"))
        _ = printer.take(Reports.rollout(phase: "rollingBack", step: 0, weight: 50), after: .seconds(130), width: 80)
        let third = printer.draw(after: .seconds(130), width: 80)
        #expect(third.contains("✗ shifting, step 2 of 4, 50% of the traffic  10s\n"))
        #expect(!third.contains("✓"))
        _ = printer.take(
            Reports.rollout(phase: "done", step: 0, weight: 0, outcome: .rolledBack), after: .seconds(133), width: 80)
        #expect(printer.end(after: .seconds(133), width: 80).contains("✓ rolling back, 50% of the traffic  3s\n"))
    }

    @Test("the release before that has to end first is shown with what comes then")
    func releaseBefore() {
        var printer = printer(.live, wanted: 8)
        _ = printer.take(Reports.rollout(release: 7), after: .zero, width: 80)
        #expect(printer.draw(after: .zero, width: 80).contains("then     release 8, once this one is over\n"))
    }
}

@Suite("A block that is drawn again")
struct RedrawnBlockTests {
    @Test("it goes up as many rows as it drew, and what is above stays")
    func redraw() {
        var block = RedrawnBlock()
        #expect(block.draw(["a", "b"], width: 80) == "\u{1B}[?7la\nb\n\u{1B}[?7h")
        #expect(
            block.draw(["c"], above: ["done"], width: 80) == "\u{1B}[2A\r\u{1B}[J\u{1B}[?7ldone\nc\n\u{1B}[?7h")
        #expect(block.draw(["d"], width: 80) == "\u{1B}[1A\r\u{1B}[J\u{1B}[?7ld\n\u{1B}[?7h")
    }

    @Test("a terminal that became narrower has wrapped the lines; colours take no column")
    func narrower() {
        var block = RedrawnBlock()
        _ = block.draw([Palette(isColoured: true)(.red, String(repeating: "x", count: 80)), "y"], width: 80)
        #expect(block.draw(["z"], width: 40).hasPrefix("\u{1B}[3A"))
    }
}
