import AloftTestKit

/// A throw-away certificate for localhost, made with openssl.
enum Certificate {
    static func make(in folder: String) async throws -> (chain: String, key: String) {
        let chain = folder + "/chain.pem"
        let key = folder + "/key.pem"
        let made = try await Child.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "7", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", chain, "-keyout",
                key,
            ], directory: folder)
        guard made.ending == .exited(0) else { throw KitError.missing("openssl: \(made.output)") }
        return (chain, key)
    }
}
