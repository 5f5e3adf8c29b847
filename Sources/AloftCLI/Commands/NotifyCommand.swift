import AloftDaemon
import AloftModel
import ArgumentParser
import NIOCore

struct NotifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Show the channels of notifications, or try one.",
        discussion: """
            Example: aloft notify list
                     aloft notify test ops
            """,
        subcommands: [NotifyListCommand.self, NotifyTestCommand.self])
}

struct NotifyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show each channel: whether it works, what waits, and why it fails.",
        discussion: """
            Example: aloft notify list
            """)

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let channels: [ChannelReport] = try await ControlClient(paths: try daemon.paths()).get("notifications")
        let terminal = Terminal.standard
        if output.json { return try terminal.say(json: channels) }
        terminal.say(ChannelText(palette: terminal.palette).table(channels, now: .now))
    }
}

struct NotifyTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send a notice to a channel now, and show what the other side answers.",
        discussion: """
            Example: aloft notify test ops

            Exits 1 where it was not delivered.
            """)

    /// A mail server may take its time for each step.
    static let answerTimeout = TimeAmount.minutes(3)

    @Argument(help: "A channel of the file.")
    var channel: String

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let report: NotificationTestReport = try await client.post(
            "notifications/\(channel.pathSegment)/test", within: Self.answerTimeout)
        let terminal = Terminal.standard
        if output.json {
            try terminal.say(json: report)
            if !report.isDelivered { throw CommandFailure.ExitCode.failed.error }
            return
        }
        guard report.isDelivered else {
            throw CommandFailure(
                "\(channel): not delivered: \(Palette.printable(report.answer))",
                hint: "correct notifications.channels.\(channel) or its variable, then `aloft reload\(daemon.typed)`",
                code: "notDelivered")
        }
        terminal.say(ChannelText(palette: terminal.palette).delivered(report))
    }
}
