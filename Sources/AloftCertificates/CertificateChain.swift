import AloftModel
import Crypto
import Foundation
import X509

/// Certificates and the leaf's key, parsed and found to belong together.
struct CertificateChain {
    let certificates: [Certificate]
    /// Parallel to `certificates`.
    let blocks: [PEMBlock]
    let key: PEMBlock

    var leaf: Certificate { certificates[0] }

    /// Parses two PEM texts; they may be one and the same.
    ///
    /// - Parameters: what the two are called in errors, such as `the certificate /etc/tls/a.pem`.
    init(
        certificateText: String, keyText: String, certificateName: String, keyName: String
    ) throws(CertificateError) {
        (blocks, certificates) = try Self.certificates(in: certificateText, certificateName)
        let (key, privateKey) = try Self.key(in: keyText, keyName)
        self.key = key
        try Self.checkOrder(certificates, certificateName)
        guard privateKey.publicKey == certificates[0].publicKey else {
            throw CertificateError(
                .keyMismatch,
                "\(keyName) is not the key of \(certificateName) (\(certificates[0].subject)); give the key that the "
                    + "certificate was requested with")
        }
    }

    func loaded(hosts: [HostPattern], warnings: [String]) -> LoadedCertificate {
        LoadedCertificate(
            hosts: hosts, chainPEM: Array(blocks.map(\.text).joined().utf8), keyPEM: Array(key.text.utf8),
            notAfter: Timestamp(date: leaf.notValidAfter), fingerprintSHA256: fingerprint, warnings: warnings)
    }

    private var fingerprint: String {
        // Parsing has decoded the same text before, so there is DER.
        SHA256.hash(data: blocks[0].der ?? Data()).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private static func certificates(
        in text: String, _ name: String
    ) throws(CertificateError) -> ([PEMBlock], [Certificate]) {
        let all = try blocks(of: text, name)
        let blocks = all.filter { $0.label == "CERTIFICATE" }
        guard !blocks.isEmpty else {
            let labels = all.map { "`\($0.label)`" }.joined(separator: ", ")
            let found = all.isEmpty ? "it holds no PEM block" : "it holds \(labels)"
            throw CertificateError(
                .malformed,
                "\(name) holds no certificate: \(found); a PEM file with `-----BEGIN CERTIFICATE-----` is needed")
        }
        var certificates: [Certificate] = []
        for (index, block) in blocks.enumerated() {
            do {
                certificates.append(try Certificate(pemEncoded: block.text))
            } catch {
                throw CertificateError(.malformed, "\(name): certificate \(index + 1) cannot be understood: \(error)")
            }
        }
        return (blocks, certificates)
    }

    private static func key(in text: String, _ name: String) throws(CertificateError) -> (
        PEMBlock, Certificate.PrivateKey
    ) {
        let keys = try blocks(of: text, name).filter { $0.label.hasSuffix("PRIVATE KEY") }
        guard let key = keys.first, keys.count == 1 else {
            throw CertificateError(
                .malformed,
                "\(name) holds \(keys.isEmpty ? "no private key" : "\(keys.count) private keys"); one is needed")
        }
        if key.label.hasPrefix("ENCRYPTED") || key.text.contains("\nProc-Type: 4,ENCRYPTED") {
            throw CertificateError(
                .malformed,
                "\(name) is encrypted with a passphrase, which nobody could type at a restart; decrypt it with "
                    + "`openssl pkey -in KEY -out PLAIN` and protect it by its mode (0600)")
        }
        do {
            return (key, try Certificate.PrivateKey(pemEncoded: key.text))
        } catch {
            throw CertificateError(
                .malformed,
                "\(name) cannot be understood: \(error); RSA (2048 bits and more), P-256, P-384, P-521 and Ed25519 keys can be used"
            )
        }
    }

    private static func blocks(of text: String, _ name: String) throws(CertificateError) -> [PEMBlock] {
        guard let blocks = PEMBlock.blocks(of: text) else {
            throw CertificateError(.malformed, "\(name) is not whole: a PEM block begins or ends without its other end")
        }
        return blocks
    }

    /// Each certificate is signed by the next (RFC 8446 §4.4.2 asks for it; clients differ in what they forgive).
    private static func checkOrder(_ certificates: [Certificate], _ name: String) throws(CertificateError) {
        for (index, (lower, upper)) in zip(certificates, certificates.dropFirst()).enumerated() {
            if lower.issuer == upper.subject, upper.publicKey.isValidSignature(lower.signature, for: lower) { continue }
            throw CertificateError(
                .brokenChain,
                "\(name): certificate \(index + 1) (\(lower.subject)) was not issued by certificate \(index + 2) "
                    + "(\(upper.subject)); put the server's own certificate first, then its issuer, then the issuer's")
        }
    }
}

extension CertificateError {
    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension Timestamp {
    /// Whole seconds; times past 2262, as of certificates that never end, become that year.
    init(date: Date) {
        let seconds = min(max(date.timeIntervalSince1970, -9_223_372_036), 9_223_372_036)
        self.init(nanoseconds: Int64(seconds) * 1_000_000_000)
    }

    var date: Date { Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000_000)) }
}
