import AloftSystem
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import X509

/// Why TLS with a server was not agreed, without the words of the library.
enum TLSTrouble: Sendable, Hashable {
    /// The certificate is not trusted; `CertificateLook` says why.
    case untrusted
    /// It is trusted, and for another host.
    case wrongName
    case other(String)

    /// Nil for what is not about TLS.
    init?(_ error: any Error) {
        switch error {
        case let error as NIOSSLExtraError:
            self = error == .failedToValidateHostname ? .wrongName : .other("TLS was not agreed")
        case let error as NIOSSLError: self = Self.trouble(error)
        case let error as BoringSSLError: self = Self.trouble(error)
        default: return nil
        }
    }

    private static func trouble(_ error: NIOSSLError) -> TLSTrouble {
        switch error {
        case .unableToValidateCertificate, .noCertificateToValidate: .untrusted
        case .handshakeFailed(let cause): trouble(cause)
        case .uncleanShutdown: .other("the server closed the connection without ending TLS")
        default: .other("TLS was not agreed")
        }
    }

    private static func trouble(_ error: BoringSSLError) -> TLSTrouble {
        guard case .sslError(let stack) = error else {
            return .other("the server closed the connection while TLS was agreed")
        }
        // `Error: 1 error:10000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …`
        let text = stack.map(\.description).joined(separator: " ")
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return .untrusted }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return .other("the server does not speak TLS there")
        }
        if text.contains("EOF during") { return .other("the server closed the connection while TLS was agreed") }
        guard let reason = text.firstMatch(of: /OPENSSL_internal:([A-Z0-9_]+)/)?.1 else {
            return .other("TLS was not agreed")
        }
        return .other("TLS was not agreed: \(reason.lowercased().replacing("_", with: " "))")
    }

    /// Without a look at the certificate.
    var text: String {
        switch self {
        case .untrusted: "the server's certificate is not trusted"
        case .wrongName: "the server's certificate is for another name"
        case .other(let words): words
        }
    }
}

/// Takes down what certificate a server shows, on a connection that ends with that: nothing is sent on it.
///
/// The library says that verification failed, and not why.
final class CertificateLook: Sendable {
    private let seen = Mutex<[NIOSSLCertificate]>([])

    /// Refuses every certificate, once it is written down.
    func handler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(
            context: context, serverHostname: TrustedTLS.serverName(host),
            customVerificationCallback: { [self] shown, verdict in
                seen.withLock { $0 = shown }
                verdict.succeed(.failed)
            })
    }

    /// - Returns: Nil where none was shown.
    func words(host: String, onlyName: Bool, now: Date = Date()) -> String? {
        guard let first = seen.withLock({ $0.first }), let bytes = try? first.toDERBytes(),
            let certificate = try? Certificate(derEncoded: bytes)
        else { return nil }
        return CertificateFault(host: host, now: now).words(certificate, onlyName: onlyName)
    }

    /// Connects with TLS from the first byte.
    func connect(host: String, port: Int, _ context: NIOSSLContext, timeout: Duration) async {
        let limit = timeAmount(timeout)
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(try self.handler(context, host: host))
                    }
                }
                .connect(host: host, port: port).get()
            let expiry = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
            defer { expiry.cancel() }
            try await channel.closeFuture.get()
        } catch {
            // What it wants to know was known before, or is not to be known.
        }
    }
}
