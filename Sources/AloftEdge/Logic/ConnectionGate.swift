import AloftModel
import Synchronization

/// Counts open client connections, in all and by address, and says no past the limits. Shared by all loops; touched
/// once when a connection opens and once when it closes.
final class ConnectionGate: Sendable {
    private let count = Atomic<Int>(0)
    private let refusals = Atomic<UInt64>(0)
    private let byAddress = Mutex<[PeerAddress: Int]>([:])
    private let maximum: Atomic<Int>
    private let maximumPerAddress: Atomic<Int>

    init(limits: EdgeLimits) {
        maximum = Atomic(limits.connections)
        maximumPerAddress = Atomic(limits.connectionsPerAddress)
    }

    var open: Int { count.load(ordering: .relaxed) }
    var refused: UInt64 { refusals.load(ordering: .relaxed) }

    func change(limits: EdgeLimits) {
        maximum.store(limits.connections, ordering: .relaxed)
        maximumPerAddress.store(limits.connectionsPerAddress, ordering: .relaxed)
    }

    /// True when the connection may stay; the caller then owes one `leave`.
    ///
    /// A trusted proxy speaks for many clients, so the limit per address is not held against it.
    func enter(_ address: PeerAddress, isTrusted: Bool) -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= maximum.load(ordering: .relaxed) else {
            count.wrappingSubtract(1, ordering: .relaxed)
            refusals.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        let limit = isTrusted ? Int.max : maximumPerAddress.load(ordering: .relaxed)
        let fits = byAddress.withLock { table in
            let present = table[address, default: 0]
            guard present < limit else { return false }
            table[address] = present + 1
            return true
        }
        if !fits {
            count.wrappingSubtract(1, ordering: .relaxed)
            refusals.wrappingAdd(1, ordering: .relaxed)
        }
        return fits
    }

    func leave(_ address: PeerAddress) {
        count.wrappingSubtract(1, ordering: .relaxed)
        byAddress.withLock { table in
            guard let present = table[address] else { return }
            table[address] = present > 1 ? present - 1 : nil
        }
    }
}
