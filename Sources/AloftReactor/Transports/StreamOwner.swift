/// Who a connection belongs to: it is told what happens to it, always by the loop and never from within a call that it
/// makes itself.
///
/// A class to inherit from and no protocol: a call through it counts no reference. It is `open`, since packages have no
/// access level of their own for that. The transport keeps its owner alive from the moment it gets it to the end of the
/// turn in which it was closed, so an owner may hold its transport by an ordinary `let`.
open class StreamOwner {
    public init() {}

    /// Bytes can be exchanged: an accepted connection is there, a dialled one stands, a TLS handshake is done.
    open func connected() {}

    /// Bytes have come. What was not used before comes again, in front of them.
    ///
    /// The span ends with this call. Reading goes on with what comes next unless the transport's `setReading(false)` is
    /// called, or 64 KiB lie unused: then `redeliver` brings them again.
    ///
    /// - Returns: How many bytes from the first on were used; the others are kept.
    open func received(_ bytes: RawSpan) -> Int { bytes.byteCount }

    /// The peer sends no more; what was not used is still kept.
    open func inputEnded() {}

    /// The queue, which was above its high mark, has fallen to the low one, and no file waits in it.
    open func becameWritable() {}

    /// Nothing more reaches the peer: it has closed both halves, reset the connection, or refused what was written. What
    /// came from it before can still be read, which only the owner knows the use of. Told once, if at all.
    open func peerGone() {}

    /// What `relay` was asked to pass on has been handed to the other transport's socket.
    open func relayed() {}

    /// The deadline set last has passed.
    open func deadlinePassed() {}

    /// The connection has ended, however it did. The last call, once.
    open func closed(_ ending: Ending) {}
}

/// How a connection ended.
public enum Ending: Sendable, Hashable {
    /// By its owner, or after both sides had ended their halves.
    case closed
    /// It never stood: the errno of connect(2). ETIMEDOUT is also the dial's own limit; EAGAIN a Unix socket whose
    /// backlog is full; EMFILE, ENFILE, ENOBUFS, ENOMEM and EADDRNOTAVAIL are shortages on this side.
    case refused(Int32)
    /// It broke: ECONNRESET, EPIPE, ETIMEDOUT (also a peer that takes nothing of what was left to send), EIO (a file that
    /// is shorter than what was to be sent of it), ENOBUFS (its owner wrote past the queue's limit).
    case failed(Int32)
    /// The TLS handshake failed.
    case handshake(HandshakeFailure)
    /// The loop is stopping.
    case stopping
}

/// Why a TLS handshake failed.
public enum HandshakeFailure: Sendable, Hashable {
    /// It took longer than its limit.
    case tooSlow
    /// The peer left in the middle of it.
    case abandoned
    /// One side refused what the other offered; OpenSSL's reason, such as `no shared cipher`.
    case refused(String)
}
