import Glibc

/// What a daemon asks of the system for its own process.
package enum OwnProcess {
    package static var pid: Int32 { getpid() }

    /// Writing to a closed pipe or socket becomes an error of that write instead of the end of the process.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Raises the number of files this process may open to the hard limit; returns what it is now.
    @discardableResult
    package static func raiseOpenFileLimit() throws(SystemError) -> Int {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0 else { throw SystemError("read the limit of open files") }
        guard limit.rlim_cur < limit.rlim_max else { return Int(clamping: limit.rlim_cur) }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(kind, &limit) == 0 else { throw SystemError("raise the limit of open files") }
        return Int(clamping: limit.rlim_cur)
    }

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

    /// Makes a folder of mode 0700, its parents too; one that is there is left as it is.
    package static func makePrivateDirectory(_ path: String) throws(SystemError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var information = stat()
            guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else {
                throw SystemError("make the folder", path, code: ENOTDIR)
            }
        case ENOENT:
            let parent = path.split(separator: "/").dropLast().joined(separator: "/")
            guard !parent.isEmpty else { throw SystemError("make the folder", path) }
            try makePrivateDirectory((path.hasPrefix("/") ? "/" : "") + parent)
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError("make the folder", path) }
        default: throw SystemError("make the folder", path)
        }
    }
}
