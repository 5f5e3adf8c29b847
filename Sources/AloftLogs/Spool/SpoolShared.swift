import AloftModel
import AloftSystem
import Foundation
import Synchronization

/// What the reading thread and its callers share: commands one way, last lines and numbers the other.
final class SpoolShared: Sendable {
    /// Rounds follow one another no faster, so that a line at a time does not cost a round each.
    private static let roundPause: Duration = .milliseconds(20)
    private static let stopTime: Duration = .seconds(2)

    private enum Command: Sendable {
        case attach(ReplicaID, [(output: LogQuery.Output, file: SpoolFile)])
        case finish(ReplicaID, CheckedContinuation<Void, Never>)
        case stop(CheckedContinuation<Void, Never>)
    }

    private enum State: Sendable, Hashable { case idle, running, ended }

    private struct Inbox {
        var commands: [Command] = []
        var state = State.idle
    }

    private let store: LogStore
    private let wall: @Sendable () -> Timestamp
    private let inbox = Mutex(Inbox())
    /// By name and generation.
    private let lines = Mutex<[String: [Int: [String]]]>([:])
    private let numbers = Mutex(SpoolStatistics())
    private let wake = WakePipe()

    init(store: LogStore, now: @escaping @Sendable () -> Timestamp) {
        self.store = store
        wall = now
    }

    func start() throws(LogError) {
        guard wake.isUsable else { throw LogError(message: "no pipe for the log reader: no file descriptors are left") }
        inbox.withLock { inbox in
            precondition(inbox.state == .idle, "started twice")
            inbox.state = .running
        }
        let thread = Thread { self.run() }
        thread.name = "aloft.spool"
        thread.start()
    }

    func attach(_ replica: ReplicaID, directory: String) throws(LogError) {
        do throws(SystemError) {
            var files: [(output: LogQuery.Output, file: SpoolFile)] = []
            for output in LogQuery.Output.allCases {
                files.append((output, try SpoolFile(replica: replica, output: output, directory: directory)))
            }
            inbox.withLock { inbox in
                // At the end nothing is begun; before the start it waits.
                if inbox.state != .ended { inbox.commands.append(.attach(replica, files)) }
            }
            wake.wake()
        } catch {
            throw LogError(message: "the output of \(replica.name) cannot be read: \(error)")
        }
    }

    func finish(_ replica: ReplicaID) async {
        await withCheckedContinuation { continuation in
            if !send(.finish(replica, continuation)) { continuation.resume() }
        }
    }

    func stop() async {
        await withCheckedContinuation { continuation in
            if !send(.stop(continuation)) { continuation.resume() }
        }
    }

    func lastLines(_ replica: ReplicaID) -> [String] {
        lines.withLock { $0[replica.name]?[replica.generation] ?? [] }
    }

    func lastLines(_ name: String) -> [String] {
        lines.withLock { $0[name]?.max { $0.key < $1.key }?.value ?? [] }
    }

    func forget(_ replica: String) { lines.withLock { $0[replica] = nil } }

    func statistics() -> SpoolStatistics { numbers.withLock { $0 } }

    /// False where the thread does not run (any more), so that nobody would answer.
    private func send(_ command: Command) -> Bool {
        let isRunning = inbox.withLock { inbox in
            if inbox.state == .running { inbox.commands.append(command) }
            return inbox.state == .running
        }
        if isRunning { wake.wake() }
        return isRunning
    }

    private func remember(_ replica: ReplicaID, _ newest: [String]) {
        lines.withLock { lines in
            var generations = lines[replica.name] ?? [:]
            let all = generations[replica.generation, default: []] + newest
            generations[replica.generation] = all.suffix(SpoolReader.lastLineCount)
            if generations.count > SpoolReader.lastLineGenerations, let oldest = generations.keys.min() {
                generations[oldest] = nil
            }
            lines[replica.name] = generations
        }
    }

    /// The thread.
    private func run() {
        let time = SystemTime()
        let table = SpoolTable(store: store, wall: wall) { [weak self] in self?.remember($0, $1) }
        var finishing: [(ReplicaID, CheckedContinuation<Void, Never>)] = []
        while true {
            let commands = inbox.withLock { inbox in
                defer { inbox.commands = [] }
                return inbox.commands
            }
            for command in commands {
                switch command {
                // The same process again, as after a repeated adoption: what is open already stays.
                case .attach(let replica, _) where table.contains(replica): break
                case .attach(let replica, let files):
                    table.attach(replica, files, now: time.now)
                case .finish(let replica, let continuation):
                    table.finish(replica, now: time.now)
                    finishing.append((replica, continuation))
                case .stop(let continuation):
                    end(table, time)
                    for (_, waiting) in finishing { waiting.resume() }
                    continuation.resume()
                    return
                }
            }
            let next = table.round(now: time.now)
            numbers.withLock { $0 = table.statistics }
            finishing.removeAll { replica, continuation in
                guard !table.contains(replica) else { return false }
                continuation.resume()
                return true
            }
            wait(until: next, table, time)
        }
    }

    /// Reads what is there, within the time for it, and refuses further commands.
    private func end(_ table: SpoolTable, _ time: SystemTime) {
        let deadline = time.now + Self.stopTime
        table.markAll()
        repeat {
            pause(until: min(table.round(now: time.now), deadline), time)
        } while !table.isDrained && time.now < deadline
        let left = inbox.withLock { inbox in
            inbox.state = .ended
            defer { inbox.commands = [] }
            return inbox.commands
        }
        for command in left {
            switch command {
            case .attach: break
            case .finish(_, let continuation), .stop(let continuation): continuation.resume()
            }
        }
        numbers.withLock { $0 = table.statistics }
    }

    /// Waits for a change, a command, or the time; then, unless there is a command, a little for company.
    private func wait(until next: MonotonicTime, _ table: SpoolTable, _ time: SystemTime) {
        let left = next - time.now
        guard left > .zero else { return }
        let isCommand = wake.wait(or: table.watchNumber, for: left)
        if !isCommand { wake.wait(or: -1, for: Self.roundPause) }
        wake.clear()
        table.noteChanges()
    }

    private func pause(until next: MonotonicTime, _ time: SystemTime) {
        let left = next - time.now
        // No longer than it takes to notice that the log can be written again or the deadline has come.
        if left > .zero { Thread.sleep(forTimeInterval: Double(min(left, .milliseconds(50)).milliseconds) / 1000) }
    }
}
