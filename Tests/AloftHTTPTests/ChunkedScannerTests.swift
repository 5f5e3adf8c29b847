import Testing

@testable import AloftHTTP

/// A chunked body whose reading is settled: its payload, or why it is refused. `Z` behind it belongs to the next message.
struct ChunkCase: Sendable, CustomStringConvertible {
    let rule: String
    let input: String
    let payload: String?
    let reason: FaultReason?
    var bytes: [UInt8] { input.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
    var description: String { rule }

    init(_ rule: String, _ input: String, payload: String) {
        (self.rule, self.input, self.payload, self.reason) = (rule, input, payload, nil)
    }

    init(_ rule: String, _ input: String, _ reason: FaultReason) {
        (self.rule, self.input, self.payload, self.reason) = (rule, input, nil, reason)
    }

    static func trailer(_ rule: String, _ field: String, _ reason: FaultReason) -> ChunkCase {
        ChunkCase(rule, "0\r\n\(field)\r\n\r\nZ", reason)
    }

    static let all: [ChunkCase] = [
        ChunkCase("nothing", "0\r\n\r\nZ", payload: ""),
        ChunkCase("one chunk", "5\r\nhello\r\n0\r\n\r\nZ", payload: "hello"),
        ChunkCase("two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nZ", payload: "hello!"),
        ChunkCase(
            "sizes in either case", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\nZ", payload: "01234567890123456789"),
        ChunkCase("leading zeros", "0005\r\nhello\r\n0000\r\n\r\nZ", payload: "hello"),
        ChunkCase("line ends in the payload", "4\r\n\r\n\r\n\r\n0\r\n\r\nZ", payload: "\r\n\r\n"),
        ChunkCase("an extension", "5;a\r\nhello\r\n0;b=c\r\n\r\nZ", payload: "hello"),
        ChunkCase("a quoted extension", "5;a=\"x;\\\"y\";b\r\nhello\r\n0\r\n\r\nZ", payload: "hello"),
        ChunkCase("trailers", "1\r\nx\r\n0\r\nX-Sum: 1\r\nGrpc-Status: 0\r\n\r\nZ", payload: "x"),
        ChunkCase("an empty trailer value", "0\r\nX-Sum:\r\n\r\nZ", payload: ""),
        ChunkCase("a trailer in Latin-1", "0\r\nX-Name: caf\u{E9}\t\r\n\r\nZ", payload: ""),
        ChunkCase("no size", "\r\nhello", .invalidChunkSize),
        ChunkCase("no size but an extension", ";a\r\n", .invalidChunkSize),
        ChunkCase("a letter beyond F", "g\r\n", .invalidChunkSize),
        ChunkCase("a sign", "+5\r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        ChunkCase("a negative size", "-5\r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        ChunkCase("a prefix", "0x5\r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        ChunkCase("a space before the size", " 5\r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        ChunkCase("a space behind the size", "5 \r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        ChunkCase("a tab behind the size", "5\t\r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        ChunkCase("a line feed alone behind the size", "5\nhello\r\n0\r\n\r\n", .bareLineFeed),
        ChunkCase("a carriage return alone behind the size", "5\rhello\r\n0\r\n\r\n", .bareCarriageReturn),
        ChunkCase("a size of 64 bits", "8000000000000000\r\n", .chunkTooLarge),
        ChunkCase("a size of 256 TiB and a byte", "1000000000001\r\n", .chunkTooLarge),
        ChunkCase("a size of 17 digits", "00000000000000005\r\nhello", .chunkTooLarge),
        ChunkCase("a size that wraps around", "10000000000000005\r\nhello", .chunkTooLarge),
        ChunkCase("payload longer than its size", "4\r\nhello\r\n0\r\n\r\n", .missingChunkEnd),
        ChunkCase("payload shorter than its size", "6\r\nhello\r\n0\r\n\r\n", .missingChunkEnd),
        ChunkCase("a line feed alone behind the payload", "5\r\nhello\n0\r\n\r\n", .missingChunkEnd),
        ChunkCase("a carriage return alone behind the payload", "5\r\nhello\r0\r\n\r\n", .missingChunkEnd),
        ChunkCase("a line feed alone for the last line", "0\r\n\nZ", .bareLineFeed),
        ChunkCase("a carriage return alone for the last line", "0\r\n\rZ", .bareCarriageReturn),
        ChunkCase("an empty extension", "5;\r\nhello\r\n0\r\n\r\n", .invalidChunkExtension),
        ChunkCase("an extension value left out", "5;a=\r\nhello\r\n0\r\n\r\n", .invalidChunkExtension),
        ChunkCase("a space in an extension", "5; a\r\nhello\r\n0\r\n\r\n", .invalidChunkExtension),
        ChunkCase("a quote left open", "5;a=\"x\r\nhello\r\n0\r\n\r\n", .invalidChunkExtension),
        ChunkCase("a line feed in an extension", "5;a\nhello\r\n0\r\n\r\n", .bareLineFeed),
        ChunkCase("a line feed in a quoted extension", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", .bareLineFeed),
        ChunkCase("a NUL in a quoted extension", "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n", .invalidChunkExtension),
        ChunkCase("Latin-1 in an extension", "5;\u{E9}\r\nhello\r\n0\r\n\r\n", .invalidChunkExtension),
        ChunkCase(
            "an extension of 257 bytes", "1;\(String(repeating: "x", count: 256))\r\ny\r\n", .chunkExtensionTooLong),
        .trailer("Content-Length in a trailer", "Content-Length: 5", .forbiddenTrailer),
        .trailer("Transfer-Encoding in a trailer", "transfer-encoding: chunked", .forbiddenTrailer),
        .trailer("Host in a trailer", "HOST: a", .forbiddenTrailer),
        .trailer("Authorization in a trailer", "Authorization: x", .forbiddenTrailer),
        .trailer("X_Forwarded_For in a trailer", "X_Forwarded_For: 1.2.3.4", .forbiddenTrailer),
        .trailer("X-Forwarded-Ssl in a trailer", "X-Forwarded-Ssl: on", .forbiddenTrailer),
        .trailer("X.Forwarded-Anything in a trailer", "X.Forwarded-Anything: y", .forbiddenTrailer),
        .trailer("If-Unmodified-Since in a trailer", "If-Unmodified-Since: x", .forbiddenTrailer),
        .trailer("a folded trailer", "X: y\r\n z", .invalidTrailer),
        .trailer("a space before the colon of a trailer", "X : y", .invalidTrailer),
        .trailer("a trailer without a colon", "X", .invalidTrailer),
        .trailer("a trailer without a name", ": y", .invalidTrailer),
        .trailer("a NUL in a trailer", "X: y\0", .invalidTrailer),
        .trailer("a line feed alone behind a trailer", "X: y\nY: z", .bareLineFeed),
        .trailer("a carriage return alone in a trailer", "X: y\rz", .bareCarriageReturn),
        .trailer("33 trailers", (0..<33).map { "X\($0): y" }.joined(separator: "\r\n"), .trailersTooLarge),
        .trailer("a trailer of 8 KiB", "X: \(String(repeating: "y", count: 8190))", .trailersTooLarge),
    ]
}

@Suite("Chunked bodies")
struct ChunkedScannerTests {
    @Test("are read or refused by name", arguments: ChunkCase.all)
    func settled(_ given: ChunkCase) {
        let result = scanChunks(given.bytes)
        if let payload = given.payload {
            #expect(String(decoding: result.payload, as: UTF8.self) == payload)
            #expect(result.counted == payload.utf8.count)
            #expect(result.end == .ended(at: given.bytes.count - 1))
        } else {
            #expect(result.end == given.reason.map { .rejected($0) })
        }
    }

    @Test("mean the same byte by byte and at each split, taken or passed on", arguments: ChunkCase.all)
    func splits(_ given: ChunkCase) {
        let bytes = given.bytes
        let whole = scanChunks(bytes)
        #expect(scanChunks(bytes, cuts: Array(0...bytes.count)) == whole)
        #expect(scanChunks(bytes, raw: true).end == whole.end)
        for cut in 0...min(bytes.count, 600) where scanChunks(bytes, cuts: [cut]) != whole {
            Issue.record("differs when cut at \(cut)")
        }
    }

    @Test("are open until their very last byte", arguments: ChunkCase.all)
    func prefixes(_ given: ChunkCase) {
        guard given.payload != nil else { return }
        #expect(scanChunks(Array(given.bytes.dropLast(2))).end == .open)
    }

    @Test("of an upstream are refused with 502, of a client with 400 or 431")
    func statuses() {
        func status(_ text: String, forRequest: Bool) -> Int? {
            var scanner = ChunkedScanner(forRequest: forRequest)
            var offset = 0
            return Array(text.utf8)[...].withExactCopy { bytes in
                guard case .rejected(let fault) = scanner.next(bytes, from: &offset) else { return nil }
                return fault.status
            }
        }
        #expect(status("x", forRequest: true) == 400)
        #expect(status("x", forRequest: false) == 502)
        let trailers = "0\r\n" + String(repeating: "X: y\r\n", count: 40)
        #expect(status(trailers, forRequest: true) == 431)
        #expect(status(trailers, forRequest: false) == 502)
    }

    @Test("whose sizes add up to more than 256 TiB are refused")
    func sum() {
        var scanner = ChunkedScanner(forRequest: true)
        var offset = 0
        Array("1\r\nx\r\n1000000000000\r\n".utf8)[...].withExactCopy { bytes in
            #expect(scanner.pass(bytes, from: &offset) == .rejected(Fault(.chunkTooLarge)))
        }
    }

    @Test("announce a chunk before it has come, so that a body limit holds at once")
    func announced() {
        var scanner = ChunkedScanner(forRequest: true)
        var offset = 0
        Array("3e8\r\nabc".utf8)[...].withExactCopy { bytes in
            #expect(scanner.pass(bytes, from: &offset) == .needMore)
        }
        #expect(scanner.announcedBytes == 1000 && scanner.payloadBytes == 3)
    }

    @Test("spend their extensions from one purse")
    func totalExtensions() {
        let limits = ChunkLimits(extensionBytes: 16, totalExtensionBytes: 40)
        let chunk = "1;abcdefghi\r\nx\r\n"
        let three = String(repeating: chunk, count: 3) + "0\r\n\r\n"
        let five = String(repeating: chunk, count: 5) + "0\r\n\r\n"
        #expect(scanChunks(Array(three.utf8), limits: limits).end == .ended(at: three.utf8.count))
        #expect(scanChunks(Array(five.utf8), limits: limits).end == .rejected(.chunkExtensionTooLong))
    }

    @Test("many chunks without extensions spend none of it")
    func manyChunks() {
        let text = String(repeating: "1\r\nx\r\n", count: 30_000) + "1;a\r\ny\r\n0\r\n\r\n"
        #expect(scanChunks(Array(text.utf8), raw: true).end == .ended(at: text.utf8.count))
    }

    @Test("that were reset start over")
    func reset() {
        var scanner = ChunkedScanner(forRequest: true)
        var offset = 0
        Array("5\r\nhe".utf8)[...].withExactCopy { _ = scanner.pass($0, from: &offset) }
        scanner.reset()
        offset = 0
        Array("1\r\nx\r\n0\r\n\r\n".utf8)[...].withExactCopy { bytes in
            #expect(scanner.pass(bytes, from: &offset) == .end)
            #expect(offset == bytes.count && scanner.payloadBytes == 1)
        }
    }
}
