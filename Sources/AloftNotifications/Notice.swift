import AloftModel

/// Which line of `notifications` a notice follows; in the order in which people want to read them.
package enum NoticeRoute: String, Sendable, Hashable, Codable, CaseIterable {
    case critical
    case warning
    case deploys
}

/// One thing somebody should know, written for a person who was asleep a minute ago.
///
/// The same key again replaces what waits and counts it; the same key and title again is not sent for four hours.
/// Texts past their limits are cut, with an ellipsis as their last character.
package struct Notice: Sendable, Hashable, Codable {
    package struct Field: Sendable, Hashable, Codable {
        /// At most 80 characters.
        package let name: String
        /// At most 500 characters.
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = clipped(name, 80)
            self.value = clipped(value, 500)
        }
    }

    package let route: NoticeRoute
    /// What it is about, stable from the first notice to the one that says it is over: `rollout/api/12`. At most 200 bytes.
    package let key: String
    /// What happened, to what: `api: release 12 was rolled back`. At most 200 characters, one line.
    package let title: String
    /// How one can tell, in a sentence or two. At most 3,000 characters.
    package let text: String
    /// What Aloft did about it; at most 500 characters.
    package let action: String?
    /// What a person should do, with the command; at most 500 characters.
    package let advice: String?
    /// At most 16.
    package let fields: [Field]
    /// A page about it; only `http` and `https`, at most 1,000 characters, else left out.
    package let link: String?
    package let time: Timestamp
    /// Ends an earlier notice of the same key. Nobody is told of an end where nobody was told of a beginning.
    ///
    /// A deploy that finished is not "over" in this sense: it is a notice of its own, with the same key and another title.
    package let isOver: Bool

    package init(
        route: NoticeRoute, key: String, title: String, text: String, action: String? = nil, advice: String? = nil,
        fields: [Field] = [], link: String? = nil, time: Timestamp, isOver: Bool = false
    ) {
        self.route = route
        self.key = key.utf8.count <= 200 ? key : digestedKey(key)
        self.title = clipped(oneLine(title), 200)
        self.text = clipped(text, 3000)
        self.action = action.map { clipped($0, 500) }
        self.advice = advice.map { clipped($0, 500) }
        self.fields = Array(fields.prefix(16))
        self.link = link.flatMap { isWebLink($0) ? $0 : nil }
        self.time = time
        self.isOver = isOver
    }
}

private func isWebLink(_ text: String) -> Bool {
    text.utf8.count <= 1000 && (text.hasPrefix("https://") || text.hasPrefix("http://"))
        && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>|\"".utf8.contains($0) }
}
