import AloftModel
import Foundation

extension Timestamp {
    static func seconds(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

    static var now: Timestamp { .seconds(Int64(Date().timeIntervalSince1970)) }
}

extension Duration {
    static func days(_ days: Int64) -> Duration { .seconds(days * 86_400) }
}

/// A folder of its own for each test, removed at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "aloft-certificates-" + UUID().uuidString
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            preconditionFailure("no temporary folder: \(error)")
        }
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind \(path): \(error)") }
    }
}

/// The openssl command: makes the certificates of these tests and judges ours.
enum OpenSSL {
    struct Failed: Error { let arguments: [String] }

    @discardableResult
    static func run(_ arguments: String...) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(arguments: arguments) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// A root, an intermediate and a server's certificate in a folder, made by openssl.
struct Authority {
    let folder: String

    /// - Parameters:
    ///   - names: the leaf's subjectAltName, in openssl's spelling; nil leaves it out.
    ///   - days: from now to the leaf's end.
    init(in folder: String, names: String? = "DNS:example.test", days: Int = 60) throws {
        self.folder = folder
        try make("root", issuer: nil, days: 900, extensions: "basicConstraints=critical,CA:TRUE")
        try make("intermediate", issuer: "root", days: 900, extensions: "basicConstraints=critical,CA:TRUE")
        try make("leaf", issuer: "intermediate", days: days, extensions: names.map { "subjectAltName=\($0)" } ?? "")
    }

    func path(_ name: String) -> String { folder + "/" + name }

    /// Writes the named certificates one after the other.
    func chain(_ names: String...) throws -> String {
        let path = folder + "/chain-\(names.joined(separator: "-")).pem"
        let text = try names.map { try String(contentsOfFile: folder + "/\($0).pem", encoding: .utf8) }.joined()
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    private func make(_ name: String, issuer: String?, days: Int, extensions: String) throws {
        let (key, request, extensionFile) = (path(name + ".key"), path(name + ".csr"), path(name + ".ext"))
        try OpenSSL.run(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
            "-keyout", key, "-out", request)
        try extensions.write(toFile: extensionFile, atomically: false, encoding: .utf8)
        if let issuer {
            try OpenSSL.run(
                "x509", "-req", "-in", request, "-days", "\(days)", "-extfile", extensionFile, "-out",
                path(name + ".pem"),
                "-CA", path(issuer + ".pem"), "-CAkey", path(issuer + ".key"), "-set_serial", "\(days)")
        } else {
            try OpenSSL.run(
                "x509", "-req", "-in", request, "-days", "\(days)", "-extfile", extensionFile, "-out",
                path(name + ".pem"),
                "-key", key)
        }
    }
}
