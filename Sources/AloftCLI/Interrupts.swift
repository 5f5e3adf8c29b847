import Dispatch
import Glibc

/// Ctrl-C while something is watched.
enum Interrupts {
    /// One element for the first SIGINT or SIGTERM from now on; until the stream ends neither ends the process.
    static func first() -> AsyncStream<Void> {
        AsyncStream { continuation in
            let sources = [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler {
                    continuation.yield()
                    continuation.finish()
                }
                source.resume()
                return source
            }
            let watched = Watched(sources: sources)
            continuation.onTermination = { _ in watched.end() }
        }
    }

    // SAFETY: a dispatch source may be cancelled from any thread, and nothing else is done with these.
    private struct Watched: @unchecked Sendable {
        let sources: [any DispatchSourceSignal]

        func end() {
            for source in sources { source.cancel() }
            for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        }
    }
}
