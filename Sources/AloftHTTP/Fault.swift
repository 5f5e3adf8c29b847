/// Why a head or a body was refused: a closed set, so that logs and metrics can count by reason.
package enum FaultReason: UInt8, Error, Sendable, Hashable, CaseIterable {
    case invalidMethod, invalidTarget, invalidVersion, unsupportedVersion, invalidStatusLine
    case targetFormNotAllowed, invalidPath, dotSegment, invalidPercentEncoding, authorityMismatch
    case bareCarriageReturn, bareLineFeed, obsoleteFolding, spaceBeforeColon, emptyFieldName, invalidFieldName
    case missingColon, invalidFieldValue, ambiguousFieldName, duplicateField, endToEndFieldInConnection,
        tooManyConnectionOptions
    case missingHost, invalidHost, userinfoInTarget
    case invalidContentLength, lengthAndTransferEncoding, invalidTransferEncoding, unsupportedTransferCoding
    case transferEncodingInOldVersion, unsupportedExpectation
    case requestLineTooLong, headTooLarge, tooManyFields
    case invalidChunkSize, chunkTooLarge, invalidChunkExtension, chunkExtensionTooLong, missingChunkEnd
    case invalidTrailer, forbiddenTrailer, trailersTooLarge

    /// The status to answer a client with, before its connection is closed.
    package var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .unsupportedExpectation: 417
        case .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }

    /// One sentence for the error page and the log; it never repeats bytes of the message.
    package var sentence: String {
        switch self {
        case .invalidMethod: "The method is not a word of at most 32 capital letters, `-` and `_`."
        case .invalidTarget: "The request target holds a byte that must be percent-encoded, or is empty."
        case .invalidVersion: "The version is not written as HTTP/1.1 or HTTP/1.0."
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
        case .invalidStatusLine: "The status line is malformed."
        case .targetFormNotAllowed: "This form of request target does not go with the method."
        case .invalidPath: "The path holds a byte, plain or encoded, that no URL path may hold."
        case .dotSegment: "The path has a `.` or `..` segment, plain or encoded."
        case .invalidPercentEncoding: "The path has a `%` that two hexadecimal digits do not follow."
        case .authorityMismatch: "The target names another host than the Host field."
        case .bareCarriageReturn: "A carriage return is not followed by a line feed."
        case .bareLineFeed: "A line ends with a line feed alone."
        case .obsoleteFolding: "A field line begins with white space."
        case .spaceBeforeColon: "White space stands between a field name and its colon."
        case .emptyFieldName: "A field has no name."
        case .invalidFieldName: "A field name holds a byte that no token may hold."
        case .missingColon: "A field line has no colon."
        case .invalidFieldValue: "A field value holds a control byte."
        case .ambiguousFieldName: "A field name with `_` or another mark for `-` imitates one that the gateway sets."
        case .duplicateField: "A field that may appear once appears twice."
        case .endToEndFieldInConnection: "Connection names a field that is meant for the application."
        case .tooManyConnectionOptions: "Connection lists more options than the limit."
        case .missingHost: "An HTTP/1.1 request has no Host field."
        case .invalidHost: "The host is not a name or address with an optional port."
        case .userinfoInTarget: "The request target carries user information."
        case .invalidContentLength: "Content-Length is not one plain decimal number."
        case .lengthAndTransferEncoding: "Content-Length and Transfer-Encoding are both present."
        case .invalidTransferEncoding: "Transfer-Encoding does not end in one `chunked`."
        case .unsupportedTransferCoding: "The only transfer coding spoken here is `chunked`."
        case .transferEncodingInOldVersion: "HTTP/1.0 has no Transfer-Encoding."
        case .unsupportedExpectation: "The only expectation met here is `100-continue`."
        case .requestLineTooLong: "The request line is longer than the limit."
        case .headTooLarge: "The header is larger than the limit."
        case .tooManyFields: "The header has more fields than the limit."
        case .invalidChunkSize: "A chunk size is not one plain hexadecimal number."
        case .chunkTooLarge: "A chunk size, or the sum of them, is beyond 256 TiB."
        case .invalidChunkExtension: "A chunk extension is malformed."
        case .chunkExtensionTooLong: "The chunk extensions are longer than the limit."
        case .missingChunkEnd: "The data of a chunk is not followed by CRLF."
        case .invalidTrailer: "A trailer field is malformed."
        case .forbiddenTrailer: "A trailer carries a field that may only stand in the header."
        case .trailersTooLarge: "The trailers are larger than the limit."
        }
    }
}

/// A refusal: answered with `status`, then the connection is closed, since where the next message starts is unknown.
package struct Fault: Error, Equatable, Sendable {
    package let status: Int
    package let reason: FaultReason

    /// A fault of the client.
    @inline(__always)
    package init(_ reason: FaultReason) {
        self.status = reason.status
        self.reason = reason
    }

    /// A fault of an upstream is 502 to the client, whatever its reason.
    @inline(__always)
    package init(upstream reason: FaultReason) {
        self.status = 502
        self.reason = reason
    }
}

/// What parsing the bytes at hand came to.
package enum HeadOutcome: Sendable, Equatable {
    /// The head is filled in; the body starts at its `byteCount`.
    case complete
    /// Call again with the same bytes and more behind them.
    case incomplete
    case rejected(Fault)
}

/// How much of a head is read before it is refused.
package struct HeadLimits: Sendable, Hashable {
    /// The whole head with its empty line; larger is 431.
    package var headBytes: Int
    /// Field lines; more are 431.
    package var fieldCount: Int
    /// The request line with its CRLF; longer is 414.
    package var requestLineBytes: Int

    package init(headBytes: Int = 16 * 1024, fieldCount: Int = 100, requestLineBytes: Int = 8192) {
        precondition(headBytes > 0 && headBytes <= 1 << 24 && fieldCount >= 0 && requestLineBytes > 0)
        self.headBytes = headBytes
        self.fieldCount = fieldCount
        self.requestLineBytes = min(requestLineBytes, headBytes)
    }
}
