import AloftLanguage
import AloftModel
import AloftTestKit
import Testing

@Suite("aloft init")
struct ProposalTests {
    private func proposal(
        _ paths: Set<String>, _ contents: [String: String] = [:], name: String = "My Shop"
    ) throws -> (Proposal, Plan) {
        let made = Language.propose(FolderListing(name: name, paths: paths, contents: contents))
        let reading = read(made.file)
        let said = DiagnosticRenderer(color: false).text(reading.diagnostics)
        #expect(reading.diagnostics.isEmpty, "\(made.file)\n\(said)")
        #expect(!made.reasons.isEmpty)
        return (made, try #require(reading.plan))
    }

    private func command(_ paths: Set<String>, _ contents: [String: String] = [:]) throws -> [String] {
        let plan = try proposal(paths, contents).1
        return try #require(plan.services.first).command.map(\.description)
    }

    @Test("explains every line of its file")
    func everyLine() throws {
        for contents in [["package.json": "{\"scripts\": {\"start\": \"node server.js\"}}"], [:]] {
            let (made, plan) = try proposal(Set(contents.keys), contents)
            #expect(plan.app == "my-shop")
            for line in made.file.split(separator: "\n") where !line.contains("#") {
                #expect(line.hasPrefix("    command:"), "not explained: \(line)")
            }
            #expect(made.file.split(separator: "\n").allSatisfy { $0.count <= 120 })
        }
    }

    @Test("starts what `npm start` runs, without npm where it can")
    func node() throws {
        let start: (String) -> [String: String] = { script in
            ["package.json": "{\"scripts\": {\"start\": \"\(script)\"}, \"dependencies\": {\"next\": \"1\"}}"]
        }
        #expect(try command([], start("node server.js --port $PORT")) == ["node", "server.js", "--port", "${PORT}"])
        #expect(try command([], start("next start")) == ["./node_modules/.bin/next", "start"])
        #expect(try command([], start("tsc && node dist/x.js")) == ["npm", "start"])
        #expect(try command(["index.js"], ["package.json": "{}"]) == ["node", "index.js"])
        #expect(try command([], ["package.json": "{\"main\": \"lib/x.js\"}"]) == ["node", "lib/x.js"])
        #expect(try command(["server.js"], ["package.json": "not json"]) == ["node", "server.js"])
        let (made, plan) = try proposal([], start("next start"))
        #expect(made.kind == "Node.js, Next.js")
        #expect(made.notes.first == "run `npm ci` before `aloft up`: there is no node_modules")
        #expect(plan.services[0].environment.map(\.name) == ["NODE_ENV"])
    }

    @Test("serves a site that is built to files")
    func built() throws {
        let contents = ["package.json": "{\"scripts\": {\"build\": \"vite build\"}}"]
        let (made, plan) = try proposal(["dist/"], contents)
        #expect(made.kind == "Node.js, built to files")
        #expect(plan.services[0].command.map(\.description).suffix(2) == ["--directory", "dist"])
    }

    @Test(
        "finds the app and the server of a Python project",
        arguments: [
            (
                ["requirements.txt": "flask\ngunicorn\n", "app.py": "app = Flask(__name__)"],
                "Python, Flask under gunicorn", "-m gunicorn --bind 127.0.0.1:${PORT} app:app"
            ),
            (
                ["requirements.txt": "flask", "main.py": "web = Flask('x')"], "Python, Flask",
                "-m flask --app main:web run --host 127.0.0.1 --port ${PORT}"
            ),
            (
                ["pyproject.toml": "fastapi[standard]", "main.py": "api = FastAPI()"], "Python, FastAPI under uvicorn",
                "-m uvicorn main:api --host 127.0.0.1 --port ${PORT}"
            ),
            (
                ["requirements.txt": "hypercorn\nquart", "app.py": "app = Quart(__name__)"],
                "Python, Quart under hypercorn", "-m hypercorn app:app --bind 127.0.0.1:${PORT}"
            ),
            (
                [
                    "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')",
                    "requirements.txt": "django\ngunicorn",
                ],
                "Python, Django under gunicorn", "-m gunicorn --bind 127.0.0.1:${PORT} mysite.wsgi:application"
            ),
            (
                ["manage.py": "\"shop.settings\"", "requirements.txt": "Django\nuvicorn"],
                "Python, Django under uvicorn", "-m uvicorn shop.asgi:application --host 127.0.0.1 --port ${PORT}"
            ),
            (["manage.py": "x"], "Python, Django", "manage.py runserver --noreload 127.0.0.1:${PORT}"),
            (["main.py": "print(1)"], "Python, a program", "main.py"),
        ])
    func python(contents: [String: String], kind: String, arguments: String) throws {
        let (made, plan) = try proposal([], contents)
        #expect(made.kind == kind)
        #expect(
            plan.services[0].command.map(\.description) == ["python3"]
                + arguments.split(separator: " ").map(String.init))
        #expect(try command([".venv/", ".venv/bin/"], contents).first == "./.venv/bin/python")
    }

    @Test("makes a service of each process of a Procfile, and sends requests to web alone")
    func procfile() throws {
        let procfile = """
            # a comment
            web: gunicorn app:app --bind 0.0.0.0:$PORT --name "a b"
            worker: celery -A app worker
            clock: while true; do ./tick; sleep ${STEP}; done
            release: ./migrate
            nonsense
            """
        let (made, plan) = try proposal([], ["Procfile": procfile, "package.json": "{}"])
        #expect(made.kind == "Procfile")
        #expect(plan.services.map(\.name) == ["web", "worker", "clock"])
        #expect(
            plan.services[0].command.map(\.description) == [
                "gunicorn", "app:app", "--bind", "0.0.0.0:${PORT}", "--name", "a b",
            ])
        #expect(plan.services[2].command.map(\.description).prefix(2) == ["sh", "-c"])
        #expect(plan.services[2].command[2] == Template("while true; do ./tick; sleep ${STEP}; done"))
        #expect(plan.edge.routes.count == 1)
        #expect(plan.services[0].release?.command.map(\.description) == ["./migrate"])
    }

    @Test(
        "knows programs that are built first, and says how",
        arguments: [
            (["go.mod": "module example.com/shop\n\ngo 1.22\n"], ["main.go"], ["./bin/shop"], "go build -o bin/shop ."),
            (
                ["go.mod": "module x"], ["cmd/", "cmd/api/", "cmd/tool/"], ["./bin/api"],
                "go build -o bin/api ./cmd/api"
            ),
            (["Cargo.toml": "[package]\nname = \"shop\"\n"], [], ["./target/release/shop"], "cargo build --release"),
            (
                ["Package.swift": ".executableTarget(\n name: \"App\","], [], ["./.build/release/App"],
                "swift build -c release"
            ),
            (["pom.xml": "<project/>"], [], ["java", "-jar", "target/app.jar"], "mvn package"),
        ] as [([String: String], Set<String>, [String], String)])
    func compiled(contents: [String: String], paths: Set<String>, command: [String], build: String) throws {
        let (made, plan) = try proposal(paths, contents)
        #expect(plan.services[0].command.map(\.description) == command)
        #expect(made.notes.contains("run `\(build)` before `aloft up`"), "\(made.notes)")
    }

    @Test(
        "knows Rails, Rack, Spring Boot, Vapor and files alone",
        arguments: [
            (["Gemfile": "gem 'rails'\ngem 'puma'"], [], "Ruby on Rails"),
            (["Gemfile": "gem 'rack'"], ["config.ru"], "Ruby, Rack"),
            (["Gemfile": "gem 'rails'"], [], "Ruby on Rails"),
            (["build.gradle": "org.springframework.boot spring-boot"], ["build/libs/shop.jar"], "Java, Spring Boot"),
            (["Package.swift": "vapor .executableTarget(name: \"Run\""], [], "Swift, Vapor"),
            ([:], ["public/index.html"], "static site"),
            ([:], ["index.html"], "static site"),
            ([:], ["README.md"], "unknown"), ([:], [], "unknown"),
        ] as [([String: String], Set<String>, String)])
    func others(contents: [String: String], paths: Set<String>, kind: String) throws {
        #expect(try proposal(paths, contents).0.kind == kind)
    }

    @Test("never sends the folder itself, in which .env and .aloft lie: index.html has to move first")
    func siteInTheFolder() throws {
        let (made, plan) = try proposal(["index.html"])
        #expect(plan.services.first?.command.suffix(2).map(\.description) == ["--directory", "public"])
        #expect(made.notes.contains { $0.contains("mkdir public") }, "\(made.notes)")
    }

    @Test("is a file that is read without an error, whatever the folder holds")
    func hostileFolders() throws {
        let texts = [
            "", "\0", "${x}", "${PORT", "a\nb", "web: ${A} \u{1B}", "{\"main\": \"${x}\\u0000\"}", "web: \"a", "- x: [",
            "{\"scripts\": {\"start\": \"node ${x} é \\t\"}}", "name = \"a b$\"", "module \n",
            "web: " + String(repeating: "x", count: 60_000),
            "app = Flask(", "'.settings'", ".executableTarget(name: \"${A}\"", "web: ~/x\nweb: y\n-: z\n", "release: x",
        ]
        var random = SplitMix(seed: 5)
        for round in 0..<600 {
            var contents: [String: String] = [:]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let file = FolderListing.filesOfInterest[
                    Int.random(in: FolderListing.filesOfInterest.indices, using: &random)]
                contents[file] = texts[Int.random(in: texts.indices, using: &random)]
            }
            let paths: Set<String> = ["cmd/${x}/", "target/a ${b}.jar", "cmd/a\nb/", "x\n.jar"]
            let name = texts[Int.random(in: texts.indices, using: &random)]
            let listing = FolderListing(name: name, paths: round % 2 == 0 ? paths : [], contents: contents)
            let reading = read(Language.propose(listing).file)
            #expect(reading.errors.isEmpty, "\(contents) \(messages(reading))")
        }
    }
}
