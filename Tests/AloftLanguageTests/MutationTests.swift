import AloftLanguage
import AloftModel
import AloftTestKit
import Foundation
import Testing

/// Valid files with random damage. Whatever comes out, it is a plan or an error that points into the file.
@Suite("A damaged file")
struct MutationTests {
    private static let pieces = [
        "", " ", "  ", "\t", "\n", "\r\n", ":", ": ", "- ", "[", "]", "{", "}", ",", "\"", "'", "#", "&a ", "*a", "!t ",
        "|", ">",
        "%", "@", "<<: ", "${", "}", "${PORT}", "$", "/*", "*", "\0", "\u{1B}", "é", "🚀", "0", "-1", "1.0", "yes",
        "null", "~",
        "x-", "---\n", "...", "? ", "\\", "service", "30", "30s", "99999999999999999999", "version: 1\n",
    ]

    /// Files for each of the eight batches; `ALOFT_FUZZ_ROUNDS=100000` looks longer.
    private static let rounds =
        ProcessInfo.processInfo.environment["ALOFT_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 250

    @Test("is a plan or has an error, and never crashes", arguments: 0..<8)
    func neverCrashes(batch: Int) {
        for number in 0..<Self.rounds {
            let seed = UInt64(batch * 1_000_000 + number)
            var random = SplitMix(seed: seed)
            var bytes = Array(RandomFile.text(seed: seed % 97).utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) { Self.damage(&bytes, &random) }
            check(bytes, seed: seed)
        }
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let length = min(Int.random(in: 0...12, using: &random), bytes.count - place)
        switch Int.random(in: 0...4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(place..<place + length)
        case 2:
            let piece = pieces[Int.random(in: pieces.indices, using: &random)]
            bytes.replaceSubrange(place..<place + length, with: Array(piece.utf8))
        case 3:
            let other = Int.random(in: 0..<bytes.count, using: &random)
            let slice = Array(bytes[place..<place + length])
            bytes.insert(contentsOf: slice, at: other)
        default:
            let piece = pieces[Int.random(in: pieces.indices, using: &random)]
            bytes.insert(contentsOf: Array(piece.utf8), at: place)
        }
    }

    private func check(_ bytes: [UInt8], seed: UInt64) {
        let source = SourceFile(name: "damaged.yaml", directory: "/app", bytes: bytes)
        let reading = Language.read(source, variables: variables)
        let text = String(decoding: bytes, as: UTF8.self)
        let isEither = (reading.plan == nil) == !reading.errors.isEmpty
        #expect(isEither, "seed \(seed)\n\(text)")
        for diagnostic in reading.diagnostics {
            let scalars = diagnostic.sourceLine.unicodeScalars.count
            let isInside = diagnostic.line >= 1 && diagnostic.column >= 1 && diagnostic.column <= scalars + 1
            #expect(isInside, "seed \(seed): \(diagnostic.line):\(diagnostic.column) \(diagnostic.message)")
            #expect(!diagnostic.message.isEmpty)
        }
        let rendered = DiagnosticRenderer(color: false).text(reading.diagnostics)
        let isPrintable = !rendered.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7F }
        #expect(isPrintable, "seed \(seed): a control character reaches the terminal")
        guard let plan = reading.plan else { return }
        let again = read(plan.effectiveFile())
        let isEqual = again.plan == plan
        #expect(isEqual, "seed \(seed)\n\(plan.effectiveFile())\n\(messages(again))")
    }
}
