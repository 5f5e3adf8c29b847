import AloftModel
import AloftSystem
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Posts to one server with a client that lives as long as one message: notices are rare, and a connection that was kept
/// may be dead when it is wanted.
///
/// No redirects, HTTP/1.1, certificates verified. Answers are read up to 4 KiB and for one more `timeout`.
struct HTTPPoster: Sendable {
    let address: WebAddress
    let redaction: Redaction
    let timeout: Duration
    let extraRoots: String?
    let clock: any TimeSource
    /// A server that failed with 5xx may have kept the idempotency key.
    let sealsOnServerError: Bool

    private static let answerLimit = 4096

    struct Post: Sendable {
        var headers: [(String, String)] = []
        var body: Data
    }

    /// Posts one after the other, until one is not accepted.
    ///
    /// - Returns: The last delivery, and how many were accepted.
    func send(_ posts: [Post]) async -> (delivery: Delivery, accepted: Int) {
        let client: HTTPClient
        do {
            client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try clientConfiguration())
        } catch {
            return (Delivery(result: .failed, answer: redaction.clean(TrustedTLS.words(error, extraRoots))), 0)
        }
        var last = Delivery(result: .refused, answer: "there was nothing to send")
        var accepted = 0
        for post in posts {
            last = await explained(await send(post, client))
            guard last.result == .accepted else { break }
            accepted += 1
        }
        do {
            try await client.shutdown()
        } catch {
            last.answer += " (and the client did not close: \(redaction.clean("\(error)")))"
        }
        return (last, accepted)
    }

    /// Says what is wrong with a certificate that was not taken.
    private func explained(_ answer: (delivery: Delivery, trouble: TLSTrouble?)) async -> Delivery {
        var delivery = answer.delivery
        guard let trouble = answer.trouble, trouble == .untrusted || trouble == .wrongName,
            let url = URLComponents(string: address.url), let host = url.host,
            let context = try? NIOSSLContext(configuration: TrustedTLS.configuration(extraRoots: extraRoots))
        else { return delivery }
        let look = CertificateLook()
        await look.connect(host: host, port: url.port ?? 443, context, timeout: timeout)
        if let words = look.words(host: host, onlyName: trouble == .wrongName) {
            delivery.answer = redaction.clean("\(words); SSL_CERT_FILE can name certificates to trust")
        }
        return delivery
    }

    private func send(_ post: Post, _ client: HTTPClient) async -> (delivery: Delivery, trouble: TLSTrouble?) {
        var request = HTTPClientRequest(url: address.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "aloft")
        for (name, value) in post.headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: post.body))
        do {
            let response = try await client.execute(request, timeout: timeAmount(timeout))
            var bytes: [UInt8] = []
            // A pause is ended by the client's own limit, a trickle by this one.
            let end = ContinuousClock.now + timeout
            do {
                for try await chunk in response.body {
                    bytes += chunk.readableBytesView.prefix(Self.answerLimit - bytes.count)
                    if bytes.count >= Self.answerLimit || ContinuousClock.now >= end { break }
                }
            } catch {
                // The status is the answer; what would have explained it is missing.
                bytes += Array(" (the answer was cut off)".utf8)
            }
            // Half a secret may stand where it was cut, and would not be known.
            if bytes.count >= Self.answerLimit { bytes.removeLast(min(redaction.longest, bytes.count)) }
            return (delivery(response.status, response.headers, String(decoding: bytes, as: UTF8.self)), nil)
        } catch {
            return (failure(error), TLSTrouble(error))
        }
    }

    private func delivery(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: String) -> Delivery {
        let text = redaction.clean("HTTP \(status.code) \(status.reasonPhrase)" + (body.isEmpty ? "" : ": " + body))
        switch status.code {
        case 200..<300: return Delivery(result: .accepted, answer: text)
        case 408, 425, 429, 500...:
            let now = Timestamp(nanoseconds: clock.wallNanoseconds)
            return Delivery(
                result: .failed, answer: text,
                retryAfter: headers.first(name: "Retry-After").flatMap { RetryAfter.delay($0, now: now) },
                seals: status.code >= 500 && sealsOnServerError)
        case 300..<400: return Delivery(result: .refused, answer: text + " (redirects are not followed)")
        default: return Delivery(result: .refused, answer: text)
        }
    }

    /// Tells failures before a byte was sent from those after which the server may have it.
    private func failure(_ error: any Error) -> Delivery {
        let early: Bool
        switch error {
        case let error as HTTPClientError:
            early = error == .connectTimeout || error == .tlsHandshakeTimeout || error == .alreadyShutdown
        case let error as IOError: early = isFromConnecting(error)
        default: early = error is NIOConnectionError || TLSTrouble(error) != nil
        }
        return Delivery(result: .failed, answer: redaction.clean(reason(error)), seals: !early)
    }

    private func reason(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError { return connectionText(error) }
        if let trouble = TLSTrouble(error) { return trouble.text }
        if let error = error as? IOError, isFromConnecting(error) {
            return "no connection to \(address.host): \(systemText(error))"
        }
        guard let error = error as? HTTPClientError else { return "\(error)" }
        return switch error {
        case .deadlineExceeded, .readTimeout: "no answer within \(timeout)"
        case .remoteConnectionClosed: "the server closed the connection without an answer"
        case .connectTimeout: "no connection within \(timeout / 3)"
        case .tlsHandshakeTimeout: "TLS was not agreed in time"
        default: error.shortDescription
        }
    }

    private func clientConfiguration() throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try TrustedTLS.configuration(extraRoots: extraRoots),
            redirectConfiguration: .disallow,
            timeout: .init(connect: timeAmount(timeout / 3), read: timeAmount(timeout)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}

/// The machine's roots, and those of a file where there is one.
enum TrustedTLS {
    static func configuration(extraRoots: String?) throws -> TLSConfiguration {
        try configuration(roots: [extraRoots].compactMap { $0 })
    }

    static func configuration(roots: [String], verify: Bool = true) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        for file in roots { tls.additionalTrustRoots.append(.certificates(try NIOSSLCertificate.fromPEMFile(file))) }
        if !verify { tls.certificateVerification = .none }
        return tls
    }

    /// An address is verified as such; SNI is for names only.
    static func serverName(_ host: String) -> String? {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil  // thrown for every name
        return isAddress ? nil : host
    }

    /// Why a configuration could not be made: of all that it holds, files can fail.
    static func words(_ error: any Error, _ roots: String?...) -> String {
        if let error = error as? IOError { return "certificates to trust cannot be read: \(systemText(error))" }
        let files = roots.compactMap { $0 }.joined(separator: ", ")
        return files.isEmpty ? "TLS cannot be set up" : "\(files) cannot be read as certificates (PEM)"
    }
}

func timeAmount(_ duration: Duration) -> TimeAmount { .nanoseconds(Int64(duration / .nanoseconds(1))) }

/// What failed for the addresses that were tried, without repeating the same reason.
func connectionText(_ error: NIOConnectionError) -> String {
    if error.connectionErrors.isEmpty {
        return "the name \(error.host) was not found"
    }
    let reasons = error.connectionErrors.map { ($0.error as? IOError).map(systemText) ?? "\($0.error)" }
    let shown = Set(reasons).sorted().prefix(3).joined(separator: "; ")
    return "no connection to \(error.host):\(error.port): \(shown)"
}

/// True for what the system says of a connection that never was; others may come after bytes were sent.
///
/// A connection that stands does not end with "no route" before many minutes, which no try lasts.
func isFromConnecting(_ error: IOError) -> Bool {
    [ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL].contains(error.errnoCode)
}

/// The system's own words: `Connection refused`.
func systemText(_ error: IOError) -> String { String(cString: strerror(error.errnoCode)) }
