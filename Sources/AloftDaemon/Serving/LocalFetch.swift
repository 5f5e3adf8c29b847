import AloftModel
import AsyncHTTPClient
import Foundation
import NIOCore

/// GET requests to this machine's own replicas and listeners, for metrics paths and checks.
struct LocalFetch: Sendable {
    /// Bytes of a body; longer ones are an error.
    static let bodyLimit = 4 << 20
    static let timeout = TimeAmount.seconds(5)

    struct Answer: Sendable {
        var status: Int
        var fields: [(name: String, value: String)]
        var body: [UInt8]
    }

    enum Failure: Error, Sendable, CustomStringConvertible {
        case unreachable(String)
        case tooLong

        var description: String {
            switch self {
            case .unreachable(let why): why
            case .tooLong: "the answer is longer than \(bodyLimit >> 20) MiB"
            }
        }
    }

    /// Lives as long as the process. Certificates are not verified: the listener is this process's own.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration(certificateVerification: .none)
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(2), read: Self.timeout)
        configuration.connectionPool.idleTimeout = .seconds(1)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func get(_ address: ReplicaAddress, path: String) async throws(Failure) -> Answer {
        switch address {
        case .port(let port): return try await get(url: "http://127.0.0.1:\(port)\(path)", host: nil)
        case .unix(let socket):
            guard let url = URL(httpURLWithSocketPath: socket, uri: path) else {
                throw .unreachable("\(socket) is no path for a socket")
            }
            return try await get(url: url.absoluteString, host: nil)
        case .nowhere: throw .unreachable("it listens nowhere (`listen: none`)")
        }
    }

    func get(url: String, host: String?) async throws(Failure) -> Answer {
        var request = HTTPClientRequest(url: url)
        if let host { request.headers.replaceOrAdd(name: "host", value: host) }
        request.headers.replaceOrAdd(name: "user-agent", value: "aloft/\(Version.current)")
        do {
            let response = try await Self.client.execute(request, timeout: Self.timeout)
            let body = try await response.body.collect(upTo: Self.bodyLimit)
            return Answer(
                status: Int(response.status.code), fields: response.headers.map { ($0.name, $0.value) },
                body: Array(buffer: body))
        } catch is NIOTooManyBytesError {
            throw .tooLong
        } catch {
            throw .unreachable("\(error)")
        }
    }
}
