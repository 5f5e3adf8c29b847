import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

/// Certificates of a test, made with openssl in a folder of their own.
struct Certificates: Sendable {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "aloft-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func remove() { _ = try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }

    /// A self-signed one, `name.pem` and `name.key`.
    func make(_ name: String, subject: String? = nil) async throws {
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            subject ?? "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"))
    }

    /// One that another signed.
    func make(_ name: String, subject: String, signedBy authority: String) async throws {
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout",
            path("\(name).key"), "-out", path("\(name).csr"))
        try await openssl(
            "x509", "-req", "-days", "2", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"), "-CAkey",
            path("\(authority).key"), "-CAcreateserial", "-out", path("\(name).pem"))
    }

    func certificate(_ name: String, names: [String]) throws -> TLSCertificate {
        TLSCertificate(names: names, chain: try bytes("\(name).pem"), key: try bytes("\(name).key"))
    }

    /// SHA-256 of the certificate, as the client prints it.
    func digest(_ name: String) async throws -> String {
        let text = try await openssl("x509", "-in", path("\(name).pem"), "-noout", "-fingerprint", "-sha256")
        return text.split(separator: "=").last.map {
            $0.replacingOccurrences(of: ":", with: "").trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
        } ?? ""
    }

    @discardableResult
    private func openssl(_ arguments: String...) async throws -> String {
        let child = try Child(["openssl"] + arguments, directory: folder, output: path("\(UUID().uuidString).log"))
        #expect(try await child.ended() == .exited(0), "\(child.output)")
        return child.output
    }
}

/// What a client saw of one connection.
struct Seen: Decodable, Sendable {
    var version: String?
    var alpn: String?
    var certificate: String?
    var same: Bool?
    var count: Int?
    var resumed: Bool?
    var error: String?
}

extension Station {
    /// Listens with TLS and echoes; each owner's record says what was agreed.
    func listenTLS(_ context: TLSContext) async throws -> (port: Int, listener: Box<Listener>) {
        let sockets = try ListeningSockets.open(.loopback(0), loops: 1)
        let record = self.record
        let listener = try await handle.run { loop in
            Box(
                loop.listen(
                    on: sockets.sockets[0],
                    for: ScriptedAcceptor(record) { owner in
                        owner.onConnected = { owner in
                            guard let tls = owner.transport as? TLSTransport else { return }
                            owner.record.add(
                                "\(tls.version) \(tls.negotiatedProtocol ?? "-") \(tls.serverName ?? "-") "
                                    + "\(tls.clientSubject ?? "-") \(tls.isResumed ? "resumed" : "new")")
                        }
                        owner.onReceived = { owner, bytes in
                            guard owner.transport.isWritable else {
                                owner.transport.setReading(false)
                                return 0
                            }
                            owner.write(bytes)
                            return bytes.count
                        }
                        owner.onWritable = { owner in
                            owner.transport.setReading(true)
                            owner.transport.redeliver()
                        }
                    }, tls: context))
        }
        return (try #require(sockets.address.port), listener)
    }
}

/// Runs `tls_client.py` and reads what it printed.
enum TLSClient {
    static func run(_ port: Int, _ arguments: String..., in certificates: Certificates) async throws -> [Seen] {
        try await run(port, arguments, in: certificates)
    }

    static func run(_ port: Int, _ arguments: [String], in certificates: Certificates) async throws -> [Seen] {
        let script = Checkout.root + "/Tests/AloftReactorTests/tls_client.py"
        let child = try Child(
            ["python3", script, "\(port)"] + arguments, directory: certificates.folder,
            output: certificates.path("\(UUID().uuidString).log"))
        _ = try await child.ended(within: .seconds(60))
        return child.output.split(separator: "\n").map { line in
            do {
                return try JSONDecoder().decode(Seen.self, from: Data(line.utf8))
            } catch {
                return Seen(error: "\(line)")
            }
        }
    }

    /// Runs `openssl s_client` with the lines of `input` on its standard input, one at a time, since it takes a line such
    /// as `R` for a command only by itself; returns all that it printed.
    static func openssl(_ port: Int, _ arguments: [String], input: String, in certificates: Certificates) async throws
        -> String
    {
        let file = certificates.path("\(UUID().uuidString).in")
        try input.write(toFile: file, atomically: true, encoding: .utf8)
        let words = (["openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + arguments).joined(separator: " ")
        let child = try Child(
            [
                "sh", "-c",
                "(while read -r line; do sleep 1; echo \"$line\"; done <'\(file)'; sleep 1) | timeout 10 \(words)",
            ], directory: certificates.folder,
            output: certificates.path("\(UUID().uuidString).log"))
        _ = try await child.ended(within: .seconds(30))
        return child.output
    }
}
