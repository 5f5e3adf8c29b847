import Testing

@testable import AloftLogs

@Suite("LineCutter")
struct LineCutterTests {
    private struct Piece: Hashable {
        let text: String
        let isPartial: Bool
    }

    private func take(_ cutter: inout LineCutter) -> [Piece] {
        var pieces: [Piece] = []
        while let line = cutter.next() { pieces.append(piece(cutter, line)) }
        cutter.compact()
        return pieces
    }

    private func piece(_ cutter: LineCutter, _ line: LineCutter.Line) -> Piece {
        Piece(text: String(decoding: cutter.bytes[line.range], as: UTF8.self), isPartial: line.isPartial)
    }

    @Test("lines come out whole however the bytes come in, without newline and carriage return")
    func whole() {
        for size in 1...7 {
            var cutter = LineCutter()
            var pieces: [Piece] = []
            let bytes = Array("one\n\ntwo\r\nthr\ree\nrest".utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                cutter.feed(bytes[start..<min(start + size, bytes.count)])
                pieces += take(&cutter)
            }
            #expect(pieces == ["one", "", "two", "thr\ree"].map { Piece(text: $0, isPartial: false) })
            #expect(cutter.pending == 4)
        }
    }

    @Test("a line of the limit stays whole, a longer one is cut and marked")
    func long() {
        let limit = LineCutter.lineLimit
        var cutter = LineCutter()
        cutter.feed(Array(repeating: 0x61, count: limit) + [0x0A] + Array(repeating: 0x62, count: limit + 1) + [0x0A])
        let pieces = take(&cutter)
        #expect(pieces.map(\.text.utf8.count) == [limit, limit, 1])
        #expect(pieces.map(\.isPartial) == [false, true, false])
    }

    @Test("a long line is cut between characters")
    func characters() {
        for shift in 0..<4 {
            var cutter = LineCutter()
            let text = String(repeating: "x", count: shift) + String(repeating: "😀", count: 20_000)
            cutter.feed(Array((text + "\n").utf8))
            let pieces = take(&cutter)
            #expect(pieces.count == 2)
            #expect(pieces.map(\.text).joined() == text)
        }
    }

    @Test("bytes that are no characters are cut all the same")
    func noCharacters() {
        var cutter = LineCutter()
        cutter.feed([UInt8](repeating: 0x80, count: LineCutter.lineLimit + 5))
        #expect(cutter.next()?.range.count == LineCutter.lineLimit)
        #expect(cutter.pending == 5)
    }

    @Test("what has no end is given out on demand, and a newline after it adds no empty line")
    func rest() throws {
        var cutter = LineCutter()
        cutter.feed(Array("prompt> ".utf8))
        #expect(take(&cutter) == [])
        let held = cutter.takeRest(isEnd: false)
        let first = try #require(held)
        #expect(piece(cutter, first) == Piece(text: "prompt> ", isPartial: true))
        cutter.compact()
        #expect(cutter.takeRest(isEnd: false) == nil)
        cutter.feed(Array("\nnext\n\nend".utf8))
        #expect(take(&cutter) == ["next", ""].map { Piece(text: $0, isPartial: false) })
        let end = cutter.takeRest(isEnd: true)
        let last = try #require(end)
        #expect(piece(cutter, last) == Piece(text: "end", isPartial: false))
    }
}
