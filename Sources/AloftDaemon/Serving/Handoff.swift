/// Hands values from one task to another, one at a time: who gives waits until it was taken.
///
/// For one giver and one taker. After `finish` what is given is dropped, and there is nothing more to take.
actor Handoff<Value: Sendable> {
    private var value: Value?
    private var isOver = false
    private var giver: CheckedContinuation<Void, Never>?
    private var taker: CheckedContinuation<Value?, Never>?

    func give(_ next: Value) async {
        if isOver { return }
        if let taker {
            self.taker = nil
            return taker.resume(returning: next)
        }
        value = next
        await withCheckedContinuation { giver = $0 }
    }

    /// Nil once it is over.
    func take() async -> Value? {
        if let value {
            self.value = nil
            giver?.resume()
            giver = nil
            return value
        }
        if isOver { return nil }
        return await withCheckedContinuation { taker = $0 }
    }

    func finish() {
        isOver = true
        value = nil
        giver?.resume()
        giver = nil
        taker?.resume(returning: nil)
        taker = nil
    }
}
