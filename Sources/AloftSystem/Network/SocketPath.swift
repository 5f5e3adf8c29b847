import Glibc

/// The path of a Unix socket in a form that fits into its address, which has room for 107 bytes (unix(7)).
///
/// A longer one is reached through a descriptor of its folder. The short form holds in this process alone, for as long
/// as this value lives.
package struct SocketPath: Sendable {
    /// Longest path that fits `sockaddr_un`, without its closing NUL.
    package static let longest = 107

    package let text: String
    private let folder: Descriptor?

    package init(_ path: String) throws(SystemError) {
        guard path.utf8.count > Self.longest else {
            text = path
            folder = nil
            return
        }
        let folder = try Descriptor(opening: Directories.parent(of: path), O_RDONLY | O_DIRECTORY)
        let name = path.split(separator: "/").last ?? ""
        text = "/proc/self/fd/\(folder.number)/\(name)"
        self.folder = folder
        guard text.utf8.count <= Self.longest else { throw SystemError("use the socket", path, code: ENAMETOOLONG) }
    }
}
