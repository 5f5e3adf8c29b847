import AloftDaemon
import AloftModel

/// A rollout for people: a block that is drawn again and again, a line for each change, or one line in `aloft status`.
package struct RolloutText: Sendable {
    /// Columns of the words at the left of the block, and of the figures beside the sparklines.
    static let labelWidth = 9
    static let figureWidth = 17
    static let sparkLimit = 60

    private let palette: Palette
    /// The options that name the daemon, as somebody typed them: commands that are proposed repeat them.
    private let typed: String

    package init(palette: Palette, typed: String = "") {
        self.palette = palette
        self.typed = typed
    }

    /// All that is known, in lines of at most `width` columns.
    ///
    /// - Parameter wanted: the release that is watched; where the report is of one before it, that has to end first.
    package func block(_ report: RolloutReport, now: Timestamp, width: Int, wanted: Int? = nil) -> [String] {
        var lines = [heading(report, now), position(report), traffic(report, width), ready(report)]
        lines += graphs(report, width)
        if let verdict = report.verdict { lines.append(labelled("verdict", Palette.printable(verdict))) }
        if let next = next(report) { lines.append(labelled("next", next, .cyan)) }
        if let wanted, wanted > report.release {
            lines.append(labelled("then", "release \(wanted), once this one is over"))
        }
        return lines.map { $0.render(palette, width: width) }
    }

    /// `22:12:20  web 7  shifting 2/4  5%  new 1/1, stable 4/4  5% for 2m, 1m10s left`, times in UTC.
    package func line(_ report: RolloutReport, now: Timestamp) -> String {
        var text = palette(.dim, clock(now)) + "  " + palette(.bold, "\(report.service) \(report.release)")
        text += "  " + palette(tone(of: report), (report.isPaused ? "paused, " : "") + phase(report))
        if report.step > 0, report.steps > 0 { text += " \(report.step)/\(report.steps)" }
        text += "  \(Amount.weight(report.weight))  \(readyText(report))"
        if !report.message.isEmpty { text += "  " + Palette.printable(report.message) }
        if let next = next(report) { text += "  (\(next))" }
        return text
    }

    /// `22:12:20  web 7  verdict pass: 0.4% errors, at most 1%`.
    package func verdictLine(_ report: RolloutReport, now: Timestamp) -> String? {
        report.verdict.map {
            palette(.dim, clock(now)) + "  " + palette(.bold, "\(report.service) \(report.release)") + "  verdict "
                + Palette.printable($0)
        }
    }

    /// A step that is over, for above the block.
    package func over(_ report: RolloutReport, lasted: Duration, isGood: Bool, width: Int) -> String {
        var line = StyledLine(isGood ? "✓ " : "✗ ", isGood ? .green : .red)
        line.add(phase(report))
        if report.step > 0, report.steps > 0 { line.add(", step \(report.step) of \(report.steps)") }
        line.add(", \(Amount.weight(report.weight)) of the traffic")
        line.add("  \(lasted.brief)", .dim)
        return line.render(palette, width: width)
    }

    /// One line for `aloft status`: where it is, or what holds it and what to type.
    package func brief(_ report: RolloutReport) -> String {
        var text = "release \(report.release)" + (report.stable.map { " over \($0)" } ?? "") + ": "
        text += (report.isPaused ? "paused, " : "") + phase(report)
        if report.step > 0, report.steps > 0 { text += ", step \(report.step) of \(report.steps)" }
        if report.phase != "done" { text += ", \(Amount.weight(report.weight)) of the traffic" }
        if !report.message.isEmpty { text += ": " + Palette.printable(report.message) }
        return text
    }

    /// What a person can type now, where the rollout waits for one.
    package func next(_ report: RolloutReport) -> String? {
        guard report.outcome == nil || report.outcome == .frozen else { return nil }
        let service = report.service
        if report.isPaused { return "aloft resume \(service)\(typed)" }
        switch report.phase {
        // All have approved; the message says what then.
        case "waiting" where report.strategy == "promotion" && report.approvals.isEmpty: return nil
        case "waiting": return "aloft approve \(service)\(typed)"
        case "frozen": return "aloft promote \(service)\(typed), or aloft abort \(service)\(typed)"
        default: return nil
        }
    }

    package func tone(of report: RolloutReport) -> Palette.Tone {
        switch report.phase {
        case "rollingBack", "frozen": .red
        case "waiting": .yellow
        case "keeping": .green
        case "done":
            switch report.outcome {
            case .aborted, .superseded: .yellow
            case .rolledBack, .failed, .frozen: .red
            case .succeeded, nil: .green
            }
        default: report.isPaused ? .yellow : .cyan
        }
    }

    private func heading(_ report: RolloutReport, _ now: Timestamp) -> StyledLine {
        var line = StyledLine(report.service, .bold)
        line.add(" release \(report.release)" + (report.stable.map { " over \($0)" } ?? "") + ", \(report.strategy)")
        line.add(", by \(Palette.printable(report.by)), \((now - report.started).brief)", .dim)
        return line
    }

    private func position(_ report: RolloutReport) -> StyledLine {
        var line = StyledLine((report.isPaused ? "paused, " : "") + phase(report), tone(of: report))
        if report.step > 0, report.steps > 0 { line.add(", step \(report.step) of \(report.steps)") }
        if !report.message.isEmpty { line.add(": " + Palette.printable(report.message)) }
        return line
    }

    private func traffic(_ report: RolloutReport, _ width: Int) -> StyledLine {
        var line = labelled("traffic", "")
        line.add(
            Bar.render(report.weight / 100, width: min(40, max(8, width - Self.labelWidth - 8))), tone(of: report))
        line.add(" " + Amount.weight(report.weight))
        return line
    }

    private func ready(_ report: RolloutReport) -> StyledLine { labelled("ready", readyText(report)) }

    private func readyText(_ report: RolloutReport) -> String {
        let new = "new \(report.ready)/\(report.desired)"
        return report.stable == nil ? new : new + ", stable \(report.stableReady)/\(report.stableDesired)"
    }

    /// Both releases on one scale, for each of the two measures.
    private func graphs(_ report: RolloutReport, _ width: Int) -> [StyledLine] {
        guard !report.intervals.isEmpty else { return [] }
        let intervals = report.intervals
        let width = min(Self.sparkLimit, max(4, width - Self.labelWidth - Self.figureWidth))
        return pair("errors", intervals.map(\.canaryErrors), intervals.map(\.stableErrors), width, Amount.percent)
            + pair("p95", intervals.map(\.canaryP95), intervals.map(\.stableP95), width, Amount.latency)
    }

    private func pair(
        _ label: String, _ new: [Double?], _ stable: [Double?], _ width: Int, _ figure: (Double) -> String
    ) -> [StyledLine] {
        let top = Sparkline.largest(of: new.suffix(width) + stable.suffix(width))
        return [(label, "new", new), ("", "stable", stable)].map { label, name, values in
            var line = labelled(label, padded(name, 8) + padded((values.last ?? nil).map(figure) ?? "-", 9))
            line.add(Sparkline.render(values, top: top, width: width), name == "new" ? .cyan : .dim)
            return line
        }
    }

    private func labelled(_ label: String, _ text: String, _ tone: Palette.Tone? = nil) -> StyledLine {
        var line = StyledLine(padded(label, Self.labelWidth), .dim)
        line.add(text, tone)
        return line
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// `cleaningUp` is `cleaning up`.
    /// In words; of one that is over, how it ended.
    private func phase(_ report: RolloutReport) -> String {
        var word = report.phase
        if word == "done", let outcome = report.outcome, outcome != .succeeded { word = outcome.rawValue }
        return Palette.printable(word).reduce(into: "") { text, letter in
            text += letter.isUppercase ? " " + letter.lowercased() : String(letter)
        }
    }

    private func clock(_ time: Timestamp) -> String { String(time.description.dropFirst(11).prefix(8)) }
}
