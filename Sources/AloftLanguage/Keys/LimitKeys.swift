import AloftModel

/// `edge.timeouts` and `edge.limits`.
enum LimitKeys {
    static let timeouts = Section<EdgeTimeouts>(
        "timeouts", [requestHead.member, idle.member, request.member, connect.member]
    ) { fields, _ in
        EdgeTimeouts(
            requestHead: fields[requestHead], idle: fields[idle], request: fields[request], connect: fields[connect])
    }

    static let requestHead = Key<EdgeTimeouts, Duration>.standard(
        "requestHead", .duration(.milliseconds(100)...(.seconds(600))), "10s",
        "For the whole head of a request, from its first byte; then 408.", example: "5s", synonyms: ["head", "header"]
    ) { $0.requestHead }

    static let idle = Key<EdgeTimeouts, Duration>.standard(
        "idle", .duration(.milliseconds(100)...(.seconds(86400))), "60s",
        "How long a connection may be silent between requests, and a WebSocket in both directions.", example: "2m",
        synonyms: ["keepalive", "keepAlive"]
    ) { $0.idle }

    static let request = Key<EdgeTimeouts, Duration>.standard(
        "request", .duration(.milliseconds(10)...(.seconds(86400))), "30s",
        "To the first byte of an answer, and between two pieces of a body; then 504. A route can say otherwise.",
        example: "60s", synonyms: ["read", "response", "upstream"]
    ) { $0.request }

    static let connect = Key<EdgeTimeouts, Duration>.standard(
        "connect", .duration(.milliseconds(10)...(.seconds(60))), "2s",
        "To connect to a replica; then the next one is tried.", example: "500ms"
    ) { $0.connect }

    /// What routes without a time-out of their own get, before the section itself is read.
    static func requestTimeout(in node: Node?, _ reader: Reader) -> Duration {
        var scratch = reader
        guard let value = node?[request.name] else { return request.initial }
        return request.kind.read(value, &scratch) ?? request.initial
    }

    static let limits = Section<EdgeLimits>(
        "limits", [head.member, body.member, connections.member, connectionsPerAddress.member]
    ) { fields, reader in
        let (all, each) = (fields[connections], fields[connectionsPerAddress])
        if each > all, fields.has(connectionsPerAddress) {
            reader.problems.error(
                fields.span(connectionsPerAddress),
                "`connectionsPerAddress: \(each)` is more than `connections: \(all)`",
                hint: "write `connectionsPerAddress: \(all)` or less")
        }
        return EdgeLimits(
            head: fields[head], body: fields[body], connections: all, connectionsPerAddress: min(each, all))
    }

    static let head = Key<EdgeLimits, ByteSize>.standard(
        "head", .size(.kibibytes(1)...(.mebibytes(1)), usual: "KiB"), "16KiB",
        "Request line and headers together; more is 431.", example: "32KiB"
    ) { $0.head }

    static let body = Key<EdgeLimits, ByteSize>.standard(
        "body", .size(ByteSize(bytes: 0)...ByteSize(bytes: 1 << 40)), "10MiB", "The body of a request; more is 413.",
        example: "50MiB", synonyms: ["maxBody", "bodySize", "client_max_body_size"]
    ) { $0.body }

    static let connections = Key<EdgeLimits, Int>.standard(
        "connections", .integer(1...1_000_000), "20000", "Open connections of all clients; one more is closed at once.",
        example: "5000"
    ) { $0.connections }

    static let connectionsPerAddress = Key<EdgeLimits, Int>.standard(
        "connectionsPerAddress", .integer(1...1_000_000), "200", "Open connections of one client address.",
        example: "50"
    ) { $0.connectionsPerAddress }
}
