import Foundation
import Synchronization

/// What went wrong on a test's own socket.
enum WireError: Error, CustomStringConvertible {
    case system(String, Int32)
    case timedOut(String)
    case ended(String)
    case malformed(String)

    var description: String {
        switch self {
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .timedOut(let what): "timed out: \(what)"
        case .ended(let what): "the peer ended: \(what)"
        case .malformed(let what): "malformed: \(what)"
        }
    }
}

/// One blocking stream socket that sends exactly what a test says. For threads of its own, never for Swift's.
///
/// SAFETY: used by one thread at a time; only `cut` may come from another, and that is one system call.
final class Wire: @unchecked Sendable {
    enum Target: Sendable {
        case port(Int)
        case unix(String)
    }

    /// How a stream ended.
    enum End: Sendable, Equatable { case orderly, reset }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private let isOpen = Atomic<Bool>(true)

    init(adopting descriptor: Int32, timeout: Int = 20) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Lets the kernel take `bytes` at once, whatever the other side reads: SO_SNDBUFFORCE, which only root may ask for.
    func holdAtOnce(_ bytes: Int) throws {
        // The kernel counts its own bookkeeping as well, up to three times the payload.
        var size = Int32(bytes * 2)
        guard setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw WireError.system("SO_SNDBUFFORCE", errno)
        }
    }

    /// Connects; `receiveBuffer` is SO_RCVBUF in bytes, for those who must be slow.
    convenience init(to target: Target, receiveBuffer: Int32? = nil) throws {
        let descriptor = try Self.make(target)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let result = Self.withAddress(target) { connect(descriptor, $0, $1) }
        guard result == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw WireError.system("connect", code)
        }
        self.init(adopting: descriptor)
    }

    deinit { close() }

    static func make(_ target: Target) throws -> Int32 {
        let family: Int32
        if case .port = target { family = AF_INET } else { family = AF_UNIX }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw WireError.system("socket", errno) }
        return descriptor
    }

    static func withAddress(_ target: Target, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch target {
        case .port(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix(107)) }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = try sendSome(bytes[sent...])
            guard count > 0 else { throw WireError.timedOut("send") }
            sent += count
        }
    }

    /// Sends what the kernel takes at once or, waiting, within `limit` milliseconds; 0 when it takes nothing.
    func sendSome(_ bytes: ArraySlice<UInt8>, within limit: Int32 = 20_000) throws -> Int {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard Glibc.poll(&poll, 1, limit) > 0 else { return 0 }
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        if errno == EAGAIN { return 0 }
        throw WireError.system("send", errno)
    }

    // MARK: Reading

    /// True when bytes came, false at the end of the stream.
    private func fill(_ what: String) throws -> Bool {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            buffer += chunk[..<count]
            return true
        }
        if count == 0 { return false }
        if errno == EAGAIN { throw WireError.timedOut(what) }
        throw WireError.system("recv", errno)
    }

    /// Exactly `count` bytes.
    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count - start < count {
            guard try fill("\(count) bytes") else {
                throw WireError.ended("\(buffer.count - start) of \(count) bytes")
            }
        }
        defer { start += count }
        return Array(buffer[start..<start + count])
    }

    /// Through the next occurrence of `mark`; nil at an orderly end before any byte.
    func read(through mark: String) throws -> String? {
        let mark = Array(mark.utf8)
        var searched = start
        while true {
            while searched + mark.count <= buffer.count {
                if buffer[searched] == mark[0], buffer[searched..<searched + mark.count].elementsEqual(mark) {
                    defer { start = searched + mark.count }
                    return String(decoding: buffer[start..<searched + mark.count], as: UTF8.self)
                }
                searched += 1
            }
            searched -= start
            guard try fill("through \(mark)") else {
                if start == buffer.count { return nil }
                throw WireError.ended(String(decoding: buffer[start...].prefix(200), as: UTF8.self))
            }
            searched += start
        }
    }

    /// Everything to the end of the stream, and how it ended.
    func readToEnd() throws -> (bytes: [UInt8], end: End) {
        var end = End.orderly
        do {
            while try fill("end of stream") {}
        } catch WireError.system(_, let code) where code == ECONNRESET || code == EPIPE {
            end = .reset
        }
        defer { start = buffer.count }
        return (Array(buffer[start...]), end)
    }

    /// Waits until the peer has closed or reset, throwing away what comes before.
    func waitForEnd() throws { _ = try readToEnd() }

    /// Whether bytes or an end arrive within `limit` milliseconds.
    func hasInput(within limit: Int32) -> Bool {
        guard start == buffer.count else { return true }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, limit) > 0
    }

    // MARK: Ending

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends both directions, also under another thread that is blocked in a call.
    func cut() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func close() {
        guard isOpen.exchange(false, ordering: .relaxed) else { return }
        Glibc.close(descriptor)
    }

    /// Closes with RST.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func limitSendBuffer(_ bytes: Int32) {
        var size = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
}
