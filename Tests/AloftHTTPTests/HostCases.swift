import AloftHTTP

extension RequestCase {
    /// A GET with a Host value.
    static func host(_ rule: String, _ host: String, _ reason: FaultReason? = nil) -> RequestCase {
        RequestCase(rule, "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", reason)
    }

    static let hosts: [RequestCase] = [
        .host("a name", "www.example.com"),
        .host("a name and a port", "example.com:8443"),
        .host("a name with a final dot", "example.com."),
        .host("a name with a final dot and a port", "example.com.:80"),
        .host("a name with an underscore", "my_service"),
        .host("a name in capitals", "EXAMPLE.com"),
        .host("an IPv4 address", "127.0.0.1:80"),
        .host("an IPv6 address", "[::1]"),
        .host("an IPv6 address and a port", "[2001:db8::1]:8080"),
        .host("an IPv6 address of eight groups", "[1:2:3:4:5:6:7:8]"),
        .host("an IPv6 address that ends in IPv4", "[::ffff:192.0.2.1]:80"),
        RequestCase("no Host", "GET / HTTP/1.1\r\n\r\n", .missingHost),
        RequestCase("no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
        RequestCase("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .duplicateField),
        RequestCase("the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .duplicateField),
        RequestCase("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .duplicateField),
        RequestCase("a Host with a space before its colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", .spaceBeforeColon),
        .host("a tab before a host", "\ta", .invalidHost),
        .host("a tab behind a host", "a\t", .invalidHost),
        .host("an empty Host", "", .invalidHost),
        .host("user information in Host", "u@a", .invalidHost),
        .host("a slash in Host", "a/b", .invalidHost),
        .host("a backslash in Host", "a\\b", .invalidHost),
        .host("a space in Host", "a b", .invalidHost),
        .host("two names in Host", "a, b", .invalidHost),
        .host("a comma in Host", "a,b", .invalidHost),
        .host("a query in Host", "a?b", .invalidHost),
        .host("a fragment in Host", "a#b", .invalidHost),
        .host("an escape in Host", "a%2eb", .invalidHost),
        .host("Latin-1 in Host", "caf\u{E9}.example", .invalidHost),
        .host("an empty label", "a..b", .invalidHost),
        .host("a leading dot", ".a", .invalidHost),
        .host("a dot alone", ".", .invalidHost),
        .host("a port alone", ":80", .invalidHost),
        .host("an empty port", "a:", .invalidHost),
        .host("a port that is no number", "a:http", .invalidHost),
        .host("port 0", "a:0", .invalidHost),
        .host("port 65536", "a:65536", .invalidHost),
        .host("a port of six digits", "a:000080", .invalidHost),
        .host("two ports", "a:80:80", .invalidHost),
        .host("an IPv6 address without brackets", "::1", .invalidHost),
        .host("an open bracket", "[::1", .invalidHost),
        .host("empty brackets", "[]", .invalidHost),
        .host("an IPv6 address of nine groups", "[1:2:3:4:5:6:7:8:9]", .invalidHost),
        .host("an IPv6 address of seven groups", "[1:2:3:4:5:6:7]", .invalidHost),
        .host("an IPv6 address with two gaps", "[1::2::3]", .invalidHost),
        .host("an IPv6 address with a gap for nothing", "[1:2:3:4::5:6:7:8]", .invalidHost),
        .host("an IPv6 address with a group of five digits", "[::12345]", .invalidHost),
        .host("an IPv6 address with one colon at its start", "[:1:2:3:4:5:6:7]", .invalidHost),
        .host("an IPv6 address with one colon at its end", "[1:2:3:4:5:6:7:]", .invalidHost),
        .host("an IPv6 address that ends in no IPv4", "[::1.2.3.400]", .invalidHost),
        .host("an IPv6 address with IPv4 inside", "[::1.2.3.4:5]", .invalidHost),
        .host("an IPv4 address in brackets", "[192.0.2.1]", .invalidHost),
        .host("an address of the future", "[v1.fe80]", .invalidHost),
        .host("a zone in an IPv6 address as browsers write it", "[fe80::1%eth0]", .invalidHost),
        .host("a zone in an IPv6 address", "[fe80::1%25eth0]", .invalidHost),
        .host("bytes behind the bracket", "[::1]a", .invalidHost),
        .host("a NUL in Host", "a\0b", .invalidFieldValue),
        .host("a Host of 256 bytes", String(repeating: "a", count: 256), .invalidHost),
    ]

    static let connection: [RequestCase] = [
        .fields("Connection: close", "Connection: close"),
        .fields("Connection: keep-alive", "Connection: keep-alive"),
        .fields("Connection naming a field of one's own", "Connection: X-Secret\r\nX-Secret: y"),
        .fields("Connection naming Host", "Connection: host", .endToEndFieldInConnection),
        .fields("Connection naming Content-Length", "Connection: close, Content-Length", .endToEndFieldInConnection),
        .fields("Connection naming Transfer-Encoding", "Connection: transfer-encoding", .endToEndFieldInConnection),
        .fields("Connection naming X-Forwarded-For", "Connection: close, X-Forwarded-For", .endToEndFieldInConnection),
        .fields("Connection naming Authorization", "Connection: authorization", .endToEndFieldInConnection),
        .fields("Connection naming Cookie", "Connection: cookie", .endToEndFieldInConnection),
        .fields("Connection with a space inside a name", "Connection: a b", .invalidFieldValue),
        .fields("Connection with empty members", "Connection: , close,,"),
        .fields(
            "Connection naming 17 fields", "Connection: \((0..<17).map { "x\($0)" }.joined(separator: ","))",
            .tooManyConnectionOptions),
        .fields(
            "Connection listing close 17 times",
            "Connection: \(Array(repeating: "close", count: 17).joined(separator: ","))",
            .tooManyConnectionOptions),
        .fields("an upgrade", "Connection: Upgrade\r\nUpgrade: websocket"),
        .fields(
            "an upgrade to HTTP/2", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ"
        ),
    ]

    static let limits: [RequestCase] = [
        .target("a request line of 8 KiB", "/\(String(repeating: "x", count: 8192 - 16))"),
        .target(
            "a request line of 8 KiB and a byte", "/\(String(repeating: "x", count: 8192 - 15))", .requestLineTooLong),
        .fields("100 fields", (1..<100).map { "X\($0): y" }.joined(separator: "\r\n")),
        .fields("101 fields", (1..<101).map { "X\($0): y" }.joined(separator: "\r\n"), .tooManyFields),
        .fields("a head of 16 KiB", "X: \(String(repeating: "y", count: 16384 - 32))"),
        .fields("a head of 16 KiB and a byte", "X: \(String(repeating: "y", count: 16384 - 31))", .headTooLarge),
    ]
}
