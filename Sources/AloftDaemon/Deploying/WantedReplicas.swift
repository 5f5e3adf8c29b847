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
    private let specs = Mutex<[String: ScalingSpec]>([:])

    init(journal: Journal) { self.journal = journal }

    private static func key(_ service: String) -> String { "desired/\(service)" }

    /// Reads what the journal has.
    func restore(services: [ServiceSpec], events: EventQueue) async {
        _ = apply(services)
        for service in services {
            do {
                guard let text = try await journal.fact(Self.key(service.name)), let count = Int(text) else { continue }
                numbers.withLock { $0[service.name] = count }
            } catch {
                events.publish(.warning, "service.scaled", service.name, "its number was not kept: \(error)")
            }
        }
    }

    /// Takes the file's bounds over, as compute does: what runs stays, brought within them.
    ///
    /// - Returns: Numbers that are said only now, to be written down.
    func apply(_ services: [ServiceSpec]) -> [(service: String, count: Int)] {
        let known = specs.withLock { Set($0.keys) }
        let before: [String: Int] = known.reduce(into: [:]) { $0[$1] = number(of: $1) }
        specs.withLock { specs in
            specs = Dictionary(services.map { ($0.name, $0.scaling) }, uniquingKeysWith: { first, _ in first })
        }
        return numbers.withLock { numbers in
            services.compactMap { spec -> (service: String, count: Int)? in
                guard let count = before[spec.name] else { return nil }
                let next = spec.scaling.bounded(count)
                guard next != (numbers[spec.name] ?? spec.scaling.minReplicas) else { return nil }
                numbers[spec.name] = next
                return (spec.name, next)
            }
        }
    }

    func write(_ counts: [(service: String, count: Int)]) async throws {
        for (service, count) in counts { try await journal.setFact(Self.key(service), "\(count)") }
    }

    /// Within the bounds of the service; the least where nobody has said another number.
    func number(of service: String) -> Int {
        guard let scaling = specs.withLock({ $0[service] }) else { return 0 }
        let bounds = scaling.reach
        let count = numbers.withLock { $0[service] } ?? scaling.minReplicas
        return min(max(count, bounds.lowerBound), bounds.upperBound)
    }

    func set(_ service: String, _ count: Int) async throws {
        numbers.withLock { $0[service] = count }
        try await journal.setFact(Self.key(service), "\(count)")
    }
}
