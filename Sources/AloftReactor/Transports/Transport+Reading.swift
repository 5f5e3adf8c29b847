import CAloftReactor
import Glibc

extension Transport {
    /// Stops and starts reading: a peer that sends faster than somebody else takes is held back by its own kernel.
    ///
    /// While reading is stopped the end of the stream is not noticed; a reset is (`peerGone`).
    package final func setReading(_ wanted: Bool) {
        guard phase == .open else {
            if wanted { flags.remove(.paused) } else { flags.insert(.paused) }
            return
        }
        if !wanted {
            flags.insert(.paused)
        } else if flags.contains(.paused) {
            flags.remove(.paused)
            if flags.contains(.readable) || flags.contains(.redeliver) { loop.ready.append(self) }
        }
    }

    /// Has what was left unused delivered once more, in this turn or the next, alone or with what has come since.
    package final func redeliver() {
        guard phase == .open else { return }
        flags.insert(.redeliver)
        if held != nil { loop.ready.append(self) }
    }

    /// Bytes that were left unused.
    package final var heldBytes: Int { held?.count ?? 0 }

    /// Reads until there is nothing, nobody wants it, or its budget is spent.
    final func read() {
        var budget = Loop.budget
        while phase == .open, !flags.contains(.paused) {
            if let relay = outgoingRelay { return relay.pump() }
            let receives = flags.intersection([.readable, .inputEnded, .full]) == .readable
            let redelivers = flags.contains(.redeliver) && held != nil
            guard receives || redelivers else { return }
            if budget == 0 { return loop.ready.append(self) }
            budget &-= 1
            let before = copyHeld()
            var count = 0
            if receives {
                let room = Loop.inputSize &- before
                count = receive(loop.input + before, room)
                if count > 0 {
                    loop.metrics.bytesIn &+= UInt64(count)
                    if count < room, flags.isDisjoint(with: [.endAnnounced, .isTLS]) { flags.remove(.readable) }
                } else if count < 0, count != -Int(EAGAIN) {
                    return end(.failed(Int32(-count)))
                } else {
                    if count < 0 { flags.remove(.readable) }
                    // The end is found again, behind what is delivered first.
                    guard redelivers else {
                        if count == 0 { endInput() }
                        continue
                    }
                    count = 0
                }
            }
            dropHeld()
            deliver(before &+ count)
        }
    }

    /// Copies what is held to the front of the input buffer.
    private final func copyHeld() -> Int {
        guard let block = held else { return 0 }
        memcpy(loop.input, block.first, block.count)
        return block.count
    }

    private final func endInput() {
        flags.remove(.readable)
        flags.insert(.inputEnded)
        if flags.contains(.outputEnded) {
            end(.closed)
        } else {
            owner?._withUnsafeGuaranteedRef { $0.inputEnded() }
        }
    }

    /// Lends the first `count` bytes of the input buffer to the owner and keeps what it leaves.
    private final func deliver(_ count: Int) {
        flags.remove(.redeliver)
        flags.remove(.full)
        let bytes = UnsafeRawPointer(loop.input)
        let used = owner?._withUnsafeGuaranteedRef {
            $0.received(RawSpan(_unsafeStart: bytes, byteCount: count))
        }
        guard phase == .open, let used else { return }
        precondition(used >= 0 && used <= count, "an owner used \(used) of \(count) bytes")
        if used < count { keep(bytes + used, count &- used) }
    }

    private final func keep(_ bytes: UnsafeRawPointer, _ count: Int) {
        let block = loop.pool.take(count)
        block.append(bytes, count)
        held = block
        if count >= Self.holdLimit { flags.insert(.full) }
    }
}
