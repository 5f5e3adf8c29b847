import AloftModel
import NIOCore

/// An answer that the edge gives itself: an error, a redirect, or what `respond` says.
struct LocalAnswer: Sendable {
    var status: Int
    /// Further fields, as they go over the wire, each with its line end.
    var fields: [UInt8] = []
    var contentType: String = ""
    var body: [UInt8] = []

    /// Writes head and body; without the body in answer to HEAD.
    func write(
        into buffer: inout ByteBuffer, isHead: Bool, keepAlive: Bool, isHTTP10: Bool, date: [UInt8],
        rules: CompiledHeaderRules
    ) {
        let rules = rules.added(to: self)
        let reason = Array(HTTPStatus.reason(status).utf8)
        let type = Array(contentType.utf8)
        let bound = reason.count + type.count + fields.count + rules.count + body.count + 256
        buffer.write(atMost: bound) { writer in
            writer.put("HTTP/1.1 ")
            writer.put(decimal: status)
            writer.put(" ")
            writer.put(reason)
            writer.put("\r\nDate: ")
            writer.put(date)
            if status != 204 && status != 304 {
                writer.put("\r\nContent-Length: ")
                writer.put(decimal: body.count)
            }
            if !type.isEmpty {
                writer.put("\r\nContent-Type: ")
                writer.put(type)
            }
            writer.put("\r\n")
            writer.put(fields)
            writer.put(rules)
            if !keepAlive {
                writer.put("Connection: close\r\n")
            } else if isHTTP10 {
                writer.put("Connection: keep-alive\r\n")
            }
            writer.put("\r\n")
            if !isHead, status != 204, status != 304 { writer.put(body) }
        }
    }
}

extension LocalAnswer {
    /// Names in `fields`, in lower case.
    var fieldNames: Set<[UInt8]> {
        var names: Set<[UInt8]> = []
        for line in fields.split(separator: UInt8(ascii: "\n")) {
            names.insert(line.prefix { $0 != UInt8(ascii: ":") }.map(HostName.lowercased))
        }
        return names
    }

    /// A small honest page: what happened, in one sentence, and the number under which the log knows it.
    static func error(_ status: Int, _ message: String, requestID: RequestID?, asJSON: Bool) -> LocalAnswer {
        var answer = LocalAnswer(status: status)
        let reason = HTTPStatus.reason(status)
        let id = requestID.map { Hexadecimal.text($0) }
        if asJSON {
            answer.contentType = "application/json"
            let reference = id.map { ",\"requestId\":\"\($0)\"" } ?? ""
            answer.body = Array(
                "{\"error\":{\"status\":\(status),\"reason\":\"\(reason)\",\"message\":\"\(message)\"\(reference)}}\n"
                    .utf8)
        } else {
            answer.contentType = "text/html; charset=utf-8"
            let reference = id.map { "<p><small>Request \($0)</small></p>" } ?? ""
            answer.body = Array(
                """
                <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(status) \(reason)</title>\
                <meta name="viewport" content="width=device-width"></head>\
                <body style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em">\
                <h1>\(status) \(reason)</h1><p>\(message)</p>\(reference)</body></html>

                """.utf8)
        }
        if status == 503 { answer.fields = Array("Retry-After: 1\r\n".utf8) }
        answer.fields += Array("Cache-Control: no-store\r\n".utf8)
        return answer
    }

    /// The methods that are passed on, for those that are not (RFC 9110 §10.2.1). Which of them a resource has, its
    /// application knows.
    static let allow = Array("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n".utf8)

    static func respond(_ spec: RespondSpec) -> LocalAnswer {
        LocalAnswer(status: spec.status, contentType: spec.contentType, body: Array(spec.body.utf8))
    }

    static func redirect(status: Int, to location: [UInt8]) -> LocalAnswer {
        LocalAnswer(status: status, fields: Array("Location: ".utf8) + location + Array("\r\n".utf8))
    }
}

/// Reason phrases of RFC 9110 §15 and RFC 6585.
enum HTTPStatus {
    static func reason(_ status: Int) -> String { reasons[status] ?? "Status \(status)" }

    private static let reasons: [Int: String] = [
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
        303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Content Too Large", 414: "URI Too Long",
        417: "Expectation Failed", 421: "Misdirected Request", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons", 500: "Internal Server Error",
        501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
        505: "HTTP Version Not Supported",
    ]
}

enum Hexadecimal {
    /// 32 digits.
    static func text(_ id: RequestID) -> String { digits(id.high) + digits(id.low) }

    private static func digits(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
