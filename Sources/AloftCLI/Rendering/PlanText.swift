import AloftDaemon
import AloftLanguage

/// Plans, what they leave open, and what would change.
struct PlanText {
    private let palette: Palette

    init(palette: Palette) { self.palette = palette }

    /// Under `not guaranteed`: what can happen, and what closes it.
    func render(_ gaps: [Gap]) -> String {
        guard !gaps.isEmpty else { return palette(.green, "nothing is left open") + "\n" }
        var text = palette(.bold, "not guaranteed:") + "\n"
        for gap in gaps {
            text += "  " + palette(.yellow, gap.path) + "\n    \(gap.sentence)\n"
            for line in gap.remedy.split(separator: "\n") { text += "    " + palette(.dim, String(line)) + "\n" }
        }
        return text
    }

    /// Under `difference to what runs`.
    func render(_ difference: PlanDifference) -> String {
        let notes = notes(difference)
        guard !difference.changes.isEmpty else {
            guard !notes.isEmpty else { return palette(.green, "what runs is this plan") + "\n" }
            return palette(.bold, "a reload would change nothing:") + "\n" + notes
        }
        return palette(.bold, "difference to what runs:") + "\n" + difference.changes.map(line).joined() + notes
    }

    /// After a reload.
    func applied(_ difference: PlanDifference) -> String {
        let notes = notes(difference)
        guard !difference.changes.isEmpty else {
            return (notes.isEmpty ? "reloaded: the file says what runs already" : "reloaded: nothing changes") + "\n"
                + notes
        }
        let count = difference.changes.count == 1 ? "1 change" : "\(difference.changes.count) changes"
        return "reloaded: \(count), plan \(difference.digest)\n" + difference.changes.map(line).joined() + notes
    }

    /// What stays although the file says otherwise.
    private func notes(_ difference: PlanDifference) -> String {
        (difference.notes ?? []).map { "  = " + Palette.printable($0) + "\n" }.joined()
    }

    private func line(_ change: PlanChange) -> String {
        let path = palette(.bold, change.path)
        let old = Palette.printable(change.old ?? "")
        let new = Palette.printable(change.new ?? "")
        let what =
            switch change.kind {
            case .added: "\(palette(.green, "+")) \(path): \(new)"
            case .removed: "\(palette(.red, "-")) \(path): \(old)"
            case .changed where change.old == nil: "\(palette(.yellow, "~")) \(path): \(new)"
            case .changed: "\(palette(.yellow, "~")) \(path): \(old) -> \(new)"
            }
        return "  \(what)" + palette(.dim, "  (\(change.effect))") + "\n"
    }
}
