import CAloftSystem
import Glibc

/// Where a process of this machine listens.
package enum LocalAddress: Sendable, Hashable, CustomStringConvertible {
    /// A TCP port on 127.0.0.1.
    case port(Int)
    /// Path of a Unix stream socket.
    case unix(String)

    package var description: String {
        switch self {
        case .port(let port): "127.0.0.1:\(port)"
        case .unix(let path): path
        }
    }

    fileprivate var socketAddress: SocketAddress {
        switch self {
        case .port(let port): .loopback(port)
        case .unix(let path): .unix(path)
        }
    }
}

/// One connection to a process of this machine, for a question now and then: no pool, no thread, nothing kept after.
///
/// Waits in the reactor; cancelling the task ends each wait with `ETIMEDOUT`, so a time limit is the caller's to set.
package struct LocalConnection: Sendable {
    private let address: LocalAddress
    private let socket: Descriptor

    /// Connects. On loopback the answer is nearly always there at once; a full queue is waited for.
    package init(to address: LocalAddress) async throws(SystemError) {
        let target = address.socketAddress
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = Glibc.socket(target.family, type, 0)
        guard number >= 0 else { throw SystemError("make a socket") }
        socket = Descriptor(owning: number)
        self.address = address
        if target.connect(socket) == 0 { return }
        guard errno == EINPROGRESS else { throw SystemError("connect to", "\(address)") }
        try await ready(writing: true, "connect to")
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        if getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size) != 0 { code = errno }
        if code != 0 { throw SystemError("connect to", "\(address)", code: code) }
    }

    package func send(_ bytes: [UInt8]) async throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                retrying { Glibc.send(socket.number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL)) }
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try await ready(writing: true, "write to")
            } else {
                throw SystemError("write to", "\(address)")
            }
        }
    }

    /// The next bytes; empty at the end of the stream.
    package func receive(upTo limit: Int) async throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            let count = retrying { recv(socket.number, &buffer, limit, 0) }
            if count >= 0 { return Array(buffer[..<count]) }
            guard errno == EAGAIN else { throw SystemError("read from", "\(address)") }
            try await ready(writing: false, "read from")
        }
    }

    private func ready(writing: Bool, _ operation: String) async throws(SystemError) {
        guard try await Readiness().wait(for: socket, writing: writing) else {
            throw SystemError(operation, "\(address)", code: ETIMEDOUT)
        }
    }
}
