import AloftDaemon
import AloftModel
import Synchronization

/// Where a rollout is shown while it is watched: reports come from one task, the time to draw from another.
final class RolloutScreen: Sendable {
    private let printer: Mutex<RolloutPrinter>
    private let lines = LinePrinter()
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private let terminal: Terminal

    init(_ printer: RolloutPrinter, terminal: Terminal) {
        self.printer = Mutex(printer)
        self.terminal = terminal
        began = clock.now
    }

    func show(_ report: RolloutReport) { print { $0.take(report, after: $1, width: $2) } }

    func draw() { print { $0.draw(after: $1, width: $2) } }

    /// Draws what is not drawn yet, and waits a second at most until all is printed.
    func finish() {
        print { $0.end(after: $1, width: $2) }
        lines.finish()
    }

    private func print(_ make: (inout RolloutPrinter, Duration, Int) -> String) {
        let width = terminal.width ?? RolloutPrinter.leastWidth
        printer.withLock { printer in
            let text = make(&printer, clock.now - began, width)
            if !text.isEmpty { lines.print(text) }
        }
    }
}
