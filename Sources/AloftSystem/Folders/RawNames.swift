import CAloftSystem
import Glibc

/// Calls with a name that need not be UTF-8.
func withCharacters<Result>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { buffer in
        for (index, byte) in name.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        buffer[name.count] = 0
        // Never nil: it holds at least the end.
        return body(UnsafePointer(buffer.baseAddress!))
    }
}

extension Descriptor {
    /// A file of an open folder, by its bytes. Always close-on-exec.
    package convenience init(
        opening name: [UInt8], in folder: Descriptor, _ flags: Int32, mode: mode_t = 0o600, subject: String
    ) throws(SystemError) {
        let number = withCharacters(name) { name in
            retrying { aloft_openat(folder.number, name, flags | O_CLOEXEC, mode) }
        }
        guard number >= 0 else { throw SystemError("open", subject) }
        self.init(owning: number)
    }
}

extension Directories {
    /// Names in an open folder by their bytes, sorted by them, without `.` and `..`.
    package static func rawNames(in folder: Descriptor, subject: String) throws(SystemError) -> [[UInt8]] {
        // Closed with the stream, which takes its descriptor over.
        let copy = fcntl(folder.number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let stream = fdopendir(copy) else {
            if copy >= 0 { close(copy) }
            throw SystemError("list", subject)
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                Array(bytes[..<(bytes.firstIndex(of: 0) ?? bytes.count)])
            }
            if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw SystemError("list", subject) }
        names.sort(by: precedes)
        return names
    }

    private static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                let shorter = min(left.count, right.count)
                let order = shorter == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, shorter)
                return order != 0 ? order < 0 : left.count < right.count
            }
        }
    }

    /// Where the path leads, all links followed; nil where it leads nowhere.
    package static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Bytes of the file system of a folder: those that can still be written by others than root, and all.
    package static func room(at path: String) throws(SystemError) -> (free: Int, size: Int) {
        var status = statvfs()
        guard retrying({ statvfs(path, &status) }) == 0 else { throw SystemError("look at the disk of", path) }
        let block = UInt64(status.f_frsize)
        return (Int(clamping: UInt64(status.f_bavail) * block), Int(clamping: UInt64(status.f_blocks) * block))
    }
}

extension Directories {
    /// Makes a folder below an open one, with this mode whatever the umask is.
    package static func make(_ path: [UInt8], in folder: Descriptor, mode: mode_t) throws(SystemError) {
        let text = String(decoding: path, as: UTF8.self)
        guard withCharacters(path, { mkdirat(folder.number, $0, 0o700) }) == 0 else {
            throw SystemError("make the folder", text)
        }
        guard withCharacters(path, { fchmodat(folder.number, $0, mode, 0) }) == 0 else {
            throw SystemError("set the mode of", text)
        }
    }

    /// Makes a symbolic link below an open folder.
    package static func link(_ path: [UInt8], in folder: Descriptor, to target: [UInt8]) throws(SystemError) {
        let code = withCharacters(path) { path in
            withCharacters(target) { symlinkat($0, folder.number, path) }
        }
        guard code == 0 else { throw SystemError("make the link", String(decoding: path, as: UTF8.self)) }
    }
}
