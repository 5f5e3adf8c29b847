import AloftLanguage

/// What `aloft init` found and did.
struct ProposalText {
    private let palette: Palette

    init(palette: Palette) { self.palette = palette }

    func render(_ proposal: Proposal, path: String) -> String {
        var text = palette(.bold, "This looks like: \(proposal.kind)") + "\n"
        for reason in proposal.reasons { text += "  \(reason)\n" }
        text += "\n\(palette(.green, "wrote")) \(path), with each line explained\n"
        if !proposal.notes.isEmpty {
            text += "\nCheck before the first start:\n"
            for note in proposal.notes { text += "  \(palette(.yellow, "!")) \(note)\n" }
        }
        return text + "\nNext: \(palette(.cyan, "aloft plan")), then \(palette(.cyan, "aloft up"))\n"
    }
}
