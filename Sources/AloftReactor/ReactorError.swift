/// Why the reactor refused something it was asked for; nothing was changed.
package struct ReactorError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        case stopped, busy
        case addressInUse, addressNotAvailable, permissionDenied, cannotListen
        case certificate, tlsSettings
    }

    package let code: Code
    /// What failed and why.
    package let message: String
    /// What to do about it.
    package let hint: String

    package init(code: Code, message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package var description: String { "\(message); \(hint)" }

    static let stopped = ReactorError(
        code: .stopped, message: "the event loop has stopped", hint: "start it again, or leave out what was asked of it"
    )
    static let busy = ReactorError(
        code: .busy, message: "the event loop has \(LoopHandle.limit) pieces of work waiting and takes no more",
        hint: "find out what holds it up: its lag metric says since when")
}
