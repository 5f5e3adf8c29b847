import AloftModel
import Foundation
import GRDB
import Testing

@testable import AloftJournal

@Suite("Journal, when things go wrong")
struct JournalFailureTests {
    let folder = TemporaryFolder()

    private var path: String { folder.path + "/journal.sqlite" }

    private func codeOfOpening(_ path: String, access: Journal.Access = .readWrite) -> JournalError.Code? {
        do throws(JournalError) {
            _ = try Journal(path: path, access: access)
            return nil
        } catch {
            #expect(error.message.contains(path))
            return error.code
        }
    }

    @Test("a folder that is not there is an error that names it")
    func missingFolder() {
        #expect(codeOfOpening(folder.path + "/none/journal.sqlite") == .cannotOpen)
        #expect(codeOfOpening(path, access: .readOnly) == .cannotOpen)
        #expect(codeOfOpening(folder.path) == .cannotOpen)
    }

    @Test("a file that is no database is refused and left as it is")
    func notADatabase() throws {
        let bytes = Data((0..<9000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(codeOfOpening(path) == .corrupt)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test("another program's database is refused")
    func foreignDatabase() throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "CREATE TABLE events (id INTEGER)") }
        try queue.close()
        #expect(codeOfOpening(path) == .corrupt)
    }

    @Test("a damaged page is reported as damage")
    func damagedPage() async throws {
        let journal = try Journal(path: path)
        try await journal.record((0..<2000).map { event($0) })
        // Moves the pages from the log into the file, where they are damaged.
        try await journal.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try journal.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        for page in 4..<20 {
            try file.seek(toOffset: UInt64(page * 4096))
            try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        }
        try file.close()
        do throws(JournalError) {
            _ = try await Journal(path: path).events(EventQuery(limit: 2000))
            Issue.record("damage went unnoticed")
        } catch {
            #expect(error.code == .corrupt)
            #expect(error.message.contains("move \(path)* away"))
        }
    }

    @Test("a journal of a newer Aloft is refused before anything is changed")
    func newerVersion() async throws {
        let journal = try Journal(path: path)
        try await journal.write("pretending to be newer") {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999-future')")
        }
        try journal.close()
        #expect(codeOfOpening(path) == .newerVersion)
        #expect(codeOfOpening(path, access: .readOnly) == .newerVersion)
    }

    @Test("use after closing is an error")
    func closed() async throws {
        let journal = try Journal(path: path)
        try journal.close()
        await #expect { try await journal.record(event(1)) } throws: { ($0 as? JournalError)?.code == .closed }
        await #expect { try await journal.events() } throws: { ($0 as? JournalError)?.code == .closed }
    }

    @Test("a read-only journal cannot be written")
    func readOnly() async throws {
        _ = try Journal(path: path)
        let journal = try Journal(path: path, access: .readOnly)
        await #expect { try await journal.record(event(1)) } throws: { ($0 as? JournalError)?.code == .cannotOpen }
    }

    @Test(
        "a full disk fails the write, keeps what was there, and works again once there is room",
        .enabled(if: geteuid() == 0, "mounting a small file system takes root"))
    func fullDisk() async throws {
        let disk = try SmallDisk(at: folder.path + "/disk", size: "1m")
        let path = disk.path + "/journal.sqlite"
        let journal = try Journal(path: path)
        try await journal.record(event(1))
        try Data(repeating: 0, count: 100_000).write(to: URL(fileURLWithPath: disk.path + "/spare"))
        let large = Event(
            time: .seconds(2), severity: .notice, kind: "x", subject: "y",
            message: String(repeating: "z", count: 10_000))
        var failure: JournalError?
        var written = 0
        while failure == nil, written < 1000 {
            do throws(JournalError) {
                try await journal.record(large)
                written += 1
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .full)
        #expect(try await journal.events().count == written + 1)
        try FileManager.default.removeItem(atPath: disk.path + "/spare")
        try await journal.record(event(3))
        #expect(try await journal.events().last?.event == event(3))
        try journal.close()
    }
}

/// A tmpfs of a given size, unmounted at the end.
final class SmallDisk: Sendable {
    let path: String

    init(at path: String, size: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.run("mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path])
    }

    deinit {
        do { try Self.run("umount", ["-l", path]) } catch { print("left mounted \(path): \(error)") }
    }

    private static func run(_ command: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [command] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableNotLoadable) }
    }
}
