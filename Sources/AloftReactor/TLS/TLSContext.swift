import CAloftReactor

/// Certificates by server name and the settings they are used with. Immutable: a reload makes another one, and
/// connections keep the one they were accepted with.
// SAFETY: contexts of OpenSSL are not changed after they were made, and their own counts are atomic.
package final class TLSContext: @unchecked Sendable {
    package let settings: TLSSettings
    private let tickets: TicketKeys
    private let names: Names
    private let contexts: [OpaquePointer]

    /// What the callback of each context looks up; it outlives them.
    private final class Names {
        var table = ServerNames<OpaquePointer>()
    }

    /// - Parameter certificates: The first is also shown to clients that ask for no name, or for one that none has.
    /// - Throws: `certificate` for PEM that OpenSSL does not take, `tlsSettings` for the rest.
    package init(
        _ certificates: [TLSCertificate], settings: TLSSettings, tickets: TicketKeys
    ) throws(ReactorError) {
        guard !certificates.isEmpty else {
            throw ReactorError(
                code: .certificate, message: "TLS has no certificate", hint: "add a certificate with its key")
        }
        let protocols = try Self.wireForm(settings.protocols)
        let names = Names()
        var contexts: [OpaquePointer] = []
        do throws(ReactorError) {
            for certificate in certificates {
                let context = try Self.make(certificate, settings, protocols, tickets, names)
                contexts.append(context)
                for name in certificate.names { names.table.add(name, context) }
            }
        } catch {
            for context in contexts { aloft_tls_context_free(context) }
            throw error
        }
        self.settings = settings
        self.tickets = tickets
        self.names = names
        self.contexts = contexts
    }

    deinit {
        for context in contexts { aloft_tls_context_free(context) }
    }

    /// A connection's own part, to be freed by it; nil without memory.
    func makeConnection(_ descriptor: Int32) -> OpaquePointer? { aloft_tls_make(contexts[0], descriptor) }

    private static func make(
        _ certificate: TLSCertificate, _ settings: TLSSettings, _ protocols: [UInt8], _ tickets: TicketKeys,
        _ names: Names
    ) throws(ReactorError) -> OpaquePointer {
        var reason = [CChar](repeating: 0, count: 256)
        let (verify, authorities) = settings.clientCertificates.forOpenSSL
        let made = certificate.chain.withCharacters { chain in
            certificate.key.withCharacters { key in
                authorities.withCharacters { authorities in
                    protocols.withUnsafeBufferPointer { protocols in
                        var values = aloft_tls_settings()
                        (values.chain, values.chain_size) = (chain.baseAddress, chain.count)
                        (values.key, values.key_size) = (key.baseAddress, key.count)
                        values.minimum_is_13 = settings.minimum == .tls13 ? 1 : 0
                        (values.protocols, values.protocols_size) = (protocols.baseAddress, protocols.count)
                        values.verify = verify
                        (values.authorities, values.authorities_size) = (authorities.baseAddress, authorities.count)
                        values.tickets = tickets.keys
                        values.choose = { table, name in
                            guard let table, let name else { return nil }
                            return Unmanaged<Names>.fromOpaque(table)._withUnsafeGuaranteedRef {
                                $0.table.find(String(cString: name))
                            }
                        }
                        values.table = UnsafeRawPointer(Unmanaged.passUnretained(names).toOpaque())
                        return aloft_tls_context_make(&values, &reason, reason.count)
                    }
                }
            }
        }
        if let made { return made }
        let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw ReactorError(
            code: .certificate,
            message: "the certificate for \(certificate.names.joined(separator: ", ")) can't be used: \(text)",
            hint: "give a PEM chain, leaf first, its unencrypted PEM key, and PEM authorities for clients if any")
    }

    /// Each with its length in front (RFC 7301 §3.1).
    private static func wireForm(_ protocols: [String]) throws(ReactorError) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in protocols {
            guard (1...255).contains(name.utf8.count) else {
                throw ReactorError(
                    code: .tlsSettings, message: "`\(name)` is no protocol for ALPN",
                    hint: "use a name of 1 to 255 bytes, such as h2 or http/1.1")
            }
            bytes.append(UInt8(name.utf8.count))
            bytes += name.utf8
        }
        return bytes
    }
}

extension TLSSettings.ClientCertificates {
    fileprivate var forOpenSSL: (aloft_tls_verify, [UInt8]) {
        switch self {
        case .none: (ALOFT_VERIFY_NONE, [])
        case .request(let authorities): (ALOFT_VERIFY_REQUEST, authorities)
        case .require(let authorities): (ALOFT_VERIFY_REQUIRE, authorities)
        }
    }
}

extension [UInt8] {
    fileprivate func withCharacters<Result>(_ body: (UnsafeBufferPointer<CChar>) -> Result) -> Result {
        withUnsafeBytes { body($0.assumingMemoryBound(to: CChar.self)) }
    }
}
