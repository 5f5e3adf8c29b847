import Synchronization

/// Counts the requests that wait for a replica on all loops together; touched only by requests that have to wait.
final class HoldGate: Sendable {
    /// What a waiting request is counted under.
    enum Place: Sendable, Hashable {
        case service(String)
        /// Any service, in the first seconds of the edge.
        case first
    }

    private struct State {
        var waiting: [Place: Int] = [:]
        /// When each service was last told to be wanted, monotonic nanoseconds.
        var told: [String: UInt64] = [:]
    }

    private let state = Mutex(State())
    private static let pause: UInt64 = 1_000_000_000
    private static let rememberedServices = 1024

    /// True when there is room below `limit`; the caller then owes one `leave`.
    func enter(_ place: Place, limit: Int) -> Bool {
        state.withLock { state in
            let waiting = state.waiting[place, default: 0]
            guard waiting < limit else { return false }
            state.waiting[place] = waiting + 1
            return true
        }
    }

    func leave(_ place: Place) {
        state.withLock { state in
            guard let waiting = state.waiting[place] else { return }
            state.waiting[place] = waiting > 1 ? waiting - 1 : nil
        }
    }

    /// Whether it is time to say that `service` is wanted: once a second.
    func mayTell(_ service: String, now: UInt64) -> Bool {
        state.withLock { state in
            if let last = state.told[service], now &- last < Self.pause { return false }
            if state.told.count >= Self.rememberedServices { state.told.removeAll() }
            state.told[service] = now
            return true
        }
    }
}
