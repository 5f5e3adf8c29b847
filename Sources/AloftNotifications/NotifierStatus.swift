import AloftModel

/// How one channel does, for `aloft status` and the API; holds no secret.
package struct ChannelStatus: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
        /// Nothing was sent yet, or the last try went well.
        case working
        /// The last try failed; it goes on trying.
        case failing
        /// The file's own words cannot be used: `problem` says why. What it should send goes to the fallback, or waits.
        case misconfigured
    }

    package var name: String
    /// `slack`, `email`, `pagerduty`, `webhook`.
    package var kind: String
    /// Only the host of its address, where one could be read.
    package var host: String?
    package var state: State
    package var problem: String?
    package var lastSuccess: Timestamp?
    package var lastFailure: Timestamp?
    package var lastFailureReason: String?
    /// Notices that wait to be sent.
    package var waiting: Int
    package var nextTry: Timestamp?
    package var dropped: Int
    package var uncertain: Int
}

/// What `aloft notify test` prints.
package struct TestOutcome: Sendable, Hashable, Codable {
    package var channel: String
    package var kind: String
    package var host: String?
    package var isAccepted: Bool
    /// Exactly what the server answered, or why there was no answer; at most 500 characters, secrets taken out.
    package var answer: String
    package var milliseconds: Int
}

/// One try that ended, or a decision not to send; the newest hundred are kept until the daemon ends.
package struct RecentDelivery: Sendable, Hashable, Codable {
    package enum Outcome: String, Sendable, Hashable, Codable {
        case sent
        /// Will be tried again.
        case failed
        /// Given up: refused for good, or too old.
        case dropped
        /// The daemon ended while it was under way, and the channel cannot recognise a repetition: not sent again.
        case uncertain
        /// Sent to the fallback instead.
        case handedOver
    }

    package var time: Timestamp
    package var channel: String
    package var outcome: Outcome
    /// Titles of its notices, at most ten.
    package var titles: [String]
    package var detail: String
}
