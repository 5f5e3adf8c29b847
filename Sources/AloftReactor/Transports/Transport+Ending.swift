import CAloftReactor
import Glibc

extension Transport {
    package final var isOpen: Bool { phase == .open }
    package final var isClosed: Bool { phase == .closed }
    package final var hasInputEnded: Bool { flags.contains(.inputEnded) }

    /// Closes now; what is queued is lost.
    package final func close() { end(.closed) }

    /// Closes now with RST and without TLS' farewell, so that nothing can be taken for an orderly end.
    package final func reset() { end(.closed, resets: true) }

    /// Closes after what is queued has left, without a reset that could overtake it (RFC 9112 §9.6): our half is ended,
    /// what the peer still sends is thrown away, and its end is waited for, 2 s or 64 MiB at most.
    ///
    /// - Parameter patience: Nanoseconds in which the peer has to take something of what is queued, else it gets RST.
    package final func closeGracefully(patience: UInt64) {
        guard phase == .open else {
            if phase == .dialling || phase == .handshaking { end(.closed) }
            return
        }
        phase = .leaving
        self.patience = patience
        stopRelays()
        dropHeld()
        progress = takenByPeer
        loop.wheel.set(self, loop.now &+ patience)
        loop.ready.append(self)
    }

    final func leave() {
        if phase == .leaving { flush() }
        var budget = Loop.budget
        while phase == .leaving || phase == .lingering, flags.contains(.readable), !flags.contains(.inputEnded) {
            if budget == 0 { return loop.ready.append(self) }
            budget &-= 1
            let count = receive(loop.input, Loop.inputSize)
            if count == -Int(EAGAIN) {
                flags.remove(.readable)
            } else if count < 0 {
                end(.failed(Int32(-count)))
            } else if count == 0 {
                flags.insert(.inputEnded)
                if phase == .lingering { end(.closed) }
            } else {
                loop.metrics.bytesIn &+= UInt64(count)
                discarded &+= count
                if discarded > Self.discardLimit { end(.closed) }
            }
        }
    }

    /// Everything queued has left, and our half has ended where it was to.
    final func outputLeft() {
        if phase == .leaving {
            if flags.contains(.inputEnded) { return end(.closed) }
            phase = .lingering
            loop.wheel.set(self, loop.now &+ Self.linger)
        } else if flags.contains(.inputEnded), flags.contains(.outputEnded) {
            end(.closed)
        }
    }

    final func end(_ ending: Ending, resets: Bool = false) {
        guard phase != .closed else { return }
        phase = .closed
        self.ending = ending
        if case .handshake = ending { loop.metrics.handshakeFailures &+= 1 }
        stopRelays()
        dropHeld()
        dropOutput()
        if descriptor >= 0 {
            // A socket that can't be set so has been reset by its peer.
            if resets { _ = aloft_set_reset_on_close(descriptor) }
            Glibc.close(descriptor)
            descriptor = -1
        }
        loop.metrics.connections &-= 1
        loop.closed.append(self)
    }

    private final func stopRelays() {
        outgoingRelay?.stop()
        incomingRelay?.stop()
    }

    final func dropHeld() {
        guard let block = held else { return }
        held = nil
        loop.pool.give(block)
    }

    final func dropOutput() {
        loop.metrics.queuedBytes &-= output.count
        output.clear(&loop.pool)
    }
}
