import AloftLanguage
import Foundation

/// Looks at a folder for `aloft init`: names two levels deep, and the text of a few small files.
enum FolderReader {
    static let entryLimit = 2000
    static let textLimit = 64 << 10
    /// Folders whose contents say nothing about how the app is started.
    private static let skipped: Set<String> = [".git", "node_modules", ".build", "target", ".venv", "__pycache__"]

    static func read(_ folder: String) throws(CommandFailure) -> FolderListing {
        var paths: Set<String> = []
        for name in try names(in: folder) where paths.count < entryLimit {
            let isFolder = isFolder("\(folder)/\(name)")
            paths.insert(isFolder ? name + "/" : name)
            guard isFolder, !skipped.contains(name) else { continue }
            for inner in try names(in: "\(folder)/\(name)") where paths.count < entryLimit {
                paths.insert("\(name)/\(inner)" + (Self.isFolder("\(folder)/\(name)/\(inner)") ? "/" : ""))
            }
        }
        var contents: [String: String] = [:]
        for name in FolderListing.filesOfInterest where paths.contains(name) {
            contents[name] = try text(of: "\(folder)/\(name)")
        }
        return FolderListing(
            name: URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent, paths: paths, contents: contents)
    }

    private static func names(in folder: String) throws(CommandFailure) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw CommandFailure(
                "\(folder) cannot be listed: \(error.localizedDescription)", code: "unreadableFolder",
                exitCode: .misuse)
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private static func text(of path: String) throws(CommandFailure) -> String {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { handle.closeFile() }
            return String(decoding: try handle.read(upToCount: textLimit) ?? Data(), as: UTF8.self)
        } catch {
            throw CommandFailure(
                "\(path) cannot be read: \(error.localizedDescription)", code: "unreadableFile", exitCode: .misuse)
        }
    }
}
