/// `go.mod`.
enum GoDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("go.mod") else { return nil }
        let module = folder.text("go.mod").split(whereSeparator: \.isNewline).first { $0.hasPrefix("module ") }
        let path = module.map { String($0.dropFirst("module ".count)) } ?? folder.name
        let commands = folder.paths.filter { $0.hasPrefix("cmd/") && $0.hasSuffix("/") && $0 != "cmd/" }.sorted()
        let package = folder.has("main.go") ? "." : commands.first.map { "./" + $0.dropLast() } ?? "."
        let last = package == "." ? FilePaths.lastComponent(of: path) : FilePaths.lastComponent(of: package)
        let name = Names.slug(last).isEmpty ? "app" : Names.slug(last)
        return Compiled.detection(
            "Go", reasons: ["there is a go.mod, module \(path.shortened)", "its program is built from `\(package)`"],
            command: ["./bin/\(name)"], build: "go build -o bin/\(name) \(package)")
    }
}

/// `Cargo.toml`.
enum RustDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("Cargo.toml") else { return nil }
        let name = Compiled.value(of: "name", in: folder.text("Cargo.toml")) ?? folder.name
        return Compiled.detection(
            "Rust", reasons: ["there is a Cargo.toml, package \(name.shortened)"],
            command: ["./target/release/\(name)"],
            build: "cargo build --release")
    }
}

/// `Package.swift`.
enum SwiftDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("Package.swift") else { return nil }
        let manifest = folder.text("Package.swift")
        let target = manifest.firstRange(of: "executableTarget(").map { manifest[$0.upperBound...] }
        guard let target, let name = Compiled.quoted(after: "name:", in: String(target)) else { return nil }
        let isVapor = manifest.contains("vapor")
        let arguments = isVapor ? ["serve", "--hostname", "127.0.0.1", "--port", "${PORT}"] : []
        return Compiled.detection(
            isVapor ? "Swift, Vapor" : "Swift",
            reasons: ["there is a Package.swift with an executable, \(name.shortened)"],
            command: ["./.build/release/\(name)"] + arguments, build: "swift build -c release")
    }
}

/// A jar, or what builds one.
enum JavaDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        let build = folder.first(["pom.xml", "build.gradle", "build.gradle.kts"])
        let jars = folder.paths.filter { $0.hasSuffix(".jar") && !$0.contains("wrapper") }.sorted()
        guard build != nil || !jars.isEmpty else { return nil }
        let isSpring = build.map { folder.text($0).contains("spring-boot") } ?? false
        let jar = jars.first ?? (build == "pom.xml" ? "target/app.jar" : "build/libs/app.jar")
        var reasons = build.map { ["there is a \($0)"] } ?? []
        reasons.append(jars.isEmpty ? "there is no jar yet; \(jar) is a guess" : "there is a jar, \(jar.shortened)")
        if isSpring { reasons.append("it uses Spring Boot, which takes its port as an argument") }
        let command =
            ["java", "-jar", jar] + (isSpring ? ["--server.address=127.0.0.1", "--server.port=${PORT}"] : [])
        let tool = build == "pom.xml" ? "mvn package" : "gradle build"
        return Compiled.detection(
            isSpring ? "Java, Spring Boot" : "Java", reasons: reasons, command: command,
            build: jars.isEmpty ? tool : nil,
            readsPort: !isSpring)
    }
}

/// What programs that are built first have in common.
private enum Compiled {
    static func detection(
        _ kind: String, reasons: [String], command: [String], build: String?, readsPort: Bool = true
    ) -> Detection {
        var notes: [String] = []
        if let build { notes.append("run `\(build.shortened)` before `aloft up`") }
        if readsPort { notes.append("the app must listen on 127.0.0.1 and the port in $PORT") }
        let why = build.map { "built with `\($0.shortened)`" } ?? "the program that is there"
        return Detection(kind: kind, reasons: reasons, services: [.init(command: command, why: why)], notes: notes)
    }

    /// `name = "shop"` in TOML.
    static func value(of key: String, in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }) == key else { continue }
            return parts[1].split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first.flatMap {
                plain(String($0))
            }
        }
        return nil
    }

    /// `name: "Shop"`.
    static func quoted(after label: String, in text: String) -> String? {
        guard let range = text.firstRange(of: label) else { return nil }
        let pieces = text[range.upperBound...].split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
        return pieces.count > 1 ? plain(String(pieces[1])) : nil
    }

    private static func plain(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"$/\\\"'".utf8.contains($0) }
        return isPlain && !text.isEmpty && text.utf8.count <= 100 ? text : nil
    }
}

/// Files that need only be sent.
enum StaticDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        for place in ["public", "dist", "build", "site", "_site"] where folder.has("\(place)/index.html") {
            return serving(place, reasons: ["there is \(place)/index.html, and nothing that would make it"])
        }
        guard folder.has("index.html") else { return nil }
        // A server of the folder itself would send `.env`, aloft.yaml and Aloft's own state as well.
        var found = serving("public", reasons: ["there is index.html, and nothing that would make it"])
        found.notes.insert(
            "before the first start: `mkdir public`, and move index.html and all that belongs to it into it. This folder has "
                + "private files: .env, aloft.yaml, .aloft", at: 0)
        return found
    }

    static func serving(_ directory: String, reasons: [String]) -> Detection {
        Detection(
            kind: "static site", reasons: reasons,
            services: [
                .init(
                    command: [
                        "python3", "-m", "http.server", "${PORT}", "--bind", "127.0.0.1", "--directory", directory,
                    ],
                    why: "Python's file server, until Aloft sends files itself")
            ],
            notes: ["Python's file server is slow; it serves until Aloft's own `static` is there"])
    }
}
