import AloftModel
import AloftSystem
import Foundation
import Testing

@testable import AloftRollout

@Suite("The code in a folder")
struct FolderDigestTests {
    private let scratch: ArtifactTests.Scratch

    init() throws { scratch = try ArtifactTests.Scratch() }

    /// Two hours from now, when nothing is too young to be remembered.
    private var later: Int64 { SystemTime().wallNanoseconds + 7_200_000_000_000 }

    private func take(
        _ index: inout FolderIndex, ignore: [String] = [], always: [String] = []
    ) throws -> FolderDigest.Sum {
        try FolderDigest(folder: scratch.app, rules: FolderDigest.rules(ignore), leftOut: [], always: always)
            .take(&index, now: later)
    }

    private func digest(ignore: [String] = [], always: [String] = []) throws -> String {
        var index = FolderIndex()
        return try take(&index, ignore: ignore, always: always).digest
    }

    @Test("what did not change is not read again, and the number is the same")
    func warm() throws {
        var index = FolderIndex()
        let cold = try take(&index)
        #expect(cold.read == 2 && cold.files == 3)
        let warm = try take(&index)
        #expect(warm.read == 0 && warm.digest == cold.digest)
        let file = scratch.path + "/index"
        try index.write(to: file)
        var read = FolderIndex(reading: file)
        #expect(read.entries == index.entries)
        #expect(try take(&read).read == 0)
    }

    @Test("a file of the same size and date with other content is seen")
    func sameDate() throws {
        var index = FolderIndex()
        let file = scratch.app + "/config"
        let before = try take(&index).digest
        let date = try FileManager.default.attributesOfItem(atPath: file)[.modificationDate]
        try scratch.write("app/config", "a=2\n")
        try FileManager.default.setAttributes([.modificationDate: date as Any], ofItemAtPath: file)
        let after = try take(&index)
        #expect(after.digest != before && after.read == 1)
    }

    @Test("a file that changed a moment ago is read once more, since it may change within the same tick")
    func racy() throws {
        var index = FolderIndex()
        let digest = FolderDigest(folder: scratch.app, rules: .none, leftOut: [], always: [])
        #expect(try digest.take(&index, now: SystemTime().wallNanoseconds).read == 2)
        #expect(try digest.take(&index, now: SystemTime().wallNanoseconds).read == 2)
    }

    @Test("a file that the command names counts once, also while it is too young to be remembered")
    func namedAndYoung() throws {
        var index = FolderIndex()
        let digest = FolderDigest(folder: scratch.app, rules: .none, leftOut: [], always: ["config"])
        let young = try digest.take(&index, now: SystemTime().wallNanoseconds)
        #expect(try digest.take(&index, now: later).digest == young.digest)
        #expect(
            try digest.take(&index, now: later) == FolderDigest.Sum(digest: young.digest, files: young.files, read: 0))
    }

    @Test("content, name, link target and the right to execute count; dates, other modes and empty folders do not")
    func whatCounts() throws {
        var digests = [try digest()]
        try scratch.write("app/config", "a=2\n")
        digests.append(try digest())
        try scratch.write("app/config", "a=2\n", mode: 0o755)
        digests.append(try digest())
        try FileManager.default.moveItem(atPath: scratch.app + "/config", toPath: scratch.app + "/other")
        digests.append(try digest())
        try FileManager.default.removeItem(atPath: scratch.app + "/link")
        try FileManager.default.createSymbolicLink(atPath: scratch.app + "/link", withDestinationPath: "bin")
        digests.append(try digest())
        #expect(Set(digests).count == digests.count)
        try scratch.write("app/other", "a=2\n", mode: 0o700)
        try FileManager.default.createDirectory(atPath: scratch.app + "/empty", withIntermediateDirectories: false)
        #expect(try digest() == digests.last)
    }

    @Test("what git ignores, what programs leave behind and what the file ignores does not count")
    func ignored() throws {
        try scratch.write("app/.gitignore", "dist/\n")
        let before = try digest(ignore: ["uploads/"])
        for name in ["dist/web", "uploads/photo", "__pycache__/x.pyc", "server.log", "data.db", ".git/HEAD"] {
            let folder = (scratch.app + "/" + name as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try scratch.write("app/\(name)", "1")
        }
        #expect(try digest(ignore: ["uploads/"]) == before)
        #expect(try digest() != before)
        let built = try digest(ignore: ["uploads/"], always: ["dist/web"])
        #expect(built != before, "the program that the command names counts, whoever ignores it")
        try scratch.write("app/dist/web", "2")
        #expect(try digest(ignore: ["uploads/"], always: ["dist/web"]) != built)
    }

    @Test("an index that was damaged is no index")
    func damaged() throws {
        var index = FolderIndex()
        _ = try take(&index)
        let file = scratch.path + "/index"
        try index.write(to: file)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[60] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(FolderIndex(reading: file).entries.isEmpty)
        try bytes.prefix(30).write(to: URL(fileURLWithPath: file))
        #expect(FolderIndex(reading: file).entries.isEmpty)
        #expect(FolderIndex(reading: file + "-none").entries.isEmpty)
    }

    @Test("a link to a folder is recorded as what it leads to; what changed since is named")
    func records() async throws {
        let current = scratch.path + "/current"
        try FileManager.default.createSymbolicLink(atPath: current, withDestinationPath: "app")
        let folders = CodeFolders(indexes: scratch.path + "/state/folders", leftOut: [scratch.app + "/config"])
        let place = CodePlace(service: "web", folder: current)
        let first = try await folders.record(place)
        #expect(first.path == Directories.resolved(scratch.app))
        try scratch.write("app/config", "a=3\n")
        #expect(try await folders.record(place) == first, "the daemon's own file does not count")
        let moment = Timestamp(nanoseconds: SystemTime().wallNanoseconds - 3_600_000_000_000)
        let changes = try await folders.changes(place, since: moment)
        #expect(changes.count == 2 && "\(changes)" == "bin/web and link changed", "\(changes)")
        try await folders.forget(allBut: ["api"])
        #expect(try Directories.names(in: scratch.path + "/state/folders") == [])
    }
}
