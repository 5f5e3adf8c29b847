import AloftModel

/// One message that waits for one channel: what the outbox keeps.
package struct OutboxMessage: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
        /// Not under way; the far side does not have it, or may be asked again.
        case waiting
        /// Under way. Found at a start, it means that the daemon ended before it saw the answer.
        case sending
    }

    /// Also the far side's idempotency key: from the first try that may have arrived, it names exactly these lines.
    package var id: String
    package var channel: String
    package var lines: [OutboxLine]
    package var state: State
    /// When the first of its lines was posted; a message is given up 24 hours later.
    package var posted: Timestamp
    /// Not tried before.
    package var notBefore: Timestamp
    /// Tries until now.
    package var attempts: Int
    /// The far side may have it already: its lines may not change any more, so that a repetition can be recognised.
    package var isSealed: Bool
    /// Recipients who have it, of those the channel knows by name (e-mail).
    package var delivered: [String]

    package init(
        id: String, channel: String, lines: [OutboxLine], state: State = .waiting, posted: Timestamp,
        notBefore: Timestamp, attempts: Int = 0, isSealed: Bool = false, delivered: [String] = []
    ) {
        self.id = id
        self.channel = channel
        self.lines = lines
        self.state = state
        self.posted = posted
        self.notBefore = notBefore
        self.attempts = attempts
        self.isSealed = isSealed
        self.delivered = delivered
    }
}

/// A notice in a message, with how often it was posted.
package struct OutboxLine: Sendable, Hashable, Codable {
    /// As it was posted last.
    package var notice: Notice
    /// Of the first time it was posted.
    package var since: Timestamp
    package var count: Int
    /// The fallback has it, because its own channel takes too long; it is not handed on twice.
    package var isHandedOver: Bool
    /// In a message of the fallback: the channel that could not take it; never handed on again.
    package var from: String?

    package init(
        notice: Notice, since: Timestamp, count: Int = 1, isHandedOver: Bool = false, from: String? = nil
    ) {
        self.notice = notice
        self.since = since
        self.count = count
        self.isHandedOver = isHandedOver
        self.from = from
    }
}

/// What is remembered of a channel from one start to the next.
package struct ChannelRecord: Sendable, Hashable, Codable {
    /// What a channel was told of a key last.
    package struct Told: Sendable, Hashable, Codable {
        package var title: String
        package var isOver: Bool
        package var time: Timestamp

        package init(title: String, isOver: Bool, time: Timestamp) {
            self.title = title
            self.isOver = isOver
            self.time = time
        }
    }

    package var channel: String
    /// By key; at most 1,000, the oldest are forgotten first.
    package var told: [String: Told]
    package var lastSuccess: Timestamp?
    package var lastFailure: Timestamp?
    /// Why, without secrets; of the last failure.
    package var lastFailureReason: String?
    /// Notices that were thrown away, because too many waited or nobody took them in 24 hours.
    package var dropped: Int
    /// Messages that may or may not have arrived, and were not sent again (Slack, after a crash).
    package var uncertain: Int

    package init(
        channel: String, told: [String: Told] = [:], lastSuccess: Timestamp? = nil, lastFailure: Timestamp? = nil,
        lastFailureReason: String? = nil, dropped: Int = 0, uncertain: Int = 0
    ) {
        self.channel = channel
        self.told = told
        self.lastSuccess = lastSuccess
        self.lastFailure = lastFailure
        self.lastFailureReason = lastFailureReason
        self.dropped = dropped
        self.uncertain = uncertain
    }
}
