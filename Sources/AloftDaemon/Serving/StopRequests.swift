import AloftModel
import ServiceLifecycle
import UnixSignals

/// Everything that asks the daemon to stop or to reload: signals and the control API.
struct StopRequests: Sendable {
    enum Request: Sendable, Hashable {
        case stop(reason: String)
        case reload
    }

    private let stream: AsyncStream<Request>
    private let continuation: AsyncStream<Request>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16)) }

    func ask(_ request: Request) { continuation.yield(request) }

    /// No more requests come: `handle` returns once it has dealt with those that did.
    func finish() { continuation.finish() }

    /// Passes signals on as requests until the task is cancelled. SIGUSR1, SIGUSR2 and SIGALRM are ignored: their default
    /// action ends the process, and logrotate sends SIGUSR1 to make servers reopen their logs.
    func listenForSignals() async {
        let signals = await UnixSignalsSequence(
            trapping: .sigint, .sigterm, .sigquit, .sighup, .sigusr1, .sigusr2, .sigalrm)
        for await signal in signals {
            switch signal {
            case .sighup: ask(.reload)
            case .sigint: ask(.stop(reason: "SIGINT"))
            case .sigterm: ask(.stop(reason: "SIGTERM"))
            case .sigquit: ask(.stop(reason: "SIGQUIT"))
            default: continue
            }
        }
    }

    /// A signal that a wrapper delivered twice (`timeout`, `make`) is one request.
    static let echo = Duration.milliseconds(500)

    /// The first stop is graceful, the second one is at once; reloads in between are refused by the operator.
    func handle(
        reload: () async -> Void, stop: (_ reason: String) async -> Void, stopAtOnce: () async -> Void
    ) async {
        let clock = ContinuousClock()
        var stoppedAt: ContinuousClock.Instant?
        for await request in stream {
            switch (request, stoppedAt) {
            case (.reload, _): await reload()
            case (.stop(let reason), nil):
                stoppedAt = clock.now
                await stop(reason)
            case (.stop, .some(let time)) where clock.now - time < Self.echo: continue
            case (.stop, .some): await stopAtOnce()
            }
        }
    }
}
