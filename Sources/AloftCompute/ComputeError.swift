import AloftModel

/// Why a request to `Compute` was refused.
package enum ComputeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No service of this name; the names there are.
    case unknownService(String, known: [String])
    /// The number is not within the file's bounds.
    case outOfBounds(service: String, asked: Int, minReplicas: Int, maxReplicas: Int)
    /// `stopAll` was called; nothing is started any more.
    case stopping

    package var description: String {
        switch self {
        case .unknownService(let name, let known):
            known.isEmpty
                ? "there is no service `\(name)`: the file has none"
                : "there is no service `\(name)`; there are: \(known.joined(separator: ", "))"
        case .outOfBounds(let service, let asked, let low, let high):
            "`\(service)` cannot have \(asked) replicas: the file allows \(low) to \(high)"
        case .stopping:
            "the daemon is stopping"
        }
    }
}
