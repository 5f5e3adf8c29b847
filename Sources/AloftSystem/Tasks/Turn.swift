/// Lets one caller at a time through, in the order in which they came, also across suspensions.
///
/// Part of an actor: what the actor decides and what the store keeps stay the same, though writing takes time.
package struct Turn: Sendable {
    private var isTaken = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    package init() {}

    /// True where the caller may go on at once; else it waits for its continuation.
    package mutating func take() -> Bool {
        if isTaken { return false }
        isTaken = true
        return true
    }

    package mutating func enqueue(_ continuation: CheckedContinuation<Void, Never>) { waiters.append(continuation) }

    package mutating func pass() {
        if waiters.isEmpty { isTaken = false } else { waiters.removeFirst().resume() }
    }
}
