import AloftDaemon
import Foundation

/// What this command's environment has for the variables that the daemon's file reads as `${env.NAME}`.
///
/// Nothing else of it leaves this process; values go through the daemon's own socket, which only its user can open.
enum ShellVariables {
    /// Nil where the names are not known: the file can't be read, which the request itself says, or the daemon is older.
    static func read(_ client: ControlClient) async throws(CommandFailure) -> [String: String]? {
        do {
            let known: VariableNames = try await client.get("variables")
            return values(of: known.names)
        } catch  where ["invalidFile", "notFound", "stopping"].contains(error.code) {
            return nil
        }
    }

    static func values(of names: [String]) -> [String: String] {
        let variables = ProcessInfo.processInfo.environment
        return names.reduce(into: [:]) { $0[$1] = variables[$1] }
    }
}
