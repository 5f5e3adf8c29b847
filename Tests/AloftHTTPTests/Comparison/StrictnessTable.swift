import Foundation

/// The comparison as a page for the docs.
struct StrictnessTable {
    private let results: [Comparison]

    init(_ results: [Comparison]) { self.results = results }

    var text: String {
        var lines = [
            "# What is refused", "",
            "The same bytes sent to Aloft's parser, to nginx and to HAProxy (Debian 12's packages, their own defaults, a",
            "proxied location). Written by a test run, which also fails if nginx refuses anything that Aloft forwards:",
            "",
            "    ALOFT_WRITE_STRICTNESS=$PWD/docs/strictness.md swift test --filter StrictnessTests", "",
            "A number is the status of the answer, after which Aloft closes the connection; *forwarded* means that the",
            "request reaches the application, *closed* that the connection ends without an answer, *waits* that more bytes",
            "are awaited. Inputs are shown without the request line and the Host field where those are good ones.", "",
            summary, "", Self.decisions,
        ]
        var group = ""
        for result in results {
            if result.group != group {
                group = result.group
                lines += ["", "## \(group)", "", "| rule | input | Aloft | nginx | HAProxy |", "|---|---|---|---|---|"]
            }
            lines.append(row(result))
        }
        return (lines + Self.ends).joined(separator: "\n") + "\n"
    }

    /// What is not a matter of bytes.
    private static let ends = [
        "", "## A client that ends its side of the connection", "",
        "TCP does not tell a client that has gone from one that sends no more and still reads. While a request is under way,",
        "`edge.halfClose` decides, over TLS as well:", "",
        "| `edge.halfClose` | what a FIN means | the application | the access log |", "|---|---|---|---|",
        "| `abort`, the default, as with nginx | the client has gone | its connection is closed at once | status 499 before the "
            + "answer has begun, else the answer's; `error` is `client_closed` |",
        "| `answer` | the client sends no more | works on, and the client is answered, as are requests it sent before | as ever |",
        "",
        "A FIN in the middle of a request's body breaks the request off in either case, and so does one while the request waits",
        "for a first replica. A FIN after the answer was written ends the connection in good order. curl, browsers and HTTP",
        "libraries never end their side before they have their answer; `printf … | ncat` and some old scripts do.",
        "", "## Answers of the application", "",
        "| what the application does | what follows |", "|---|---|",
        "| a malformed head, or malformed chunks that came with it | 502 with the reason; field and byte are in the log |",
        "| a malformed chunk later | the answer is cut, so that it can't look whole; the reason is in the log |",
        "| chunk extensions | passed on; up to 4 KiB a chunk and 256 KiB a body |",
        "| `Content-Length` above 0, `Transfer-Encoding`, or to HEAD no length, in an answer without a body | passed on; its "
            + "connection is not used again, since the body may follow |",
        "| bytes behind the end of an answer | nobody gets them; for ten minutes each connection to this replica carries one "
            + "request |",
    ]

    /// What bytes alone don't show.
    private static let decisions = """
        ## What is decided otherwise

        | given | Aloft | nginx |
        |---|---|---|
        | HTTP/1.0 without Host | forwarded with the service's name as Host; 400 where a redirect needs a host | forwarded with the upstream's name |
        | HTTP/1.1 without Host | 400 | 400 |
        | `OPTIONS *` | the first route that takes every path (`/*`), as `*`; `OPTIONS http://a` is the same | 400 |
        | `Max-Forwards` of OPTIONS and TRACE | one less is forwarded; at 0 answered with 204 (TRACE: 405); what is no number is 400 | forwarded as it is |
        | TRACE | 405 with `Allow`, unless a route names it in `methods` | 405 |
        | CONNECT | 405 with `Allow`, and the connection closes | 405 or 400 |
        | IPv6 in Host and target | eight groups, one `::`, IPv4 at the end; no zone (RFC 6874), no IPvFuture (`[v1.x]`) | not checked |
        | `X-Forwarded-*`, `X-Real-IP` and such from a client | removed, also spelt with `_` or another mark; `X_Forwarded_*` is 400 | `_` is dropped, the rest forwarded |

        [proxies.md](proxies.md) has the last row in full.
        """

    private var summary: String {
        let aloft = results.filter { $0.refusal != nil }.count
        let nginx = results.filter(\.nginx.isRefusal).count
        let haproxy = results.filter { $0.haproxy?.isRefusal ?? false }.count
        return "Of \(results.count) inputs Aloft refuses \(aloft), nginx \(nginx), HAProxy \(haproxy)."
    }

    private func row(_ result: Comparison) -> String {
        let aloft = result.refusal.map { "**\($0)**" } ?? "forwarded"
        return
            "| \(result.rule) | \(shown(result.bytes)) | \(aloft) | \(shown(result.nginx)) | \(shown(result.haproxy)) |"
    }

    private func shown(_ answer: Peer.Answer?) -> String {
        switch answer {
        case .status(200): "forwarded"
        case .status(let status): "\(status)"
        case .closed: "closed"
        case .waits: "waits"
        case nil: "not run"
        }
    }

    /// Escaped, at most 60 characters of what differs from a good request.
    private func shown(_ bytes: [UInt8]) -> String {
        var text = bytes.reduce(into: "") { $0 += Self.escaped($1) }
        for start in ["GET / HTTP/1.1\\r\\nHost: a\\r\\n", "POST / HTTP/1.1\\r\\nHost: a\\r\\n"]
        where text.hasPrefix(start) {
            text.removeFirst(start.count)
        }
        let chunked = "Transfer-Encoding: chunked\\r\\n\\r\\n"
        if text.hasPrefix(chunked), text.count > chunked.count, !text.hasSuffix("0\\r\\n\\r\\n0\\r\\n\\r\\n") {
            text.removeFirst(chunked.count)
        }
        let short = text.count > 60 ? text.prefix(57) + "..." : text[...]
        return "`" + short.replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "`", with: "'") + "`"
    }

    private static func escaped(_ byte: UInt8) -> String {
        switch byte {
        case 0x0D: "\\r"
        case 0x0A: "\\n"
        case 0x09: "\\t"
        case 0x20..<0x7F: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}
