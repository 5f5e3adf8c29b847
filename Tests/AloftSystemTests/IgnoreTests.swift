import AloftTestKit
import Foundation
import Testing

@testable import AloftSystem

@Suite("What a `.gitignore` leaves out")
struct IgnoreTests {
    @Test(
        "each pattern means what gitignore(5) says",
        arguments: [
            ("*.log", "a/b.log", true), ("*.log", "b.log.txt", false), ("tmp/", "tmp", false), ("/a", "a", true),
            ("/a", "b/a", false), ("a/b", "a/b", true), ("a/b", "x/a/b", false), ("**/b", "a/x/b", true),
            ("**/b", "b", true), ("a/**", "a/b/c", true), ("a/**", "a", false), ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true), ("a/**/b", "ab", false), ("a*b", "a/b", false), ("a?b", "axb", true),
            ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false), ("[]]", "]", true), ("[[:digit:]]", "7", true),
            ("\\#a", "#a", true), ("\\!a", "!a", true), ("a\\ ", "a ", true), ("a  ", "a", true), ("*", "x", true),
            ("[abc", "[abc", false), ("a\\", "a\\", false), ("foo**/x", "foobar/x", true), ("\\*", "x", false),
        ])
    func patterns(line: String, path: String, expected: Bool) {
        let name = path.split(separator: "/").last ?? ""
        let found = IgnorePattern(line)?.matches(
            path: Array(path.utf8)[...], name: Array(name.utf8)[...], isFolder: false)
        #expect((found ?? false) == expected, "`\(line)` and \(path)")
    }

    @Test("comments and blank lines are none; a byte order mark and Windows' line ends are no part of a line")
    func lines() {
        #expect(IgnorePattern.all(in: Array("\u{FEFF}a\r\n\n# b\n   \n!c\n".utf8)).count == 2)
        #expect(IgnorePattern("/") == nil && IgnorePattern("") == nil)
    }

    @Test("a pattern of many stars takes no time")
    func stars() throws {
        let pattern = try #require(IgnorePattern(String(repeating: "*a", count: 200) + "b"))
        let path = Array(String(repeating: "a", count: 4000).utf8)
        let clock = ContinuousClock()
        let took = clock.measure { #expect(!pattern.matches(path: path[...], name: path[...], isFolder: false)) }
        #expect(took < .seconds(20), "\(took)")
    }

    @Test(
        "what is left is what git leaves, for random trees and patterns",
        .enabled(if: Machine.has(program: "git"), "there is no git"), arguments: 1...12)
    func asGit(seed: UInt64) async throws {
        try await withFixture { fixture in
            var random = SplitMix(seed: seed)
            let folder = try fixture.directory()
            let names = ["a", "b", "ab", "a.log", "b.txt", "build", "x1", "[a]", "a b", "!a", "#b", "é"]
            var folders = [""]
            for _ in 0..<40 {
                let parent = folders[Int(random.next() % UInt64(folders.count))]
                let path = parent + names[Int(random.next() % UInt64(names.count))]
                let whole = folder + "/" + path
                guard !FileManager.default.fileExists(atPath: whole) else { continue }
                if random.next() % 2 == 0, parent.split(separator: "/").count < 4 {
                    try FileManager.default.createDirectory(atPath: whole, withIntermediateDirectories: false)
                    folders.append(path + "/")
                } else {
                    try Data("x".utf8).write(to: URL(fileURLWithPath: whole))
                }
            }
            let pieces = [
                "a", "b", "*", "**", "/", "/", "?", "[a-b]", "[!a]", "a.log", "*.txt", "build", "x", "\\!a", "[[a]",
            ]
            for place in folders where place.isEmpty || random.next() % 3 == 0 {
                var lines: [String] = []
                for _ in 0..<(1 + random.next() % 4) {
                    var line = random.next() % 4 == 0 ? "!" : ""
                    for _ in 0..<(1 + random.next() % 4) { line += pieces[Int(random.next() % UInt64(pieces.count))] }
                    if random.next() % 4 == 0 { line += "/" }
                    // What git makes of doubled slashes differs from one version to the next.
                    if !line.contains("//") { lines.append(line) }
                }
                try Data((lines.joined(separator: "\n") + "\n").utf8).write(
                    to: URL(fileURLWithPath: "\(folder)/\(place).gitignore"))
            }
            let made = try await Child.run(["git", "init", "-q"], directory: folder)
            #expect(made.ending == .exited(0), "\(made.output)")
            let said = try await Child.run(
                ["git", "-c", "core.quotePath=false", "ls-files", "-o", "-z", "--exclude-per-directory=.gitignore"],
                directory: folder)
            let expected = said.output.split(separator: "\0").map(String.init).sorted()
            var walk = try FolderWalk(
                folder, rules: IgnoreRules(files: [".gitignore"], standard: [".git"]), deepest: 64)
            var found: [String] = []
            while let entry = try walk.next() { if entry.status.kind != .folder { found.append(entry.text) } }
            #expect(found.sorted() == expected, "seed \(seed)")
        }
    }

    @Test("given patterns decide before rule files, those before what holds for everybody")
    func order() throws {
        let path = NSTemporaryDirectory() + "aloft-rules-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path + "/dist", withIntermediateDirectories: true)
        defer { do { try Directories.remove(path) } catch { Issue.record("\(error)") } }
        for (name, text) in [
            ("a.log", ""), ("b.log", ""), ("c.txt", ""), ("dist/x", ""), (".mine", "!dist/\n!a.log\n"),
            (".git", "dist/\n"),
        ] { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
        let rules = IgnoreRules(given: ["c.txt"], files: [".mine", ".git"], standard: ["*.log"])
        var walk = try FolderWalk(path, rules: rules, deepest: 8)
        var found: [String] = []
        while let entry = try walk.next() { found.append(entry.text) }
        #expect(found == [".git", ".mine", "a.log", "dist", "dist/x"])
    }

    @Test("a folder with names that are not UTF-8 is walked and removed")
    func rawNames() throws {
        let path = NSTemporaryDirectory() + "aloft-raw-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let name = [UInt8]("\(path)/".utf8) + [0x61, 0xFF, 0xFE, 0]
        name.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { #expect(mkdir($0.baseAddress!, 0o700) == 0) }
        }
        var walk = try FolderWalk(path, rules: .none, deepest: 8)
        #expect(try walk.next()?.path == [0x61, 0xFF, 0xFE])
        try Directories.remove(path)
        #expect(!Directories.isDirectory(path))
    }
}
