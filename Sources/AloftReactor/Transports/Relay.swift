import CAloftReactor
import Glibc

/// A pipe that bytes take from one socket to another without a copy into this process.
struct SplicePipe {
    /// Bytes, as far as the user's share of pipe memory goes: what a slow reader holds of a fast writer beside what the
    /// kernel has in the sockets.
    static let size = 128 << 10

    let output: Int32
    let input: Int32

    /// Nil where there are no descriptors or no memory for one: the bytes are then copied.
    static func open() -> SplicePipe? {
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) { aloft_pipe_pair($0, Int32(Self.size)) }
        }
        return result == 0 ? SplicePipe(output: ends.0, input: ends.1) : nil
    }

    func close() {
        Glibc.close(output)
        Glibc.close(input)
    }
}

/// A body of known length on its way from one plain connection to another by splice(2).
///
/// Both transports hold it until it is done or one of them closes. It reads no further than its length, and only while
/// the pipe is empty: so the peer that sends is held back by the one that takes.
final class Relay {
    private unowned let source: Transport
    private unowned let sink: Transport
    private let loop: Loop
    private var pipe: SplicePipe
    private var piped = 0
    /// Bytes that have not been handed to the sink's socket.
    private(set) var remaining: Int
    private var isOver = false

    init(_ source: Transport, _ sink: Transport, _ pipe: SplicePipe, _ count: Int) {
        self.source = source
        self.sink = sink
        self.pipe = pipe
        loop = source.loop
        remaining = count
    }

    /// Moves what can be moved.
    func pump() {
        var budget = Loop.budget &* 4
        while !isOver {
            if sink.output.isEmpty {
                guard sink.flags.contains(.writable) else { return }
            } else {
                // What was written before goes first.
                return
            }
            if budget == 0 { return loop.ready.append(source) }
            budget &-= 1
            guard piped > 0 || fill() else { return }
            guard drain() else { return }
            if remaining == 0 { return finish() }
        }
    }

    /// False when there is nothing to read now, or ever.
    private func fill() -> Bool {
        if source.held != nil { return passOnHeld() }
        guard source.flags.intersection([.readable, .paused]) == .readable else { return false }
        let count = aloft_splice(source.descriptor, pipe.input, min(remaining, SplicePipe.size))
        if count > 0 {
            piped = count
            loop.metrics.bytesIn &+= UInt64(count)
            return true
        }
        source.flags.remove(.readable)
        if count == 0 {
            stop()
            source.flags.insert(.inputEnded)
            source.owner?._withUnsafeGuaranteedRef { $0.inputEnded() }
        } else if count != -Int(EAGAIN) {
            source.end(.failed(Int32(-count)))
        }
        return false
    }

    /// What the owner left unused belongs to the body too.
    private func passOnHeld() -> Bool {
        guard let block = source.held else { return true }
        let count = min(block.count, remaining)
        remaining &-= count
        sink.writeRelayed(block.first, count)
        block.header.pointee.start &+= count
        if block.count == 0 { source.dropHeld() }
        if remaining == 0 {
            finish()
            return false
        }
        if sink.phase != .open || sink.flags.contains(.gone) { stop() }
        return sink.output.isEmpty && !isOver
    }

    /// False when the sink takes no more now, or ever.
    private func drain() -> Bool {
        guard piped > 0 else { return true }
        let count = aloft_splice(pipe.output, sink.descriptor, piped)
        if count > 0 {
            piped &-= count
            remaining &-= count
            sink.sentBytes &+= count
            loop.metrics.bytesOut &+= UInt64(count)
            return true
        }
        if count == -Int(EAGAIN) { sink.flags.remove(.writable) } else { sink.outputFailed() }
        return false
    }

    private func finish() {
        let owner = source.owner
        stop()
        loop.ready.append(source)
        loop.ready.append(sink)
        owner?._withUnsafeGuaranteedRef { $0.relayed() }
    }

    /// Ends it, done or not.
    func stop() {
        guard !isOver else { return }
        isOver = true
        // Bytes left in the pipe are nobody's: such a pipe is not used again.
        if piped == 0, loop.pipes.count < Loop.mostPipes { loop.pipes.append(pipe) } else { pipe.close() }
        source.outgoingRelay = nil
        sink.incomingRelay = nil
    }
}

extension Transport {
    /// Bodies shorter than this are copied: two system calls and a pipe cost more.
    package static let leastRelayed = 16 << 10

    /// Passes the next `count` bytes that come on to another transport of the same loop, behind what is queued there,
    /// without showing them to anybody; the owner's `relayed` tells when all are handed over.
    ///
    /// Called from `received`, whatever that leaves unused counts among them. Until the end nobody else writes to `sink`
    /// and nothing is delivered here. Should this one end early, `inputEnded` or `closed` says so; should the other,
    /// its own owner hears of it, and the relay stops.
    ///
    /// - Returns: False where the bytes must be copied: fewer than 16 KiB, TLS on either side, or no descriptors for a
    ///   pipe. Nothing has changed then.
    package final func relay(to sink: Transport, count: Int) -> Bool {
        guard count >= Self.leastRelayed, phase == .open, sink.phase == .open, loop === sink.loop,
            outgoingRelay == nil, sink.incomingRelay == nil, !flags.contains(.isTLS), !sink.flags.contains(.isTLS),
            sink.flags.isDisjoint(with: [.endsOutput, .gone]), !flags.contains(.inputEnded),
            let pipe = loop.pipes.popLast() ?? SplicePipe.open()
        else { return false }
        let relay = Relay(self, sink, pipe, count)
        outgoingRelay = relay
        sink.incomingRelay = relay
        loop.ready.append(self)
        return true
    }

    /// Bytes of the relay under way that have not been handed over; 0 without one.
    package final var relayRemaining: Int { outgoingRelay?.remaining ?? 0 }

    /// As `write`, for the relay itself.
    final func writeRelayed(_ bytes: UnsafeRawPointer, _ count: Int) {
        let relay = incomingRelay
        incomingRelay = nil
        write(UnsafeRawBufferPointer(start: bytes, count: count))
        if phase == .open, let relay { incomingRelay = relay }
    }
}
