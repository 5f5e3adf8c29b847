import AloftModel
import AloftSystem
import Foundation
import Testing

@testable import AloftRollout

@Suite("Artifacts")
struct ArtifactTests {
    /// A folder that goes away with its owner.
    final class Scratch {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "aloft-artifacts-\(UInt64.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: path + "/app/bin", withIntermediateDirectories: true)
            try write("app/bin/web", "#!/bin/sh\n", mode: 0o755)
            try write("app/config", "a=1\n")
            try FileManager.default.createSymbolicLink(atPath: path + "/app/link", withDestinationPath: "bin/web")
        }

        deinit {
            do { try Directories.remove(path) } catch { Issue.record("\(error)") }
        }

        var app: String { path + "/app" }

        func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
            let file = path + "/" + name
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        }

        func mode(_ name: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.posixPermissions] as? Int
        }
    }

    @Test("a folder is kept under its digest, read-only, and a second time without a copy")
    func keeps() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/state/releases")
        let first = try await artifacts.keep(folder: scratch.app)
        #expect(first.isNew && first.files == 4 && first.bytes == 14)
        #expect(first.path == artifacts.path(of: first.digest))
        let copy = "state/releases/\(first.digest)"
        #expect(try scratch.mode(copy + "/bin/web") == 0o555)
        #expect(try scratch.mode(copy + "/config") == 0o444)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: scratch.path + "/\(copy)/link") == "bin/web")
        let second = try await artifacts.keep(folder: scratch.app)
        #expect(!second.isNew && second.digest == first.digest)
        #expect(try Directories.names(in: scratch.path + "/state/releases") == [first.digest, "files"].sorted())
    }

    @Test("a copy of a copy is the same artifact, whoever could write where it came from")
    func copyOfCopy() async throws {
        let scratch = try Scratch()
        try scratch.write("app/config", "a=1\n", mode: 0o664)
        try scratch.write("app/bin/web", "#!/bin/sh\n", mode: 0o777)
        try FileManager.default.setAttributes([.posixPermissions: 0o775], ofItemAtPath: scratch.app + "/bin")
        let here = try await ReleaseArtifacts(root: scratch.path + "/staging").keep(folder: scratch.app)
        let there = try await ReleaseArtifacts(root: scratch.path + "/production").keep(folder: here.path)
        #expect(there.digest == here.digest)
        #expect(try scratch.mode("production/\(there.digest)/bin") == 0o775, "whatever the umask is")
        #expect(try scratch.mode("production/\(there.digest)/bin/web") == 0o555)
        #expect(try await ReleaseArtifacts(root: scratch.path + "/staging").keep(folder: there.path).isNew == false)
    }

    @Test("content, mode, name and link target are all in the digest")
    func digests() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/releases")
        var digests: Set<String> = []
        digests.insert(try await artifacts.keep(folder: scratch.app).digest)
        try scratch.write("app/config", "a=2\n")
        digests.insert(try await artifacts.keep(folder: scratch.app).digest)
        try scratch.write("app/config", "a=2\n", mode: 0o600)
        digests.insert(try await artifacts.keep(folder: scratch.app).digest)
        try FileManager.default.moveItem(atPath: scratch.app + "/config", toPath: scratch.app + "/configuration")
        digests.insert(try await artifacts.keep(folder: scratch.app).digest)
        try FileManager.default.removeItem(atPath: scratch.app + "/link")
        try FileManager.default.createSymbolicLink(atPath: scratch.app + "/link", withDestinationPath: "bin")
        digests.insert(try await artifacts.keep(folder: scratch.app).digest)
        #expect(digests.count == 5)
    }

    @Test("what is no folder, no file, or too much is refused, and nothing is left")
    func refuses() async throws {
        let scratch = try Scratch()
        let root = scratch.path + "/releases"
        await #expect(throws: ArtifactError.notAFolder(scratch.path + "/none")) {
            try await ReleaseArtifacts(root: root).keep(folder: scratch.path + "/none")
        }
        await #expect(throws: ArtifactError.tooManyEntries(scratch.app, limit: 3)) {
            try await ReleaseArtifacts(root: root, limits: ArtifactLimits(entries: 3)).keep(folder: scratch.app)
        }
        await #expect(throws: ArtifactError.tooLarge(scratch.app, limit: 13)) {
            try await ReleaseArtifacts(root: root, limits: ArtifactLimits(bytes: 13)).keep(folder: scratch.app)
        }
        await #expect(throws: ArtifactError.tooDeep(scratch.app + "/bin", limit: 0)) {
            try await ReleaseArtifacts(root: root, limits: ArtifactLimits(depth: 0)).keep(folder: scratch.app)
        }
        #expect(try Directories.names(in: root) == ["files"])
    }

    @Test("what no copy can be made of is passed over and named; a name that is not UTF-8 is copied")
    func oddEntries() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/releases")
        let plain = try await artifacts.keep(folder: scratch.app)
        #expect(mkfifo(scratch.app + "/bin/pipe", 0o600) == 0)
        let piped = try await artifacts.keep(folder: scratch.app)
        #expect(piped.digest == plain.digest && piped.skipped == ["bin/pipe (pipe)"])
        let name = Array("\(scratch.app)/".utf8).map { CChar(bitPattern: $0) } + [0x61, -1, 0]
        let file = creat(name, 0o644)
        #expect(file >= 0 && write(file, "raw", 3) == 3 && close(file) == 0)
        let raw = try await artifacts.keep(folder: scratch.app)
        #expect(raw.files == plain.files + 1 && raw.digest != plain.digest)
        let copy = try await ReleaseArtifacts(root: scratch.path + "/other").keep(folder: raw.path)
        #expect(copy.digest == raw.digest)
        let kept = Array("\(copy.path)/".utf8).map { CChar(bitPattern: $0) } + [0x61, -1, 0]
        #expect(access(kept, R_OK) == 0)
    }

    @Test("`.git` and what is ignored stay out, with all that git ignores in")
    func ignores() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/releases")
        for name in [".git", "node_modules", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.app)/\(name)", withIntermediateDirectories: false)
            try scratch.write("app/\(name)/x", "1")
        }
        try scratch.write("app/.gitignore", "node_modules\n")
        try scratch.write("app/.aloftignore", "*.map\n")
        try scratch.write("app/a.map", "1")
        let kept = try await artifacts.keep(folder: scratch.app, rules: ReleaseArtifacts.rules(["tmp/"]))
        let names = try Directories.names(in: kept.path)
        #expect(names == [".aloftignore", ".gitignore", "bin", "config", "link", "node_modules"])
    }

    @Test("a copy that lost a file, or was cut short, is found out without reading it; one that is gone is missing")
    func checks() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/releases")
        let digest = try await artifacts.keep(folder: scratch.app).digest
        try await artifacts.check(digest)
        let config = artifacts.path(of: digest) + "/config"
        #expect(chmod(config, 0o600) == 0 && truncate(config, 1) == 0)
        await #expect(
            throws: ArtifactError.damaged("the artifact \(digest.prefix(12)) in \(artifacts.path(of: digest))")
        ) {
            try await artifacts.check(digest)
        }
        try Directories.remove(config)
        await #expect(throws: ArtifactError.self) { try await artifacts.check(digest) }
        try Directories.remove(artifacts.path(of: digest))
        await #expect(throws: ArtifactError.missing("the artifact \(digest.prefix(12))")) {
            try await artifacts.check(digest)
        }
        #expect(try await artifacts.sizes() == [digest: 14])
    }

    @Test("the state directory within the folder is left out")
    func leavesStateOut() async throws {
        let scratch = try Scratch()
        let outside = ReleaseArtifacts(root: scratch.path + "/state/releases")
        let inside = ReleaseArtifacts(root: scratch.app + "/.aloft/releases")
        let first = try await outside.keep(folder: scratch.app)
        let second = try await inside.keep(folder: scratch.app)
        #expect(first.digest == second.digest)
        #expect(!FileManager.default.fileExists(atPath: second.path + "/.aloft"))
    }

    @Test("so are those of other environments' daemons, whose sockets could not be copied")
    func leavesOtherStatesOut() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/state/releases")
        let first = try await artifacts.keep(folder: scratch.app)
        for folder in ["app/.aloft-staging", "app/.aloft", "app/bin/.aloft-x"] {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.path)/\(folder)", withIntermediateDirectories: false)
        }
        #expect(mkfifo(scratch.app + "/.aloft-staging/control", 0o600) == 0)
        let second = try await artifacts.keep(folder: scratch.app)
        #expect(second.files == first.files + 1, "only those of the folder itself are left out")
        #expect(!FileManager.default.fileExists(atPath: second.path + "/.aloft-staging"))
        #expect(FileManager.default.fileExists(atPath: second.path + "/bin/.aloft-x"))
    }

    @Test("a full disk leaves nothing and says so", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func diskFull() throws {
        #expect(throws: ArtifactError.diskFull("/srv/app")) {
            try refusing("/srv/app") { () throws(SystemError) in
                try Descriptor(opening: "/dev/full", O_WRONLY).write([1])
            }
        }
    }

    @Test("a copy that fails halfway is taken away")
    func halfway() async throws {
        let scratch = try Scratch()
        let root = scratch.path + "/releases"
        // Nothing can be renamed over a folder that is not empty and has another name's digest.
        let artifacts = ReleaseArtifacts(root: root)
        let digest = try await artifacts.keep(folder: scratch.app).digest
        try Directories.remove(root + "/\(digest)")
        try scratch.write("releases/\(digest)", "a file is in the way")
        await #expect(throws: ArtifactError.self) { try await artifacts.keep(folder: scratch.app) }
        #expect(try Directories.names(in: root) == [digest, "files"].sorted())
    }

    @Test("a file text is kept under its digest; one that was changed is not given out")
    func texts() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/releases")
        let digest = try await artifacts.keep(text: "app: web\n")
        #expect(try await artifacts.keep(text: "app: web\n") == digest)
        #expect(try artifacts.text(digest) == Array("app: web\n".utf8))
        try Directories.remove(scratch.path + "/releases/files/\(digest).yaml")
        try scratch.write("releases/files/\(digest).yaml", "app: other\n")
        #expect(throws: ArtifactError.damaged("the file text \(digest)")) { try artifacts.text(digest) }
        #expect(throws: ArtifactError.missing("the file text none")) { try artifacts.text("none") }
    }

    @Test("what no release names goes, after an hour; what one names, or is new, stays")
    func removes() async throws {
        let scratch = try Scratch()
        let artifacts = ReleaseArtifacts(root: scratch.path + "/releases")
        let old = try await artifacts.keep(folder: scratch.app).digest
        try scratch.write("app/config", "a=2\n")
        let named = try await artifacts.keep(folder: scratch.app).digest
        let text = try await artifacts.keep(text: "a")
        let kept = try await artifacts.keep(text: "b")
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/releases/.tmp-1-2", withIntermediateDirectories: false)
        let release = Release(
            service: "web", number: 1, created: Timestamp(nanoseconds: 0), by: "ann", reason: .deploy, fileDigest: kept,
            overrides: ReleaseOverrides(artifact: named), specDigest: "s")
        let now = Timestamp(nanoseconds: SystemTime().wallNanoseconds)
        #expect(try await artifacts.removeUnnamed(by: [release], now: now) == [])
        #expect(try await artifacts.removeUnnamed(by: [release], now: now + .seconds(3700)) == [], "held for a release")
        for digest in [old, named, text, kept] { artifacts.letGo(digest) }
        let removed = try await artifacts.removeUnnamed(by: [release], now: now + .seconds(3700))
        #expect(Set(removed) == [old, text])
        #expect(try Directories.names(in: scratch.path + "/releases") == [named, "files"].sorted())
        #expect(try artifacts.text(kept) == Array("b".utf8))
    }
}
