/// What `aloft explain KEY` found.
package enum Explained: Sendable, Hashable {
    case key(Explanation)
    /// A word that nothing reads yet, in each of the places where it will stand.
    case future([FutureWord])
    /// Several keys end in what was asked for, or none does; the nearest paths, best first, at most eight.
    case unknown(message: String, suggestions: [String])
}

/// All that is known of one key, from its declaration.
package struct Explanation: Sendable, Hashable, Codable {
    /// `services.*.probes.readiness.period`: `*` stands for a name of the user's, `[]` for an item of a list.
    package var path: String
    /// `duration`, `list of text`.
    package var type: String
    package var summary: String
    package var detail: String?
    /// As it would stand in the file; nil where the key is required or nothing is assumed.
    package var standard: String?
    package var isRequired: Bool
    /// `100ms to 10m`.
    package var limits: String?
    /// The allowed words, each with its meaning.
    package var choices: [Choice]
    /// YAML that uses the key.
    package var example: String
    /// What a change of the value does to a running app.
    package var effect: String
    /// The keys below this one.
    package var keys: [Member]
    /// Words of the same name in other places, which nothing reads yet.
    package var reserved: [FutureWord]

    package struct Choice: Sendable, Hashable, Codable {
        package var value: String
        package var meaning: String

        package init(value: String, meaning: String) {
            self.value = value
            self.meaning = meaning
        }
    }

    package struct Member: Sendable, Hashable, Codable {
        package var name: String
        package var summary: String

        package init(name: String, summary: String) {
            self.name = name
            self.summary = summary
        }
    }
}
