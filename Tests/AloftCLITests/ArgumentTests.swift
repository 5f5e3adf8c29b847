import AloftDaemon
import AloftModel
import ArgumentParser
import Testing

@testable import AloftCLI

@Suite("Arguments")
struct ArgumentTests {
    private func parse<Command: ParsableCommand>(_ line: String, as type: Command.Type) throws -> Command {
        let command = try AloftCommand.parseAsRoot(line.split(separator: " ").map(String.init))
        return try #require(command as? Command, "\(line) is \(Swift.type(of: command))")
    }

    @Test("`up` takes a file, an environment, a state directory and --detach")
    func up() throws {
        let command = try parse("up deploy/a.yaml --env staging --state /s --detach --json", as: UpCommand.self)
        #expect(command.named.given == "deploy/a.yaml")
        #expect(command.environment?.text == "staging")
        #expect(command.state == "/s")
        #expect(command.detach)
        #expect(command.output.json)
    }

    @Test("`logs` takes a service and conditions")
    func logs() throws {
        let command = try parse(
            "logs -f web --replica web-2 --stream stderr --tail 20 --since 2026-11-20T22:12:20Z", as: LogsCommand.self)
        #expect(command.service == "web")
        #expect(command.follow)
        #expect(command.stream == .stderr)
        #expect(command.tail == 20)
        #expect(command.since?.time == Timestamp(rfc3339: "2026-11-20T22:12:20Z"))
    }

    @Test("a file is named by --file everywhere, and by its name alone where that says enough")
    func files() throws {
        #expect(try parse("check --file a.yaml", as: CheckCommand.self).named.given == "a.yaml")
        #expect(try parse("check a.yaml", as: CheckCommand.self).named.given == "a.yaml")
        #expect(try parse("plan --file a.yaml --environment e", as: PlanCommand.self).named.given == "a.yaml")
        #expect(try parse("status --file a.yaml --env e", as: StatusCommand.self).daemon.file == "a.yaml")
        #expect(throws: (any Error).self) { _ = try AloftCommand.parseAsRoot(["check", "a", "--file", "b"]) }
    }

    @Test("every command that can be about a file, an environment or a number of lines calls it the same")
    func sameNames() {
        for command in commands {
            let help = command.helpMessage(includeHidden: false)
            if help.contains("--env") { #expect(help.contains("--environment, --env <NAME>"), "\(command)") }
            if help.contains("aloft.yaml here or") { #expect(help.contains("--file <FILE>"), "\(command)") }
            for old in ["--within", "--limit", "<file>"] { #expect(!help.contains(old), "\(command): \(old)") }
        }
    }

    @Test("a replica is its name or its number")
    func replicas() throws {
        #expect(try parse("exec web --replica 2 -- env", as: ExecCommand.self).replica?.index == 2)
        #expect(try parse("exec my-web --replica my-web-2 -- env", as: ExecCommand.self).replica?.index == 2)
        #expect(try parse("logs web --replica 2", as: LogsCommand.self).replica?.name(in: "web") == "web-2")
        #expect(try parse("logs --replica web-2", as: LogsCommand.self).replica?.name(in: nil) == "web-2")
        for line in [
            "exec web --replica api-2 -- env", "logs --replica 2", "logs web --replica api-1", "logs --replica web",
            "exec web --replica 0 -- env", "exec web --replica -1 -- env", "logs --replica +1",
        ] {
            #expect(throws: (any Error).self, "\(line)") {
                _ = try AloftCommand.parseAsRoot(line.split(separator: " ").map(String.init))
            }
        }
    }

    @Test("older spellings of options go on working")
    func aliases() throws {
        #expect(try parse("down --within 30", as: DownCommand.self).within?.seconds == 30)
        #expect(try parse("events --limit 5", as: EventsCommand.self).limit == 5)
    }

    @Test("`scale` takes a service and a number")
    func scale() throws {
        let command = try parse("scale web 5", as: ScaleCommand.self)
        #expect(command.service == "web")
        #expect(command.replicas == 5)
    }

    @Test(
        "wrong usage is refused",
        arguments: [
            "scale web", "scale web many", "scale web -- -1", "logs --stream both", "logs --tail -1",
            "events --limit x",
            "events --severity loud", "down --within 0", "nonsense", "explain", "restart",
        ])
    func refused(line: String) {
        #expect(throws: (any Error).self) {
            _ = try AloftCommand.parseAsRoot(line.split(separator: " ").map(String.init))
        }
    }

    /// Every command that does something: those with commands of their own only hold them.
    private var commands: [any ParsableCommand.Type] {
        AloftCommand.configuration.groupedSubcommands.flatMap(\.subcommands).flatMap { command in
            command.configuration.subcommands.isEmpty ? [command] : command.configuration.subcommands
        }
    }

    @Test("every command that can be seen takes --json, has an abstract and an example")
    func everyCommand() throws {
        #expect(commands.count == 28)
        for command in commands {
            #expect(!command.configuration.abstract.isEmpty, "\(command)")
            #expect(command.configuration.discussion.contains("Example: aloft "), "\(command)")
            #expect(command.helpMessage().contains("--json"), "\(command)")
        }
    }

    @Test("every example of a command's help can be typed")
    func examples() throws {
        for command in commands {
            for line in command.configuration.discussion.split(separator: "\n") {
                let text = line.replacing("Example: ", with: "").drop { $0 == " " }
                guard text.hasPrefix("aloft ") else { continue }
                let words = try shellWords(text.prefix { !"#|>".contains($0) })
                #expect(throws: Never.self, "\(text)") { _ = try AloftCommand.parseAsRoot(Array(words.dropFirst())) }
            }
        }
    }

    /// Words of a line, where double quotes keep blanks together.
    private func shellWords(_ line: Substring) throws -> [String] {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        try #require(parts.count % 2 == 1, "a quote is open in \(line)")
        return parts.enumerated().flatMap { index, part in
            index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
        }
    }

    @Test(
        "a point in time is a time or how long ago",
        arguments: [
            ("90s", -90), ("30m", -1800), ("2h", -7200), ("7d", -604_800), ("2026-11-20T22:12:20Z", 0),
        ] as [(String, Int)])
    func pointInTime(text: String, seconds: Int) throws {
        let now = try #require(Timestamp(rfc3339: "2026-11-20T22:12:20Z"))
        #expect(PointInTime(text, now: now)?.time == now + .seconds(seconds))
    }

    @Test("what is neither is refused", arguments: ["", "m", "5", "-5m", "5w", "yesterday", "999999999999d"])
    func noPointInTime(text: String) throws {
        #expect(PointInTime(text, now: Timestamp(nanoseconds: 0)) == nil)
    }

    @Test("values in a URL cannot end the value")
    func query() {
        #expect(
            "logs".query([("service", "a b&c=ü"), ("tail", nil), ("follow", "true")])
                == "logs?service=a%20b%26c%3D%C3%BC&follow=true")
        #expect("status".query([]) == "status")
    }
}

@Suite("A start in the background")
struct DetachedReportTests {
    @Test("its report survives the pipe")
    func roundTrip() throws {
        let failure = CommandFailure("no", hint: "do", code: "listen", exitCode: .misuse)
        guard case .failed(let read) = try DetachedReport(bytes: try DetachedReport.failed(failure).bytes, log: "l")
        else {
            Issue.record("a failure became a start")
            return
        }
        #expect(read == failure)
    }

    @Test("silence is a crash, and names the log")
    func silence() throws {
        guard case .failed(let failure) = try DetachedReport(bytes: [], log: "/s/daemon.log") else {
            Issue.record("silence became a start")
            return
        }
        #expect(failure.hint?.contains("/s/daemon.log") == true)
    }
}
