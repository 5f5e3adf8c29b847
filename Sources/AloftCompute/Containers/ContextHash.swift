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

    /// Folders within folders.
    private static let deepest = 128

    /// - Parameter leavingOut: Absolute path of a folder that does not count: Aloft's own state, which may lie in it.
    ///   `.git` in the folder itself does not count either, since asking git how things are already changes it.
    package static func of(_ folder: String, leavingOut: String) throws(Failure) -> String {
        let state = FileStatus(of: leavingOut)
        var (hash, files, bytes) = (Hash(), 0, 0)
        do {
            var walk = try FolderWalk(folder, rules: IgnoreRules(standard: ["/.git"]), deepest: deepest) { entry in
                state.map { $0.inode == entry.status.inode && $0.device == entry.status.device } ?? false
            }
            while let entry = try walk.next() {
                files += 1
                if files > mostFiles { throw Failure.tooMany(folder) }
                hash.feed(entry.path + [0xff])
                hash.feed("\(entry.status.kind) \(entry.status.mode)")
                switch entry.status.kind {
                case .file: try add(entry, &hash, &bytes)
                case .link: hash.feed(try entry.target() + [0xff])
                case .folder, .socket, .pipe, .device: break
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as SystemError {
            throw .system(error)
        } catch FolderWalk.Failure.system(let error) {
            throw .system(error)
        } catch FolderWalk.Failure.tooDeep {
            throw .tooMany(folder)
        } catch {
            throw .system(SystemError("read", folder, code: ENOENT))
        }
        return hash.text
    }

    private static func add(_ entry: FolderEntry, _ hash: inout Hash, _ bytes: inout Int) throws {
        let file = try entry.open()
        var size = 0
        while true {
            let part = try file.read(upTo: 1 << 20)
            if part.isEmpty { break }
            hash.feed(part)
            size += part.count
            bytes += part.count
            if bytes > mostBytes { throw Failure.tooMany(entry.text) }
        }
        // What comes next can't be taken for more of this.
        hash.feed("\(size)")
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
