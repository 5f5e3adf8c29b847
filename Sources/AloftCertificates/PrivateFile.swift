#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Small files that hold certificates and keys.
enum PrivateFile {
    /// Far beyond any chain.
    private static let sizeLimit = 1 << 20

    struct Content: Sendable, Hashable {
        let text: String
        /// Permission bits.
        let mode: UInt32
    }

    /// Reads a file of at most 1 MiB.
    ///
    /// - Parameter name: what the file is called in errors: `the key /etc/tls/a.key`.
    static func read(_ path: String, name: String) throws(CertificateError) -> Content {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, name, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, name, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CertificateError(.unreadable, "\(name) is not a regular file")
        }
        guard status.st_size <= sizeLimit else {
            throw CertificateError(.malformed, "\(name) is larger than 1 MiB, so it is no certificate or key")
        }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= sizeLimit {
            let count = retrying { systemRead(descriptor, &block, 64 << 10) }
            guard count >= 0 else { throw unreadable(path, name, errno) }
            if count == 0 { break }
            bytes.append(contentsOf: block[..<count])
        }
        return Content(text: String(decoding: bytes, as: UTF8.self), mode: UInt32(status.st_mode & 0o7777))
    }

    /// Puts a file of mode 0600 in place, whole or not at all, also over a power cut.
    ///
    /// - Returns: nil, or the failed step with its `errno`.
    static func replace(_ path: String, with text: String) -> (step: String, code: Int32)? {
        let temporary = path + ".new"
        // Left over from a crash; O_EXCL below makes sure that nobody else's file is written to.
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return ("make \(temporary)", errno) }
        let failure = fill(descriptor, Array(text.utf8))
        close(descriptor)
        if let failure {
            unlink(temporary)
            return ("write \(temporary)", failure)
        }
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            return ("rename \(temporary)", code)
        }
        return syncFolder(of: path)
    }

    /// Words for an `errno` and, where it is about permission, whose file it is.
    static func unreadable(_ path: String, _ name: String, _ code: Int32) -> CertificateError {
        var status = stat()
        let known = stat(path, &status) == 0
        let owner = known ? ownerName(status.st_uid) : nil
        return unreadable(
            name, code, owner: owner, mode: known ? UInt32(status.st_mode & 0o7777) : nil, user: ownerName(geteuid()))
    }

    static func unreadable(
        _ name: String, _ code: Int32, owner: String?, mode: UInt32?, user: String
    ) -> CertificateError {
        let reason = "\(name) cannot be read: \(text(of: code).lowercased())"
        let advice =
            switch (code, owner, mode) {
            case (EACCES, let owner?, let mode?):
                " (owner \(owner), mode \(octal(mode))); run as \(owner), or let \(user) read it with chown or chmod"
            case (EACCES, _, _): "; a folder above it is closed to \(user)"
            case (ENOENT, _, _): "; correct the path, which counts from the folder of aloft.yaml"
            default: ""
            }
        return CertificateError(.unreadable, reason + advice)
    }

    static func text(of code: Int32) -> String { String(cString: strerror(code)) }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func ownerName(_ identifier: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getpwuid_r(identifier, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            return "user \(identifier)"
        }
        return String(cString: entry.pw_name)
    }

    private static func fill(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32? {
        var written = 0
        while written < bytes.count {
            let count = retrying { bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
            guard count >= 0 else { return errno }
            written += count
        }
        return fsync(descriptor) == 0 ? nil : errno
    }

    private static func syncFolder(of path: String) -> (step: String, code: Int32)? {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { return ("open \(folder)", errno) }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? nil : ("sync \(folder)", errno)
    }

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}

/// `read(2)`, told from ``PrivateFile/read(_:name:)``.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
