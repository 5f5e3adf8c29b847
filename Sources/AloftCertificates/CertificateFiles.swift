import AloftModel
import X509

/// A certificate and key that somebody else made and renews.
struct CertificateFiles {
    let certificatePath: String
    let keyPath: String

    /// Warned about from here on; renewals commonly happen 30 days before the end.
    private static let warningPeriod: Duration = .seconds(21 * 86_400)

    func load(hosts: [HostPattern], now: Timestamp) throws(CertificateError) -> LoadedCertificate {
        let certificateName = "the certificate \(certificatePath)"
        let certificateFile = try PrivateFile.read(certificatePath, name: certificateName)
        let keyFile = try PrivateFile.read(keyPath, name: "the key \(keyPath)")
        let chain = try CertificateChain(
            certificateText: certificateFile.text, keyText: keyFile.text, certificateName: certificateName,
            keyName: "the key \(keyPath)")
        try checkValidity(chain.leaf, certificateName, now)

        var warnings: [String] = []
        if keyFile.mode & 0o004 != 0 {
            warnings.append("the key \(keyPath) can be read by everybody on this machine; run `chmod 600 \(keyPath)`")
        }
        warnings += expiryWarnings(chain, certificateName, now)
        warnings += CertificateNames(chain.leaf).warnings(for: hosts, certificateName)
        if chain.certificates.count == 1, chain.leaf.issuer != chain.leaf.subject {
            warnings.append(
                "\(certificateName) comes without its issuer (\(chain.leaf.issuer)); unless clients know that one, append "
                    + "the intermediate certificates to the file")
        }
        return chain.loaded(hosts: hosts, warnings: warnings)
    }

    private func checkValidity(_ leaf: Certificate, _ name: String, _ now: Timestamp) throws(CertificateError) {
        let (start, end) = (Timestamp(date: leaf.notValidBefore), Timestamp(date: leaf.notValidAfter))
        if now > end { throw CertificateError(.expired, "\(name) expired on \(end); renew it") }
        if now < start {
            throw CertificateError(.expired, "\(name) is not valid before \(start), and it is \(now); check the clock")
        }
    }

    private func expiryWarnings(_ chain: CertificateChain, _ name: String, _ now: Timestamp) -> [String] {
        chain.certificates.enumerated().compactMap { index, certificate in
            let end = Timestamp(date: certificate.notValidAfter)
            let what = index == 0 ? name : "\(name): certificate \(index + 1) (\(certificate.subject))"
            if end < now { return "\(what) expired on \(end); replace it" }
            guard end - now < Self.warningPeriod else { return nil }
            let days = (end - now).components.seconds / 86_400
            return "\(what) expires on \(end), in \(days) \(days == 1 ? "day" : "days"); renew it"
        }
    }
}
