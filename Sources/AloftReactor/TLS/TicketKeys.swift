import CAloftReactor

/// Keys for session tickets, for all loops and for one context after the other, so that clients resume wherever they come
/// back to, and after a reload.
///
/// A key is replaced by itself when it is `lifetime` old; tickets that it wrote are taken until its successor is that old.
// SAFETY: the keys have a lock of their own.
package final class TicketKeys: @unchecked Sendable {
    let keys: OpaquePointer

    /// - Parameter lifetime: Seconds; also how long a session may be resumed.
    package init(lifetime: UInt64 = 6 * 3600) throws(ReactorError) {
        guard let keys = aloft_tls_ticket_keys_make(lifetime) else { throw Self.noRandomness }
        self.keys = keys
    }

    deinit { aloft_tls_ticket_keys_free(keys) }

    /// Replaces the key now; done twice, no ticket is taken any more.
    package func rotate() throws(ReactorError) {
        guard aloft_tls_ticket_keys_rotate(keys) == 0 else { throw Self.noRandomness }
    }

    private static let noRandomness = ReactorError(
        code: .tlsSettings, message: "a key for session tickets can't be made: the system gives no random bytes",
        hint: "check that getrandom(2) works here, or start again")
}
