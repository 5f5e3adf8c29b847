import Foundation

/// The JSON of an incoming webhook: blocks, and text for notifications and screen readers.
///
/// Limits of Slack: 50 blocks, 150 characters in a header, 3,000 in a section. `&`, `<` and `>` are written as entities,
/// so that no text can make a link or a mention; `verbatim` and `parse` keep Slack from finding any by itself.
enum SlackBody {
    /// Notices with a section of their own.
    private static let shown = 10
    private static let sectionLimit = 3000
    private static let headerLimit = 150

    static func json(_ message: OutboxMessage, origin: Origin) throws -> Data {
        let text = MessageText(message, origin: origin)
        var blocks = [
            Block(type: "header", text: Text(type: "plain_text", text: cut(text.headline, limit: headerLimit)))
        ]
        for line in text.lines.prefix(shown) {
            blocks.append(Block(type: "section", text: .marked(section(line))))
        }
        if text.lines.count > shown {
            blocks.append(Block(type: "section", text: .marked(escaped(text.rest(after: shown), limit: sectionLimit))))
        }
        blocks.append(Block(type: "context", elements: [.marked(escaped(origin.text, limit: 500))]))
        let body = Body(text: escaped(text.headline, limit: sectionLimit), blocks: blocks)
        return try canonical(body)
    }

    private static func section(_ line: OutboxLine) -> String {
        let notice = line.notice
        var parts = ["*\(line.mark)* \(escaped(notice.title, limit: 600))", escaped(line.when, limit: 200)]
        if !notice.text.isEmpty { parts.append(escaped(notice.text, limit: 1000)) }
        let link = notice.link.map { escaped($0, limit: 2000) }
        var ends: [String] = []
        if let action = notice.action { ends.append("*What Aloft did:* " + escaped(action, limit: 300)) }
        if let advice = notice.advice { ends.append("*What to do:* " + escaped(advice, limit: 300)) }
        if let link, link.utf8.count <= 300 { ends.append("<\(link)|Look closer>") }
        if let from = line.handedOverText { ends.append(escaped(from, limit: 200)) }
        var room = sectionLimit - (parts + ends).reduce(0) { $0 + $1.utf16.count + 1 }
        for field in notice.fields {
            let row = "• \(escaped(field.name, limit: 200)): \(escaped(field.value, limit: 600))"
            guard row.utf16.count < room else { break }
            room -= row.utf16.count + 1
            parts.append(row)
        }
        return (parts + ends).joined(separator: "\n")
    }

    /// With entities for the three characters that Slack gives a meaning; never cut within one.
    ///
    /// - Parameter limit: UTF-16 units of the result, the larger of the ways in which characters may be counted.
    static func escaped(_ text: String, limit: Int) -> String {
        cut(text, limit: limit) { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            default: String(character)
            }
        }
    }

    private static func cut(_ text: String, limit: Int, _ piece: (Character) -> String = { String($0) }) -> String {
        var result = ""
        var length = 0
        for character in text {
            let piece = piece(character)
            guard length + piece.utf16.count < limit else { return result + "…" }
            length += piece.utf16.count
            result += piece
        }
        return result
    }

    private struct Body: Encodable {
        let text: String
        let blocks: [Block]
        let parse = "none"
        let linkNames = false
        let unfurlLinks = false
        let unfurlMedia = false

        enum CodingKeys: String, CodingKey {
            case text, blocks, parse
            case linkNames = "link_names"
            case unfurlLinks = "unfurl_links"
            case unfurlMedia = "unfurl_media"
        }
    }

    private struct Block: Encodable {
        var type: String
        var text: Text?
        var elements: [Text]?
    }

    private struct Text: Encodable {
        var type: String
        var text: String
        var verbatim: Bool?

        static func marked(_ text: String) -> Text { Text(type: "mrkdwn", text: text, verbatim: true) }
    }
}

/// JSON of which the same value always has the same bytes.
func canonical(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
}
