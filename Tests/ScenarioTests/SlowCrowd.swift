import AloftTestKit
import Foundation
import Synchronization

/// Clients that never finish a request's head: a byte now and then keeps each connection busy.
final class SlowCrowd: Sendable {
    private struct State {
        var open: [Int32] = []
        var firstBytes = ""
    }

    private let state = Mutex(State())

    init(_ count: Int, at target: RawConnection.Target) throws {
        guard case .port(let port) = target else { throw KitError.missing("a crowd needs a port") }
        for number in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw KitError.system("socket \(number)", errno) }
            state.withLock { $0.open.append(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else { throw KitError.system("connect \(number)", errno) }
            let start = Array("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".utf8)
            _ = send(descriptor, start, start.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// What the first of the closed connections was told.
    var firstBytes: String { state.withLock { $0.firstBytes } }

    /// Sends one more byte on each connection that is still open, and gives how many there are.
    func dribble() -> Int {
        state.withLock { state in
            state.open = state.open.filter { descriptor in
                var buffer = [UInt8](repeating: 0, count: 512)
                let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0, state.firstBytes.isEmpty {
                    state.firstBytes = String(decoding: buffer[..<count], as: UTF8.self)
                }
                let ended = count >= 0 ? count == 0 : errno != EAGAIN
                if ended || send(descriptor, [0x78], 1, Int32(MSG_NOSIGNAL)) < 0 {
                    close(descriptor)
                    return false
                }
                return true
            }
            return state.open.count
        }
    }

    func closeAll() {
        state.withLock { state in
            for descriptor in state.open { close(descriptor) }
            state.open = []
        }
    }
}
