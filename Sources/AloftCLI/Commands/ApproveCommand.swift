import ArgumentParser

struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Give an approval that a rollout waits for, in your name.",
        discussion: """
            Example: aloft approve web --as ops
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Which approval, where several are waited for.", valueName: "NAME"))
    var approval: String?

    @OptionGroup var steering: RolloutSteering

    func run() async throws { try await steering.send(.approve, to: service, approval: approval) }
}
