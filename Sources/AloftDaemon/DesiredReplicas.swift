import AloftCompute
import AloftJournal
import AloftModel

/// The numbers that `aloft scale` set, kept in the journal.
enum DesiredReplicas {
    static func key(_ service: String) -> String { "desired/\(service)" }

    /// Sets them on a compute that has not begun; a number that the file no longer allows is left out, and said.
    static func restore(
        from journal: Journal, to compute: Compute, services: [ServiceSpec], events: EventQueue
    ) async {
        for service in services where service.scaling.minReplicas < service.scaling.maxReplicas {
            do {
                guard let text = try await journal.fact(key(service.name)), let count = Int(text) else { continue }
                try await compute.scale(service.name, to: count)
            } catch {
                events.publish(.warning, "service.scaled", service.name, "its number was not kept: \(error)")
            }
        }
    }
}
