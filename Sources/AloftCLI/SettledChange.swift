import AloftDaemon
import NIOCore

/// A restart or a new number of replicas, and where asked for the wait until it is over.
struct SettledChange: Sendable {
    let client: ControlClient
    let service: String
    /// Last part of the path: `restart` or `scale`.
    let change: String
    let wait: WaitChoice

    /// The daemon answers in time; a little more is given, for what is on its way.
    private static let grace = TimeAmount.seconds(15)

    func post(_ body: [UInt8] = []) async throws(CommandFailure) -> Accepted {
        let path = "services/\(service.pathSegment)/\(change)"
        guard wait.wait else { return try await client.post(path, body) }
        let limit = wait.limit.seconds
        return try await client.post(
            path.query([("wait", "\(limit)")]), body, within: .seconds(Int64(limit)) + Self.grace)
    }
}
