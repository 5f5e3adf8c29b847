import AloftModel

/// Why a request to `Compute` was refused.
package enum ComputeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No service of this name; the names there are.
    case unknownService(String, known: [String])
    /// The number is not within the file's bounds.
    case outOfBounds(service: String, asked: Int, minReplicas: Int, maxReplicas: Int)
    /// The service has no set of this release; the releases that have one.
    case unknownRelease(service: String, release: Int, known: [Int])
    /// The primary set of a service cannot be removed: another is promoted first.
    case isPrimary(service: String, release: Int)
    /// No replica runs that a command could run beside.
    case noReplica(service: String, index: Int?, release: Int?)
    /// The file says no signal at which the service reads its configuration again.
    case noReload(String)
    /// The replica's program does nothing about the signal, which would end it.
    case unhandledSignal(replica: String, signal: String)
    /// So many commands run beside replicas already.
    case tooManyCommands(limit: Int)
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
        case .unknownRelease(let service, let release, let known):
            "no replicas of `\(service)` belong to release \(release); there are releases "
                + known.map(String.init).joined(separator: ", ")
        case .isPrimary(let service, let release):
            "release \(release) is what `\(service)` runs: another must take its place before it can go"
        case .noReplica(let service, let index, let release):
            "no replica " + (index.map { "`\(service)-\($0)`" } ?? "of `\(service)`")
                + (release.map { " of release \($0)" } ?? "") + " runs at present"
        case .noReload(let service):
            "`\(service)` has no `reload` in the file, so nothing says how it reads its configuration again"
        case .unhandledSignal(let replica, let signal):
            "`\(replica)` does nothing about \(signal): it would end by it, so nothing was sent"
        case .tooManyCommands(let limit):
            "\(limit) commands run beside replicas already: wait for one to end"
        case .stopping:
            "the daemon is stopping"
        }
    }
}
