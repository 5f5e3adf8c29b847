import Synchronization

/// How many are inside, with a limit.
final class Counter: Sendable {
    private let value = Atomic(0)

    /// False, and nothing changes, where `limit` are inside.
    func enter(limit: Int) -> Bool {
        let (_, now) = value.add(1, ordering: .relaxed)
        if now <= limit { return true }
        value.subtract(1, ordering: .relaxed)
        return false
    }

    func leave() { value.subtract(1, ordering: .relaxed) }
}
