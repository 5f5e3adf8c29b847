/// Why a call of the notifier failed.
package enum NotificationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The outbox could not be written, so the notice would not survive; the reason is the store's.
    case notKept(String)
    /// `test` was asked for a channel that the file does not have.
    case unknownChannel(String, known: [String])

    package var description: String {
        switch self {
        case .notKept(let reason): "the notice could not be kept: \(reason)"
        case .unknownChannel(let name, let known):
            known.isEmpty
                ? "there is no channel '\(name)': the file has none; add one under notifications.channels"
                : "there is no channel '\(name)'; the file has \(known.joined(separator: ", "))"
        }
    }
}
