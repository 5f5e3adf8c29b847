import AloftModel

/// Turns the file's certificates into PEM bytes that a TLS server can use.
package struct CertificateStore: Sendable {
    /// Holds the certificates Aloft makes itself: `$ALOFT_STATE/certificates`. Made with mode 0700 when needed.
    package let directory: String

    package init(directory: String) { self.directory = directory }

    /// Reads and checks a certificate of files, or finds or makes a self-signed one.
    ///
    /// Blocks for a few file reads, and once for a P-256 key when a self-signed certificate is made. Nothing is kept in
    /// memory: call again at reload.
    ///
    /// - Parameter now: decides what has expired and when a self-signed certificate is renewed.
    package func load(_ spec: CertificateSpec, now: Timestamp) throws(CertificateError) -> LoadedCertificate {
        switch spec.source {
        case .files(let certificate, let key):
            try CertificateFiles(certificatePath: certificate, keyPath: key).load(hosts: spec.hosts, now: now)
        case .selfSigned:
            try SelfSigned(directory: directory).load(hosts: spec.hosts, now: now)
        }
    }
}

/// A certificate with its key, checked and ready to serve.
package struct LoadedCertificate: Sendable, Hashable {
    package let hosts: [HostPattern]
    /// Leaf first, then the issuers, as TLS sends them (RFC 8446 §4.4.2).
    package let chainPEM: [UInt8]
    package let keyPEM: [UInt8]
    /// Of the leaf.
    package let notAfter: Timestamp
    /// SHA-256 of the leaf's DER, lower-case hexadecimal without separators.
    package let fingerprintSHA256: String
    /// Things that work today and that somebody should look at; each one line.
    package let warnings: [String]
}

/// Why a certificate cannot be served.
package struct CertificateError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A file cannot be read.
        case unreadable
        /// A file is not what it should be: no PEM, a broken certificate, an encrypted or unknown key.
        case malformed
        /// The certificates are not in the order leaf, issuer, issuer's issuer.
        case brokenChain
        /// The key belongs to another certificate.
        case keyMismatch
        /// The leaf's time is over, or has not begun.
        case expired
        /// A self-signed certificate cannot be made or kept.
        case cannotStore
    }

    package let code: Code
    /// What failed, why, and what to do; one line.
    package let message: String

    package var description: String { message }
}
