import AloftModel

/// Something the plan leaves open: not wrong, and not guaranteed either.
package struct Gap: Sendable, Hashable, Codable {
    /// `services.api.probes.readiness`.
    package var path: String
    /// What can happen because of it.
    package var sentence: String
    /// YAML, or a sentence, that closes it.
    package var remedy: String

    package init(path: String, sentence: String, remedy: String) {
        self.path = path
        self.sentence = sentence
        self.remedy = remedy
    }
}
