/// Django, FastAPI, Flask and plain WSGI or ASGI apps.
enum PythonDetection {
    private static let manifests = ["requirements.txt", "pyproject.toml", "Pipfile"]
    private static let modules = ["app.py", "main.py", "wsgi.py", "asgi.py"]

    static func detect(_ folder: FolderListing) -> Detection? {
        let found = manifests.filter(folder.has)
        guard !found.isEmpty || folder.has("manage.py") || modules.contains(where: folder.has) else { return nil }
        let needs = found.map { folder.text($0).lowercased() }.joined(separator: "\n")
        var reasons = (found.isEmpty ? ["manage.py"] + modules : found).filter(folder.has).map { "there is a \($0)" }
        let python = python(folder, &reasons)
        if folder.has("manage.py") { return django(folder, needs, python, reasons) }
        guard let app = application(folder) else { return plain(folder, python, reasons) }
        reasons.append("\(app.file) makes the app: `\(app.variable)`, \(app.framework)")
        return app.isAsynchronous ? asynchronous(app, needs, python, reasons) : synchronous(app, needs, python, reasons)
    }

    /// The module and variable of an app, found where it is made.
    private struct Application {
        var file: String
        var variable: String
        var framework: String
        var isAsynchronous: Bool

        var target: String { "\(file.dropLast(3)):\(variable)" }
    }

    private static func application(_ folder: FolderListing) -> Application? {
        let makers = [
            ("FastAPI(", "FastAPI", true), ("Starlette(", "Starlette", true), ("Quart(", "Quart", true),
            ("Flask(", "Flask", false), ("get_asgi_application(", "ASGI", true),
            ("get_wsgi_application(", "WSGI", false),
        ]
        for file in modules where folder.has(file) {
            for line in folder.text(file).split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmed }
                guard parts.count == 2, isIdentifier(parts[0]) else { continue }
                if let maker = makers.first(where: { parts[1].hasPrefix($0.0) }) {
                    return Application(file: file, variable: parts[0], framework: maker.1, isAsynchronous: maker.2)
                }
            }
        }
        return nil
    }

    private static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
            }
    }

    private static func python(_ folder: FolderListing, _ reasons: inout [String]) -> String {
        for folderName in [".venv", "venv"] where folder.has("\(folderName)/bin/") || folder.has("\(folderName)/") {
            reasons.append("there is a virtual environment, \(folderName)")
            return "./\(folderName)/bin/python"
        }
        return "python3"
    }

    private static let unbuffered = ProposedService.Variable(
        name: "PYTHONUNBUFFERED", value: "1", why: "each line of output is seen at once")

    private static func detection(
        _ kind: String, _ reasons: [String], _ command: [String], _ why: String, notes: [String] = []
    ) -> Detection {
        Detection(
            kind: "Python, \(kind)", reasons: reasons,
            services: [.init(command: command, why: why, variables: [unbuffered])], notes: notes)
    }

    private static func gunicorn(_ python: String, _ target: String, worker: String? = nil) -> [String] {
        [python, "-m", "gunicorn", "--bind", "127.0.0.1:${PORT}"] + (worker.map { ["--worker-class", $0] } ?? []) + [
            target
        ]
    }

    private static func synchronous(_ app: Application, _ needs: String, _ python: String, _ reasons: [String])
        -> Detection
    {
        if needs.contains("gunicorn") {
            return detection(
                "\(app.framework) under gunicorn", reasons + ["gunicorn is among its packages"],
                gunicorn(python, app.target), "gunicorn is among the packages; it is made for production")
        }
        return detection(
            app.framework, reasons + ["no server for production is among its packages"],
            [python, "-m", "flask", "--app", app.target, "run", "--host", "127.0.0.1", "--port", "${PORT}"],
            "Flask's own server, which is for development",
            notes: ["add gunicorn to the packages: Flask's own server is for development"])
    }

    private static func asynchronous(_ app: Application, _ needs: String, _ python: String, _ reasons: [String])
        -> Detection
    {
        let hasServer = needs.contains("uvicorn") || needs.contains("fastapi[standard]")
        let server = needs.contains("hypercorn") && !hasServer ? "hypercorn" : "uvicorn"
        let place =
            server == "uvicorn" ? ["--host", "127.0.0.1", "--port", "${PORT}"] : ["--bind", "127.0.0.1:${PORT}"]
        let isListed = hasServer || server == "hypercorn"
        return detection(
            "\(app.framework) under \(server)",
            reasons + [
                isListed
                    ? "\(server) is among its packages"
                    : "no ASGI server is among its packages; uvicorn is the common one"
            ],
            [python, "-m", server, app.target] + place, "\(server) serves ASGI apps",
            notes: isListed ? [] : ["add uvicorn to the packages"])
    }

    private static func django(_ folder: FolderListing, _ needs: String, _ python: String, _ reasons: [String])
        -> Detection
    {
        let project = settings(folder.text("manage.py")) ?? "project"
        let reasons = reasons + ["manage.py makes it a Django project, `\(project)`"]
        if needs.contains("gunicorn") {
            return detection(
                "Django under gunicorn", reasons + ["gunicorn is among its packages"],
                gunicorn(python, "\(project).wsgi:application"),
                "gunicorn is among the packages; it is made for production")
        }
        if needs.contains("uvicorn") {
            return detection(
                "Django under uvicorn", reasons + ["uvicorn is among its packages"],
                [python, "-m", "uvicorn", "\(project).asgi:application", "--host", "127.0.0.1", "--port", "${PORT}"],
                "uvicorn is among the packages")
        }
        return detection(
            "Django", reasons + ["no server for production is among its packages"],
            [python, "manage.py", "runserver", "--noreload", "127.0.0.1:${PORT}"],
            "Django's own server, which is for development",
            notes: ["add gunicorn to the packages: Django's own server is for development"])
    }

    /// `mysite` of `'mysite.settings'`.
    private static func settings(_ text: String) -> String? {
        for piece in text.split(whereSeparator: { $0 == "\"" || $0 == "'" }) where piece.hasSuffix(".settings") {
            let name = String(piece.dropLast(".settings".count))
            if isIdentifier(name) { return name }
        }
        return nil
    }

    private static func plain(_ folder: FolderListing, _ python: String, _ reasons: [String]) -> Detection? {
        guard let program = folder.first(["main.py", "app.py", "server.py"]) else { return nil }
        return detection(
            "a program", reasons + ["no framework is recognised; `\(program)` is run as it is"], [python, program],
            "run as it is", notes: ["the app must listen on 127.0.0.1 and the port in $PORT"])
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var copy = self
        while copy.first?.isWhitespace == true { copy.removeFirst() }
        while copy.last?.isWhitespace == true { copy.removeLast() }
        return String(copy)
    }
}
