import Logging

/// Connections to replicas that wait for a request, and what is said of replicas that can't be trusted with one.
extension EdgeLoop {
    /// Unused kept-alive upstream connections are closed after this; most servers wait at least as long.
    private static let upstreamIdle: UInt64 = 30_000_000_000
    /// Those beyond the first `Backend.keptLong` are closed after this: the last one used is taken first, so one that was
    /// not needed for so long is left from a burst.
    private static let surplusIdle: UInt64 = 2_000_000_000
    /// Closed at once, so that the end of a burst holds nobody up.
    private static let closedAtOnce = 256
    /// For how long connections to a replica that sent bytes beyond an answer carry one request each.
    private static let distrust: UInt64 = 600_000_000_000

    func closeUnused(now: UInt64) {
        var left = Self.closedAtOnce
        for rotation in everyRotation {
            for backend in rotation.backends {
                // The one used longest ago stands first.
                var count = 0
                for connection in backend.idle {
                    let isSurplus = backend.idle.count - count > Backend.keptLong
                    guard left > 0, now &- connection.idleSince > (isSurplus ? Self.surplusIdle : Self.upstreamIdle)
                    else { break }
                    count += 1
                    left -= 1
                }
                guard count > 0 else { continue }
                let unused = backend.idle.prefix(count)
                backend.idle.removeFirst(count)
                for connection in unused { connection.closeIdle() }
            }
        }
    }

    func closeIdle(of backend: Backend) {
        let idle = backend.idle
        backend.idle.removeAll()
        for connection in idle { connection.closeIdle() }
    }

    /// The replica sent bytes beyond an answer: what still waits may hold more of them, and what comes later too.
    ///
    /// Nothing tells bytes that come once the next request is sent from its answer, so that no connection is used again.
    func distrust(_ backend: Backend, now: UInt64) {
        let isKnown = backend.distrustedUntil > now
        backend.distrustedUntil = now &+ Self.distrust
        closeIdle(of: backend)
        guard !isKnown else { return }
        logger.warning(
            "a replica sent bytes beyond the end of an answer: for ten minutes each connection to it carries one request",
            metadata: ["replica": "\(backend.endpoint.replica)"])
    }

    /// Tells of answers that were refused, at most once a second for each replica.
    func warn(of refusal: AnswerRefusal, from backend: Backend, now: UInt64) {
        backend.refusalsUntold &+= 1
        guard now &- backend.lastRefusal >= 1_000_000_000 else { return }
        logger.warning(
            "a replica's answer was refused",
            metadata: [
                "replica": "\(backend.endpoint.replica)", "reason": "\(refusal.text)",
                "answers": "\(backend.refusalsUntold)",
            ])
        backend.lastRefusal = now
        backend.refusalsUntold = 0
    }

    /// Tells of a replica that refused or broke a connection, at most once a second.
    func reportUnreachable(_ backend: Backend, now: UInt64) {
        guard now &- backend.lastReported >= 1_000_000_000 else { return }
        backend.lastReported = now
        ports.unreachable(backend.endpoint.replica)
    }
}
