import AloftTestKit
import Testing

@testable import AloftHTTP

/// The fuzzer's invariants on inputs made from a seed: a bounded campaign that always runs.
@Suite("The codec's invariants")
struct InvariantTests {
    @Test("hold for every settled case")
    func settledCases() {
        for given in RequestCase.all { expectHeld([UInt8(ascii: "q"), 128] + given.bytes) }
        for given in ResponseCase.all {
            expectHeld([UInt8(ascii: "s"), 128] + given.bytes)
            expectHeld([UInt8(ascii: "h"), 128] + given.bytes)
        }
        for given in ChunkCase.all { expectHeld([UInt8(ascii: "c"), 128] + given.bytes) }
    }

    @Test(
        "hold for settled cases with bytes changed, dropped, doubled and joined",
        arguments: 1...4 as ClosedRange<UInt64>)
    func mutations(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let kinds: [(UInt8, [[UInt8]])] = [
            (UInt8(ascii: "q"), RequestCase.all.map(\.bytes)), (UInt8(ascii: "s"), ResponseCase.all.map(\.bytes)),
            (UInt8(ascii: "c"), ChunkCase.all.map(\.bytes)),
        ]
        for _ in 0..<1500 {
            let (kind, cases) = kinds[random.below(kinds.count)]
            var bytes = cases[random.below(cases.count)]
            if bytes.count > 400 { continue }
            for _ in 0...random.below(4) { Self.mutate(&bytes, &random, other: cases[random.below(cases.count)]) }
            expectHeld([kind, UInt8(truncatingIfNeeded: random.next())] + bytes, seed: seed)
        }
    }

    @Test(
        "hold, and the parts come back, for heads put together from a grammar",
        arguments: 11...14 as ClosedRange<UInt64>)
    func generated(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<400 {
            let made = GeneratedRequest(&random)
            expectHeld([UInt8(ascii: "q"), UInt8(truncatingIfNeeded: random.next())] + made.bytes, seed: seed)
            let head = try #require(parseRequest(made.bytes).parsed, "seed \(seed): \(made.text)")
            #expect(head.methodName == made.method && head.path == made.path && head.query == made.query)
            #expect(head.fields.map(\.name) == made.fields.map(\.0))
            #expect(head.fields.map(\.value) == made.fields.map { Array($0.1.utf8) })
            #expect(head.byteCount == made.bytes.count)
        }
    }

    @Test(
        "hold for bodies of random chunks, and the payload comes back at every split",
        arguments: 21...22 as ClosedRange<UInt64>)
    func chunks(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<40 {
            var payload: [UInt8] = []
            var encoded: [UInt8] = []
            for _ in 0..<random.below(5) {
                let chunk = (0...random.below(30)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                encoded += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [0x0D, 0x0A]
                payload += chunk
            }
            encoded += Array("0\r\n\r\n".utf8)
            for cut in 0...encoded.count {
                let result = scanChunks(encoded, cuts: [cut])
                #expect(result.payload == payload && result.end == .ended(at: encoded.count), "seed \(seed)")
            }
            expectHeld([UInt8(ascii: "c"), UInt8(truncatingIfNeeded: random.next())] + encoded, seed: seed)
        }
    }

    private func expectHeld(_ input: [UInt8], seed: UInt64 = 0) {
        let violation = input.withUnsafeBytes { Invariants.violation($0) }
        #expect(violation == nil, "seed \(seed): \(String(decoding: input, as: UTF8.self))")
    }

    static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix, other: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let at = random.below(bytes.count)
        switch random.below(6) {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: at)
        case 2: bytes.insert(Array("\r\n :,\t\0%./;0Aa".utf8)[random.below(14)], at: at)
        case 3: bytes[at] ^= 1 << UInt8(random.below(8))
        case 4: bytes.insert(contentsOf: bytes[at...].prefix(random.below(20)), at: at)
        default: bytes.replaceSubrange(at..., with: other.dropFirst(random.below(other.count + 1)))
        }
    }
}

/// A request head that must be accepted, put together at random.
struct GeneratedRequest {
    var method = ""
    var path = ""
    var query = ""
    var fields: [(String, String)] = []
    var text = ""
    var bytes: [UInt8] { Array(text.utf8) }

    init(_ random: inout SplitMix) {
        let letters = Array("abcXYZ019-~!$'*+")
        func word(_ count: Int) -> String { String((0..<count).map { _ in letters[random.below(letters.count)] }) }
        method = ["GET", "POST", "DELETE", "PURGE"][random.below(4)]
        path = "/" + (0..<random.below(5)).map { _ in word(1 + random.below(20)) }.joined(separator: "/")
        query = random.below(3) == 0 ? "?" + word(random.below(40)) + "=%41&[]" : ""
        fields = [("Host", "host-\(random.below(9)).example:80")]
        for _ in 0..<random.below(12) {
            let values = ["", "x", word(random.below(60)), "a b,\tc; d=\"e\"", "caf\u{E9}"]
            fields.insert(
                ("X-" + word(1 + random.below(24)), values[random.below(values.count)]),
                at: random.below(fields.count + 1))
        }
        let framings: [(String, String)] = [
            ("content-length", "\(random.below(99))"), ("Transfer-Encoding", "chunked"),
        ]
        if random.below(2) == 0 { fields.append(framings[random.below(2)]) }
        let lines = fields.map { name, value in
            name + ":" + ["", " ", "   "][random.below(3)] + value + ["", "  "][random.below(2)] + "\r\n"
        }
        text = "\(method) \(path)\(query) HTTP/1.1\r\n\(lines.joined())\r\n"
    }
}

extension SplitMix {
    mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() % UInt64(bound)) : 0 }
}
