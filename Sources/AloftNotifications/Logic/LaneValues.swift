import AloftModel
import AloftSystem

extension Lane {
    struct Entry: Sendable, Hashable {
        var message: OutboxMessage
        var due: MonotonicTime
        /// When its first line was posted, on the clock that is never set back.
        var born: MonotonicTime
        /// Of the route it gathers for; nil where it was read from the store.
        var window: Duration?

        var isOpen: Bool { message.state == .waiting && !message.isSealed }
    }

    /// The two clocks at one moment: one to wait by, one to show and keep.
    struct Moment: Sendable {
        let now: MonotonicTime
        let wall: Timestamp
    }

    /// What `finish` asks for beside the changes of the store.
    struct Finished: Sendable {
        var changes: [OutboxChange] = []
        /// For the fallback.
        var handOver: [OutboxLine] = []
        /// Nil where there is nothing to tell.
        var outcome: RecentDelivery.Outcome?
    }
}

extension Lane.Entry {
    func takesMore(window: Duration, now: MonotonicTime) -> Bool {
        isOpen && self.window == window && now < due && message.lines.count < Limits.linesPerMessage
    }
}

extension OutboxMessage {
    func holds(_ key: String) -> Bool { lines.contains { $0.notice.key == key } }
}

extension OutboxLine {
    var mayBeHandedOver: Bool { !isHandedOver && from == nil }
    /// Goes to the fallback where its own channel takes too long.
    var isUrgent: Bool { mayBeHandedOver && notice.route == .critical }
}
