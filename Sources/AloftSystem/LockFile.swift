import Glibc

/// A file that at most one process holds, with the holder's pid in it.
///
/// The kernel lets go of it when the holder ends, however it ends (flock(2)), so a crash leaves nothing to clean up.
package struct LockFile: ~Copyable, Sendable {
    package enum Failure: Error, Sendable, Hashable {
        /// Another process holds it; its pid where the file names one.
        case held(pid: Int32?)
        case system(SystemError)
    }

    private let descriptor: Int32

    /// Takes the lock and writes this process's pid.
    package init(path: String) throws(Failure) {
        let descriptor = retrying { open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard descriptor >= 0 else { throw .system(SystemError("open the lock file", path)) }
        guard retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
            let code = errno
            let holder = Self.pid(in: descriptor)
            close(descriptor)
            throw code == EWOULDBLOCK ? .held(pid: holder) : .system(SystemError("lock", path, code: code))
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let error = SystemError("write the lock file", path)
            close(descriptor)
            throw .system(error)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func pid(in descriptor: Int32) -> Int32? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: buffer[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
