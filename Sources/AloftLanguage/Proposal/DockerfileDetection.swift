/// `Dockerfile` or `Containerfile`: the container's own port and command.
enum DockerfileDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        guard let file = folder.first(["Containerfile", "Dockerfile"]) else { return nil }
        let stage = DockerfileStage(folder.text(file))
        var reasons = ["there is a \(file)"]
        var notes: [String] = []
        if let runs = stage.runs { reasons.append("its image runs `\(runs.shortened)`") }
        if let port = stage.port {
            reasons.append("it listens on \(port)")
        } else {
            notes.append(
                "\(file) has no EXPOSE: the program must listen on 0.0.0.0 and the port in $PORT, or write `containerPort`"
            )
        }
        if !folder.hasEngine { notes.append("install podman or docker: neither is here, and an image needs one") }
        for volume in stage.volumes {
            notes.append(
                "\(volume.shortened) is a VOLUME: what is in it goes with each release, unless `volumes` names a folder "
                    + "for it"
            )
        }
        return Detection(
            kind: "container, from a \(file)", reasons: reasons,
            services: [
                ProposedService(
                    kind: .build("."), command: [], why: "its image is built anew for each release",
                    containerPort: stage.port)
            ], notes: notes)
    }
}

/// What the last stage of a Dockerfile says of the container.
struct DockerfileStage {
    private(set) var port: Int?
    private(set) var runs: String?
    private(set) var volumes: [String] = []

    /// Lines that are read.
    private static let limit = 2000

    init(_ text: String) {
        var variables: [String: String] = [:]
        for line in Self.instructions(text) {
            let parts = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
            guard parts.count == 2 else { continue }
            let rest = String(parts[1])
            switch parts[0].uppercased() {
            case "FROM":
                port = nil
                runs = nil
                volumes = []
            case "ARG", "ENV": Self.add(rest, to: &variables)
            case "EXPOSE":
                let first = rest.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
                port = port ?? Self.number(Self.expanded(first, variables))
            case "CMD" where runs == nil: runs = Self.command(rest)
            case "CMD": runs = (runs ?? "") + " " + Self.command(rest)
            case "ENTRYPOINT": runs = Self.command(rest)
            case "VOLUME": volumes += Self.words(rest)
            default: break
            }
        }
        if port == nil { port = variables["PORT"].flatMap(Self.number) }
        volumes = Array(volumes.prefix(8))
    }

    /// Continued lines as one, without comments.
    private static func instructions(_ text: String) -> [String] {
        var result: [String] = []
        var open = ""
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).prefix(limit) {
            let plain = line.drop { $0 == " " || $0 == "\t" }
            if plain.hasPrefix("#") || plain.isEmpty { continue }
            if plain.hasSuffix("\\") {
                open += plain.dropLast() + " "
            } else {
                result.append(open + plain)
                open = ""
            }
        }
        return result + (open.isEmpty ? [] : [open])
    }

    private static func add(_ text: String, to variables: inout [String: String]) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        if words.count == 2, !words[0].contains("=") {
            variables[words[0]] = words[1]
            return
        }
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { variables[parts[0]] = parts[1].filter { $0 != "\"" && $0 != "'" } }
        }
    }

    private static func expanded(_ text: String, _ variables: [String: String]) -> String {
        guard text.hasPrefix("$") else { return text }
        let name = text.dropFirst().filter { $0 != "{" && $0 != "}" }.prefix { $0 != "/" && $0 != ":" }
        return variables[String(name)] ?? ""
    }

    private static func number(_ text: String) -> Int? {
        Int(text.prefix { $0.isASCII && $0.isNumber }).flatMap { (1...65_535).contains($0) ? $0 : nil }
    }

    private static func words(_ text: String) -> [String] {
        text.split { $0.isWhitespace || "[],\"".contains($0) }.map(String.init)
    }

    private static func command(_ text: String) -> String {
        text.hasPrefix("[") ? words(text).joined(separator: " ") : text
    }
}
