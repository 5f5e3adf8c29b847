import AloftDaemon
import AloftModel
import AloftSystem
import Synchronization

/// What `aloft up` prints while it runs: the start, then a line for each event.
final class ForegroundStart: Sendable {
    private let json: Bool
    private let reportsStart: Bool
    private let typed: String
    private let printer: LinePrinter
    private let tails = Mutex(CrashTails())

    /// - Parameters:
    ///   - reportsStart: set in the copy that runs in the background; it prints nothing.
    ///   - typed: the options that name the daemon, for the commands that are proposed.
    init(json: Bool, reportsStart: Bool, typed: String) {
        self.json = json
        self.typed = typed
        self.reportsStart = reportsStart
        printer = LinePrinter()
    }

    var show: @Sendable (Event) -> Void {
        guard !reportsStart else { return { _ in } }
        let text = LineText(palette: Terminal.standard.palette)
        return { [self] event in
            guard !json else { return printer.print(Terminal.jsonLine(event)) }
            printer.print(text.render(event) + "\n")
            show(tails.withLock { $0.happened(event) }, of: event.subject)
        }
    }

    /// What a replica printed last comes below the news of its end.
    var ended: @Sendable (String, [String]) -> Void {
        guard !reportsStart, !json else { return { _, _ in } }
        return { [self] replica, lines in show(tails.withLock { $0.printed(replica, lines) }, of: replica) }
    }

    private func show(_ lines: [String], of replica: String) {
        let palette = Terminal.standard.palette
        for line in lines { printer.print("  " + palette(.dim, "\(replica) | ") + RecordText.said(line) + "\n") }
    }

    func succeeded(_ report: StartReport) throws {
        guard reportsStart else {
            printer.print(
                json
                    ? Terminal.jsonLine(report)
                    : StartText(palette: Terminal.standard.palette, typed: typed).render(report, isDetached: false))
            return
        }
        tell(.started(report))
    }

    func failed(_ failure: CommandFailure) {
        if reportsStart { tell(.failed(failure)) }
    }

    /// Waits for what is still to be printed, a second at most.
    func finish() { printer.finish() }

    /// Says it on the pipe, and closes that, so that the other side goes on.
    private func tell(_ report: DetachedReport) {
        Detachment.nameProcess()
        do {
            OwnProcess.write(try report.bytes, to: Detachment.reportDescriptor)
        } catch {
            OwnProcess.write(Array("aloft: \(error)\n".utf8), to: 2)
        }
        Detachment.closeReport()
    }
}
