import CAloftSystem
import Glibc

/// A descriptor that is closed when its owner goes away.
package final class Descriptor: Sendable {
    package let number: Int32

    package init(owning number: Int32) { self.number = number }

    /// Always close-on-exec.
    package convenience init(opening path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SystemError) {
        let number = retrying { aloft_open(path, flags | O_CLOEXEC, mode) }
        guard number >= 0 else { throw SystemError("open", path) }
        self.init(owning: number)
    }

    deinit { close(number) }

    /// Writes all of it.
    package func write(_ bytes: some Collection<UInt8>) throws(SystemError) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                retrying { Glibc.write(number, buffer.baseAddress, buffer.count) }
            }
            guard count >= 0 else { throw SystemError("write") }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads to the end of the file, or `limit` bytes.
    package func read(upTo limit: Int) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 16 << 10))
        while result.count < limit {
            let wanted = min(chunk.count, limit - result.count)
            let count = chunk.withUnsafeMutableBytes { buffer in
                retrying { Glibc.read(number, buffer.baseAddress, wanted) }
            }
            guard count >= 0 else { throw SystemError("read") }
            if count == 0 { break }
            result += chunk[..<count]
        }
        return result
    }
}

/// Reads a small file, such as those of /proc and of cgroups, whose size the system does not tell.
///
/// - Parameter limit: Bytes after which the rest is left out.
package func readText(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> String {
    do throws(SystemError) {
        return String(decoding: try Descriptor(opening: path, O_RDONLY).read(upTo: limit), as: UTF8.self)
    } catch {
        throw SystemError(error.operation, path, code: error.code)
    }
}

/// Writes a text to a file that exists, in one go: how the system's control files are set.
package func writeControl(_ text: String, to path: String) throws(SystemError) {
    do throws(SystemError) {
        try Descriptor(opening: path, O_WRONLY).write(text.utf8)
    } catch {
        throw SystemError("write \(text) to", path, code: error.code)
    }
}
