import AloftLanguage
import AloftModel
import AloftTestKit
import Foundation
import Testing

@testable import AloftCLI

/// `Folders/NAME` is an app's folder, `Folders/NAME.txt` all that `aloft init` says and writes for it.
///
/// With `ALOFT_RECORD=1` the answers are written instead of compared; read the difference before it is committed.
@Suite("What `init` makes of a folder")
struct InitFolderTests {
    private static let place = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Folders")

    static let names: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        return names.filter { !$0.contains(".") }.sorted()
    }()

    private func proposal(_ name: String) throws -> Proposal {
        var listing = try FolderReader.read(Self.place.appendingPathComponent(name).path)
        (listing.port, listing.adminPort, listing.hasEngine) = (8080, 9900, true)
        return Language.propose(listing)
    }

    @Test("is exactly this", arguments: names)
    func golden(name: String) throws {
        let proposal = try proposal(name)
        let said = ProposalText(palette: .plain).render(proposal, path: "aloft.yaml") + "\n" + proposal.file
        let file = Self.place.appendingPathComponent("\(name).txt")
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1" {
            try said.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try said == String(contentsOf: file, encoding: .utf8))
    }

    @Test("is read without a word, explains each line, and holds nothing of .env", arguments: names)
    func whole(name: String) throws {
        let proposal = try proposal(name)
        let reading = Language.read(SourceFile(name: "aloft.yaml", directory: "/app", text: proposal.file))
        #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics.map(\.message))")
        // A line is explained at its end or, where it is long, by a remark of its own above it.
        let lines = proposal.file.split(separator: "\n")
        for (above, line) in zip(lines, lines.dropFirst()) where !line.contains("#") {
            let isBelowRemark = above.drop { $0 == " " }.hasPrefix("#")
            #expect(isBelowRemark || line.hasPrefix("    command:"), "not explained: \(line)")
        }
        for secret in ["do-not-print", "RAILS_MASTER_KEY"] {
            #expect(!proposal.file.contains(secret) && !proposal.notes.contains { $0.contains(secret) })
        }
    }

    @Test("has ports that are free")
    func ports() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let listing = try FolderReader.read(folder)
            #expect((8080..<8180).contains(listing.port) && (9900..<10_000).contains(listing.adminPort))
            var taken = listing
            taken.port = 8083
            let file = Language.propose(taken).file
            #expect(file.contains("127.0.0.1:8083") && file.contains("8080 is taken here"), "\(file)")
        }
    }

    @Test("is a Dockerfile's image only where something can run it")
    func engine() throws {
        var listing = try FolderReader.read(Self.place.appendingPathComponent("dockerfile").path)
        listing.hasEngine = false
        let without = Language.propose(listing)
        #expect(without.kind == "Node.js")
        #expect(without.reasons.contains { $0.contains("neither podman nor docker") }, "\(without.reasons)")
        listing.contents["package.json"] = nil
        listing.paths.remove("package.json")
        let alone = Language.propose(listing)
        #expect(alone.file.contains("build: "), "\(alone.file)")
        #expect(alone.notes.contains { $0.contains("install podman or docker") }, "\(alone.notes)")
    }
}
