/// Values over time in one line of text, oldest first: `▁▁▃█▂`.
package enum Sparkline {
    private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// - Parameters:
    ///   - values: nil where nothing was measured, which is a blank.
    ///   - top: what fills a whole cell, so that two lines can share a scale; nil is the largest value.
    ///   - width: the newest so many are shown.
    package static func render(_ values: [Double?], top: Double? = nil, width: Int) -> String {
        let shown = values.suffix(max(0, width))
        let top = top ?? largest(of: Array(shown)) ?? 0
        return String(shown.map { $0.map { level(of: $0, top: top) } ?? " " })
    }

    /// All values in `width` cells: each cell is the largest of its part, so that no peak is lost.
    package static func peaks(of values: [Int], width: Int) -> String {
        guard width > 0, !values.isEmpty else { return "" }
        let cells = min(width, values.count)
        let peaks: [Double?] = (0..<cells).map { cell in
            let part = values[(cell * values.count / cells)..<((cell + 1) * values.count / cells)]
            return part.max().map(Double.init)
        }
        return render(peaks, width: cells)
    }

    package static func largest(of values: [Double?]) -> Double? { values.compactMap(\.self).max() }

    /// Zero is the lowest level; whatever is more than zero is at least the one above it.
    private static func level(of value: Double, top: Double) -> Character {
        guard value > 0, top > 0 else { return levels[0] }
        let share = min(1, value / top)
        return levels[max(1, min(levels.count - 1, Int((share * Double(levels.count - 1)).rounded())))]
    }
}

/// A share as a filled part of a line: `██▌░░░░░`.
package enum Bar {
    private static let parts: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    /// - Parameter share: 0 to 1; more and less are cut off.
    package static func render(_ share: Double, width: Int) -> String {
        guard width > 0 else { return "" }
        let eighths = share.isFinite ? Int((min(1, max(0, share)) * Double(width * 8)).rounded()) : 0
        let full = eighths / 8
        var text = String(repeating: "█", count: full)
        if eighths % 8 > 0 { text.append(parts[eighths % 8 - 1]) }
        return text + String(repeating: "░", count: width - text.count)
    }
}
