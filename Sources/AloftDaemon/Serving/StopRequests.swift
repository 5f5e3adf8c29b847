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

    /// Passes signals on as requests until the task is cancelled.
    func listenForSignals() async {
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup) {
            ask(signal == .sighup ? .reload : .stop(reason: signal == .sigint ? "SIGINT" : "SIGTERM"))
        }
    }

    /// The first stop is graceful, the second one is at once; reloads in between are refused by the operator.
    func handle(
        reload: () async -> Void, stop: (_ reason: String) async -> Void, stopAtOnce: () async -> Void
    ) async {
        var isStopping = false
        for await request in stream {
            switch request {
            case .reload: await reload()
            case .stop(let reason) where !isStopping:
                isStopping = true
                await stop(reason)
            case .stop: await stopAtOnce()
            }
        }
    }
}
