import AloftModel

/// Why the edge could not start or take over a new plan. Nothing was changed when it is thrown.
package struct EdgeError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        case addressInUse, addressNotAvailable, permissionDenied, cannotListen, certificate, unknownService, stopped
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
}
