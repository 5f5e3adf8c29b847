import AloftSystem
import AloftTestKit
import Glibc

/// What the bytes of connection `id` are, so that each says where it belongs: in the direction to the upstream, and back.
private func byte(_ id: UInt64, _ index: Int, back: Bool) -> UInt8 {
    var mixed = id &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: Int64(index / 8)) &* 0xBF58_476D_1CE4_E5B9
    if back { mixed = ~mixed }
    mixed ^= mixed >> 29
    return UInt8(truncatingIfNeeded: mixed >> (UInt64(index % 8) * 8))
}

/// One end of a connection outside the loop: a client, or an upstream that learns from the first eight bytes which
/// client it has.
struct TorturePeer {
    let socket: Int32
    let isUpstream: Bool
    private(set) var id: UInt64?
    private var sent = 0
    private var got = 0
    private var identity: [UInt8] = []
    private(set) var inputEnded = false
    private(set) var outputEnded = false
    private(set) var failed = false
    /// Bytes seen that were another connection's, or in the wrong place.
    private(set) var strays = 0

    init(client socket: Int32, id: UInt64) {
        self.socket = socket
        self.id = id
        isUpstream = false
    }

    init(upstream socket: Int32) {
        self.socket = socket
        isUpstream = true
    }

    var isOver: Bool { failed || (inputEnded && outputEnded) }
    var received: Int { got }

    /// Sends up to `count` bytes of its own; returns how many were taken.
    @discardableResult
    mutating func send(_ count: Int) -> Int {
        guard !outputEnded, !failed, let id else { return 0 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        let header = isUpstream ? 0 : 8
        for index in sent..<(sent + count) {
            bytes.append(
                index < header
                    ? UInt8(truncatingIfNeeded: id >> (UInt64(index) * 8)) : byte(id, index - header, back: isUpstream))
        }
        let result = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        if result > 0 { sent += result } else if result < 0, errno != EAGAIN, errno != ENOTCONN { failed = true }
        return max(0, result)
    }

    /// Reads up to `count` bytes and looks at each.
    @discardableResult
    mutating func receive(_ count: Int) -> Int {
        guard !inputEnded, !failed else { return 0 }
        var bytes = [UInt8](repeating: 0, count: count)
        let result = recv(socket, &bytes, count, Int32(MSG_DONTWAIT))
        if result == 0 { inputEnded = true }
        if result < 0, errno != EAGAIN, errno != ENOTCONN { failed = true }
        for value in bytes.prefix(max(0, result)) { look(at: value) }
        return max(0, result)
    }

    private mutating func look(at value: UInt8) {
        if isUpstream, identity.count < 8 {
            identity.append(value)
            if identity.count == 8 { id = identity.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
            return
        }
        guard let id, value == byte(id, got, back: !isUpstream) else {
            strays += 1
            return
        }
        got += 1
    }

    mutating func endOutput() {
        guard !outputEnded else { return }
        outputEnded = true
        shutdown(socket, Int32(SHUT_WR))
    }

    func close(resetting: Bool) {
        if resetting {
            var value = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        }
        Glibc.close(socket)
    }
}

/// A listening socket of the upstream's side, and connecting ones of the clients', none of which waits.
enum TortureSockets {
    static func connect(to address: SocketAddress, receiveBuffer: Int32?) -> Int32? {
        let socket = Glibc.socket(
            address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0)
        guard socket >= 0 else { return nil }
        if var size = receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        if address.connect(socket) == 0 || errno == EINPROGRESS { return socket }
        Glibc.close(socket)
        return nil
    }

    static func accept(from listener: Descriptor) -> Int32? {
        let socket = Glibc.accept(listener.number, nil, nil)
        return socket >= 0 ? socket : nil
    }

    /// Open descriptors of this process.
    static func openDescriptors() -> Int { (0..<4096).reduce(0) { fcntlSaysOpen(Int32($1)) ? $0 + 1 : $0 } }

    private static func fcntlSaysOpen(_ number: Int32) -> Bool {
        var status = stat()
        return fstat(number, &status) == 0
    }
}
