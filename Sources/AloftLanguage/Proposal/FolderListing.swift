/// What `aloft init` saw of a folder: names, and the text of a few small files.
package struct FolderListing: Sendable, Hashable {
    /// Files whose text helps to choose; the caller reads those that exist, up to 64 KiB each.
    package static let filesOfInterest = [
        "package.json", "requirements.txt", "pyproject.toml", "Pipfile", "Procfile", "go.mod", "Cargo.toml", "Gemfile",
        "Package.swift", "manage.py", "app.py", "main.py", "wsgi.py", "asgi.py", "config.ru", "pom.xml",
        "build.gradle", "main.go", "Dockerfile", "Containerfile", "compose.yaml", "compose.yml", "docker-compose.yaml",
        "docker-compose.yml", "pnpm-workspace.yaml",
    ]

    /// Name of the folder itself.
    package var name: String
    /// Paths of files and folders relative to it, folders with a closing slash, two levels deep, at most 2000.
    package var paths: Set<String>
    /// Text by path.
    package var contents: [String: String]
    /// Ports of this machine that are free for the edge and for the admin listener.
    package var port: Int
    package var adminPort: Int
    /// Whether podman or docker is installed.
    package var hasEngine: Bool

    package init(
        name: String, paths: Set<String>, contents: [String: String] = [:], port: Int = 8080, adminPort: Int = 9900,
        hasEngine: Bool = true
    ) {
        self.name = name
        self.paths = paths
        self.contents = contents
        self.port = port
        self.adminPort = adminPort
        self.hasEngine = hasEngine
    }

    /// Folders of a workspace whose `package.json` says more: known once the files of interest are read, at most 20.
    package var workspaceFolders: [String] { WorkspaceDetection.folders(of: self) }
}

/// A file for a folder, with the reasons for it.
package struct Proposal: Sendable, Hashable {
    /// `Node.js`, `Python, Flask under gunicorn`.
    package var kind: String
    /// What was seen and what was concluded, in the order in which it counted.
    package var reasons: [String]
    /// The whole `aloft.yaml`, each line explained; `Language.read` takes it without an error.
    package var file: String
    /// What the user should check before the first start, such as a program that must be installed.
    package var notes: [String]

    package init(kind: String, reasons: [String], file: String, notes: [String]) {
        self.kind = kind
        self.reasons = reasons
        self.file = file
        self.notes = notes
    }
}
