import AloftSystem
import Glibc

/// A number for what a folder holds: names, kinds, modes and bytes of all files in it.
///
/// 128 bits of FNV-1a: whoever builds an image chooses the folder, so there is no adversary to find collisions.
package enum ContextHash {
    /// More than these are no folder to build from.
    package static let mostFiles = 100_000
    package static let mostBytes = 4 << 30

    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case tooMany(String)
        case system(SystemError)

        package var description: String {
            switch self {
            case .tooMany(let folder):
                "\(folder) holds more than \(mostFiles) files or 4GiB; build from a smaller folder"
            case .system(let error): error.description
            }
        }
    }

    /// - Parameter leavingOut: Absolute path of a folder that does not count: Aloft's own state, which may lie in it.
    ///   `.git` in the folder itself does not count either, since asking git how things are already changes it.
    package static func of(_ folder: String, leavingOut: String) throws(Failure) -> String {
        var walk = Walk(leavingOut: leavingOut)
        do {
            try walk.add(folder, as: "", isTop: true)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .system((error as? SystemError) ?? SystemError("read", folder, code: EIO))
        }
        if walk.files > mostFiles || walk.bytes > mostBytes { throw .tooMany(folder) }
        return walk.hash.text
    }

    private struct Walk {
        let leavingOut: String
        var hash = Hash()
        var files = 0
        var bytes = 0

        mutating func add(_ folder: String, as prefix: String, isTop: Bool = false) throws {
            for name in try Directories.names(in: folder) {
                let path = "\(folder)/\(name)"
                if path == leavingOut || (isTop && name == ".git") { continue }
                files += 1
                if files > mostFiles || bytes > mostBytes { throw Failure.tooMany(folder) }
                try addEntry(path, as: prefix.isEmpty ? name : "\(prefix)/\(name)")
            }
        }

        private mutating func addEntry(_ path: String, as name: String) throws {
            var status = stat()
            guard lstat(path, &status) == 0 else { throw SystemError("read", path) }
            hash.feed(name)
            hash.feed("\(status.st_mode)")
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try add(path, as: name)
            case S_IFREG: try addBytes(path)
            case S_IFLNK: hash.feed(try target(of: path))
            default: break
            }
        }

        private mutating func addBytes(_ path: String) throws {
            let file = try Descriptor(opening: path, O_RDONLY)
            var size = 0
            while true {
                let part = try file.read(upTo: 1 << 20)
                if part.isEmpty { break }
                hash.feed(part)
                size += part.count
                bytes += part.count
                if bytes > mostBytes { throw Failure.tooMany(path) }
            }
            // What comes next can't be taken for more of this.
            hash.feed("\(size)")
        }

        private func target(of path: String) throws -> String {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = buffer.withUnsafeMutableBytes { bytes in
                readlink(path, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            guard count >= 0 else { throw SystemError("read the link", path) }
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    struct Hash {
        private var low: UInt64 = 0xcbf2_9ce4_8422_2325
        private var high: UInt64 = 0x6c62_272e_07bb_0142

        mutating func feed(_ text: String) { feed(Array(text.utf8) + [0xff]) }

        mutating func feed(_ bytes: [UInt8]) {
            for byte in bytes {
                low = (low ^ UInt64(byte)) &* 0x100_0000_01b3
                high = (high ^ UInt64(byte) ^ (low >> 32)) &* 0x100_0000_01b3
            }
        }

        var text: String { [low, high].map(Self.hex).joined() }

        private static func hex(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }
}
