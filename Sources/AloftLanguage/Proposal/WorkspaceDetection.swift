import FoundationEssentials

/// A `package.json` with workspaces, or a `pnpm-workspace.yaml`: one service for each workspace that can be started.
enum WorkspaceDetection {
    private static let limit = 20

    private struct Root: Decodable {
        var workspaces: Workspaces?

        enum Workspaces: Decodable {
            case list([String])
            case section([String])

            init(from decoder: any Decoder) throws {
                struct Section: Decodable { var packages: [String]? }
                do {
                    self = .list(try decoder.singleValueContainer().decode([String].self))
                } catch is DecodingError {
                    self = .section(try Section(from: decoder).packages ?? [])
                }
            }

            var patterns: [String] {
                switch self {
                case .list(let patterns), .section(let patterns): patterns
                }
            }
        }
    }

    private struct Package: Decodable {
        var name: String?
        var scripts: [String: String]?
    }

    /// Folders that a pattern of the workspace fits, in their order.
    static func folders(of folder: FolderListing) -> [String] {
        let patterns = patterns(of: folder)
        guard !patterns.isEmpty else { return [] }
        let folders = folder.paths.filter { $0.hasSuffix("/") }.map { String($0.dropLast()) }.sorted()
        return Array(folders.filter { path in patterns.contains { fits(path, $0) } }.prefix(limit))
    }

    private static func patterns(of folder: FolderListing) -> [String] {
        var found: [String] = []
        if let text = folder.contents["package.json"] {
            do {
                found += try JSONDecoder().decode(Root.self, from: Data(text.utf8)).workspaces?.patterns ?? []
            } catch {
                // Not JSON, or not as npm has it: there is no workspace to be seen.
                return []
            }
        }
        if let text = folder.contents["pnpm-workspace.yaml"] {
            var problems = Problems()
            let root = TreeReader.read(SourceText(Array(text.utf8)), problems: &problems)
            found += (root?["packages"]?.items ?? []).compactMap { $0.scalar?.text }
        }
        return Array(found.filter { !$0.hasPrefix("!") }.prefix(100))
    }

    /// `packages/*` and `packages/**` fit one folder below.
    private static func fits(_ path: String, _ pattern: String) -> Bool {
        var plain = pattern.hasPrefix("./") ? String(pattern.dropFirst(2)) : pattern
        while plain.hasSuffix("/") { plain.removeLast() }
        guard let star = plain.firstIndex(of: "*") else { return path == plain }
        let prefix = plain[..<star]
        return path.hasPrefix(prefix) && path.count > prefix.count && !path.dropFirst(prefix.count).contains("/")
    }

    static func detect(_ folder: FolderListing) -> Detection? {
        var services: [ProposedService] = []
        var reasons: [String] = []
        for path in folders(of: folder) {
            guard let text = folder.contents["\(path)/package.json"] else { continue }
            let package: Package
            do {
                package = try JSONDecoder().decode(Package.self, from: Data(text.utf8))
            } catch {
                reasons.append("\(path)/package.json cannot be read as JSON")
                continue
            }
            guard let script = package.scripts?["start"], !script.isEmpty else { continue }
            let name = Names.slug(FilePaths.lastComponent(of: path))
            guard !name.isEmpty, !services.contains(where: { $0.name == name }) else { continue }
            let words = ShellWords.split(script)
            let isNode = words?.first == "node"
            let isRouted = !workers.contains { name.contains($0) }
            reasons.append(
                "\(path): `npm start` runs `\(script.shortened)`"
                    + (isRouted ? "" : "; by its name it takes no requests"))
            services.append(
                ProposedService(
                    name: name, command: isNode ? words ?? [] : ["npm", "start"],
                    why: isNode ? "what its `npm start` runs, without npm in between" : "its `npm start`",
                    variables: [.init(name: "NODE_ENV", value: "production", why: "what Node.js frameworks look at")],
                    isRouted: isRouted, directory: "./" + path))
        }
        guard !services.isEmpty else { return nil }
        var notes = ["the apps must listen on the port in $PORT (`process.env.PORT`)"]
        if !folder.has("node_modules/") {
            notes.insert("install the packages before `aloft up`: there is no node_modules", at: 0)
        }
        return Detection(
            kind: "Node.js workspace",
            reasons: ["there are workspaces, of which these have a `start` script"] + reasons,
            services: services, notes: notes)
    }

    private static let workers = ["worker", "queue", "cron", "consumer", "job"]
}
