/// A command that somebody can type as it stands, for this daemon's environment.
struct ProposedCommand: Sendable {
    let environment: String?

    /// - Parameter words: What follows `aloft`, as in `history web`.
    func callAsFunction(_ words: String) -> String {
        "`aloft \(words)" + (environment.map { " --environment \($0)" } ?? "") + "`"
    }
}
