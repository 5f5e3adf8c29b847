import AloftModel

/// Keeps retries to a share of the requests of the last ten seconds, so that a broken service is not sent more than
/// it can bear (the retry budget of Finagle and Envoy). Time is whole seconds of a monotonic clock.
struct RetryBudget: Sendable {
    /// Retries that are always allowed in a second, so that a quiet service can be retried at all.
    static let freePerSecond = 3
    private static let window = 10

    private var requests = [UInt32](repeating: 0, count: window)
    private var retries = [UInt32](repeating: 0, count: window)
    private var second: UInt64 = 0

    /// Requests of the window.
    var requestsCounted: Int { requests.reduce(0) { $0 + Int($1) } }

    @inline(__always)
    mutating func countRequest(second now: UInt64) {
        if now != second { advance(to: now) }
        requests[Int(now % UInt64(Self.window))] &+= 1
    }

    /// The request counted last was not sent.
    mutating func takeBack() {
        let slot = Int(second % UInt64(Self.window))
        if requests[slot] > 0 { requests[slot] -= 1 }
    }

    /// Counts one retry if `share` of the requests allows it.
    mutating func spend(share: Percent, second now: UInt64) -> Bool {
        if now != second { advance(to: now) }
        let slot = Int(now % UInt64(Self.window))
        let asked = requestsCounted
        let spent = retries.reduce(0) { $0 + Int($1) }
        let allowed = Int((Double(asked) * share.fraction).rounded(.down))
        guard spent < allowed || retries[slot] < Self.freePerSecond else { return false }
        retries[slot] &+= 1
        return true
    }

    /// Empties the seconds that have passed; a clock that did not move on empties nothing.
    private mutating func advance(to now: UInt64) {
        guard now > second else { return }
        let passed = min(now - second, UInt64(Self.window))
        for step in 1...passed {
            let slot = Int((second &+ step) % UInt64(Self.window))
            requests[slot] = 0
            retries[slot] = 0
        }
        if now - second > UInt64(Self.window) {
            for slot in 0..<Self.window {
                requests[slot] = 0
                retries[slot] = 0
            }
        }
        second = now
    }
}
