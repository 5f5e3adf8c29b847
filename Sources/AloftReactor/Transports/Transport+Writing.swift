import AloftSystem
import CAloftReactor
import Glibc

extension Transport {
    /// Below its marks; an owner that goes on writing while this is false is cut off at `queueLimit`.
    package final var isWritable: Bool { !flags.contains(.aboveMark) && output.files == 0 }

    /// Bytes that wait in memory.
    package final var queuedBytes: Int { output.count }

    private final var takesOutput: Bool {
        phase.rawValue <= Phase.open.rawValue && flags.isDisjoint(with: [.endsOutput, .gone])
    }

    /// Nothing waits and the socket takes bytes.
    private final var sendsAtOnce: Bool {
        output.isEmpty && phase == .open && incomingRelay == nil && flags.contains(.writable)
    }

    /// Sends what the socket takes and queues a copy of the rest. Does nothing once the output has ended.
    package final func write(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { write($0) }
    }

    package final func write(_ bytes: UnsafeRawBufferPointer) {
        guard takesOutput, let base = bytes.baseAddress, bytes.count > 0 else { return }
        var sent = 0
        if sendsAtOnce {
            sent = sendNow(base, bytes.count)
            if sent == bytes.count { return }
        }
        queue(base + sent, bytes.count &- sent)
    }

    /// Both pieces in one call, so that a head and its body leave in one packet.
    package final func write(_ head: RawSpan, _ body: RawSpan) {
        head.withUnsafeBytes { head in body.withUnsafeBytes { body in write(head, body) } }
    }

    package final func write(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) {
        guard let headBase = head.baseAddress, let bodyBase = body.baseAddress, head.count > 0, body.count > 0 else {
            return write(head.count > 0 ? head : body)
        }
        guard takesOutput else { return }
        var sent = 0
        if sendsAtOnce {
            sent = took(send(head, body), of: head.count &+ body.count)
            if sent == head.count &+ body.count { return }
        }
        if sent < head.count { queue(headBase + sent, head.count &- sent) }
        let ofBody = max(0, sent &- head.count)
        if phase != .closed, !flags.contains(.gone) { queue(bodyBase + ofBody, body.count &- ofBody) }
    }

    /// Sends part of a file after what is queued; the file stays open until then. Nothing can be sent with `write` that
    /// would overtake it, and `isWritable` is false meanwhile.
    ///
    /// A file that turns out shorter ends the connection with RST, since a length was promised. Reading a file that is
    /// not in the page cache holds up the whole loop for as long as the disk takes.
    package final func sendFile(_ file: Descriptor, from offset: Int, count: Int) {
        guard takesOutput, count > 0 else { return }
        output.append(file, descriptor: file.number, offset: off_t(offset), count: count, &loop.pool)
        flags.insert(.aboveMark)
        if phase == .open, flags.contains(.writable) { loop.ready.append(self) }
    }

    /// Ends our half after what is queued has left. The connection closes once the peer has ended its half too.
    package final func endOutput() {
        guard takesOutput else { return }
        flags.insert(.endsOutput)
        if phase == .open, incomingRelay == nil { loop.ready.append(self) }
    }

    /// Sends from memory; returns how much was taken.
    private final func sendNow(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        var sent = took(send(bytes, count), of: count)
        // TLS takes a record at a time.
        while sent > 0, sent < count, flags.contains(.writable) {
            let more = took(send(bytes + sent, count &- sent), of: count &- sent)
            if more == 0 { break }
            sent &+= more
        }
        return sent
    }

    /// Counts what a call has sent; an error counts as nothing, and is dealt with.
    @inline(__always)
    private final func took(_ result: Int, of count: Int) -> Int {
        if result > 0 {
            sentBytes &+= result
            loop.metrics.bytesOut &+= UInt64(result)
            if result < count, !flags.contains(.isTLS) { flags.remove(.writable) }
            return result
        }
        if result == -Int(EAGAIN) { flags.remove(.writable) } else { outputFailed() }
        return 0
    }

    /// What was written reaches nobody. What the peer sent before may still be read, so the connection stays.
    final func outputFailed() {
        flags.insert([.gone, .readable])
        dropOutput()
        incomingRelay?.stop()
        loop.ready.append(self)
    }

    private final func queue(_ bytes: UnsafeRawPointer, _ count: Int) {
        guard phase != .closed, !flags.contains(.gone) else { return }
        if output.count &+ count > Self.queueLimit {
            loop.metrics.overflows &+= 1
            return end(.failed(ENOBUFS), resets: true)
        }
        output.append(bytes, count, &loop.pool)
        loop.metrics.queuedBytes &+= count
        if output.count > Self.highMark { flags.insert(.aboveMark) }
        // With a relay to it, or while it opens, what is queued goes out when those let it.
        if phase == .open, flags.contains(.writable) { loop.ready.append(self) }
    }

    /// Sends what is queued while the socket takes it.
    final func flush() {
        var budget = Loop.budget &* 2
        while let first = output.first, flags.contains(.writable) {
            if budget == 0 { return loop.ready.append(self) }
            budget &-= 1
            let isFile = first.header.pointee.file != nil
            let count = isFile ? sendFromFile(first) : took(sendQueued(), of: 0)
            if count <= 0 { break }
            if !isFile {
                output.drop(count, &loop.pool)
                loop.metrics.queuedBytes &-= count
            }
        }
        guard phase != .closed else { return }
        if flags.contains(.aboveMark), output.count <= Self.lowMark, output.files == 0 {
            flags.remove(.aboveMark)
            if phase == .open, !flags.contains(.gone) { owner?._withUnsafeGuaranteedRef { $0.becameWritable() } }
        }
        if output.isEmpty, phase != .closed { finishOutput() }
    }

    /// Nothing is queued: ends our half where it is to end.
    private final func finishOutput() {
        if phase == .leaving, flags.contains(.inputEnded) { return outputLeft() }
        guard phase == .leaving || flags.contains(.endsOutput), !flags.contains(.outputEnded) else { return }
        guard incomingRelay == nil, !flags.contains(.gone) else {
            if phase == .leaving { end(.closed) }
            return
        }
        // Told that it must wait, the socket says when it is writable again.
        guard shutdownOutput() != -Int(EAGAIN) else {
            flags.remove(.writable)
            return
        }
        flags.insert(.outputEnded)
        outputLeft()
    }

    private final func sendFromFile(_ block: Block) -> Int {
        guard var range = block.header.pointee.file else { return 0 }
        let count = send(&range)
        if count == -Int(EAGAIN) {
            flags.remove(.writable)
            return 0
        }
        if count == 0 {
            end(.failed(EIO), resets: true)
            return 0
        }
        if count < 0 {
            if count == -Int(EPIPE) || count == -Int(ECONNRESET) {
                outputFailed()
            } else {
                end(.failed(Int32(-count)), resets: true)
            }
            return 0
        }
        sentBytes &+= count
        loop.metrics.bytesOut &+= UInt64(count)
        range.remaining &-= count
        if range.remaining == 0 { output.dropFile(&loop.pool) } else { block.header.pointee.file = range }
        return count
    }
}
