import Foundation
import Testing

@Suite("The fuzzer's corpus")
struct CorpusTests {
    @Test("holds: inputs that once reached new code violate nothing")
    func corpus() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count > 50)
        for file in files {
            let violation = try Data(contentsOf: file).withUnsafeBytes { Invariants.violation($0) }
            #expect(violation == nil, "\(file.lastPathComponent)")
        }
    }
}
