import AloftLanguage
import AloftSystem
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
        var listing = FolderListing(
            name: URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent, paths: paths, contents: contents)
        for workspace in listing.workspaceFolders {
            let name = "\(workspace)/package.json"
            if FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
                listing.contents[name] = try text(of: "\(folder)/\(name)")
            }
        }
        listing.port = freePort(from: 8080)
        listing.adminPort = freePort(from: 9900)
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        listing.hasEngine = ["podman", "docker"].contains { MachineCheck.isProgram($0, path: path) }
        return listing
    }

    /// Ports that are tried, one after the other.
    private static let portsTried = 100

    /// The first that nothing listens on; the usual one where the system does not tell.
    private static func freePort(from usual: Int) -> Int {
        for port in usual..<(usual + portsTried) {
            do {
                if try FreePort.isFree(port) { return port }
            } catch {
                return usual
            }
        }
        return usual
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
