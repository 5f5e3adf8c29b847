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
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw SystemError("remove", path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            if unlink(path) != 0 && errno != ENOENT { throw SystemError("remove", path) }
            return
        }
        for name in try names(in: path) { try remove("\(path)/\(name)") }
        if rmdir(path) != 0 && errno != ENOENT { throw SystemError("remove", path) }
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
