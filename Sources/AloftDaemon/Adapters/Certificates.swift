import AloftCertificates
import AloftEdge
import AloftModel

/// The certificates of one plan, read and checked.
struct Certificates: Sendable {
    let forEdge: [EdgeCertificate]
    let facts: [CertificateFacts]
    /// One line each, for things that work today.
    let warnings: [String]

    /// Blocks for file reads, and once for the key of a self-signed certificate.
    ///
    /// Nothing is read where no listener speaks TLS: a file for development need not have what it does not use.
    init(_ spec: EdgeSpec, directory: String, now: Timestamp) throws(CertificateError) {
        var forEdge: [EdgeCertificate] = []
        var facts: [CertificateFacts] = []
        var warnings: [String] = []
        let store = CertificateStore(directory: directory)
        for certificate in spec.listeners.contains(where: \.tls) ? spec.tls.certificates : [] {
            let loaded = try store.load(certificate, now: now)
            forEdge.append(
                EdgeCertificate(
                    hosts: loaded.hosts, certificateChainPEM: loaded.chainPEM, privateKeyPEM: loaded.keyPEM))
            let hosts = loaded.hosts.map(\.description).joined(separator: ",")
            facts.append(CertificateFacts(hosts: hosts, notAfter: loaded.notAfter))
            warnings += loaded.warnings.map { "\(hosts): \($0)" }
        }
        self.forEdge = forEdge
        self.facts = facts
        self.warnings = warnings
    }
}
