import CAloftSystem
import Glibc

/// Folders: made with their parents, listed, removed with all that is in them.
package enum Directories {
    /// Makes the folder and whatever parents it lacks. One that exists is left with the mode it has.
    package static func make(_ path: String, mode: mode_t = 0o700) throws(SystemError) {
        if mkdir(path, mode) == 0 { return }
        switch errno {
        case EEXIST where isDirectory(path): return
        case EEXIST: throw SystemError("make the folder", path, code: ENOTDIR)
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw SystemError("make the folder", path, code: ENOENT)
            }
            try make(String(path[..<slash]), mode: mode)
            if mkdir(path, mode) != 0 && errno != EEXIST { throw SystemError("make the folder", path) }
        default: throw SystemError("make the folder", path)
        }
    }

    /// Names in the folder, sorted, without `.` and `..`.
    package static func names(in path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(path) else { throw SystemError("list", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes the folder and all in it; symbolic links are removed, not followed. One that is not there is fine.
    package static func remove(_ path: String) throws(SystemError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        // Linux says EISDIR of a folder, POSIX EPERM.
        guard errno == EISDIR || errno == EPERM else { throw SystemError("remove", path) }
        try empty(Descriptor(opening: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path)
        if rmdir(path) != 0 && errno != ENOENT { throw SystemError("remove", path) }
    }

    /// By the bytes of names, which need not be UTF-8.
    private static func empty(_ folder: Descriptor, _ path: String) throws(SystemError) {
        for name in try rawNames(in: folder, subject: path) {
            let text = "\(path)/\(String(decoding: name, as: UTF8.self))"
            if withCharacters(name, { unlinkat(folder.number, $0, 0) }) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR || errno == EPERM else { throw SystemError("remove", text) }
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            try empty(Descriptor(opening: name, in: folder, flags, subject: text), text)
            if withCharacters(name, { unlinkat(folder.number, $0, AT_REMOVEDIR) }) != 0 && errno != ENOENT {
                throw SystemError("remove", text)
            }
        }
    }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The folder that holds the file.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
