/// Which keys of a service the language has, so that nothing is proposed that the reader would refuse.
enum Vocabulary {
    static func has(_ key: String) -> Bool { KeyIndex.shared["services.*.\(key)"] != nil }

    /// `listen: none`.
    static let hasWorkers =
        KeyIndex.shared["services.*.listen"]?.declaration.form.choices.contains { $0.value == "none" } ?? false
}
