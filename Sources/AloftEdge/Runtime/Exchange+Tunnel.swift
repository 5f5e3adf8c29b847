import AloftHTTP
import AloftModel
import NIOCore

/// After 101 bytes go both ways untouched, each direction until its sender ends it (RFC 9110 §7.8).
extension Exchange {
    /// Nanoseconds that a tunnel may be silent.
    var idleTimeout: UInt64 { request?.snapshot.timeouts.idle ?? 0 }

    /// 101: from here on bytes go both ways untouched.
    func switchedProtocol(_ input: inout ByteBuffer) {
        status = 101
        hasResponseBegun = true
        isTunnel = true
        dropOutgoing()
        loop.counters.openTunnels += 1
        let manner = ResponseForwarding.Manner(
            framing: .asIs, keepAlive: true, isHTTP10: false, switchesProtocol: true)
        composeHead(&input, manner)
        client.write(loop.scratch, flush: true)
        client.becomeTunnel(deadline: monotonicNow() &+ idleTimeout)
        if input.readableBytes > 0 { received(input, isLast: false) }
    }

    /// Bytes from the client.
    func sendThroughTunnel(_ bytes: ByteBuffer) {
        requestBytes += bytes.readableBytes
        upstream?.send(bytes)
        if let upstream, !upstream.isWritable { client.setReading(false) }
    }

    func clientClosedInput() {
        if isReplicaDone { endTunnel(error: .none) } else { upstream?.closeOutput() }
    }

    func upstreamClosedInput() {
        isReplicaDone = true
        if client.isInputClosed { endTunnel(error: .none) } else { client.closeOutput() }
    }

    /// Both sides have ended, or neither has spoken for long: what is on its way may still arrive.
    func endTunnel(error: ErrorType) {
        upstream?.closeAfterWriting()
        finish(error: error, status: status, clean: false)
        client.closeGracefully()
    }
}
