import AloftCompute
import AloftJournal
import AloftModel
import Synchronization

/// How many replicas each service should have: the file's bounds, moved by people, by schedules and by load.
///
/// One number a service, whatever releases share it; kept in the journal, so that a restart goes on with it.
final class WantedReplicas: Sendable {
    private let journal: Journal
    private let numbers = Mutex<[String: Int]>([:])
    private let reach = Mutex<[String: (least: Int, bounds: ClosedRange<Int>)]>([:])

    init(journal: Journal) { self.journal = journal }

    private static func key(_ service: String) -> String { "desired/\(service)" }

    /// Reads what the journal has.
    func restore(services: [ServiceSpec], events: EventQueue) async {
        apply(services)
        for service in services {
            do {
                guard let text = try await journal.fact(Self.key(service.name)), let count = Int(text) else { continue }
                numbers.withLock { $0[service.name] = count }
            } catch {
                events.publish(.warning, "service.scaled", service.name, "its number was not kept: \(error)")
            }
        }
    }

    /// Takes the file's bounds over; a number that they no longer allow is brought within them.
    func apply(_ services: [ServiceSpec]) {
        reach.withLock { reach in
            reach = [:]
            for spec in services { reach[spec.name] = (spec.scaling.minReplicas, spec.scaling.reach) }
        }
    }

    /// Within the bounds of the service; the least where nobody has said another number.
    func number(of service: String) -> Int {
        guard let (least, bounds) = reach.withLock({ $0[service] }) else { return 0 }
        let count = numbers.withLock { $0[service] } ?? least
        return min(max(count, bounds.lowerBound), bounds.upperBound)
    }

    func set(_ service: String, _ count: Int) async throws {
        numbers.withLock { $0[service] = count }
        try await journal.setFact(Self.key(service), "\(count)")
    }
}
