import AloftTestKit
import Foundation
import Testing

/// Types what a replay says into a shell, in a fresh copy of its folder, and keeps what is printed.
///
/// The copy has ports of its own: each address `127.0.0.1:N` of its `aloft.yaml` gets a free one, in what is typed as in the
/// file, and back in what is printed. The folder is printed as `~/NAME`, the user as `anna`.
struct TranscriptRun: Sendable {
    static let userInPages = "anna"
    /// Longest time for one command.
    static let limit = Duration.seconds(120)

    let folder: String
    /// What the page says, and what it is here.
    private let names: [(inPage: String, here: String)]
    private let environment: [String: String]

    init(_ replay: TranscriptPage.Replay, fixture: Fixture) throws {
        try Checkout.require(Checkout.aloft)
        let root = try fixture.directory()
        let name = URL(fileURLWithPath: replay.folder).lastPathComponent
        let folder = root + "/" + name
        self.folder = folder
        try Self.copy(Checkout.root + "/" + replay.folder, to: folder)
        let ports = try Self.movePorts(of: folder + "/aloft.yaml")
        names = ports + [("~/" + name, folder)]
        try FileManager.default.createDirectory(atPath: root + "/bin", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: root + "/bin/aloft", withDestinationPath: URL(fileURLWithPath: Checkout.aloft).path)
        var variables = Child.plainEnvironment
        variables["PATH"] = root + "/bin:" + (variables["PATH"] ?? "/usr/bin:/bin")
        environment = variables
        fixture.atEnd("stop what runs in \(folder)") { try await Self.stopAll(in: folder) }
    }

    /// Without state directories and what Python leaves behind, so that a checkout somebody plays in is as good as a new one.
    private static func copy(_ source: String, to folder: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
        for name in try files.contentsOfDirectory(atPath: source) where !name.hasPrefix(".aloft") {
            try files.copyItem(atPath: source + "/" + name, toPath: folder + "/" + name)
        }
    }

    private static func movePorts(of file: String) throws -> [(inPage: String, here: String)] {
        var text = try String(contentsOfFile: file, encoding: .utf8)
        let addresses = Set(text.matches(of: #/127\.0\.0\.1:\d+/#).map { String($0.output) }).sorted()
        var ports: Set<Int> = []
        for _ in 0..<100 where ports.count < addresses.count { ports.insert(Int(try Machine.freePort())) }
        guard ports.count == addresses.count else { throw KitError.missing("ports were given twice") }
        let moved = zip(addresses, ports).map { (inPage: $0, here: "127.0.0.1:\($1)") }
        for name in moved { text = text.replacing(name.inPage, with: name.here) }
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return moved
    }

    // MARK: Typing

    /// Everything that a replay types.
    ///
    /// - Returns: What each command of each fence printed.
    func run(_ replay: TranscriptPage.Replay) async throws -> [[[String]]] {
        for typed in replay.setup { _ = try await output(of: typed) }
        var outputs: [[[String]]] = []
        var running: (child: Child, until: String, typed: String)?
        for fence in replay.fences {
            var printed: [[String]] = []
            for (index, command) in fence.commands.enumerated() {
                switch fence.kind {
                case .until(let words) where index == fence.commands.count - 1:
                    let child = try start(command.typed)
                    running = (child, words, command.typed)
                    printed.append(try await lines(of: child, until: words))
                case .goesOn:
                    guard let (child, words, typed) = running else {
                        throw KitError.malformed("\(replay): nothing was left running that could go on")
                    }
                    printed.append(try await rest(of: child, after: words, typed))
                    running = nil
                default:
                    printed.append(try await output(of: command.typed))
                }
            }
            outputs.append(printed)
        }
        return outputs
    }

    /// What ends with `&` is not waited for; it is ended with the copy at the latest.
    private func output(of typed: String) async throws -> [String] {
        if typed.hasSuffix(" &") {
            _ = try start(String(typed.dropLast(2)))
            return []
        }
        let child = try start(typed)
        check(typed, try await child.ended(within: Self.limit), child.output)
        return try lines(child.output)
    }

    private func lines(of child: Child, until words: String) async throws -> [String] {
        try await eventually("`\(words)` is printed, after:\n\(child.output.suffix(3000))", within: Self.limit) {
            let lines = try lines(child.output)
            guard let index = lines.firstIndex(where: { $0.contains(words) }) else {
                if child.ending != nil { throw KitError.missing("no `\(words)` was printed:\n\(child.output)") }
                return nil
            }
            return Array(lines[...index])
        }
    }

    private func rest(of child: Child, after words: String, _ typed: String) async throws -> [String] {
        check(typed, try await child.ended(within: Self.limit), child.output)
        let lines = try lines(child.output)
        return Array(lines[(lines.firstIndex { $0.contains(words) } ?? 0)...].dropFirst())
    }

    /// A command of Aloft says why it failed, and fails where it says so.
    private func check(_ typed: String, _ ending: Child.Ending, _ output: String) {
        guard typed.hasPrefix("aloft ") else { return }
        let saysSo = output.split(separator: "\n").contains { $0.hasPrefix("error: ") }
        #expect((ending == .exited(0)) == !saysSo, "`\(typed)` ended with \(ending), and printed:\n\(output)")
    }

    private func start(_ typed: String) throws -> Child {
        let output = folder + "/../output-\(UInt32.random(in: 0 ... .max))"
        let line = names.reduce(typed) { $0.replacing($1.inPage, with: $1.here) }
        return try Child(["/bin/sh", "-c", line], environment: environment, directory: folder, output: output)
    }

    /// As the page would show it.
    private func lines(_ output: String) throws -> [String] {
        let user = NSRegularExpression.escapedPattern(for: ProcessInfo.processInfo.userName)
        let text = names.reduce(output) { $0.replacing($1.here, with: $1.inPage) }
            .replacing(try Regex("\\b\(user)\\b"), with: Self.userInPages)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// The daemons of the copy, which are in the background, and what was typed with `&`.
    private static func stopAll(in folder: String) async throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix(".aloft") {
            let state = folder + "/" + name
            let down = try await Child.run([Checkout.aloft, "down", "--state", state], directory: folder)
            if down.ending != .exited(0), !down.output.contains("no daemon") {
                Processes.killAll(withDirectory: folder)
                throw KitError.missing("`aloft down` of \(state): \(down.output)")
            }
        }
        Processes.killAll(withDirectory: folder)
    }
}
