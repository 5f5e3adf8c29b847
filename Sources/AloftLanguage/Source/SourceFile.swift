import Foundation

/// The bytes of one `aloft.yaml` and where they came from.
package struct SourceFile: Sendable {
    /// As the user named it; diagnostics begin with it.
    package let name: String
    /// Absolute folder of the file; its relative paths start there.
    package let directory: String
    /// Without a byte order mark.
    package let bytes: [UInt8]

    package init(name: String, directory: String, bytes: [UInt8]) {
        self.name = name
        self.directory = directory
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    package init(name: String, directory: String, text: String) {
        self.init(name: name, directory: directory, bytes: Array(text.utf8))
    }

    /// What people call a file by its absolute path: relative to where `name` is relative to, if it is near this file.
    package func displayName(of path: String) -> String {
        let folder = directory.hasSuffix("/") ? directory : directory + "/"
        guard path.hasPrefix(folder), let slash = name.lastIndex(of: "/") else {
            return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
        }
        return String(name[...slash]) + path.dropFirst(folder.count)
    }

    /// Reads at most one byte more than `Language.maximumFileSize`, so that a huge file costs no memory; `read` then
    /// says that it is too large. Symbolic links are followed.
    package static func open(_ path: String) throws(SourceError) -> SourceFile {
        let absolute = FilePaths.absolute(path, from: FileManager.default.currentDirectoryPath)
        let target = URL(fileURLWithPath: absolute).resolvingSymlinksInPath()
        guard FileManager.default.fileExists(atPath: target.path) else {
            throw SourceError(path: path, reason: .missing)
        }
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: target.path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw SourceError(path: path, reason: .notAFile)
            }
            let handle = try FileHandle(forReadingFrom: target)
            let bytes = try handle.read(upToCount: Language.maximumFileSize + 4) ?? Data()
            try handle.close()
            return SourceFile(name: path, directory: FilePaths.parent(of: absolute), bytes: Array(bytes))
        } catch let error as SourceError {
            throw error
        } catch {
            throw SourceError(path: path, reason: .unreadable(error.localizedDescription))
        }
    }
}

/// Why a file's bytes could not be had.
package struct SourceError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        case missing
        /// A folder, a pipe, a device.
        case notAFile
        case unreadable(String)
    }

    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .missing: "there is no file \(path); `aloft init` proposes one"
        case .notAFile: "\(path) is not a file"
        case .unreadable(let why): "\(path) cannot be read: \(why)"
        }
    }
}
