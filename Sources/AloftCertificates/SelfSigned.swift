import AloftModel
import AloftSystem
import Crypto
import Foundation
import X509

/// Certificates that Aloft makes itself, for development.
///
/// One file a set of hosts, certificate and key in it together, so that the two are always of one make. Kept across
/// restarts, so that a browser's exception for it keeps working.
struct SelfSigned {
    let directory: String

    private static let lifetime: Duration = .seconds(90 * 86_400)
    /// With less left than this, a start makes a new one.
    private static let renewal: Duration = .seconds(14 * 86_400)
    /// Clients whose clock is behind accept it too.
    private static let clockSkew: Duration = .seconds(3600)
    /// Used where the file names no host.
    private static let local = ["localhost", "127.0.0.1", "::1"].map { HostPattern(name: $0) }

    func load(hosts: [HostPattern], now: Timestamp) throws(CertificateError) -> LoadedCertificate {
        let names = hosts.isEmpty ? Self.local : hosts
        let path = path(for: names)
        var warnings: [String] = []
        do throws(CertificateError) {
            let kept = try kept(path)
            let left = Timestamp(date: kept.leaf.notValidAfter) - now
            // More than a whole lifetime left: made while the clock was ahead, and not valid yet.
            if left >= Self.renewal, left <= Self.lifetime { return kept.loaded(hosts: hosts, warnings: []) }
            warnings.append("the self-signed certificate was renewed; browsers will ask for a new exception")
        } catch {
            if exists(path) {
                warnings.append("the kept self-signed certificate was replaced: \(error.message)")
            }
        }
        let chain = try make(names, now)
        try keep(chain, at: path)
        return chain.loaded(hosts: hosts, warnings: warnings)
    }

    private func path(for hosts: [HostPattern]) -> String {
        let list = hosts.map(\.description).sorted().joined(separator: "\n")
        let digest = SHA256.hash(data: Array(list.utf8)).prefix(8)
        return directory + "/self-signed-" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            + ".pem"
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    private func kept(_ path: String) throws(CertificateError) -> CertificateChain {
        let name = "the file \(path)"
        let file = try PrivateFile.read(path, name: name)
        return try CertificateChain(
            certificateText: file.text, keyText: file.text, certificateName: name, keyName: name)
    }

    private func make(_ hosts: [HostPattern], _ now: Timestamp) throws(CertificateError) -> CertificateChain {
        do {
            let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let name = try DistinguishedName { CommonName(String(hosts[0].description.prefix(64))) }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: (now - Self.clockSkew).date, notValidAfter: (now + Self.lifetime).date,
                issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try extensions(hosts), issuerPrivateKey: key)
            let text = try certificate.serializeAsPEM().pemString + "\n" + key.serializeAsPEM().pemString + "\n"
            return try CertificateChain(
                certificateText: text, keyText: text, certificateName: "the new certificate", keyName: "its key")
        } catch {
            throw CertificateError(
                .cannotStore,
                "a self-signed certificate for \(hosts.map(\.description).joined(separator: ", ")) cannot be made: \(error)"
            )
        }
    }

    private func extensions(_ hosts: [HostPattern]) throws -> Certificate.Extensions {
        let names: [GeneralName] = hosts.map { host in
            guard !host.isWildcard, let address = CertificateNames.address(host.name) else {
                return .dnsName(host.description)
            }
            return .ipAddress(.init(contentBytes: address[...]))
        }
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(names)
        }
    }

    private func keep(_ chain: CertificateChain, at path: String) throws(CertificateError) {
        do throws(SystemError) {
            try Directories.make(directory)
            try AtomicFile.write((chain.blocks[0].text + chain.key.text).utf8, to: path, mode: 0o600)
        } catch {
            throw CertificateError(
                .cannotStore,
                "the self-signed certificate \(path) cannot be kept: \(error); the state directory must be writable and have "
                    + "room")
        }
    }
}

extension Timestamp {
    fileprivate static func - (left: Timestamp, right: Duration) -> Timestamp { left + (.zero - right) }
}
