import AloftSystem
import Glibc

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
        do throws(SystemError) {
            // A pipe or device would make the open wait.
            let file = try Descriptor(opening: path, O_RDONLY | O_NONBLOCK)
            var status = stat()
            guard fstat(file.number, &status) == 0 else { throw SystemError("look at", path) }
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("read", path, code: EISDIR) }
            let bytes = try file.read(upTo: sizeLimit + 1)
            guard bytes.count <= sizeLimit else { throw SystemError("read", path, code: EFBIG) }
            return Content(text: String(decoding: bytes, as: UTF8.self), mode: UInt32(status.st_mode & 0o7777))
        } catch {
            throw failure(path, name, error.code)
        }
    }

    private static func failure(_ path: String, _ name: String, _ code: Int32) -> CertificateError {
        switch code {
        case EISDIR: CertificateError(.unreadable, "\(name) is not a regular file")
        case EFBIG: CertificateError(.malformed, "\(name) is larger than 1 MiB, so it is no certificate or key")
        default: unreadable(path, name, code)
        }
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
        let reason = "\(name) cannot be read: \(SystemError.text(code).lowercased())"
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
}
