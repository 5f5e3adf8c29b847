import AloftModel
import AloftSystem

/// Who a registry is told to pull an image, in a file that only this user may read and that lives as long as the pull.
///
/// On a command line every user of the machine could read it.
struct RegistryLogin: Sendable {
    /// `auth-<random>` in the container folder; docker reads `config.json` in it, podman is told the file.
    let folder: String

    var file: String { "\(folder)/config.json" }

    static let prefix = "auth-"

    init(in parent: String, registry: String, username: String, password: String) throws(SystemError) {
        folder = "\(parent)/\(Self.prefix)\(UInt64.random(in: 0 ... .max))"
        try Directories.make(folder, mode: 0o700)
        do throws(SystemError) {
            try AtomicFile.write(
                Self.text(registry: registry, username: username, password: password).utf8, to: file, mode: 0o600)
        } catch {
            try Directories.remove(folder)
            throw error
        }
    }

    func remove() throws(SystemError) { try Directories.remove(folder) }

    /// containers-auth.json(5), which docker's config.json is as well.
    static func text(registry: String, username: String, password: String) -> String {
        // Docker Hub's credentials are kept under its old name.
        let key = registry == "docker.io" ? "https://index.docker.io/v1/" : registry
        return "{\"auths\":{\"\(key)\":{\"auth\":\"\(base64(Array("\(username):\(password)".utf8)))\"}}}\n"
    }

    /// RFC 4648, section 4.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let value = part.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
            for place in 0..<4 {
                result.append(place <= part.count ? alphabet[(value >> (18 - 6 * place)) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
