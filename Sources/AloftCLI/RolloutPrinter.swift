import AloftDaemon
import AloftModel

/// Turns the reports of one rollout into what is printed, as they come; pure, with time as an argument.
package struct RolloutPrinter: Sendable {
    package enum Mode: Sendable, Hashable {
        /// A block that is drawn again, on a terminal.
        case live
        /// A line for each change.
        case lines
        /// A line of JSON for each report.
        case json
    }

    /// Shortest time between two drawings: ten in a second.
    package static let pace = Duration.milliseconds(100)
    /// Drawn again after this long although nothing changed, for the time that has passed.
    package static let idlePace = Duration.seconds(1)
    /// A terminal that is narrower gets lines.
    package static let leastWidth = 40

    private let mode: Mode
    private let text: RolloutText
    private let wanted: Int?
    /// Wall clock at which the watching began; all else is counted from there by a clock that never goes back.
    private let began: Timestamp

    private var last: RolloutReport?
    private var stepBegan = Duration.zero
    private var block = RedrawnBlock()
    private var above: [String] = []
    private var drawnAt: Duration?
    private var isStale = false

    package init(mode: Mode, text: RolloutText, wanted: Int?, began: Timestamp) {
        self.mode = mode
        self.text = text
        self.wanted = wanted
        self.began = began
    }

    /// How somebody watches: JSON where asked for, a block where there is a terminal for it.
    package static func mode(json: Bool, terminalWidth: Int?, isDumb: Bool) -> Mode {
        if json { return .json }
        guard let terminalWidth, terminalWidth >= leastWidth, !isDumb else { return .lines }
        return .live
    }

    /// What to print at once for a report; a block is left to `draw`.
    package mutating func take(_ report: RolloutReport, after: Duration, width: Int) -> String {
        defer { last = report }
        switch mode {
        case .json: return Terminal.jsonLine(report)
        case .lines: return lines(report, now: began + after)
        case .live:
            isStale = true
            noteStep(report, after, width)
            return ""
        }
    }

    /// The block, where it is due.
    package mutating func draw(after: Duration, width: Int) -> String {
        guard mode == .live, let last else { return "" }
        if let drawnAt, after - drawnAt < (isStale ? Self.pace : Self.idlePace) { return "" }
        return draw(last, after, width)
    }

    /// The block as it stays on the screen.
    package mutating func end(after: Duration, width: Int) -> String {
        guard mode == .live, isStale, let last else { return "" }
        return draw(last, after, width)
    }

    private mutating func draw(_ report: RolloutReport, _ after: Duration, _ width: Int) -> String {
        defer {
            drawnAt = after
            isStale = false
            above = []
        }
        let lines = text.block(report, now: began + after, width: width, wanted: wanted)
        return block.draw(lines, above: above, width: width)
    }

    /// Keeps a line for the step before, where this report is of another one or the last.
    private mutating func noteStep(_ report: RolloutReport, _ after: Duration, _ width: Int) {
        guard let before = last else {
            stepBegan = after
            return
        }
        let moved =
            (before.release, before.phase, before.step) != (report.release, report.phase, report.step)
        guard moved || (report.outcome != nil && before.outcome == nil) else { return }
        let isGood = report.release != before.release || !Self.isBad(report) || Self.isBad(before)
        above.append(text.over(before, lasted: after - stepBegan, isGood: isGood, width: width))
        stepBegan = after
    }

    private static func isBad(_ report: RolloutReport) -> Bool {
        ["rollingBack", "frozen"].contains(report.phase) || (report.outcome.map { $0 != .succeeded } ?? false)
    }

    private func lines(_ report: RolloutReport, now: Timestamp) -> String {
        var lines: [String] = []
        if last.map({ Self.key(of: $0) != Self.key(of: report) }) ?? true { lines.append(text.line(report, now: now)) }
        if let verdict = text.verdictLine(report, now: now), last?.verdict != report.verdict { lines.append(verdict) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// What makes a line worth printing: everything but the time that is left, which is words with digits.
    private static func key(of report: RolloutReport) -> [String] {
        let message = report.message.split(separator: " ").filter { !$0.contains(where: \.isNumber) }
        return [
            "\(report.release) \(report.phase) \(report.step) \(report.weight) \(report.isPaused)",
            "\(report.ready)/\(report.desired) \(report.stableReady)/\(report.stableDesired)",
            message.joined(separator: " "), report.outcome?.rawValue ?? "",
        ]
    }
}
