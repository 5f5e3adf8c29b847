import Foundation
import Synchronization

/// A scripted replica: each connection runs the script on a thread of its own.
///
/// SAFETY: what changes is behind the mutex.
final class Upstream: @unchecked Sendable {
    typealias Script = @Sendable (Wire) throws -> Void

    let target: Wire.Target
    private let descriptor: Int32
    private let script: Script
    private struct State {
        var accepted = 0
        var finished = 0
        var requests: [String] = []
        var wires: [Wire] = []
        var isClosed = false
    }
    private let state = Mutex(State())
    private let acceptEnded = DispatchSemaphore(value: 0)

    /// Listens on a free port, or on a Unix socket, and runs `script` for each connection.
    init(unix path: String? = nil, receiveBuffer: Int32? = nil, _ script: @escaping Script) throws {
        let wanted = path.map { Wire.Target.unix($0) } ?? .port(0)
        descriptor = try Wire.make(wanted)
        self.script = script
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        guard Wire.withAddress(wanted, { [descriptor] in bind(descriptor, $0, $1) }) == 0,
            listen(descriptor, 512) == 0
        else { throw WireError.system("listen", errno) }
        if path == nil { target = .port(Self.port(of: descriptor)) } else { target = wanted }
        let thread = Thread { [self] in acceptAll() }
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// A replica that answers each request with what `answer` makes of its head and body, and keeps the connection.
    convenience init(
        unix path: String? = nil, serving answer: @escaping @Sendable (_ head: String, _ body: [UInt8]) -> String
    ) throws {
        try self.init(unix: path) { wire in
            while let head = try wire.read(through: "\r\n\r\n") {
                try wire.send(answer(head, try wire.body(of: head)))
            }
        }
    }

    var port: Int { if case .port(let port) = target { port } else { 0 } }

    /// Connections accepted and not yet over.
    var open: Int { state.withLock { $0.accepted - $0.finished } }
    var accepted: Int { state.withLock { $0.accepted } }
    /// Heads that scripts gave to `note`.
    var noted: [String] { state.withLock { $0.requests } }

    func note(_ request: String) { state.withLock { $0.requests.append(request) } }

    /// Stops listening; connections that are open go on.
    func refuse() {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        guard !wasClosed else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
        // Else the thread could accept from whoever gets the descriptor's number next.
        acceptEnded.wait()
        Glibc.close(descriptor)
    }

    /// Ends everything.
    func close() {
        refuse()
        for wire in state.withLock({ $0.wires }) { wire.cut() }
    }

    /// Cuts the connections that are open now.
    func cutConnections() {
        for wire in state.withLock({ $0.wires }) { wire.cut() }
    }

    private func acceptAll() {
        defer { acceptEnded.signal() }
        while true {
            let accepted = accept(descriptor, nil, nil)
            guard accepted >= 0 else { return }
            let wire = Wire(adopting: accepted)
            state.withLock {
                $0.accepted += 1
                $0.wires.append(wire)
            }
            let thread = Thread { [self] in
                // A script may end in any way the edge makes it end; what matters is what the client saw.
                do { try script(wire) } catch {}
                state.withLock { state in
                    state.finished += 1
                    state.wires.removeAll { $0 === wire }
                }
                wire.close()
            }
            thread.stackSize = 512 << 10
            thread.start()
        }
    }

    private static func port(of descriptor: Int32) -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &size) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension Wire {
    /// Reads the body that a request's head announces; for chunks, the payload.
    func body(of head: String) throws -> [UInt8] {
        let lower = head.lowercased()
        if lower.contains("\r\ntransfer-encoding: chunked") {
            var body: [UInt8] = []
            while let line = try read(through: "\r\n") {
                let count = Int(line.prefix { $0.isHexDigit }, radix: 16) ?? 0
                guard count > 0 else { break }
                body += try read(count)
                _ = try read(2)
            }
            while let line = try read(through: "\r\n"), line != "\r\n" {}
            return body
        }
        guard let field = lower.range(of: "\r\ncontent-length: ") else { return [] }
        return try read(Int(lower[field.upperBound...].prefix { $0.isNumber }) ?? 0)
    }
}

/// An answer's bytes with a length.
func reply(_ body: String, status: String = "200 OK", fields: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}
