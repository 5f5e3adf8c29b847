import AloftModel
import AloftSystem
import Synchronization

/// A rollout under way, as this daemon knows it; all that matters of it is in `state`, which the journal has.
struct RolloutLife: Sendable {
    typealias Answer = CheckedContinuation<Result<Void, RolloutError>, Never>

    /// Which command or check is under way or has ended.
    struct WorkKey: Sendable, Hashable {
        var phase: RolloutPhase
        var step: Int
    }

    var state: RolloutState
    var release: Release
    var stableRelease: Release?
    let spec: ServiceSpec
    let stableSpec: ServiceSpec?
    var split = RolloutFacts.Split.unknown
    var known: Set<Int> = []
    var leaving: Set<Int> = []
    var workKey: WorkKey?
    var work = RolloutFacts.Work.idle
    /// Ends the command that is under way.
    var stopWork: Signal?
    var lastProbe: MonotonicTime?
    var isProbing = false
    var requests: [(RolloutRequest, Answer)] = []
    /// Something happened: look at once.
    let signal = Signal()
    var lines = OutputTail()
    var progress: RolloutProgress?
    var lastVerdict: VerdictRecord?
    /// The rollout's clock when the state was last written.
    var savedTime: Duration
    /// A daemon before this one may have left a command running.
    var mayHaveRemains = false
    /// Said once, until it works again.
    var hasWarned = false
    private let origin: MonotonicTime
    private let offset: Duration

    init(
        state: RolloutState, release: Release, stableRelease: Release?, spec: ServiceSpec, stableSpec: ServiceSpec?,
        at now: MonotonicTime
    ) {
        self.state = state
        self.release = release
        self.stableRelease = stableRelease
        self.spec = spec
        self.stableSpec = stableSpec
        origin = now
        offset = state.time
        savedTime = state.time
        lastVerdict = release.verdicts.last
    }

    func time(at now: MonotonicTime) -> Duration { offset + (now - origin) }

    func work(of state: RolloutState) -> RolloutFacts.Work {
        workKey == WorkKey(phase: state.phase, step: state.step) ? work : .idle
    }
}

/// Wakes one waiter; set before somebody waits, it is not lost.
final class Signal: Sendable {
    private enum State {
        case clear
        case set
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.clear)

    func set() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard case .waiting(let continuation) = state else {
                state = .set
                return nil
            }
            state = .clear
            return continuation
        }
        waiter?.resume()
    }

    /// Returns once it is set, which clears it, or once the task is cancelled. One task at a time.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if case .set = state {
                        state = .clear
                        return true
                    }
                    if Task.isCancelled { return true }
                    state = .waiting(continuation)
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
                guard case .waiting(let continuation) = state else { return nil }
                state = .clear
                return continuation
            }
            waiter?.resume()
        }
    }
}

/// The last lines of a command.
final class OutputTail: Sendable {
    static let maxLines = 200
    static let maxCharacters = 2000

    private let lines = Mutex<[String]>([])

    func append(_ line: String) {
        let line = String(line.prefix(Self.maxCharacters))
        lines.withLock { lines in
            if lines.count == Self.maxLines { lines.removeFirst() }
            lines.append(line)
        }
    }

    var all: [String] { lines.withLock { $0 } }
    /// The last that is not blank.
    var last: String? { lines.withLock { $0.last { !$0.allSatisfy(\.isWhitespace) } } }
}
