import AloftDaemon
import AloftSystem
import ArgumentParser
import Foundation
import NIOCore

struct DeployCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Make a release of a service and roll it out, by the service's strategy.",
        discussion: """
            Example: aloft deploy
                     aloft deploy web --artifact build/ --message "faster search"
                     aloft deploy api --image registry.example.com/api:1.4 --set env.LEVEL=debug --no-wait
                     aloft deploy api --unset env.LEVEL

            A release is made where the file, the code in its folder or an option says something new. Shows each step \
            until the release is current, rolled back or frozen, and exits 0 only in the first case. \
            What --set, --artifact and --image say wins over the file until another deploy says otherwise. \
            Ctrl-C stops watching, not the rollout. With --json each line is a report of the rollout.
            """)

    /// An artifact is copied, an image pulled or built before the answer; the longest of them ends after 30 minutes.
    static let answerTimeout = TimeAmount.minutes(45)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @Option(name: .long, help: ArgumentHelp("A folder that is copied into the release.", valueName: "DIR"))
    var artifact: String?

    @Option(name: .long, help: ArgumentHelp("The image to run, of a service with a container.", valueName: "REF"))
    var image: String?

    @Option(
        name: .long,
        help: ArgumentHelp("A variable on top of the file's `env`; may be repeated.", valueName: "env.NAME=VALUE"),
        transform: VariableSetting.init(parsing:))
    var set: [VariableSetting] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Take back what --set said earlier; may be repeated.", valueName: "env.NAME"),
        transform: VariableSetting.name(parsing:))
    var unset: [String] = []

    @Option(name: .long, help: ArgumentHelp("Why, for the history.", valueName: "TEXT"))
    var message: String?

    @OptionGroup var watch: WatchChoice
    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if artifact != nil, image != nil {
            throw ValidationError("a release has an artifact or an image; give --artifact or --image")
        }
        for (index, setting) in set.enumerated() where set[..<index].contains(where: { $0.name == setting.name }) {
            throw ValidationError("--set names env.\(setting.name) twice")
        }
        if let both = unset.first(where: { name in set.contains { $0.name == name } }) {
            throw ValidationError("--set and --unset both name env.\(both)")
        }
    }

    func run() async throws {
        let folder = try artifact.map(Self.folder)
        let client = ControlClient(paths: try daemon.paths())
        let name = try await ServiceChoice.name(service, usage: "aloft deploy SERVICE", client)
        let request = DeployRequest(
            artifact: folder, image: image,
            environment: Dictionary(uniqueKeysWithValues: set.map { ($0.name, $0.value) }),
            unset: unset.isEmpty ? nil : unset, variables: try await ShellVariables.read(client), message: message,
            user: UserName.current)
        let release: ReleaseReport = try await client.post(
            "services/\(name.pathSegment)/deploy", json: request, within: Self.answerTimeout)
        if message == nil, let why = release.message, !output.json {
            Terminal.standard.say(Palette.printable(why) + "\n")
        }
        try await watch.finish(release, client, typed: daemon.typed, json: output.json)
    }

    /// The absolute path of a folder that is there.
    static func folder(_ given: String) throws(CommandFailure) -> String {
        let path = given.hasPrefix("/") ? given : "\(FileChoice.currentDirectory)/\(given)"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure(
                "there is no folder \(given)", hint: "build the app first, or correct --artifact", code: "noArtifact",
                exitCode: .misuse)
        }
        guard isDirectory.boolValue else {
            throw CommandFailure(
                "\(given) is a file; an artifact is a folder", hint: "name the folder that it is in",
                code: "noArtifact", exitCode: .misuse)
        }
        let folder = URL(fileURLWithPath: path).standardizedFileURL.path
        guard folder != "/" else {
            throw CommandFailure(
                "`/` is the whole machine, and an artifact is the app's folder", hint: "name the folder that was built",
                code: "noArtifact", exitCode: .misuse)
        }
        return folder
    }
}

/// `env.NAME=VALUE` of `--set`.
struct VariableSetting: Sendable, Hashable {
    let name: String
    let value: String

    /// - Throws: `ValidationError`, which says what is wrong and how to write it.
    init(parsing text: String) throws {
        guard text.hasPrefix("env.") else {
            throw ValidationError(
                "it sets variables, as in `--set env.LEVEL=debug`; anything else of a service is changed in the file")
        }
        guard let equals = text.firstIndex(of: "=") else {
            throw ValidationError(
                "there is no value: write `--set \(text)=VALUE`, or `--set \(text)=` for an empty one")
        }
        name = String(text[..<equals].dropFirst(4))
        value = String(text[text.index(after: equals)...])
        try Self.check(name)
        guard !value.contains("\0") else { throw ValidationError("no variable can hold a NUL byte") }
    }

    /// `env.NAME` of `--unset`.
    static func name(parsing text: String) throws -> String {
        guard text.hasPrefix("env."), !text.contains("=") else {
            throw ValidationError("it names a variable, as in `--unset env.LEVEL`")
        }
        let name = String(text.dropFirst(4))
        try check(name)
        return name
    }

    private static func check(_ name: String) throws {
        guard name.wholeMatch(of: #/[A-Za-z_][A-Za-z0-9_]*/#) != nil else {
            throw ValidationError("`\(name)` is no name of a variable: letters, digits and `_`, no digit first")
        }
    }
}
