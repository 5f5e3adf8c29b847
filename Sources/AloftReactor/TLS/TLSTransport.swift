import CAloftReactor
import Glibc

/// A server's TLS connection: OpenSSL on the descriptor itself, so that bytes are copied once.
package final class TLSTransport: Transport {
    /// Kept until OpenSSL has let go of the certificates.
    private let context: TLSContext
    private let tls: OpaquePointer

    /// Nil without memory; the descriptor is the caller's still.
    init?(_ loop: Loop, _ descriptor: Int32, _ context: TLSContext) {
        guard let tls = context.makeConnection(descriptor) else { return nil }
        self.context = context
        self.tls = tls
        super.init(loop, descriptor, .handshaking)
        flags.insert([.isTLS, .writable])
    }

    deinit { aloft_tls_free(tls) }

    // MARK: Handshake

    override func accepted() { loop.wheel.set(self, loop.now &+ context.settings.handshakeTimeout) }

    override func handshake() -> Bool {
        var reason: UnsafePointer<CChar>?
        switch Int32(-aloft_tls_handshake(tls, &reason)) {
        case -1:
            loop.metrics.handshakes &+= 1
            // What came with the last message of the handshake is in OpenSSL's buffer, where epoll sees nothing.
            flags.insert([.readable, .writable])
            return true
        case EAGAIN, EALREADY: return false
        case EPROTO: failed(.refused(reason.map { String(cString: $0) } ?? ""))
        default: failed(.abandoned)
        }
        return false
    }

    private func failed(_ failure: HandshakeFailure) { end(.handshake(failure)) }

    // MARK: Bytes

    override func receive(_ room: UnsafeMutableRawPointer, _ count: Int) -> Int {
        noteCrossing(aloft_tls_read(tls, room, count))
    }

    override func send(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        noteCrossing(aloft_tls_write(tls, bytes, count))
    }

    /// In one record where both fit the loop's scratch.
    override func send(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Int {
        guard let headBase = head.baseAddress, let bodyBase = body.baseAddress else { return 0 }
        let ofBody = min(body.count, Loop.scratchSize &- head.count)
        guard ofBody > 0 else { return send(headBase, head.count) }
        memcpy(loop.scratch, headBase, head.count)
        memcpy(loop.scratch + head.count, bodyBase, ofBody)
        return send(loop.scratch, head.count &+ ofBody)
    }

    /// A record, put together from small blocks.
    ///
    /// A record that the socket did not take is offered again with at least as many bytes, else OpenSSL refuses it: that
    /// is why blocks are not sent one by one.
    override func sendQueued() -> Int {
        guard let first = output.first else { return 0 }
        if first.count >= Self.recordSize || first.header.pointee.next == nil { return send(first.first, first.count) }
        var count = 0
        var next: Block? = first
        while let block = next, count < Self.recordSize, block.header.pointee.file == nil {
            let here = min(block.count, Self.recordSize &- count)
            memcpy(loop.scratch + count, block.first, here)
            count &+= here
            next = block.header.pointee.next
        }
        return send(loop.scratch, count)
    }

    /// Bytes of a TLS record at most (RFC 8446 §5.1).
    private static let recordSize = 16 << 10

    override func send(_ range: inout FileRange) -> Int {
        let wanted = min(range.remaining, Loop.scratchSize)
        let count = pread(range.descriptor, loop.scratch, wanted, range.offset)
        if count <= 0 { return count == 0 ? 0 : -Int(errno) }
        let sent = send(loop.scratch, count)
        if sent > 0 { range.offset += off_t(sent) }
        return sent
    }

    override func shutdownOutput() -> Int {
        if aloft_tls_shutdown(tls) == -Int(EAGAIN) { return -Int(EAGAIN) }
        return Int(aloft_shutdown_output(descriptor))
    }

    /// Now and then reading waits until the socket takes bytes, or the other way round (keys are changed).
    @inline(__always)
    private func noteCrossing(_ result: Int) -> Int {
        guard result == -Int(EALREADY) else { return result }
        flags.insert(.crossed)
        return -Int(EAGAIN)
    }

    // MARK: What was agreed

    /// The protocol that ALPN chose; nil where the client offered none.
    package var negotiatedProtocol: String? {
        var bytes: UnsafePointer<UInt8>?
        let count = aloft_tls_protocol(tls, &bytes)
        guard count > 0, let bytes else { return nil }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// The server name that the client asked for.
    package var serverName: String? { aloft_tls_server_name(tls).map { String(cString: $0) } }

    /// `TLSv1.3`.
    package var version: String { String(cString: aloft_tls_version(tls)) }

    /// The session is a former one's, by a ticket.
    package var isResumed: Bool { aloft_tls_is_resumed(tls) != 0 }

    /// The subject of the client's certificate, which was checked, as RFC 2253 writes it; cut at 1 KiB.
    package var clientSubject: String? {
        var text = [CChar](repeating: 0, count: 1024)
        let count = aloft_tls_subject(tls, &text, text.count)
        return count < 0 ? nil : String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
