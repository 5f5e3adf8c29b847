import AloftHTTP

/// Times the codec alone: nanoseconds per typical head, best of several rounds, which other programs disturb least.
///
///     swift run -c release CodecBenchmark [NAME [COUNT]]
///
/// With a name and a count it parses that one head so often and prints nothing: for `perf stat` and `callgrind`.
struct Sample {
    let name: String
    let text: String
    let run: (UnsafeRawBufferPointer, Int) -> Int
}

func parseRequests(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Int {
    var parser = RequestParser(limits: HeadLimits())
    var head = RequestHead()
    head.fields.reserveCapacity(128)
    var total = 0
    for _ in 0..<count where parser.parse(bytes, into: &head) == .complete {
        total &+= head.byteCount &+ head.fields.count
    }
    return total
}

/// The head grows by one byte from call to call: linear, or a slow client is an attack.
func parseByteByByte(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Int {
    var parser = RequestParser(limits: HeadLimits())
    var head = RequestHead()
    var total = 0
    for _ in 0..<count {
        for end in 1...bytes.count {
            let outcome = parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<end]), into: &head)
            if outcome == .complete { total &+= head.byteCount }
        }
    }
    return total
}

func parseResponses(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Int {
    var parser = ResponseParser(limits: HeadLimits())
    var head = ResponseHead()
    head.fields.reserveCapacity(128)
    var total = 0
    for _ in 0..<count where parser.parse(bytes, answering: .get, into: &head) == .complete {
        total &+= head.byteCount &+ head.fields.count
    }
    return total
}

func passChunks(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Int {
    var total = 0
    for _ in 0..<count {
        var scanner = ChunkedScanner(forRequest: false)
        var offset = 0
        if scanner.pass(bytes, from: &offset) == .end { total &+= offset }
    }
    return total
}

let browser = """
    GET /api/v2/orders/8841?expand=items&limit=50 HTTP/1.1\r
    Host: shop.example.com\r
    Connection: keep-alive\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r
    Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r
    Accept-Encoding: gzip, deflate, br, zstd\r
    Referer: https://shop.example.com/account/orders\r
    Upgrade-Insecure-Requests: 1\r
    Sec-Fetch-Mode: navigate\r
    Sec-Fetch-Site: same-origin\r
    Cache-Control: max-age=0\r
    Cookie: session=4f2c9d1a7b6e5d3c2b1a09f8e7d6c5b4; theme=dark; consent=analytics.no; cart=8841-2\r
    \r

    """
let response = """
    HTTP/1.1 200 OK\r
    Server: gunicorn\r
    Date: Fri, 20 Nov 2026 22:40:00 GMT\r
    Connection: keep-alive\r
    Content-Type: application/json; charset=utf-8\r
    Content-Length: 1024\r
    X-Request-Id: 01hv6k0j9w4m2q\r
    \r

    """
let chunk = "400\r\n" + String(repeating: "x", count: 1024) + "\r\n"
let samples = [
    Sample(name: "small", text: "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", run: parseRequests),
    Sample(name: "browser", text: browser, run: parseRequests),
    Sample(name: "response", text: response, run: parseResponses),
    Sample(name: "bytes", text: browser, run: parseByteByByte),
    Sample(name: "chunks", text: String(repeating: chunk, count: 16) + "0\r\n\r\n", run: passChunks),
]

/// The fastest of some rounds, in nanoseconds an iteration.
func best(of rounds: Int, iterations: Int, _ sample: Sample) -> Double {
    let bytes = Array(sample.text.utf8)
    return bytes.withUnsafeBytes { bytes in
        var fastest = Double.infinity
        for _ in 0..<rounds {
            var total = 0
            let time = ContinuousClock().measure { total = sample.run(bytes, iterations) }
            precondition(total > 0, "\(sample.name) was refused")
            let attoseconds = Double(time.components.seconds) * 1e18 + Double(time.components.attoseconds)
            fastest = min(fastest, attoseconds / 1e9 / Double(iterations))
        }
        return fastest
    }
}

let arguments = CommandLine.arguments.dropFirst()
if let name = arguments.first, let count = arguments.dropFirst().first.flatMap({ Int($0) }) {
    guard let sample = samples.first(where: { $0.name == name }) else { fatalError("no sample \(name)") }
    let bytes = Array(sample.text.utf8)
    precondition(bytes.withUnsafeBytes { sample.run($0, count) } >= 0)
} else {
    for sample in samples {
        let time = best(of: 15, iterations: sample.name == "bytes" ? 2_000 : 200_000, sample)
        print("\(sample.name): \(sample.text.utf8.count) bytes, \(Double(Int(time * 10)) / 10) ns")
    }
}
