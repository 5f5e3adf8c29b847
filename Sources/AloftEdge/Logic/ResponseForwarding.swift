import AloftHTTP
import AloftModel
import NIOCore

/// How the body of an answer travels to the client.
enum ClientFraming: Sendable, Hashable {
    /// As the upstream framed it: none, a length, or its own chunks passed on.
    case asIs
    /// The upstream ends its body by closing; the client gets chunks, so that it can tell an end from a break.
    case madeChunked
    /// To an HTTP/1.0 client: payload only, ended by closing.
    case untilClose
}

/// Changes of the file to the fields of each answer, ready to apply.
struct CompiledHeaderRules: Sendable {
    /// The fields to add, as they go over the wire.
    let added: [UInt8]
    /// Lower-case names that are taken out: those removed, and those set anew.
    private let removed: [[UInt8]]
    /// Each of the fields that are set, by its name in lower case.
    private let lines: [(name: [UInt8], line: [UInt8])]

    init(_ rules: HeaderRules) {
        lines = rules.set.map { ($0.name.utf8.map(HostName.lowercased), Array("\($0.name): \($0.value)\r\n".utf8)) }
        added = rules.set.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
        removed = (rules.remove + rules.set.map(\.name)).map { $0.utf8.map(HostName.lowercased) }
    }

    var isEmpty: Bool { added.isEmpty && removed.isEmpty }

    /// The fields to add to an answer of the edge's own: those that it does not carry itself.
    ///
    /// An error page stays out of caches, whatever the file says of the application's answers.
    func added(to answer: LocalAnswer) -> [UInt8] {
        guard !lines.isEmpty else { return added }
        var own = answer.fieldNames
        if !answer.contentType.isEmpty { own.insert(Array("content-type".utf8)) }
        return lines.filter { !own.contains($0.name) }.flatMap(\.line)
    }

    func removes(_ field: Field, in bytes: UnsafeRawBufferPointer) -> Bool {
        removed.contains { name in
            guard name.count == field.name.count else { return false }
            for offset in 0..<name.count
            where HostName.lowercased(bytes[field.name.lowerBound &+ offset]) != name[offset] {
                return false
            }
            return true
        }
    }
}

/// Writes the head that a client receives.
enum ResponseForwarding {
    struct Manner {
        var framing: ClientFraming
        /// The connection to the client stays open after this answer.
        var keepAlive: Bool
        /// An HTTP/1.0 client has to be told that it stays open.
        var isHTTP10: Bool
        /// 101: Connection and Upgrade are what the answer is about.
        var switchesProtocol: Bool
    }

    static func write(
        _ head: borrowing ResponseHead, from bytes: UnsafeRawBufferPointer, manner: Manner,
        rules: borrowing CompiledHeaderRules, into buffer: inout ByteBuffer
    ) {
        buffer.write(atMost: head.byteCount &+ rules.added.count &+ 96) { writer in
            writer.put("HTTP/1.1 ")
            putStatus(head.status, &writer)
            writer.put(" ")
            writer.put(bytes, head.reason)
            writer.put("\r\n")
            putFields(head, bytes, manner, rules, &writer)
            if !rules.added.isEmpty, head.status >= 200 { writer.put(rules.added) }
            if manner.framing == .madeChunked { writer.put("Transfer-Encoding: chunked\r\n") }
            if manner.switchesProtocol {
                writer.put("Connection: upgrade\r\n")
            } else if !manner.keepAlive {
                writer.put("Connection: close\r\n")
            } else if manner.isHTTP10 {
                writer.put("Connection: keep-alive\r\n")
            }
            writer.put("\r\n")
        }
    }

    @inline(__always)
    private static func putStatus(_ status: Int, _ writer: inout ByteWriter) {
        if status == 200 { writer.put("200") } else { writer.put(decimal: status) }
    }

    @inline(__always)
    private static func putFields(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, _ manner: Manner,
        _ rules: borrowing CompiledHeaderRules, _ writer: inout ByteWriter
    ) {
        let applyRules = !rules.isEmpty
        // 1xx and 204 have no body, whatever they say; a client that believed them would wait for one.
        let mayHaveBody = head.status >= 200 && head.status != 204
        var runStart = -1
        let count = head.fields.count
        var index = 0
        while index < count {
            let field = head.fields[index]
            var keeps: Bool
            switch field.known {
            case .connection, .keepAlive, .proxyConnection, .te: keeps = false
            case .upgrade: keeps = manner.switchesProtocol || head.status == 426
            case .transferEncoding: keeps = manner.framing == .asIs && mayHaveBody && !manner.isHTTP10
            case .contentLength: keeps = mayHaveBody
            default: keeps = !field.isHopByHop || field.known == .trailer
            }
            if applyRules, keeps, rules.removes(field, in: bytes) { keeps = false }
            let start = field.name.lowerBound
            if keeps {
                if runStart < 0 { runStart = start }
            } else if runStart >= 0 {
                writer.put(bytes, runStart, start)
                runStart = -1
            }
            index &+= 1
        }
        if runStart >= 0 { writer.put(bytes, runStart, head.byteCount &- 2) }
    }
}
