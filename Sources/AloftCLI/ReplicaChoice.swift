import ArgumentParser

/// `--replica web-2` or `--replica 2`, of every command that is about one replica.
struct ReplicaChoice: ExpressibleByArgument, Sendable, Hashable {
    /// Nil where only the number was given.
    let service: String?
    /// From 1.
    let index: Int

    init?(argument: String) {
        let parts = argument.split(separator: "-", omittingEmptySubsequences: false)
        guard let last = parts.last, let index = Int(last), index >= 1, last.first != "+" else { return nil }
        let name = parts.dropLast().joined(separator: "-")
        guard parts.count == 1 || !name.isEmpty else { return nil }
        service = parts.count == 1 ? nil : name
        self.index = index
    }

    /// `web-2`, of a command that may name the service as well.
    func name(in given: String?) throws -> String {
        guard let service = service ?? given else {
            throw ValidationError("name the service too: --replica SERVICE-\(index)")
        }
        guard given == nil || given == service else {
            throw ValidationError("\(service)-\(index) is no replica of \(given ?? "")")
        }
        return "\(service)-\(index)"
    }
}
