import AloftModel
import NIOCore
import NIOSSL

/// TLS of the listeners: one context, whose certificate is chosen by the client's server name (RFC 6066 §3).
final class ServerTLS: Sendable {
    private let context: NIOSSLContext

    /// Throws `certificate` for PEM that BoringSSL does not take.
    init(_ certificates: [EdgeCertificate], minimum: TLSSpec.Version) throws(EdgeError) {
        var entries: [Entry] = []
        for certificate in certificates { entries.append(try Entry(certificate)) }
        guard let first = entries.first else {
            throw EdgeError(
                code: .certificate, message: "TLS has no certificate", hint: "add one under edge.tls.certificates")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: first.chain, privateKey: first.key)
        configuration.minimumTLSVersion = minimum == .tls13 ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if entries.count > 1 {
            let table = entries
            configuration.sslContextCallback = { values, promise in
                var override = NIOSSLContextConfigurationOverride.noChanges
                if let name = values.serverHostname?.lowercased(), let entry = table.first(where: { $0.fits(name) }) {
                    override.certificateChain = entry.chain
                    override.privateKey = entry.key
                }
                promise.succeed(override)
            }
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw EdgeError(
                code: .certificate, message: "the TLS settings were refused: \(error)",
                hint: "check that each key belongs to its certificate")
        }
    }

    func makeHandler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: context) }

    private struct Entry: Sendable {
        let hosts: [HostPattern]
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource

        init(_ certificate: EdgeCertificate) throws(EdgeError) {
            hosts = certificate.hosts
            do {
                chain = try NIOSSLCertificate.fromPEMBytes(certificate.certificateChainPEM).map { .certificate($0) }
                key = .privateKey(try NIOSSLPrivateKey(bytes: certificate.privateKeyPEM, format: .pem))
            } catch {
                let names = certificate.hosts.map(\.description).joined(separator: ", ")
                throw EdgeError(
                    code: .certificate, message: "the certificate for \(names) can't be used: \(error)",
                    hint: "give a PEM chain, leaf first, and its unencrypted PEM key")
            }
        }

        /// A wildcard stands for exactly one label.
        func fits(_ name: String) -> Bool {
            hosts.contains { pattern in
                guard pattern.isWildcard else { return pattern.name == name }
                guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
                return name[name.index(after: dot)...] == pattern.name
            }
        }
    }
}
