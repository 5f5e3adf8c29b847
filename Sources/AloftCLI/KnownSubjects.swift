import AloftDaemon
import AloftLanguage
import AloftModel

/// What `aloft logs` and `aloft events` can be asked about.
///
/// Asked only where nothing was found: a service that has left the file may still have something to say.
struct KnownSubjects: Sendable {
    /// Most names that are listed where none is near.
    private static let listed = 8
    /// What events are about beside services and replicas.
    private static let parts: Set<String> = ["daemon", "edge", "file", "logs", "notifications", "scaling"]

    var services: [String]
    var replicas: [String] = []
    var others: Set<String> = []

    init(_ status: StatusReport) {
        services = status.services.map(\.name)
        replicas = status.services.flatMap(\.replicas).map(\.name)
        others = Self.parts.union((status.channels ?? []).map(\.name))
    }

    init(services: [String], replicas: [String], others: Set<String> = Self.parts) {
        self.services = services
        self.replicas = replicas
        self.others = others
    }

    /// - Throws: Where there is no such service.
    func require(service: String) throws(CommandFailure) {
        if services.contains(service) { return }
        throw failure("there is no service `\(Palette.printable(service))`", service, among: services)
    }

    /// A replica that does not run now may have run, or may come.
    func require(replica: String) throws(CommandFailure) {
        if isReplica(replica) { return }
        throw failure("there is no replica `\(Palette.printable(replica))`", replica, among: replicas)
    }

    func require(subject: String) throws(CommandFailure) {
        if services.contains(subject) || others.contains(subject) || isReplica(subject) { return }
        throw failure(
            "there is no service, replica or part `\(Palette.printable(subject))`", subject,
            among: services + replicas + others.sorted())
    }

    private func isReplica(_ name: String) -> Bool {
        if replicas.contains(name) { return true }
        guard let dash = name.lastIndex(of: "-"), let index = Int(name[name.index(after: dash)...]) else {
            return false
        }
        return index >= 1 && services.contains(String(name[..<dash]))
    }

    private func failure(_ message: String, _ name: String, among known: [String]) -> CommandFailure {
        let near = Nearest.word(to: name, among: known)
        let list = known.prefix(Self.listed).map { "`\($0)`" }.joined(separator: ", ")
        let hint =
            near.map { "did you mean `\($0)`?" }
            ?? (list.isEmpty ? nil : "there is \(list)\(known.count > Self.listed ? " …" : "")")
        return CommandFailure(message, hint: hint, code: "unknownService", exitCode: .misuse)
    }
}
