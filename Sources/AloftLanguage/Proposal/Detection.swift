/// What one way of looking at a folder found: how its app is started, and why that was concluded.
struct Detection: Sendable {
    var kind: String
    var reasons: [String]
    var services: [ProposedService]
    var notes: [String] = []
}

/// One service of a proposal.
struct ProposedService: Sendable {
    struct Variable: Sendable {
        var name: String
        var value: String
        var why: String
    }

    /// What its replicas are.
    enum Kind: Sendable {
        case process
        case build(String)
        case image(String)
    }

    /// A folder that a container sees.
    struct Volume: Sendable {
        var path: String
        var from: String
        var isReadOnly = false
    }

    var name = "web"
    var kind = Kind.process
    /// Empty for a container that runs what its image says.
    var command: [String]
    /// One line for the comment above the command.
    var why: String
    var variables: [Variable] = []
    /// Gets requests; a worker does not.
    var isRouted = true
    /// Relative to the file; nil is the folder of the file.
    var directory: String?
    var containerPort: Int?
    var environmentFiles: [String] = []
    /// What runs once before each release.
    var release: [String] = []
    var dependsOn: [String] = []
    var volumes: [Volume] = []
    /// A readiness probe as YAML, and why it is this one.
    var readiness: (text: String, why: String)?
    var replicas: Int?
    var restart: (policy: String, why: String)?

    var isContainer: Bool { if case .process = kind { false } else { true } }
}

extension FolderListing {
    func has(_ path: String) -> Bool { paths.contains(path) || contents[path] != nil }

    func text(_ path: String) -> String { contents[path] ?? "" }

    /// The first of these that is there.
    func first(_ candidates: [String]) -> String? { candidates.first(where: has) }
}

extension Language {
    /// Looks at a folder and proposes a file: the most explicit sign of how the app is started wins.
    ///
    /// `read` takes the file without an error, whatever the folder holds.
    package static func propose(_ folder: FolderListing) -> Proposal {
        let found = detect(folder)
        if let proposal = Proposal(found, folder) { return proposal }
        var plain = unknown
        plain.reasons.append("it looks like \(found.kind), and its command cannot stand in a file as it is")
        return Proposal(
            kind: plain.kind, reasons: plain.reasons,
            file: ProposalFile(plain, FolderListing(name: "app", paths: [])).text,
            notes: plain.notes)
    }

    private static func detect(_ folder: FolderListing) -> Detection {
        let explicit: [(FolderListing) -> Detection?] = [ComposeDetection.detect, ProcfileDetection.detect]
        let languages: [(FolderListing) -> Detection?] = [
            WorkspaceDetection.detect, NodeDetection.detect, PythonDetection.detect, RubyDetection.detect,
            GoDetection.detect, RustDetection.detect, SwiftDetection.detect, JavaDetection.detect,
            StaticDetection.detect,
        ]
        if let found = explicit.lazy.compactMap({ $0(folder) }).first { return withEnvironmentFile(found, folder) }
        let container = DockerfileDetection.detect(folder)
        if let container, folder.hasEngine { return withEnvironmentFile(container, folder) }
        var found = languages.lazy.compactMap { $0(folder) }.first ?? container ?? unknown
        if let container, found.kind != container.kind {
            found.reasons.append("there is a Dockerfile, too, but neither podman nor docker is installed here")
        }
        return withEnvironmentFile(found, folder)
    }

    /// `.env` holds variables of the app, which is why it is there.
    private static func withEnvironmentFile(_ detection: Detection, _ folder: FolderListing) -> Detection {
        guard folder.has(".env"), !detection.services.contains(where: { !$0.environmentFiles.isEmpty }) else {
            return detection
        }
        var detection = detection
        detection.reasons.append("there is a .env with variables")
        for index in detection.services.indices { detection.services[index].environmentFiles = [".env"] }
        return detection
    }

    private static var unknown: Detection {
        Detection(
            kind: "unknown", reasons: ["nothing here says how the app is started"],
            services: [
                .init(command: ["./app"], why: "replace this with the program and its arguments, one item each")
            ],
            notes: ["write your app's command into the file; it must listen on 127.0.0.1 and the port in $PORT"])
    }
}

extension Proposal {
    /// Nil where the names and commands of the folder make a file that `Language.read` refuses.
    fileprivate init?(_ detection: Detection, _ folder: FolderListing) {
        let text = ProposalFile(detection, folder).text
        let reading = Language.read(SourceFile(name: "aloft.yaml", directory: "/app", text: text))
        guard reading.plan != nil else { return nil }
        self.init(kind: detection.kind, reasons: detection.reasons, file: text, notes: detection.notes)
    }
}
