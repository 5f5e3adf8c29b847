import AloftLanguage
import AloftModel
import Foundation
import Testing

@Suite("What hints propose")
struct HintTests {
    private func diagnostic(_ service: String) throws -> Diagnostic {
        let reading = read("version: 1\nservices:\n  web:\n" + service)
        return try #require(reading.diagnostics.first, "nothing was wrong with \(service)")
    }

    @Test(
        "is right for what people write who know other tools",
        arguments: [
            (
                "    command: [./x]\n    port: 3000\n",
                "each replica gets a port of its own in `$PORT`, and must listen there; visitors come by "
                    + "`edge: {listeners: [{address: \"127.0.0.1:3000\"}]}`"
            ),
            (
                "    command: [./x]\n    ports: [\"8081:80\"]\n",
                "each replica gets a port of its own in `$PORT`, and must listen there; visitors come by "
                    + "`edge: {listeners: [{address: \"127.0.0.1:8081\"}]}`"
            ),
            (
                "    image: a\n    ports: [\"8081:80/tcp\"]\n",
                "write `containerPort: 80`: where the program in the container listens"
            ),
            ("    command: [\"npm start && echo done\"]\n", "write `command: [sh, -c, \"npm start && echo done\"]`"),
            ("    command: \"npm start && echo done\"\n", "write `command: [sh, -c, \"npm start && echo done\"]`"),
            ("    command: \"x --port $PORT\"\n", "write `command: [x, --port, \"${PORT}\"]`"),
            ("    listen: unix\n    command: \"x --port $PORT\"\n", "write `command: [x, --port, \"${SOCKET}\"]`"),
            ("    command: [\"x --port $PORT\"]\n", "write `command: [x, --port, \"${PORT}\"]`"),
            ("    command: ./x $HOME\n", "write `command: [sh, -c, \"./x $HOME\"]`"),
            ("    command: ./x ${HOME}\n", "write `command: [sh, -c, \"./x $${HOME}\"]`"),
            ("    command: ./x ${env.HOME} -v\n", "write `command: [./x, \"${env.HOME}\", -v]`"),
            ("    command: ./x 'a b'\n", "write `command: [./x, \"a b\"]`"),
            (
                "    command: [./x]\n    release: {command: ./m --to $PORT}\n",
                "write `command: [sh, -c, \"./m --to $PORT\"]`"
            ),
            ("    command: [./x]\n    restart: unless-stopped\n", "write `restart: {policy: always}`"),
            ("    command: [./x]\n    restart: on-failure\n", "write `restart: {policy: onFailure}`"),
            ("    command: [./x]\n    deploy: blue-green\n", "write `deploy: {strategy: blueGreen}`"),
            ("    command: [./x]\n    probes: {readiness: /health}\n", "write `readiness: {httpGet: /health}`"),
            ("    command: [./x]\n    env: [A=1, B=x y]\n", "write `env: {A: \"1\", B: \"x y\"}`"),
            ("    command: [./x]\n    memory: 512M\n", "write `resources: {limits: {memory: 512MiB}}`"),
            ("    command: [./x]\n    resources: {memory: 1g}\n", "write `limits: {memory: 1GiB}`"),
            ("    command: [./x]\n    cpus: 0.5\n", "write `resources: {limits: {cpu: 0.5}}`"),
            (
                "    command: [./x]\n    domain: shop.example\n",
                "hosts stand in routes: `edge: {routes: [{match: {host: shop.example}, service: web}]}`"
            ),
        ])
    func habits(service: String, hint: String) throws { #expect(try diagnostic(service).hint == hint) }

    @Test(
        "is a quantity that is then taken",
        arguments: [
            ("512M", "write `512MiB`"), ("512m", "write `512MiB`"), ("512", "write `512MiB`"), ("1G", "write `1GiB`"),
            ("0.5G", "write `512MiB`"), ("1.5", "write `1536KiB`"), ("2gb", "write `2GB`"),
        ])
    func sizes(text: String, proposal: String) throws {
        let found = try diagnostic("    command: [./x]\n    resources: {limits: {memory: \(text)}}\n")
        #expect(found.message.hasSuffix(proposal), "\(found.message)")
    }

    @Test("says where what runs by the clock belongs")
    func cron() throws {
        let hint = try #require(try diagnostic("    command: [./x]\n    cron: \"0 3 * * *\"\n").hint)
        #expect(hint.hasPrefix("a service runs all the time; "))
        #expect(!hint.contains("scaling"))
    }

    /// A proposal that stands for what the diagnostic points at, with the line of the file that then stands there.
    private func corrected(_ diagnostic: Diagnostic) -> (proposal: String, line: String)? {
        let texts = [diagnostic.hint, diagnostic.message].compactMap { $0 }
        let found = texts.lazy.compactMap { $0.firstMatch(of: #/(write|did you mean|Aloft calls it) `([^`]+)`/#) }.first
        guard let found else { return nil }
        let proposal = String(found.output.2)
        guard !proposal.hasSuffix(":"), !diagnostic.message.hasSuffix("has no value") else { return nil }
        let scalars = Array(diagnostic.sourceLine.unicodeScalars)
        let start = diagnostic.column - 1
        let end = min(scalars.count, start + diagnostic.length)
        func text(_ range: Range<Int>) -> String {
            var text = ""
            for scalar in scalars[range] { text.unicodeScalars.append(scalar) }
            return text
        }
        let before = text(0..<start)
        let after = text(end..<scalars.count)
        // `key: value` stands for key and value, where they are alone on their line.
        if let key = proposal.firstMatch(of: #/^([A-Za-z]+): /#) {
            let own = String(key.output.1)
            guard diagnostic.sourceLine.drop(while: { $0 == " " }).hasPrefix(own + ":"), after.isEmpty else {
                return nil
            }
            return (proposal, String(diagnostic.sourceLine.prefix { $0 == " " }) + proposal)
        }
        let isQuoted = diagnostic.message.hasPrefix("`") && !diagnostic.message.contains("each argument is an item")
        return isQuoted || found.output.1 != "write" ? (proposal, before + proposal + after) : nil
    }

    /// The right word may be there already, or name what the file does not have.
    private static func isAboutMore(_ error: Diagnostic) -> Bool {
        ["stands here a second time", "is listed twice", "there is no anchor"].contains { error.message.contains($0) }
    }

    @Test("is never refused in its turn, in any golden file", arguments: Here.golden)
    func fedBack(name: String) throws {
        let bytes = try Here.bytes("Golden/\(name).yaml")
        let mark = "# environment: "
        let text = String(decoding: bytes, as: UTF8.self)
        let first = text.prefix { $0 != "\n" }
        let environment = first.hasPrefix(mark) ? String(first.dropFirst(mark.count)) : nil
        func reading(_ text: String) -> Reading {
            Language.read(
                SourceFile(name: "a", directory: "/app", text: text), environment: environment, variables: variables)
        }
        for diagnostic in reading(text).errors {
            guard let (proposal, line) = corrected(diagnostic) else { continue }
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            guard lines.indices.contains(diagnostic.line - 1), lines[diagnostic.line - 1] == diagnostic.sourceLine
            else { continue }
            lines[diagnostic.line - 1] = line
            let again = reading(lines.joined(separator: "\n")).errors.filter { error in
                !Self.isAboutMore(error) && error.line == diagnostic.line && error.column >= diagnostic.column
                    && error.column < diagnostic.column + max(proposal.count, 1)
            }
            #expect(again.isEmpty, "`\(proposal)` for `\(diagnostic.sourceLine)`: \(again.map(\.message))")
        }
    }
}
