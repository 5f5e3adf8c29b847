import AloftDaemon
import AloftModel
import ArgumentParser
import Foundation

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what replicas printed, across rotations; also of a daemon that has ended.",
        discussion: """
            Example: aloft logs -f web
                     aloft logs --since 10m --stream stderr
                     aloft logs --replica web-2 --tail 20
                     aloft logs web --raw | jq .msg

            Lines of JSON are shown as time, replica, level and message, with the rest as key=value; times are UTC. \
            --raw prints what the app printed and nothing else, --json the records that Aloft keeps.
            """)

    @Argument(help: "Only this service.")
    var service: String?

    @Flag(name: [.short, .long], help: "Go on with what is printed next, until Ctrl-C.")
    var follow = false

    @Option(name: .long, help: ArgumentHelp("Only this one: web-2, or its number.", valueName: "NAME|N"))
    var replica: ReplicaChoice?

    @Option(name: .long, help: ArgumentHelp("Only stdout or only stderr.", valueName: "NAME"))
    var stream: OutputStream?

    @Option(name: .long, help: ArgumentHelp("From this time or this long ago.", valueName: "TIME|30m"))
    var since: PointInTime?

    @Option(name: .long, help: ArgumentHelp("Only the newest so many; default 200, all with --since.", valueName: "N"))
    var tail: Int?

    @Flag(name: .long, help: "Print lines as the app printed them.")
    var raw = false

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    enum OutputStream: String, ExpressibleByArgument, CaseIterable {
        case stdout
        case stderr
    }

    func validate() throws {
        if let tail, !(0...100_000).contains(tail) {
            throw ValidationError("--tail is a number from 0 to 100000")
        }
        if raw, output.json { throw ValidationError("give --raw or --json") }
        _ = try replica?.name(in: service)
    }

    func run() async throws {
        let paths = try daemon.paths()
        let wanted = Wanted(
            service: service, replica: try replica?.name(in: service), stream: stream?.rawValue, since: since?.time,
            tail: tail ?? (since == nil ? 200 : nil))
        let client = ControlClient(paths: paths)
        do {
            if follow { try await check(wanted, client) }
            var isEmpty = true
            try await client.lines(wanted.path(follow: follow)) { line in
                isEmpty = false
                return show(line)
            }
            if isEmpty, !follow { try wanted.require(try await known(client)) }
        } catch let failure as CommandFailure where failure.code == "notRunning" && !follow {
            let past = PastRecords(paths: paths)
            guard past.hasLogs else { throw failure }
            try await showPast(wanted, past)
        }
    }

    /// What is followed has to be there, or at least to have printed something.
    private func check(_ wanted: Wanted, _ client: ControlClient) async throws {
        guard wanted.service != nil || wanted.replica != nil else { return }
        var newest = wanted
        newest.tail = 1
        var isEmpty = true
        try await client.lines(newest.path(follow: false)) { _ in
            isEmpty = false
            return false
        }
        if isEmpty { try wanted.require(try await known(client)) }
    }

    private func known(_ client: ControlClient) async throws(CommandFailure) -> KnownSubjects {
        let status: StatusReport = try await client.get("status")
        return KnownSubjects(status)
    }

    private func showPast(_ wanted: Wanted, _ past: PastRecords) async throws {
        var isEmpty = true
        try await past.logs(
            service: wanted.service, replica: wanted.replica, stream: wanted.stream, since: wanted.since,
            tail: wanted.tail
        ) { line in
            isEmpty = false
            return show(line)
        }
        guard isEmpty else { return }
        var services: Set<String> = []
        var replicas: Set<String> = []
        try await past.logs(service: nil, replica: nil, stream: nil, since: nil, tail: PastRecords.namesLimit) { line in
            guard let printed = PrintedLine(line) else { return true }
            if let service = printed.service { services.insert(service) }
            replicas.insert(printed.replica)
            return true
        }
        try wanted.require(KnownSubjects(services: services.sorted(), replicas: replicas.sorted()))
    }

    /// Which records.
    private struct Wanted: Sendable {
        var service: String?
        var replica: String?
        var stream: String?
        var since: Timestamp?
        var tail: Int?

        func path(follow: Bool) -> String {
            "logs".query([
                ("service", service), ("replica", replica), ("stream", stream), ("since", since?.description),
                ("tail", tail.map(String.init)), ("follow", follow ? "true" : nil),
            ])
        }

        func require(_ known: KnownSubjects) throws(CommandFailure) {
            if let service { try known.require(service: service) }
            if let replica { try known.require(replica: replica) }
        }
    }

    /// A line that is no record is shown as it is: better than hiding it.
    private func show(_ line: [UInt8]) -> Bool {
        let terminal = Terminal.standard
        if output.json { return terminal.say(bytes: line + [0x0A]) }
        guard let record = PrintedLine(line) else {
            return terminal.say(Palette.printable(String(decoding: line, as: UTF8.self)) + "\n")
        }
        guard raw else { return terminal.say(RecordText(palette: terminal.palette).render(record) + "\n") }
        // A pipe gets the bytes; on a terminal they could move the cursor.
        guard terminal.width == nil else {
            return terminal.say(Palette.printable(String(decoding: record.raw, as: UTF8.self)) + "\n")
        }
        return terminal.say(bytes: record.raw + [0x0A])
    }
}
