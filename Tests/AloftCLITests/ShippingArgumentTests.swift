import AloftSystem
import ArgumentParser
import Testing

@testable import AloftCLI

@Suite("Arguments of the commands that ship")
struct ShippingArgumentTests {
    private func parse<Command: ParsableCommand>(_ line: String, as type: Command.Type) throws -> Command {
        let command = try AloftCommand.parseAsRoot(line.split(separator: " ").map(String.init))
        return try #require(command as? Command, "\(line) is \(Swift.type(of: command))")
    }

    @Test("`deploy` takes a folder or an image, variables, a reason and how long to watch")
    func deploy() throws {
        let command = try parse(
            "deploy web --artifact build --set env.A=1 --set env.B=x=y --message faster --timeout 90s --env staging",
            as: DeployCommand.self)
        #expect(command.service == "web")
        #expect(command.artifact == "build")
        #expect(command.set.map(\.name) == ["A", "B"])
        #expect(command.set.map(\.value) == ["1", "x=y"])
        #expect(command.message == "faster")
        #expect(command.watch.timeout.seconds == 90)
        #expect(command.daemon.environment?.text == "staging")
        let plain = try parse("deploy", as: DeployCommand.self)
        #expect(plain.service == nil)
        #expect(plain.watch.timeout.duration == .seconds(1800))
        #expect(!plain.watch.noWait)
    }

    @Test("`promote` means the steps that are left, or two environments")
    func promote() throws {
        let staging = try #require(EnvironmentName(argument: "staging"))
        let production = try #require(EnvironmentName(argument: "production"))
        #expect(try parse("promote", as: PromoteCommand.self).meaning() == .steps(service: nil))
        #expect(try parse("promote web", as: PromoteCommand.self).meaning() == .steps(service: "web"))
        #expect(
            try parse("promote staging production", as: PromoteCommand.self).meaning()
                == .environments(from: staging, to: production, service: nil))
        #expect(
            try parse("promote staging production web --from-state /s", as: PromoteCommand.self).meaning()
                == .environments(from: staging, to: production, service: "web"))
    }

    @Test("`exec` takes everything after `--` as the command, options as well")
    func exec() throws {
        let command = try parse("exec web --replica 2 --timeout 5m -- ls --json -l", as: ExecCommand.self)
        #expect(command.service == "web")
        #expect(command.replica?.index == 2)
        #expect(command.timeout.seconds == 300)
        #expect(command.command == ["ls", "--json", "-l"])
        #expect(!command.output.json)
    }

    @Test("orders to a rollout take a service, a reason and --wait")
    func orders() throws {
        let approve = try parse("approve web --as ops --message fine", as: ApproveCommand.self)
        #expect(approve.approval == "ops")
        #expect(approve.steering.message == "fine")
        #expect(try parse("abort --wait --timeout 10m", as: AbortCommand.self).steering.wait.limit.seconds == 600)
        #expect(try parse("pause web", as: PauseCommand.self).service == "web")
        #expect(try parse("resume web", as: ResumeCommand.self).service == "web")
        #expect(try parse("rollback web --to 4", as: RollbackCommand.self).to == 4)
        #expect(try parse("history web --release 7", as: HistoryCommand.self).release == 7)
        #expect(try parse("notify test ops", as: NotifyTestCommand.self).channel == "ops")
        #expect(try parse("restart web --wait", as: RestartCommand.self).wait.limit.seconds == 1800)
        #expect(try parse("scale web 3 --wait --timeout 1m", as: ScaleCommand.self).wait.limit.seconds == 60)
    }

    @Test(
        "wrong usage is refused",
        arguments: [
            "deploy web --artifact a --image b", "deploy --set A=1", "deploy --set env.1A=x", "deploy --set env.A",
            "deploy --set env.A=1 --set env.A=2", "deploy --timeout 0s", "deploy --timeout 8d", "deploy --timeout -5m",
            "deploy --timeout 99999999999999999999s", "deploy --state /s --environment staging",
            "deploy --environment ../x", "deploy a b", "rollback --to 0", "rollback --to x", "promote a b c d",
            "promote staging staging", "promote web --from-state /s", "promote web --no-wait",
            "promote staging production --environment x", "promote a/b c", "promote a b --wait --no-wait",
            "approve --as", "abort --timeout 5m", "scale web 3 --timeout 5m", "exec web", "exec -- ls",
            "exec web --replica 0 -- ls", "exec web --timeout 2d -- ls", "notify test", "up --timeout 5m",
            "up --env a/b",
        ])
    func refused(line: String) {
        #expect(throws: (any Error).self) {
            _ = try AloftCommand.parseAsRoot(line.split(separator: " ").map(String.init))
        }
    }

    @Test(
        "a time limit has a unit or is in seconds",
        arguments: [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)] as [(String, Int)])
    func timeLimit(text: String, seconds: Int) {
        #expect(TimeLimit(argument: text)?.seconds == seconds)
    }

    @Test("an environment's daemon has a state directory of its own beside the file")
    func environmentPaths() {
        let file = FileChoice(path: "/srv/app/aloft.yaml")
        #expect(file.state(nil, environment: [:]).directory == "/srv/app/.aloft")
        #expect(file.state(nil, name: "staging", environment: [:]).directory == "/srv/app/.aloft-staging")
        #expect(file.state("/s", name: "staging", environment: [:]).directory == "/s")
    }

    @Test("commands that are proposed name the same daemon")
    func typed() throws {
        #expect(try parse("status", as: StatusCommand.self).daemon.typed == "")
        #expect(
            try parse("status --file a.yaml --environment staging", as: StatusCommand.self).daemon.typed
                == " --file a.yaml --environment staging")
        #expect("/it's here".shellWord == "'/it'\\''s here'")
        #expect("".shellWord == "''")
    }

    @Test("without a name the only service is meant; several are named")
    func onlyService() throws {
        #expect(try ServiceChoice.only(of: ["web"], usage: "aloft deploy SERVICE") == "web")
        let failure = #expect(throws: CommandFailure.self) {
            _ = try ServiceChoice.only(of: ["web", "api"], usage: "aloft deploy SERVICE")
        }
        #expect(failure?.message == "the file has 2 services: web, api")
        #expect(failure?.hint == "name one: `aloft deploy web`")
        #expect(failure?.exitCode == .misuse)
    }

    @Test("the user's name is that of the uid, whatever $USER says")
    func userName() {
        #expect(UserName.name(of: 0) == "root")
        #expect(UserName.name(of: 4_000_000_000) == "uid 4000000000")
    }
}
