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

    var name = "web"
    var command: [String]
    /// One line for the comment above the command.
    var why: String
    var variables: [Variable] = []
    /// Gets requests; a worker does not.
    var isRouted = true
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
        let ways: [(FolderListing) -> Detection?] = [
            ProcfileDetection.detect, NodeDetection.detect, PythonDetection.detect, RubyDetection.detect,
            GoDetection.detect, RustDetection.detect, SwiftDetection.detect, JavaDetection.detect,
            StaticDetection.detect,
        ]
        let found = ways.lazy.compactMap { $0(folder) }.first ?? unknown
        if let proposal = Proposal(found, folder) { return proposal }
        var plain = unknown
        plain.reasons.append("it looks like \(found.kind), and its command cannot stand in a file as it is")
        return Proposal(
            kind: plain.kind, reasons: plain.reasons, file: ProposalFile(plain, folder: "app").text, notes: plain.notes)
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
        let text = ProposalFile(detection, folder: folder.name).text
        let reading = Language.read(SourceFile(name: "aloft.yaml", directory: "/app", text: text))
        guard reading.plan != nil else { return nil }
        self.init(kind: detection.kind, reasons: detection.reasons, file: text, notes: detection.notes)
    }
}
