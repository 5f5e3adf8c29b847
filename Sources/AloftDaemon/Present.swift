import AloftModel
import Synchronization

/// What the daemon is at present: the plan that runs, where it answers, how often it was changed.
///
/// Written by the one who changes things, read by everybody who asks.
final class Present: Sendable {
    struct Facts: Sendable {
        var running: Running
        var certificates: [CertificateFacts]
        var urls: [String]
        /// `http://127.0.0.1:9900` as it was bound.
        var admin: String?
        var state: StatusReport.State
        var reloads = ReloadCounts()
        /// Services whose next release waits for something, and for what.
        var waiting: [String: String] = [:]
    }

    private let value: Mutex<Facts>

    init(_ facts: Facts) { value = Mutex(facts) }

    var facts: Facts { value.withLock { $0 } }

    func change(_ body: (inout Facts) -> Void) { value.withLock { body(&$0) } }
}
