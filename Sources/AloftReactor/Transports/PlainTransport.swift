import CAloftReactor
import Glibc

/// A TCP or Unix connection as it is.
package final class PlainTransport: Transport {
    /// Bytes of a file that one call sends, so that one body can't hold up the loop.
    private static let mostOfFile = 256 << 10

    override func receive(_ room: UnsafeMutableRawPointer, _ count: Int) -> Int {
        aloft_recv(descriptor, room, count)
    }

    override func send(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        aloft_send(descriptor, bytes, count)
    }

    override func send(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Int {
        loop.pieces[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress), iov_len: head.count)
        loop.pieces[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress), iov_len: body.count)
        return aloft_send_pieces(descriptor, loop.pieces, 2)
    }

    override func sendQueued() -> Int {
        let (count, bytes) = output.gather(loop.pieces, upTo: Loop.mostPieces)
        let sent = aloft_send_pieces(descriptor, loop.pieces, count)
        if sent > 0, sent < bytes { flags.remove(.writable) }
        return sent
    }

    override func send(_ range: inout FileRange) -> Int {
        aloft_sendfile(descriptor, range.descriptor, &range.offset, min(range.remaining, Self.mostOfFile))
    }

    override func shutdownOutput() -> Int { Int(aloft_shutdown_output(descriptor)) }
}
