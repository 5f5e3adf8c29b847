import AloftHTTP

/// A request whose reading is settled: the sentence says the rule, `reason` why it is refused, nil where it is accepted.
struct RequestCase: Sendable, CustomStringConvertible {
    let rule: String
    let input: String
    let reason: FaultReason?
    /// Bytes above 0x7F are written as Latin-1.
    var bytes: [UInt8] { input.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
    var description: String { rule }

    init(_ rule: String, _ input: String, _ reason: FaultReason? = nil) {
        self.rule = rule
        self.input = input
        self.reason = reason
    }

    /// A GET whose fields follow a good Host.
    static func fields(_ rule: String, _ fields: String, _ reason: FaultReason? = nil) -> RequestCase {
        RequestCase(rule, "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n", reason)
    }

    /// A POST whose fields follow a good Host, with a body behind it.
    static func post(_ rule: String, _ fields: String, body: String = "", _ reason: FaultReason? = nil) -> RequestCase {
        RequestCase(rule, "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)", reason)
    }

    /// A GET of a target.
    static func target(_ rule: String, _ target: String, _ reason: FaultReason? = nil) -> RequestCase {
        RequestCase(rule, "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n", reason)
    }

    static let all = framing + lines + names + values + requestLines + targets + paths + hosts + connection + limits

    static let framing: [RequestCase] = [
        .post("a length", "Content-Length: 2", body: "hi"),
        .post("a length with leading zeros", "Content-Length: 0002", body: "hi"),
        .post("chunked", "Transfer-Encoding: chunked", body: "0\r\n\r\n"),
        .post("chunked in capitals", "TRANSFER-ENCODING: CHUNKED", body: "0\r\n\r\n"),
        .post(
            "length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n",
            .lengthAndTransferEncoding),
        .post(
            "chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 5", body: "0\r\n\r\n",
            .lengthAndTransferEncoding),
        .post("two different lengths", "Content-Length: 2\r\nContent-Length: 3", body: "hi!", .duplicateField),
        .post("the same length twice", "Content-Length: 2\r\nContent-Length: 2", body: "hi", .duplicateField),
        .post("lengths as a list", "Content-Length: 2, 2", body: "hi", .invalidContentLength),
        .post("a signed length", "Content-Length: +2", body: "hi", .invalidContentLength),
        .post("a negative length", "Content-Length: -2", body: "hi", .invalidContentLength),
        .post("a hexadecimal length", "Content-Length: 0x2", body: "hi", .invalidContentLength),
        .post("a length with a space inside", "Content-Length: 1 0", body: "hi", .invalidContentLength),
        .post("an empty length", "Content-Length: ", body: "", .invalidContentLength),
        .post("a fraction of a length", "Content-Length: 2.0", body: "hi", .invalidContentLength),
        .post("a quoted length", "Content-Length: \"2\"", body: "hi", .invalidContentLength),
        .post("a length of 2^63", "Content-Length: 9223372036854775808", .invalidContentLength),
        .post("a length of 20 digits", "Content-Length: 18446744073709551618", .invalidContentLength),
        .post("a tab before a length", "Content-Length:\t2", body: "hi", .invalidContentLength),
        .post("a tab behind a length", "Content-Length: 2\t", body: "hi", .invalidContentLength),
        .post("a tab before chunked", "Transfer-Encoding: \tchunked", body: "0\r\n\r\n", .invalidTransferEncoding),
        .post("a tab behind chunked", "Transfer-Encoding: chunked \t", body: "0\r\n\r\n", .invalidTransferEncoding),
        .post("spaces around a length", "Content-Length:  2  ", body: "hi"),
        .post("an unknown coding", "Transfer-Encoding: xchunked", .invalidTransferEncoding),
        .post("identity coding", "Transfer-Encoding: identity", .invalidTransferEncoding),
        .post("chunked not last", "Transfer-Encoding: chunked, gzip", .invalidTransferEncoding),
        .post("chunked twice", "Transfer-Encoding: chunked, chunked", .invalidTransferEncoding),
        .post("a coding before chunked", "Transfer-Encoding: gzip, chunked", .unsupportedTransferCoding),
        .post(
            "two codings in two lines", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            .invalidTransferEncoding),
        .post("chunked in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .duplicateField),
        .post("chunked, then identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", .duplicateField),
        .post("chunked with a parameter", "Transfer-Encoding: chunked;q=1", .invalidTransferEncoding),
        .post("quoted chunked", "Transfer-Encoding: \"chunked\"", .invalidTransferEncoding),
        .post("chunked behind a vertical tab", "Transfer-Encoding: \u{0B}chunked", .invalidFieldValue),
        .post("chunked with a comma", "Transfer-Encoding: chunked,", .invalidTransferEncoding),
        .post("an empty coding", "Transfer-Encoding:", .invalidTransferEncoding),
        .post("Transfer_Encoding", "Transfer_Encoding: chunked\r\nContent-Length: 0", .ambiguousFieldName),
        RequestCase(
            "chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            .transferEncodingInOldVersion),
        .post("an unknown expectation", "Expect: 200-ok\r\nContent-Length: 0", .unsupportedExpectation),
        .post("two expectations", "Expect: 100-continue\r\nExpect: 100-continue", .duplicateField),
    ]

    static let lines: [RequestCase] = [
        RequestCase("a bare line feed behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        RequestCase("bare line feeds everywhere", "GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        RequestCase("a bare line feed behind a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", .bareLineFeed),
        RequestCase("a bare line feed for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        RequestCase(
            "a bare carriage return in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", .bareCarriageReturn),
        RequestCase(
            "a bare carriage return behind the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
        RequestCase("a carriage return too many", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
        RequestCase(
            "a bare carriage return for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
            .bareCarriageReturn),
        .fields("a folded value", "X: y\r\n z", .obsoleteFolding),
        .fields("a value folded with a tab", "X: y\r\n\tz", .obsoleteFolding),
        RequestCase("white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .obsoleteFolding),
        RequestCase("one empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        RequestCase("two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
        RequestCase("a line feed before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
        RequestCase("a NUL before the request", "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    ]

    static let names: [RequestCase] = [
        .fields("a space before the colon", "Content-Length : 5", .spaceBeforeColon),
        .fields("a tab before the colon", "X\t: y", .spaceBeforeColon),
        .fields("no name", ": y", .emptyFieldName),
        .fields("no colon", "X", .missingColon),
        .fields("no colon, then a field", "X\r\nY: z", .missingColon),
        .fields("a name in Latin-1", "X\u{E9}: y", .invalidFieldName),
        .fields("a NUL in a name", "X\0: y", .invalidFieldName),
        .fields("a parenthesis in a name", "X(y): z", .invalidFieldName),
        .fields("a slash in a name", "X/y: z", .invalidFieldName),
        .fields("a quote in a name", "\"X\": z", .invalidFieldName),
        .fields("every token character in a name", "!#$%&'*+-.^_`|~aZ09: y"),
        .fields("a long name", "\(String(repeating: "x", count: 300)): y"),
        .fields("X_Forwarded_For", "X_Forwarded_For: 1.2.3.4", .ambiguousFieldName),
        .fields("Content_Length", "Content_Length: 5", .ambiguousFieldName),
        .fields("X_Forwarded-Proto", "X_Forwarded-Proto: https", .ambiguousFieldName),
        .fields("X_Forwarded_Ssl", "X_Forwarded_Ssl: on", .ambiguousFieldName),
        .fields("X.Forwarded.For", "X.Forwarded.For: 1.2.3.4", .ambiguousFieldName),
        .fields(
            "a long name that imitates X-Forwarded-", "X_Forwarded-\(String(repeating: "x", count: 40)): y",
            .ambiguousFieldName),
        .fields("an underscore in a name of one's own", "X_Token: y"),
    ]

    static let values: [RequestCase] = [
        .fields("an empty value", "X:"),
        .fields("no space behind the colon", "X:y"),
        .fields("spaces and tabs around a value", "X: \t y \t "),
        .fields("a tab inside a value", "X: y\tz"),
        .fields("Latin-1 in a value", "X: caf\u{E9}"),
        .fields("a NUL in a value", "X: y\0z", .invalidFieldValue),
        .fields("a bell in a value", "X: y\u{07}z", .invalidFieldValue),
        .fields("a DEL in a value", "X: y\u{7F}z", .invalidFieldValue),
        .fields("an escape in a value", "X: \u{1B}[31m", .invalidFieldValue),
        .fields("a vertical tab in a value", "X: y\u{0B}z", .invalidFieldValue),
        .fields("a bell behind a tab", "X: \t\u{07}", .invalidFieldValue),
        .fields("two Content-Type", "Content-Type: a/b\r\nContent-Type: c/d", .duplicateField),
        .fields("two Authorization", "Authorization: Basic a\r\nAuthorization: Basic b", .duplicateField),
        .fields("two If-Range", "If-Range: \"a\"\r\nIf-Range: \"b\"", .duplicateField),
        .fields("two If-Modified-Since", "If-Modified-Since: a\r\nIf-Modified-Since: b", .duplicateField),
        .fields("two If-Unmodified-Since", "If-Unmodified-Since: a\r\nIf-Unmodified-Since: b", .duplicateField),
        .fields("two If-Match", "If-Match: \"a\"\r\nIf-Match: \"b\"", .duplicateField),
        .fields("two If-None-Match", "If-None-Match: \"a\"\r\nIf-None-Match: \"b\"", .duplicateField),
        .fields("two Range", "Range: bytes=0-1\r\nRange: bytes=2-3", .duplicateField),
        .fields("two Content-Range", "Content-Range: bytes 0-1/2\r\nContent-Range: bytes 0-1/2", .duplicateField),
        .fields("two Upgrade", "Upgrade: websocket\r\nUpgrade: websocket", .duplicateField),
        .fields("two Cookie", "Cookie: a=1\r\nCookie: b=2"),
        .fields("two Accept", "Accept: a/b\r\nAccept: c/d"),
    ]
}
