import Foundation
import Synchronization

/// A blocking stream socket that sends exactly the bytes a test gives it.
///
/// Not for Swift's own threads: call it inside `onThread`.
package final class RawConnection {
    package enum Target: Sendable, Hashable {
        case port(Int)
        case unix(String)
    }

    package let descriptor: Int32
    private var received: [UInt8] = []
    private var start = 0

    /// Connects; reads and writes give up after `timeout`.
    ///
    /// - Parameter receiveBuffer: SO_RCVBUF in bytes, for clients that must be slow.
    package init(to target: Target, timeout: Duration = .seconds(20), receiveBuffer: Int32? = nil) throws {
        descriptor = try Self.open(target, receiveBuffer: receiveBuffer)
        let (seconds, attoseconds) = timeout.components
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if case .port = target {
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    deinit { close(descriptor) }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw KitError.system("send", errno) }
            sent += count
        }
    }

    /// Ends this side's half of the connection.
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Next byte; nil at the end of the stream.
    package func readByte() throws -> UInt8? {
        if start == received.count {
            guard try fill() else { return nil }
        }
        defer { start += 1 }
        return received[start]
    }

    /// Up to `count` bytes, fewer only at the end of the stream.
    package func read(_ count: Int) throws -> [UInt8] {
        while received.count - start < count {
            guard try fill() else { break }
        }
        let end = min(received.count, start + count)
        defer { start = end }
        return Array(received[start..<end])
    }

    /// Up to and with the next line feed; what there is at the end of the stream.
    package func readLine() throws -> [UInt8] {
        var searched = start
        while true {
            if let end = received[searched...].firstIndex(of: 0x0A) {
                defer { start = end + 1 }
                return Array(received[start...end])
            }
            let unread = received.count - start
            guard try fill() else {
                defer { start = received.count }
                return Array(received[start...])
            }
            searched = start + unread
        }
    }

    /// All until the peer closes. A reset counts as a close.
    package func readToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { start = received.count }
        return Array(received[start...])
    }

    /// Takes in what the socket has; false at the end of the stream.
    private func fill() throws -> Bool {
        if start == received.count {
            received.removeAll(keepingCapacity: true)
            start = 0
        }
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            if count > 0 {
                received += piece[..<count]
                return true
            }
            if count == 0 || errno == ECONNRESET { return false }
            if errno == EINTR { continue }
            throw errno == EAGAIN ? KitError.deadline("bytes from the peer") : KitError.system("recv", errno)
        }
    }

    private static func open(_ target: Target, receiveBuffer: Int32?) throws -> Int32 {
        let family: Int32
        switch target {
        case .port: family = AF_INET
        case .unix: family = AF_UNIX
        }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw KitError.system("socket", errno) }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let result: Int32
        switch target {
        case .port(let port): result = connect(descriptor, port: port)
        case .unix(let path): result = connect(descriptor, path: path)
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw KitError.system("connect", code)
        }
        return descriptor
    }

    private static func connect(_ descriptor: Int32, port: Int) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func connect(_ descriptor: Int32, path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
