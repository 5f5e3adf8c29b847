import Testing

@testable import AloftHTTP

@Suite("Faults")
struct FaultTests {
    @Test("have the status that tells a client what to do, 400 where there is no better")
    func statuses() {
        let special: [FaultReason: Int] = [
            .requestLineTooLong: 414, .headTooLarge: 431, .tooManyFields: 431, .trailersTooLarge: 431,
            .unsupportedExpectation: 417, .unsupportedTransferCoding: 501, .unsupportedVersion: 505,
        ]
        for reason in FaultReason.allCases {
            #expect(Fault(reason).status == special[reason] ?? 400, "\(reason)")
            #expect(Fault(upstream: reason).status == 502)
        }
    }

    @Test("have one sentence each, and no two the same")
    func sentences() {
        let sentences = FaultReason.allCases.map(\.sentence)
        #expect(Set(sentences).count == sentences.count)
        for sentence in sentences { #expect(sentence.hasSuffix(".") && sentence.count < 100, "\(sentence)") }
    }

    @Test("are each shown by a settled case")
    func allShown() {
        var shown = Set(RequestCase.all.compactMap(\.reason))
        shown.formUnion(ResponseCase.all.compactMap(\.reason))
        shown.formUnion(ChunkCase.all.compactMap(\.reason))
        #expect(Set(FaultReason.allCases).subtracting(shown).isEmpty)
    }
}

@Suite("Limits of heads")
struct LimitTests {
    private let request = Array("\r\nGET /0123456789 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n".utf8)

    @Test("hold to the byte, wherever the bytes are split")
    func toTheByte() {
        let line = 26
        for spare in -3...3 {
            let limits = HeadLimits(headBytes: request.count + spare)
            let reason: FaultReason? = spare < 0 ? .headTooLarge : nil
            #expect(parseRequest(request, limits: limits).reason == reason, "head \(spare)")
            #expect(parseRequest(request, limits: limits, cuts: 0...request.count).reason == reason)
            let short = HeadLimits(headBytes: 1000, requestLineBytes: line + spare)
            let lineReason: FaultReason? = spare < 0 ? .requestLineTooLong : nil
            #expect(parseRequest(request, limits: short).reason == lineReason, "line \(spare)")
            #expect(parseRequest(request, limits: short, cuts: 0...request.count).reason == lineReason)
        }
        for count in 0...3 {
            let limits = HeadLimits(fieldCount: count)
            #expect(parseRequest(request, limits: limits).reason == (count < 2 ? .tooManyFields : nil))
        }
    }

    @Test("refuse as soon as they are reached, not when the head is over")
    func early() {
        let limits = HeadLimits(headBytes: 64, requestLineBytes: 32)
        let endless = Array("GET /".utf8) + Array(repeating: UInt8(ascii: "x"), count: 27)
        #expect(parseRequest(endless, limits: limits).reason == .requestLineTooLong)
        let field = Array("GET / HTTP/1.1\r\nX: ".utf8) + Array(repeating: UInt8(ascii: "x"), count: 45)
        #expect(parseRequest(field, limits: limits).reason == .headTooLarge)
        #expect(parseRequest(field.dropLast(), limits: limits) == .incomplete)
        let status = Array("HTTP/1.1 200 ".utf8) + Array(repeating: UInt8(ascii: "x"), count: 51)
        #expect(parseResponse(status, limits: limits).reason == .headTooLarge)
    }
}
