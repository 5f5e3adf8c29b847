import AloftDaemon
import AloftSystem
import ArgumentParser

struct PromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Skip the steps that a rollout has left; or take a release from one environment to another.",
        discussion: """
            Example: aloft promote web                       # skips the steps that are left
                     aloft promote staging production web    # the very release that staging runs

            With two environments the daemon of the second takes the current release of the first, if its gates \
            passed there. Each environment has a daemon of its own on this machine, with the state directory \
            .aloft-NAME beside the file; --from-state and --state name others.
            """)

    @Argument(help: ArgumentHelp("A service; or FROM TO, and a service.", valueName: "name"))
    var names: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("State directory of FROM's daemon; default: .aloft-FROM beside the file.", valueName: "DIR"))
    var fromState: String?

    @Flag(name: .long, help: "With FROM TO: do not watch the rollout.")
    var noWait = false

    @OptionGroup var steering: RolloutSteering

    /// What the names mean.
    enum Meaning: Sendable, Hashable {
        case steps(service: String?)
        case environments(from: EnvironmentName, to: EnvironmentName, service: String?)
    }

    func validate() throws { _ = try meaning() }

    func meaning() throws -> Meaning {
        guard names.count >= 2 else {
            if fromState != nil || noWait { throw ValidationError("--from-state and --no-wait are for FROM TO") }
            return .steps(service: names.first)
        }
        guard names.count <= 3 else { throw ValidationError("promote takes FROM TO and one service") }
        guard let from = EnvironmentName(argument: names[0]), let to = EnvironmentName(argument: names[1]) else {
            throw ValidationError("an environment's name has letters, digits, - and _")
        }
        if from == to { throw ValidationError("FROM and TO are the same environment") }
        if steering.daemon.environment != nil { throw ValidationError("TO names the environment already") }
        if noWait, steering.wait.wait { throw ValidationError("give --wait or --no-wait") }
        return .environments(from: from, to: to, service: names.count == 3 ? names[2] : nil)
    }

    func run() async throws {
        switch try meaning() {
        case .steps(let service): try await steering.send(.promote, to: service)
        case .environments(let from, let to, let service): try await take(from, to, service)
        }
    }

    private func take(_ from: EnvironmentName, _ to: EnvironmentName, _ service: String?) async throws {
        let daemon = steering.daemon
        let source = try fromState.map { Self.absolute($0) } ?? daemon.paths(of: from).directory
        let client = ControlClient(paths: try daemon.state == nil ? daemon.paths(of: to) : daemon.paths())
        let usage = "aloft promote \(from.text) \(to.text) SERVICE"
        let name = try await ServiceChoice.name(service, usage: usage, client)
        let release: ReleaseReport = try await client.post(
            "services/\(name.pathSegment)/take",
            json: TakeRequest(
                environment: from.text, state: source, message: steering.message, user: UserName.current),
            within: DeployCommand.answerTimeout)
        var watch = WatchChoice()
        watch.noWait = noWait
        watch.timeout = steering.wait.limit
        let typed = daemon.state == nil ? daemon.typed + " --environment \(to.text)" : daemon.typed
        try await watch.finish(release, client, typed: typed, json: steering.output.json)
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileChoice.currentDirectory)/\(path)"
    }
}
