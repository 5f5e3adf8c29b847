import AloftModel
import AloftSystem

/// `container` in a replica's folder: tells the next daemon that the replica is a container, and which.
///
/// Written before the container is made, so that one whose daemon was killed half-way is known by its name.
struct ContainerNote: Sendable, Hashable {
    var engine: ContainerEngine
    var name: String
    /// Where it answers as seen from inside; nil for a socket, whose path is the same inside and outside.
    var innerPort: Int?

    static func path(in directory: String) -> String { "\(directory)/container" }

    init(engine: ContainerEngine, name: String, innerPort: Int?) {
        self.engine = engine
        self.name = name
        self.innerPort = innerPort
    }

    var text: String {
        var lines = ["kind=\(engine.kind.rawValue)", "engine=\(engine.path)", "name=\(name)"]
        if let innerPort { lines.append("port=\(innerPort)") }
        return lines.joined(separator: "\n") + "\n"
    }

    init?(parsing text: String) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = String(parts[1]) }
        }
        guard let kind = values["kind"].flatMap(ContainerEngine.Kind.init), let path = values["engine"],
            let name = values["name"]
        else { return nil }
        self.init(
            engine: ContainerEngine(kind: kind, path: path), name: name, innerPort: values["port"].flatMap { Int($0) })
    }

    /// Nil where the folder is that of a process.
    static func read(in directory: String) -> ContainerNote? {
        guard let text = try? readText(path(in: directory), limit: 8192) else { return nil }
        return ContainerNote(parsing: text)
    }

    func write(in directory: String) throws(SystemError) {
        try AtomicFile.write(text.utf8, to: Self.path(in: directory), mode: 0o600)
    }
}
