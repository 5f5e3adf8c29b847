import CAloftSystem
import Glibc

/// Replaces files so that whoever reads, and whoever comes back after a power cut, finds the old bytes or the new ones.
package enum AtomicFile {
    /// Writes to a file beside `path`, flushes it, renames it over `path` and flushes the folder.
    ///
    /// On failure nothing is left beside `path`, which is as it was.
    package static func write(
        _ bytes: some Collection<UInt8>, to path: String, mode: mode_t = 0o600
    ) throws(SystemError) {
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        do throws(SystemError) {
            let file = try Descriptor(opening: temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try file.write(bytes)
            if fsync(file.number) != 0 { throw SystemError("flush") }
            if rename(temporary, path) != 0 { throw SystemError("rename", temporary) }
            let folder = try Descriptor(opening: Directories.parent(of: path), O_RDONLY | O_DIRECTORY)
            if fsync(folder.number) != 0 { throw SystemError("flush the folder of") }
        } catch {
            unlink(temporary)
            throw SystemError(error.operation, error.subject ?? path, code: error.code)
        }
    }
}
