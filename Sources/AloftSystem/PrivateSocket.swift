import Glibc

/// A Unix stream socket that only its owner can connect to.
package enum PrivateSocket {
    /// Binds without listening; the caller owns the descriptor (close-on-exec).
    ///
    /// The mode is set before the file exists (Linux takes a Unix socket's mode from its descriptor), so nobody can
    /// connect in between. A file left there by a dead process is replaced.
    ///
    /// - Throws: `EADDRINUSE` when somebody still answers there.
    package static func bind(path: String) throws(SystemError) -> Int32 {
        let short = try SocketPath(path)
        defer { withExtendedLifetime(short) {} }
        var address = try Self.address(short.text)
        guard !answers(at: address) else { throw SystemError("listen on", path, code: EADDRINUSE) }
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("replace the socket", path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("make a socket") }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                fchmod(descriptor, 0o600) == 0 && Glibc.bind(descriptor, generic, length) == 0
            }
        }
        guard bound else {
            let error = SystemError("listen on", path)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Removes the file; one that is not there is fine.
    package static func remove(path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove the socket", path) }
    }

    private static func address(_ path: String) throws(SystemError) -> sockaddr_un {
        let bytes = Array(path.utf8)
        guard bytes.count <= SocketPath.longest else { throw SystemError("listen on", path, code: ENAMETOOLONG) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func answers(at address: sockaddr_un) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = address
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
