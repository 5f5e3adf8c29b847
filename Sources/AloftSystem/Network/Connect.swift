import CAloftSystem
import Glibc
import Synchronization

/// Asks whether somebody accepts connections, by making one and closing it.
package enum Connect {
    /// - Returns: Nil where a connection to the port on 127.0.0.1 was made, else why not.
    package static func check(port: Int, timeout: Duration) async -> SystemError? {
        await check(.loopback(port), name: "127.0.0.1:\(port)", timeout: timeout)
    }

    /// - Returns: Nil where a connection to the Unix socket was made, else why not.
    package static func check(socket path: String, timeout: Duration) async -> SystemError? {
        await check(.unix(path), name: path, timeout: timeout)
    }

    private static func check(_ address: SocketAddress, name: String, timeout: Duration) async -> SystemError? {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(address.family, type, 0)
        guard number >= 0 else { return SystemError("make a socket") }
        let owner = Descriptor(owning: number)
        // On loopback the answer is nearly always there at once.
        if address.connect(owner) == 0 { return nil }
        guard errno == EINPROGRESS else { return SystemError("connect to", name) }
        do throws(SystemError) {
            let code = try await finish(owner, timeout: timeout)
            return code == 0 ? nil : SystemError("connect to", name, code: code)
        } catch {
            return error
        }
    }

    /// Waits until the connection is made or refused.
    private static func finish(_ socket: Descriptor, timeout: Duration) async throws(SystemError) -> Int32 {
        let wait = ReadyWait(socket)
        return try await wait.wait(timeout: timeout) ? pendingError(socket) : ETIMEDOUT
    }

    private static func pendingError(_ socket: Descriptor) -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }
}

/// Waits once for a descriptor to become writable.
private final class ReadyWait: Sendable {
    private struct State {
        /// The first answer counts.
        var answer: Bool?
        var continuation: CheckedContinuation<Bool, Never>?
    }

    private let descriptor: Descriptor
    private let state = Mutex(State())

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// - Returns: False where the time was over first, or the task cancelled.
    func wait(timeout: Duration) async throws(SystemError) -> Bool {
        let reactor = try Reactor.get()
        let token = try reactor.add(descriptor.number, writing: true) { [self] in finish(true) }
        defer { reactor.remove(token, descriptor.number) }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled once the answer is there.
                try? await Task.sleep(for: timeout)
                self.finish(false)
            }
            let answer = await answer()
            group.cancelAll()
            return answer
        }
    }

    private func answer() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state in
                    if state.answer == nil { state.continuation = continuation }
                    return state.answer
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            finish(false)
        }
    }

    private func finish(_ ready: Bool) {
        let waiting = state.withLock { state in
            if state.answer == nil { state.answer = ready }
            defer { state.continuation = nil }
            return state.continuation
        }
        waiting?.resume(returning: ready)
    }
}
