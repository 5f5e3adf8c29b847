import ArgumentParser

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a rollout go on that was paused.",
        discussion: """
            Example: aloft resume web --wait
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @OptionGroup var steering: RolloutSteering

    func run() async throws { try await steering.send(.resume, to: service) }
}
