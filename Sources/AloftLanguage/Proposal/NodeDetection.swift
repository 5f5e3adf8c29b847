import FoundationEssentials

/// `package.json`.
enum NodeDetection {
    private struct Package: Decodable {
        var scripts: [String: String]?
        var main: String?
        var dependencies: [String: String]?
        var devDependencies: [String: String]?
    }

    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("package.json") else { return nil }
        let package: Package
        do {
            package = try JSONDecoder().decode(Package.self, from: Data(folder.text("package.json").utf8))
        } catch {
            return plain(folder, reasons: ["there is a package.json, which cannot be read as JSON"], main: nil)
        }
        let reasons = ["there is a package.json"]
        if let script = package.scripts?["start"], !script.isEmpty {
            return started(by: script, package, folder, reasons: reasons)
        }
        if package.scripts?["build"] != nil, package.main == nil, folder.first(programs) == nil {
            return built(
                folder, reasons: reasons + ["it has a `build` script and no `start`: a site that is built to files"])
        }
        return plain(folder, reasons: reasons + ["it has no `start` script"], main: package.main)
    }

    private static let programs = [
        "server.js", "index.js", "app.js", "server.mjs", "index.mjs", "src/server.js", "src/index.js",
    ]

    private static let production = ProposedService.Variable(
        name: "NODE_ENV", value: "production", why: "what Node.js frameworks look at")

    private static func started(
        by script: String, _ package: Package, _ folder: FolderListing, reasons: [String]
    ) -> Detection {
        var reasons = reasons + ["`npm start` runs `\(script.shortened)`"]
        var command = ["npm", "start"]
        var why = "`npm start`, as package.json has it"
        if var words = ShellWords.split(script), let program = words.first {
            let isDependency =
                package.dependencies?[program] != nil || package.devDependencies?[program] != nil
                || folder.has("node_modules/.bin/\(program)")
            if isDependency { words[0] = "./node_modules/.bin/\(program)" }
            if isDependency || program == "node" {
                command = words
                why = "what `npm start` runs, without npm in between, so that signals reach it"
                reasons.append("it is started without npm, so that signals reach it")
            }
        }
        return Detection(
            kind: "Node.js" + framework(package), reasons: reasons,
            services: [.init(command: command, why: why, variables: [production])], notes: notes(folder))
    }

    private static func plain(_ folder: FolderListing, reasons: [String], main: String?) -> Detection {
        let program = main ?? folder.first(programs) ?? "index.js"
        return Detection(
            kind: "Node.js", reasons: reasons + ["`\(program.shortened)` is its program"],
            services: [
                .init(
                    command: ["node", program], why: "the program that package.json or its name points to",
                    variables: [production])
            ], notes: notes(folder))
    }

    private static func built(_ folder: FolderListing, reasons: [String]) -> Detection {
        let output = folder.first(["dist/", "build/", "out/"]) ?? "dist/"
        var detection = StaticDetection.serving(String(output.dropLast()), reasons: reasons)
        detection.kind = "Node.js, built to files"
        detection.notes.insert("run `npm run build` before `aloft up`", at: 0)
        return detection
    }

    private static func framework(_ package: Package) -> String {
        let known = [
            ("next", "Next.js"), ("nuxt", "Nuxt"), ("@nestjs/core", "NestJS"), ("express", "Express"),
            ("fastify", "Fastify"), ("koa", "Koa"),
        ]
        return known.first { package.dependencies?[$0.0] != nil }.map { ", \($0.1)" } ?? ""
    }

    private static func notes(_ folder: FolderListing) -> [String] {
        var notes = ["the app must listen on the port in $PORT (`process.env.PORT`)"]
        if !folder.has("node_modules/") {
            notes.insert("run `npm ci` before `aloft up`: there is no node_modules", at: 0)
        }
        return notes
    }
}
