extension Language {
    /// The page "Not there yet" in Markdown: every word that is reserved, and what to do meanwhile.
    package static func notYet() -> String {
        var lines = [
            "# Not there yet", "",
            "Words of `aloft.yaml` that are reserved and not read yet. A file that uses one is refused, because a key that did",
            "nothing would only look as if it worked. This page is generated from the declarations that those messages and",
            "`aloft explain WORD` use (`aloft reference --not-yet`), so the three say the same.", "",
            "| word | what it will be | until then |", "|---|---|---|",
        ]
        lines += FutureWords.all.map { word in
            let cells = ["`\(word.path)`", word.promise, word.meanwhile]
            return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
        }
        let references = FutureWords.references.sorted().map { "`${\($0).…}`" }.joined(separator: ", ")
        lines += [
            "",
            "References to what those words declare are reserved, too: \(references). `${env.NAME}` is there, and takes a "
                + "value from the environment of `aloft up`.",
            "",
            "`cloudflare` will stand for that provider's networks in `edge.trustedProxies`; until then list the networks, as",
            "Cloudflare publishes them at https://www.cloudflare.com/ips/.",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}

/// A word of the language that nothing reads yet.
package struct FutureWord: Sendable, Hashable, Codable {
    /// `edge.rateLimits`.
    package var path: String
    package var promise: String
    package var meanwhile: String

    init(_ word: FutureWords.Word) {
        path = word.path
        promise = word.promise
        meanwhile = word.meanwhile
    }
}
