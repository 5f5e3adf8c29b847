import ArgumentParser

struct AbortCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract: "End a rollout, and go back to the release before.",
        discussion: """
            Example: aloft abort web --message "wrong branch" --wait
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @Flag(name: .long, help: "Also where a migration that can't be undone has run.")
    var force = false

    @OptionGroup var steering: RolloutSteering

    func run() async throws {
        try await steering.send(.abort, to: service, force: force, good: [.aborted, .rolledBack])
    }
}
