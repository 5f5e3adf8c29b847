import AloftTestKit
import Foundation
import Testing

/// A service `web` that runs `Apps/version.c` in a folder of its own: its file in the making, and the commands that
/// ship it.
struct ShippingApp: Sendable {
    /// What a command printed on both streams, and how it ended.
    typealias Said = (ending: Child.Ending, output: String)

    /// What the app answers, and so what makes a release another one.
    var version = 1
    var replicas = 2
    /// The key that says what runs: `command` or `image`.
    var program = "command: [./version]"
    /// Further variables, after a comma: `, READY: "no"`.
    var variables = ""
    /// Keys below `deploy` of the service.
    var deploy = "strategy: blueGreen\nblueGreen: {keep: 0s}"
    /// Further keys of the service.
    var service = ""
    /// Further listeners, after a comma.
    var listeners = ""
    var admin = "off"
    /// Further keys of `edge`.
    var edge = ""
    /// Further sections of the file.
    var more = ""

    let folder: String
    let port: Int
    let fixture: Fixture

    init(_ fixture: Fixture) async throws {
        self.fixture = fixture
        folder = try fixture.directory()
        port = try Machine.freePort()
        let compiler = Machine.has(program: "clang") ? "clang" : "cc"
        // What the tests leave here is no code; the program is, as the command names it.
        try Data("/*\n!/version\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/.aloftignore"))
        try await Self.succeeds(
            [compiler, "-O1", "-pthread", "-o", "\(folder)/version", "\(AppFile.apps)/version.c"], in: folder)
    }

    // MARK: The file

    var text: String {
        """
        version: 1
        app: scenario
        services:
          web:
            \(program)
            env: {VERSION: "\(version)"\(variables)}
            replicas: \(replicas)
            probes: {readiness: {httpGet: /ready, period: 100ms, timeout: 1s, failureThreshold: 3}}
            restart: {backoff: {initial: 100ms, max: 2s, resetAfter: 1m}}
            stop: {drain: 2s, grace: 2s}
        \(Self.indented(service, by: 4))
            deploy:
        \(Self.indented(deploy, by: 6))
        edge:
          listeners: [{address: "127.0.0.1:\(port)"}\(listeners)]
          admin: \(admin)
          routes: [{match: {path: /*}, service: web}]
        \(Self.indented(edge, by: 2))
        logs: {access: off}
        \(more)
        """
    }

    func write() throws { try text.write(toFile: "\(folder)/aloft.yaml", atomically: true, encoding: .utf8) }

    /// Starts Aloft with the file as it is now, and waits until release 1 is all that runs.
    func up(wrapper: [String] = [], environment: [String: String] = [:]) async throws -> Aloft {
        let aloft = try Aloft.start(
            in: folder, file: text, wrapper: wrapper, environment: environment, fixture: fixture)
        _ = try await eventually("release 1 runs; the daemon printed:\n\(aloft.output)", within: .seconds(40)) {
            let status = try await self.status()
            return status?.release == 1 && status?.ready == replicas ? status : nil
        }
        return aloft
    }

    /// Starts the daemon of an environment in the background, with the file as it is now; it ends with the test.
    func up(environment name: String) async throws {
        try write()
        fixture.atEnd("stop \(name)") {
            let said = try await Child.run([Checkout.aloft, "down", "--environment", name], directory: folder)
            if said.ending != .exited(0), !said.output.contains("no daemon runs") {
                Processes.killAll(withDirectory: folder)
                throw KitError.missing("`down` fails: \(said.output)")
            }
        }
        try await Self.succeeds([Checkout.aloft, "up", "--detach", "--environment", name], in: folder)
    }

    /// Makes a folder beside the file with a copy of the app, to be deployed with `--artifact`.
    func artifact(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: "\(folder)/version", toPath: "\(folder)/\(name)/version")
    }

    /// Makes an empty file in the app's folder, which a command of the file waits for.
    func touch(_ name: String) throws { try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }

    // MARK: Commands

    /// Runs a command as a user types it in the app's folder.
    func run(_ words: String..., within limit: Duration = .seconds(60)) async throws -> Said {
        try await Child.run([Checkout.aloft] + words, directory: folder, within: limit)
    }

    /// Writes the file with another version and deploys it.
    mutating func deploy(version: Int, _ words: String...) async throws -> Said {
        self.version = version
        try write()
        return try await Child.run(
            [Checkout.aloft, "deploy"] + words, directory: folder, within: .seconds(90))
    }

    /// Runs a command as if the present user had another name: in a mount namespace with its own user database.
    func run(as user: String, _ words: String...) async throws -> Said {
        let database = "\(folder)/passwd-\(user)"
        try "\(user):x:\(getuid()):\(getgid())::/:/bin/sh\n".write(
            toFile: database, atomically: true, encoding: .utf8)
        return try await Child.run(
            Namespace.wrapper("mount --bind '\(database)' /etc/passwd") + [Checkout.aloft] + words, directory: folder)
    }

    // MARK: Looking

    struct Release: Sendable, Decodable {
        var number: Int
        var status: String
        var created: String
        var by: String
        var reason: String
        var message: String?
        var environment: String?
        var artifact: String?
        var set: [String]
        var verdicts: [String]

        /// The first verdict that begins so.
        func verdict(_ start: String) -> String? { verdicts.first { $0.hasPrefix(start) } }
    }

    struct Rollout: Sendable, Decodable {
        var release: Int
        var stable: Int?
        var by: String
        var phase: String
        var weight: Double
        var desired: Int
        var message: String
        var isPaused: Bool
        var approvals: [String]
        var outcome: String?
    }

    struct Service: Sendable, Decodable {
        struct Replica: Sendable, Decodable {
            var name: String
            var pid: Int32?
            var release: Int?
        }

        var ready: Int
        var release: Int?
        var replicas: [Replica]
        var rollout: Rollout?
    }

    /// Newest first, as they come.
    func releases(_ words: String...) async throws -> [Release] {
        let said = try await Child.run([Checkout.aloft, "history", "--json"] + words, directory: folder)
        return try Self.decode([Release].self, said)
    }

    /// - Parameter number: it must be in the history.
    func release(_ number: Int, _ words: String...) async throws -> Release {
        let command = ["history", "--json", "--release", "\(number)"] + words
        let said = try await Child.run([Checkout.aloft] + command, directory: folder)
        return try Self.decode(Release.self, said)
    }

    /// Of the service; nil while no daemon answers.
    func status(_ words: String...) async throws -> Service? {
        struct Whole: Decodable { var services: [Service] }
        let said = try await Child.run([Checkout.aloft, "status", "--json"] + words, directory: folder)
        guard said.ending == .exited(0) else { return nil }
        return try Self.decode(Whole.self, said).services.first
    }

    /// Waits until the rollout is as the test wants it.
    func rollout(_ what: String, within limit: Duration = .seconds(40), where holds: (Rollout) -> Bool) async throws
        -> Rollout
    {
        try await eventually("the rollout: \(what)", within: limit) {
            guard let rollout = try await status()?.rollout, holds(rollout) else { return nil }
            return rollout
        }
    }

    /// Waits until a release has this status and no rollout of it is under way.
    func becomes(_ number: Int, _ status: String, within limit: Duration = .seconds(60)) async throws -> Release {
        try await eventually("release \(number) is \(status)", within: limit) {
            let release = try await release(number)
            guard release.status == status else { return nil }
            if let rollout = try await self.status()?.rollout, rollout.outcome == nil { return nil }
            return release
        }
    }

    /// The version that answers through the edge.
    func served(at other: Int? = nil) async throws -> String { try await fetch("/", at: .port(other ?? port)).text }

    // MARK: What must not change

    /// What the users of the app have, and what is left lying about.
    struct Standing: Sendable, Equatable {
        var release: Int?
        var pids: [Int32]
        var answer: String
        /// Processes in the app's folder, the daemon among them.
        var processes: Int
        /// Folders that were being copied.
        var halfCopied: [String]
    }

    func standing() async throws -> Standing {
        let service = try await status()
        // As the daemon sees it, which may have mounts of its own.
        let daemon = try String(contentsOfFile: "\(folder)/.aloft/daemon.lock", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let kept = "/proc/\(daemon)/root\(folder)/.aloft/releases"
        let names = try FileManager.default.contentsOfDirectory(atPath: kept)
        return Standing(
            release: service?.release, pids: service?.replicas.compactMap(\.pid).sorted() ?? [],
            answer: try await served(), processes: Processes.withDirectory(folder).count,
            halfCopied: names.filter { $0.hasPrefix(".tmp") })
    }

    // MARK: Small things

    private static func indented(_ text: String, by count: Int) -> String {
        text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ said: Said) throws -> Value {
        guard said.ending == .exited(0) else { throw KitError.missing("\(said.ending): \(said.output)") }
        do {
            return try JSONDecoder().decode(type, from: Data(said.output.utf8))
        } catch {
            throw KitError.malformed("\(error) in \(said.output.prefix(1000))")
        }
    }

    static func succeeds(_ words: [String], in folder: String) async throws {
        let said = try await Child.run(words, directory: folder)
        if said.ending != .exited(0) { throw KitError.missing("\(words[0]) fails: \(said.output)") }
    }
}

/// A command that must not do what it was asked to: its exit code, and words that its message must have.
func expect(
    _ said: ShippingApp.Said, fails code: Int32 = 1, saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(said.ending == .exited(code), "\(said.output)", sourceLocation: sourceLocation)
    for word in words {
        #expect(said.output.contains(word), "`\(word)` is not in: \(said.output)", sourceLocation: sourceLocation)
    }
}

/// A view of the file system of its own, for disks that are full and users with other names.
enum Namespace {
    /// What runs before a command, in a shell in the new namespace.
    static func wrapper(_ preparation: String) -> [String] {
        let flags = Machine.isRoot ? ["--mount"] : ["--map-root-user", "--mount"]
        return ["unshare"] + flags + ["sh", "-c", "\(preparation) && exec \"$@\"", "sh"]
    }

    /// Nil where mounts are permitted here, else why not; asked once.
    static let reason: String? = {
        guard Machine.has(program: "unshare") else { return "there is no unshare (util-linux)" }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = wrapper("mount -t tmpfs -o size=64k none /mnt") + ["true"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
            process.waitUntilExit()
        } catch {
            return "unshare does not run: \(error)"
        }
        return process.terminationStatus == 0 ? nil : "mount namespaces are not permitted here"
    }()

    static var canMount: Bool {
        if let reason { print("scenarios with mounts of their own are skipped: \(reason)") }
        return reason == nil
    }
}
