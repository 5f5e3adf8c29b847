/// How one try to send a message ended.
struct Delivery: Sendable, Hashable {
    enum Result: Sendable, Hashable {
        case accepted
        /// Not now; asking again can help.
        case failed
        /// Asking again cannot help.
        case refused
    }

    var result: Result
    /// For people; secrets taken out, one line, at most 500 characters.
    var answer: String
    /// What the server asked for.
    var retryAfter: Duration?
    /// The far side may have it, and would know the same message again: it must not change from now on.
    var seals = false
    /// The far side may have it, and would not know it again: read as told, so that its end is told too.
    var isInDoubt = false
    /// Recipients that have it now, of a message that not all of them have.
    var delivered: [String] = []
    /// Keys of the notices that need not be sent again, of a message that was taken in part.
    var keysTaken: Set<String> = []
}

/// Who brings a message to one channel.
protocol ChannelSender: Sendable {
    /// False where a message that was under way when the daemon died must not be sent again: it would be read twice.
    var recognisesRepetition: Bool { get }
    /// Ends within a few timeouts; never throws: each ending is a delivery.
    func send(_ message: OutboxMessage) async -> Delivery
}
