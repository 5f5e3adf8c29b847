/// The known word that a misspelled one most likely stands for.
package enum Nearest {
    /// Nil where nothing is near: more than a third of the letters differ.
    package static func word(to word: String, among known: some Sequence<String>) -> String? {
        words(to: word, among: known, limit: 1).first
    }

    /// The nearest first, at most `limit`.
    package static func words(to word: String, among known: some Sequence<String>, limit: Int) -> [String] {
        guard word.utf8.count <= 64 else { return [] }
        let wanted = Array(word.lowercased().unicodeScalars)
        var ranked: [(distance: Int, word: String)] = []
        for candidate in known where candidate != word {
            let letters = Array(candidate.lowercased().unicodeScalars)
            let allowance = max(1, (max(wanted.count, letters.count) + 1) / 3)
            guard abs(letters.count - wanted.count) <= allowance else { continue }
            let distance = distance(wanted, letters, limit: allowance)
            if distance <= allowance, distance < max(wanted.count, letters.count) {
                ranked.append((distance, candidate))
            }
        }
        return ranked.sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }.prefix(limit).map(\.word)
    }

    /// Edits that turn one into the other: insert, delete, replace, or swap two neighbours (optimal string alignment).
    ///
    /// Any number past `limit` stands for all of them, so that words that have nothing in common cost little.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar], limit: Int = .max) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row] + [Int](repeating: 0, count: right.count)
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, beforeLast[column - 2] + 1)
                }
                current[column] = best
            }
            guard current.contains(where: { $0 <= limit }) else { return limit + 1 }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
