import AloftDaemon

/// Which service a command is about where none was named.
enum ServiceChoice {
    /// The one that was named, else the only one that the daemon runs.
    ///
    /// - Parameter usage: the command with a place for the name: `aloft deploy SERVICE`.
    static func name(_ given: String?, usage: String, _ client: ControlClient) async throws(CommandFailure) -> String {
        if let given { return given }
        let status: StatusReport = try await client.get("status")
        return try only(of: status.services.map(\.name), usage: usage)
    }

    static func only(of names: [String], usage: String) throws(CommandFailure) -> String {
        if names.count == 1 { return names[0] }
        guard !names.isEmpty else {
            throw CommandFailure("the file has no service", code: "unknownService", exitCode: .misuse)
        }
        throw CommandFailure(
            "the file has \(names.count) services: \(names.joined(separator: ", "))",
            hint: "name one: `\(usage.replacing("SERVICE", with: names[0]))`", code: "whichService",
            exitCode: .misuse)
    }
}
