import AloftLanguage
import AloftModel
import Synchronization

/// Values of `${env.NAME}`: those of `aloft up`, and what a later `reload` or `deploy` brought from its own shell.
///
/// In memory alone. They are in no release, journal, log or answer; a new daemon has those of its own `aloft up`.
final class HostVariables: Sendable {
    /// What a command would make of the values there are.
    struct Offer: Sendable {
        /// Of `${env.NAME}`, and all else of the environment of `aloft up`.
        var values: [String: String]
        /// Names that the file reads and that have another value than before.
        var changed: [String] = []
        /// Names that the file reads and the caller's shell lacks, while the daemon has a value.
        var kept: [String] = []
    }

    private let current: Mutex<[String: String]>

    init(_ values: [String: String]) { current = Mutex(values) }

    var values: [String: String] { current.withLock { $0 } }

    /// - Parameter given: The caller's variables; nil where no shell is behind the request. Only names that the file
    ///   reads count, and one that is missing takes nothing away.
    func offer(_ given: [String: String]?, reading names: [String]) -> Offer {
        var offer = Offer(values: values)
        guard let given else { return offer }
        for name in names {
            if let value = given[name] {
                if offer.values[name] != value { offer.changed.append(name) }
                offer.values[name] = value
            } else if offer.values[name] != nil {
                offer.kept.append(name)
            }
        }
        return offer
    }

    func take(_ offer: Offer) { current.withLock { $0 = offer.values } }
}
