import AloftModel

/// `edge.tls`.
enum TLSKeys {
    static let section = Section<TLSSpec>("tls", [minVersion.member, certificates.member]) { fields, reader in
        report(repeatedHostsIn: fields[certificates], &reader)
        return TLSSpec(minVersion: fields[minVersion], certificates: fields[certificates].map(\.item))
    }

    static let minVersion = Key<TLSSpec, TLSSpec.Version>.standard(
        "minVersion",
        .choice([("1.2", .tls12, "for clients since 2013"), ("1.3", .tls13, "for clients since 2018")]), "\"1.2\"",
        "The oldest version of TLS that is spoken.", example: "\"1.3\"", synonyms: ["min", "version", "minimumVersion"]
    ) { $0.minVersion }

    static let certificates = Key<TLSSpec, [Placed<CertificateSpec>]>.standard(
        "certificates", .placedList(of: certificate.kind, count: 0...1000), "[]",
        "Certificates; the first whose hosts fit the name that the client asks for is used, else the first of all.",
        example: "[{hosts: [localhost], selfSigned: true}]", synonyms: ["certs", "certificate"]
    ) { $0.certificates.map { Placed(item: $0) } }

    static let certificate = Section<CertificateSpec>(
        "certificate", [hosts.member, files.member, selfSigned.member],
        alternatives: [.exactlyOne("files", "selfSigned")]
    ) { fields, _ in
        guard let hosts = fields[hosts] else { return nil }
        if let files = fields[files] {
            return CertificateSpec(hosts: hosts, source: .files(certificate: files.certificate, key: files.key))
        }
        return fields[selfSigned] == true ? CertificateSpec(hosts: hosts, source: .selfSigned) : nil
    }

    static let hosts = Key<CertificateSpec, [HostPattern]?>.required(
        "hosts", .list(of: .host, count: 1...100), "The names it is for: `example.com`, `*.example.com`.",
        example: "[example.com, \"*.example.com\"]", synonyms: ["host", "domains", "names", "domain"]
    ) { $0.hosts }

    /// Two PEM files.
    struct Files: Sendable, Hashable {
        var certificate: String
        var key: String
    }

    static let files = Key<CertificateSpec, Files?>.optional(
        "files", filesSection.kind, "PEM files; they are read again at each reload.",
        example: "{certificate: ./fullchain.pem, key: ./key.pem}"
    ) { spec in
        if case .files(let certificate, let key) = spec.source {
            Files(certificate: certificate, key: key)
        } else {
            nil
        }
    }

    static let selfSigned = Key<CertificateSpec, Bool?>.optional(
        "selfSigned", .flag, "A certificate that Aloft makes; browsers warn of it. For development.", example: "true"
    ) { $0.source == .selfSigned ? true : nil }

    static let filesSection = Section<Files>("certificateFiles", [certificateFile.member, keyFile.member]) {
        fields, _ in
        guard let certificate = fields[certificateFile], let key = fields[keyFile] else { return nil }
        return Files(certificate: certificate, key: key)
    }

    static let certificateFile = Key<Files, String?>.required(
        "certificate", .path("file", plural: "files"), "The certificate and its chain, its own first.",
        example: "./fullchain.pem", synonyms: ["cert", "chain", "crt"]
    ) { $0.certificate }

    static let keyFile = Key<Files, String?>.required(
        "key", .path("file", plural: "files"), "The private key.", example: "./key.pem", synonyms: ["privateKey"]
    ) { $0.key }

    /// A host in a second certificate is never answered with it.
    private static func report(repeatedHostsIn certificates: [Placed<CertificateSpec>], _ reader: inout Reader) {
        var first: [HostPattern: Int] = [:]
        for placed in certificates {
            let nodes = placed.node?[hosts.name]?.items ?? []
            for (place, host) in placed.item.hosts.enumerated() {
                guard let other = first[host] else {
                    first[host] = placed.index
                    continue
                }
                let node = nodes.count == placed.item.hosts.count ? nodes[place] : placed.node
                reader.problems.warning(
                    node?.span ?? .fileStart,
                    "`\(host)` already has a certificate, `edge.tls.certificates[\(other)]`; this is never used for it",
                    hint: "remove the host from one of them")
            }
        }
    }
}
