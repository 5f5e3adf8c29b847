/// One line in pieces, so that it can be cut to a width without cutting a colour.
package struct StyledLine: Sendable {
    private var pieces: [(text: String, tone: Palette.Tone?)] = []

    package init() {}

    package init(_ text: String, _ tone: Palette.Tone? = nil) { add(text, tone) }

    package mutating func add(_ text: String, _ tone: Palette.Tone? = nil) { pieces.append((text, tone)) }

    /// Columns that it takes without being cut.
    package var columns: Int { pieces.reduce(0) { $0 + $1.text.count } }

    /// At most `width` columns, the last of them `…` where something is left out.
    package func render(_ palette: Palette, width: Int = .max) -> String {
        var room = columns <= width ? Int.max : max(0, width - 1)
        var text = ""
        for piece in pieces where room > 0 {
            let part = String(piece.text.prefix(room))
            room -= part.count
            text += piece.tone.map { palette($0, part) } ?? part
        }
        return columns <= width ? text : text + "…"
    }
}
