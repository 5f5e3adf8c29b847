import Foundation
import X509

/// What is wrong with a certificate that was not trusted, in words for people.
struct CertificateFault: Sendable {
    let host: String
    let now: Date

    /// - Parameter onlyName: True where the certificate is trusted, and not for this host.
    /// - Returns: `the certificate of localhost is self-signed`.
    func words(_ certificate: Certificate, onlyName: Bool) -> String {
        var faults: [String] = []
        if !onlyName {
            if certificate.notValidAfter < now { faults.append("expired on \(day(certificate.notValidAfter))") }
            if certificate.notValidBefore > now {
                faults.append("is valid from \(day(certificate.notValidBefore)) only")
            }
            if certificate.issuer == certificate.subject { faults.append("is self-signed") }
        }
        let names = Self.names(certificate)
        if onlyName || !names.isEmpty && !names.contains(where: fits) {
            let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " …" : "")
            faults.append("is for another name" + (names.isEmpty ? "" : " (\(shown))"))
        }
        if faults.isEmpty { faults.append("is signed by \(certificate.issuer), whom this machine does not trust") }
        return "the certificate of \(host) \(faults.joined(separator: " and "))"
    }

    /// RFC 9525: a `*` stands for the first label alone.
    private func fits(_ name: String) -> Bool {
        let (name, host) = (name.lowercased(), host.lowercased())
        guard name.hasPrefix("*."), let dot = host.firstIndex(of: ".") else { return name == host }
        return host[dot...] == name.dropFirst()
    }

    private func day(_ date: Date) -> String {
        let parts = Calendar(identifier: .gregorian).dateComponents(in: .gmt, from: date)
        func two(_ value: Int?) -> String { (value ?? 0) < 10 ? "0\(value ?? 0)" : "\(value ?? 0)" }
        return "\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))"
    }

    private static func names(_ certificate: Certificate) -> [String] {
        // One that cannot be read says nothing of names; that it is not trusted is known.
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            switch name {
            case .dnsName(let text): text
            case .ipAddress(let address): Self.address(Array(address.bytes))
            default: nil
            }
        }
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        var buffer = [CChar](repeating: 0, count: 64)
        guard bytes.count == 16, inet_ntop(AF_INET6, bytes, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
