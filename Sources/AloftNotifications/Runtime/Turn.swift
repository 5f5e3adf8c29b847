/// Lets one caller at a time through, in the order in which they came, also across suspensions.
///
/// Part of an actor: what the actor decides and what the store keeps stay the same, though writing takes time.
struct Turn {
    private var isTaken = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// True where the caller may go on at once; else it waits for its continuation.
    mutating func take() -> Bool {
        if isTaken { return false }
        isTaken = true
        return true
    }

    mutating func enqueue(_ continuation: CheckedContinuation<Void, Never>) { waiters.append(continuation) }

    mutating func pass() {
        if waiters.isEmpty { isTaken = false } else { waiters.removeFirst().resume() }
    }
}
