import CAloftSystem
import Glibc

/// What a program asks of the system about itself and its surroundings.
package enum OwnProcess {
    package static var pid: Int32 { getpid() }

    /// This machine's own name, as `hostname` prints it; `localhost` where it has none.
    package static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        let isRead = gethostname(&bytes, bytes.count - 1) == 0
        let name = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return isRead && !name.isEmpty ? name : "localhost"
    }

    /// Gives memory that is free in the allocator's heaps back to the system (malloc_trim(3)); takes about a millisecond.
    ///
    /// Each thread has a heap of its own, and what one allocates another frees: without this they grow for days.
    package static func trimMemory() { aloft_trim_memory() }

    /// Memory of this process that is not swapped out or given back; bytes.
    package static func residentBytes() throws(SystemError) -> Int {
        Int(clamping: try ProcessRow(pid: pid).residentPages) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// SIGKILL for every process of a group; one that has ended is fine.
    package static func killGroup(_ leader: Int32) { if leader > 1 { kill(-leader, SIGKILL) } }

    /// Ends this process without running anything else of it.
    package static func exitAtOnce(_ code: Int32) -> Never { _exit(code) }

    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Columns of the terminal on `descriptor`; nil where it is none.
    package static func terminalWidth(_ descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Writes all bytes; false when the other end is gone or the disk is full.
    @discardableResult
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                retrying { Glibc.write(descriptor, buffer.baseAddress, buffer.count) }
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Bytes that this user can still write on the file system of `path`, and its size.
    package static func diskSpace(at path: String) throws(SystemError) -> (free: Int, total: Int) {
        var information = statvfs()
        guard retrying({ statvfs(path, &information) }) == 0 else { throw SystemError("look at the disk of", path) }
        let block = Int(information.f_frsize)
        return (Int(information.f_bavail) * block, Int(information.f_blocks) * block)
    }
}

extension OwnProcess {
    /// Files that this process may have open.
    package static func openFileLimit() throws(SystemError) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw SystemError("read the limit of open files")
        }
        return Int(clamping: limit.rlim_cur)
    }
}
