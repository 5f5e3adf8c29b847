import AloftModel
import Glibc
import X509

/// The names a certificate is good for.
struct CertificateNames {
    /// Lower case, with `*.` where the certificate has it.
    private(set) var domains: Set<String> = []
    /// 4 or 16 bytes each.
    private(set) var addresses: Set<[UInt8]> = []

    /// Only subjectAltName counts (RFC 9525 §6.3); browsers have ignored the common name since 2017.
    init(_ certificate: Certificate) {
        // A broken extension names nothing, so every host is warned about.
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return }
        for name in names {
            switch name {
            case .dnsName(let domain): domains.insert(domain.lowercased())
            case .ipAddress(let address): addresses.insert(Array(address.bytes))
            default: break
            }
        }
    }

    /// Whether clients that ask for a host of this pattern accept the certificate (RFC 9525 §6.3).
    func cover(_ host: HostPattern) -> Bool {
        if let address = Self.address(host.name) { return !host.isWildcard && addresses.contains(address) }
        if domains.contains(host.description) { return true }
        guard !host.isWildcard, let dot = host.name.firstIndex(of: ".") else { return false }
        return domains.contains("*" + host.name[dot...])
    }

    func warnings(for hosts: [HostPattern], _ name: String) -> [String] {
        let missing = hosts.filter { !cover($0) }
        guard !missing.isEmpty else { return [] }
        let named = domains.sorted() + addresses.map(Self.text).sorted()
        let list = named.isEmpty ? "nothing" : named.joined(separator: ", ")
        return [
            "\(name) is not good for \(missing.map(\.description).joined(separator: ", ")): it names \(list); "
                + "clients will refuse it there"
        ]
    }

    /// Bytes of a numeric address, or nil for a name.
    static func address(_ host: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, host, &four) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET6, host, &sixteen) == 1 ? sixteen : nil
    }

    private static func text(_ address: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard [4, 16].contains(address.count),
            inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil
        else { return "an odd address" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
