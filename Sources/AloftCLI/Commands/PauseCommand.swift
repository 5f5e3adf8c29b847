import ArgumentParser

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Keep a rollout at the step it is at; its analysis goes on.",
        discussion: """
            Example: aloft pause web --message "looking at the logs"
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @OptionGroup var steering: RolloutSteering

    func run() async throws { try await steering.send(.pause, to: service) }
}
