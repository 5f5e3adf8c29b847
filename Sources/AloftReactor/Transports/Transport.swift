import CAloftReactor
import Glibc

/// One connection: reads, a bounded queue of writes, a deadline, an orderly or an abrupt end.
///
/// Confined to its loop. After it was closed every call on it does nothing, so an owner that holds one too long does no
/// harm. `PlainTransport` and `TLSTransport` say how bytes get in and out.
package class Transport: Watched {
    enum Phase: UInt8 {
        case dialling
        case handshaking
        case open
        /// Its owner is done: what is queued leaves, what comes is thrown away.
        case leaving
        /// Everything has left and the output is closed; waits for the peer's end.
        case lingering
        case closed
    }

    struct Flags: OptionSet {
        let rawValue: UInt16
        /// The kernel may have bytes for us, or takes some from us, as far as we know.
        static let readable = Flags(rawValue: 1 << 0)
        static let writable = Flags(rawValue: 1 << 1)
        /// The owner wants no bytes; 64 KiB lie unused; the owner wants those again.
        static let paused = Flags(rawValue: 1 << 2)
        static let full = Flags(rawValue: 1 << 3)
        static let redeliver = Flags(rawValue: 1 << 4)
        /// The peer has ended its half, and that was read.
        static let inputEnded = Flags(rawValue: 1 << 5)
        /// The kernel has told of the peer's end: a short read does not mean that nothing is left.
        static let endAnnounced = Flags(rawValue: 1 << 6)
        /// Our half ends after what is queued; has ended.
        static let endsOutput = Flags(rawValue: 1 << 7)
        static let outputEnded = Flags(rawValue: 1 << 8)
        /// Nothing reaches the peer any more; the owner was told.
        static let gone = Flags(rawValue: 1 << 9)
        static let goneTold = Flags(rawValue: 1 << 10)
        /// The queue is above its high mark, or was and is not yet at the low one.
        static let aboveMark = Flags(rawValue: 1 << 11)
        /// Every `receive` and `send` may come up short of what the socket has and takes.
        static let isTLS = Flags(rawValue: 1 << 12)
        /// TLS waits for the other direction: whatever happens to the socket, both are tried.
        static let crossed = Flags(rawValue: 1 << 13)
    }

    /// Bytes an owner may leave unused before reading stops.
    package static let holdLimit = 64 << 10
    /// Bytes in the queue at which `isWritable` becomes false, and true again.
    package static let highMark = 96 << 10
    package static let lowMark = 32 << 10
    /// Bytes in the queue past which an owner that does not look at `isWritable` is cut off.
    package static let queueLimit = 1 << 20
    /// How long the peer's end is waited for after ours, in nanoseconds, and the bytes thrown away meanwhile.
    static let linger: UInt64 = 2_000_000_000
    static let discardLimit = 64 << 20

    final var phase: Phase
    final var flags: Flags = []
    final var owner: Unmanaged<StreamOwner>?
    /// What the owner left unused.
    final var held: Block?
    final var output = OutputQueue()
    /// Bodies on their way through a pipe, from this one and to this one.
    final var outgoingRelay: Relay?
    final var incomingRelay: Relay?
    /// Bytes that the kernel has taken.
    final var sentBytes = 0
    final var ending = Ending.closed
    /// While leaving: bytes thrown away, how long the peer may take nothing, and what it had taken when that began.
    final var discarded = 0
    final var patience: UInt64 = 0
    final var progress = 0

    init(_ loop: Loop, _ descriptor: Int32, _ phase: Phase) {
        self.phase = phase
        super.init(loop, descriptor)
        loop.metrics.connections &+= 1
    }

    // MARK: How bytes get in and out; each returns a count or a negative errno

    /// 0 at the end of the stream.
    func receive(_ room: UnsafeMutableRawPointer, _ count: Int) -> Int { fatalError("a transport of no kind") }
    func send(_ bytes: UnsafeRawPointer, _ count: Int) -> Int { fatalError("a transport of no kind") }
    /// Two pieces in one call where there is one, as much of them as is taken.
    func send(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Int {
        fatalError("a transport of no kind")
    }
    /// From the front of the queue, which is bytes.
    func sendQueued() -> Int { fatalError("a transport of no kind") }
    /// A part of a file; 0 when the file has ended.
    func send(_ range: inout FileRange) -> Int { fatalError("a transport of no kind") }
    /// Ends our half; -EAGAIN when that has to wait until the socket takes bytes.
    func shutdownOutput() -> Int { fatalError("a transport of no kind") }
    /// One step of the handshake; true once it is done, false while it waits or when it has ended the connection.
    func handshake() -> Bool { true }

    // MARK: What the loop tells

    override final func handle(_ events: UInt32) {
        let ends = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        if events & (EPOLLIN.rawValue | ends) != 0 {
            flags.insert(.readable)
            if events & ends != 0 {
                flags.insert(.endAnnounced)
                if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { flags.insert(.gone) }
            }
        }
        if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { flags.insert(.writable) }
        if flags.contains(.crossed) {
            flags.remove(.crossed)
            flags.insert([.readable, .writable])
        }
        resume()
    }

    override final func resume() {
        switch phase {
        case .open: break
        case .dialling: return dialled()
        case .handshaking:
            guard handshake() else { return }
            opened()
            guard phase == .open else { return }
        case .leaving, .lingering: return leave()
        case .closed: return
        }
        if !output.isEmpty || flags.contains(.endsOutput) { flush() }
        if let relay = incomingRelay { relay.pump() }
        if flags.contains(.readable) || flags.contains(.redeliver) { read() }
        if flags.contains(.gone), phase == .open { tellGone() }
    }

    /// Not while reading finds out by itself how it ends, and not to an owner that had nothing more to say.
    private final func tellGone() {
        let reads = flags.intersection([.readable, .paused, .full, .inputEnded]) == .readable
        guard !reads, flags.isDisjoint(with: [.goneTold, .outputEnded]) else { return }
        flags.insert(.goneTold)
        owner?._withUnsafeGuaranteedRef { $0.peerGone() }
    }

    override final func expire(now: UInt64) {
        switch phase {
        case .dialling: end(.refused(ETIMEDOUT))
        case .handshaking: end(.handshake(.tooSlow))
        case .open: owner?._withUnsafeGuaranteedRef { $0.deadlinePassed() }
        case .leaving:
            let taken = takenByPeer
            if taken == progress { return end(.failed(ETIMEDOUT), resets: true) }
            progress = taken
            loop.wheel.set(self, now &+ patience)
        case .lingering: end(.closed)
        case .closed: break
        }
    }

    override final func stop() { end(.stopping) }

    override func retire() {
        guard let owner else { return }
        owner._withUnsafeGuaranteedRef { $0.closed(ending) }
        self.owner = nil
        owner.release()
    }

    /// The first call after it was accepted and has its owner.
    func accepted() { opened() }

    /// The connection is under way no longer: it stands, or was refused.
    private final func dialled() {
        guard flags.contains(.writable) else { return }
        let code = aloft_connect_result(descriptor)
        if code != 0 { return end(.refused(code)) }
        phase = .open
        opened()
        if phase == .open { resume() }
    }

    /// Bytes can be exchanged from now on.
    final func opened() {
        phase = .open
        loop.wheel.set(self, .max)
        owner?._withUnsafeGuaranteedRef { $0.connected() }
    }

    // MARK: Deadline and owner

    /// Sets when the owner's `deadlinePassed` is due, in monotonic nanoseconds, to 100 ms; `.max` for never. While the
    /// connection is being opened or closed the deadline is the transport's own.
    package final func setDeadline(_ deadline: UInt64) {
        if phase == .open { loop.wheel.set(self, deadline) }
    }

    /// Gives the connection to another owner, which hears of everything from now on, beginning with what was left unused;
    /// the former one hears nothing more.
    package final func hand(to next: StreamOwner) {
        guard phase != .closed else { return }
        if let owner { loop.formerOwners.append(owner) }
        owner = Unmanaged.passRetained(next)
        redeliver()
    }

    /// A number that grows while the peer takes bytes: those that its kernel has acknowledged (TCP), or that it has read
    /// (Unix sockets, to the kernel's own overhead).
    package final var takenByPeer: Int {
        guard descriptor >= 0 else { return sentBytes }
        let waiting = aloft_unacknowledged(descriptor)
        return waiting < 0 ? sentBytes : sentBytes &- waiting
    }

    /// Nothing is there to be read, neither a byte nor the end: one system call, since what arrived in this turn is told
    /// only later.
    package final var isQuiet: Bool {
        phase == .open && held == nil && !flags.contains(.inputEnded) && aloft_is_quiet(descriptor) != 0
    }
}
