import AloftHTTP
import AloftModel

/// What a trusted proxy says of its client, and the proxies behind that of theirs.
///
/// One family counts: `X-Forwarded-For`, `-Proto` and `-Host` where any of them was sent, else `Forwarded`. A proxy that
/// knows only the first hands on a `Forwarded` that its client made up, and those are by far the more. The client is the
/// last hop that no trusted proxy stands for (RFC 7239 §7.4), counted from the edge and no further than addresses are
/// told; scheme and host are those that it used, as the proxy told that it spoke to. What can't be read is not believed.
struct ForwardedChain {
    enum Source { case none, xForwarded, standard }

    private(set) var source = Source.none
    /// Hops that are named, the client's end first.
    private(set) var count = 0
    /// Which of them is the client; `count` where it is the peer itself.
    private(set) var clientHop = 0
    /// Nil where the client is the peer itself.
    private(set) var client: PeerAddress?
    /// The client's address as it was written, without brackets and port.
    private(set) var clientText = ByteRange.empty
    /// Empty where it is the connection's own.
    private(set) var proto = ByteRange.empty
    /// Empty where it is the request's own.
    private(set) var host = ByteRange.empty

    /// Of a request that came from a trusted proxy.
    init(_ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, trusted: TrustedNetworks) {
        source = Self.source(of: head)
        switch source {
        case .none: return
        case .xForwarded: readXForwarded(head, bytes, trusted)
        case .standard: readStandard(head, bytes, trusted)
        }
        if !Self.isScheme(bytes, proto) { proto = .empty }
        if !host.isEmpty, !bytes.isAuthority(host) { host = .empty }
        if client == nil { clientHop = count }
    }

    /// True where the client is said to have come by https.
    func isHTTPS(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.equalsIgnoringCase(proto, "https") }

    private static func source(of head: borrowing RequestHead) -> Source {
        var source = Source.none
        for index in 0..<head.fields.count where !head.fields[index].value.isEmpty {
            switch head.fields[index].known {
            case .xForwardedFor, .xForwardedProto, .xForwardedHost: return .xForwarded
            case .forwarded: source = .standard
            default: continue
            }
        }
        return source
    }

    /// Each hop, the client's end first.
    func forEachHop(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ body: (ForwardedNode) -> Void
    ) {
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            if source == .xForwarded, field.known == .xForwardedFor {
                var offset = field.value.lowerBound
                while let member = bytes.nextListMember(field.value, from: &offset) {
                    body(ForwardedNode(bytes, member))
                }
            } else if source == .standard, field.known == .forwarded {
                var elements = ForwardedElements(bytes, field.value)
                while let element = elements.next() { body(ForwardedNode(bytes, element.node)) }
            }
        }
    }

    private mutating func readXForwarded(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ trusted: TrustedNetworks
    ) {
        for index in 0..<head.fields.count where head.fields[index].known == .xForwardedFor {
            let value = head.fields[index].value
            var offset = value.lowerBound
            while let member = bytes.nextListMember(value, from: &offset) {
                _ = add(ForwardedNode(bytes, member), trusted)
            }
        }
        proto = value(of: .xForwardedProto, head, bytes)
        host = value(of: .xForwardedHost, head, bytes)
    }

    /// Where there are as many as hops, the one beside the client; else the last, which the nearest proxy wrote.
    private func value(
        of known: KnownField, _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> ByteRange {
        var last = ByteRange.empty
        var besideClient = ByteRange.empty
        var members = 0
        for index in 0..<head.fields.count where head.fields[index].known == known {
            let value = head.fields[index].value
            var offset = value.lowerBound
            while let member = bytes.nextListMember(value, from: &offset) {
                if members == clientHop { besideClient = member }
                last = member
                members += 1
            }
        }
        return members == count && client != nil ? besideClient : last
    }

    private mutating func readStandard(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ trusted: TrustedNetworks
    ) {
        for index in 0..<head.fields.count where head.fields[index].known == .forwarded {
            var elements = ForwardedElements(bytes, head.fields[index].value)
            while let element = elements.next() {
                if add(ForwardedNode(bytes, element.node), trusted) {
                    proto = element.proto
                    host = element.host
                } else {
                    if proto.isEmpty { proto = element.proto }
                    if host.isEmpty { host = element.host }
                }
            }
            guard elements.isSound else {
                self = ForwardedChain()
                return
            }
        }
    }

    private init() {}

    /// Counts a hop; true where what is told beside it is what counts so far.
    private mutating func add(_ node: ForwardedNode, _ trusted: TrustedNetworks) -> Bool {
        defer { count += 1 }
        guard let address = node.address else {
            client = nil
            return true
        }
        guard client == nil || !trusted.contains(address) else { return false }
        // A proxy behind a hop without an address stands for the client, but scheme and host are told beside that hop.
        let standsIn = client == nil && count > 0 && trusted.contains(address)
        client = address
        clientText = node.text
        clientHop = count
        return !standsIn
    }

    /// RFC 3986 §3.1, and no longer than any that is in use.
    private static func isScheme(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) -> Bool {
        guard range.count <= 16 else { return false }
        for offset in range.lowerBound..<range.upperBound {
            let byte = bytes[offset]
            let isLetter = (byte | 0x20) &- 0x61 < 26
            let isOther = byte &- 0x30 < 10 || byte == 0x2B || byte == 0x2D || byte == 0x2E
            guard isLetter || (isOther && offset > range.lowerBound) else { return false }
        }
        return true
    }
}
