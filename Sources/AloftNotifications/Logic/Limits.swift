/// What the outbox holds itself to.
enum Limits {
    /// Notices of one channel within it go out as one message.
    static let window: Duration = .seconds(2)
    /// So many messages of a channel go out one right after the other; then one in each `pace`, with all that came.
    static let burst = 5
    static let pace: Duration = .seconds(60)
    /// Notices in one message.
    static let linesPerMessage = 100
    /// Notices that wait for one channel.
    static let waitingPerChannel = 1000
    /// A message older than this is given up.
    static let age: Duration = .seconds(24 * 3600)
    /// A critical notice that its channel has not taken by then goes to the fallback as well.
    static let patience: Duration = .seconds(600)
    /// The same key and title is not sent again for so long, unless it was over in between.
    static let silence: Duration = .seconds(4 * 3600)
    /// Longest wait that a server may ask for.
    static let retryAfter: Duration = .seconds(3600)
    /// Keys remembered for each channel.
    static let toldPerChannel = 1000
    /// Deliveries kept for `recent`.
    static let recent = 100
    /// Longest text of a server's answer that is kept.
    static let answer = 500
}
