import AloftLanguage
import AloftModel
import Testing

@Suite("Variables of the shell that a file reads")
struct HostVariableTests {
    private static let text = """
        version: 1
        app: shop
        services:
          # ${env.COMMENT}
          web: {command: [./web, "${env.LEVEL}"], env: {TOKEN: "a ${env.TOKEN} b", TEXT: "$${env.TEXT}", P: "${PORT}"}}
        edge:
          routes: [{match: {path: /*}, service: web}]
        notifications:
          channels: {ops: {slack: "${env.SLACK}"}}
          critical: {to: [ops]}
        """

    private func source(_ text: String) -> SourceFile {
        SourceFile(name: "aloft.yaml", directory: "/srv", bytes: Array(text.utf8))
    }

    @Test("are those of references, and of nothing else")
    func names() throws {
        let reading = Language.inspect(source(Self.text))
        #expect(Language.variables(of: try #require(reading.plan)) == ["LEVEL", "SLACK", "TOKEN"])
    }

    @Test("may have no value where nothing is started: a warning at its place; a start needs them all")
    func unset() {
        let given = ["LEVEL": "", "SLACK": "https://x.example/y"]
        let reading = Language.inspect(source(Self.text), variables: given)
        #expect(reading.plan != nil)
        #expect(reading.warnings.map(\.message) == ["the environment has no variable `TOKEN`"])
        #expect(reading.warnings.first?.line == 5)
        #expect(Language.read(source(Self.text), variables: given).plan == nil)
    }

    @Test("of a file with other errors: those stay errors")
    func otherErrors() {
        let reading = Language.inspect(source(Self.text.replacing("version: 1", with: "version: 9")))
        #expect(reading.plan == nil)
        #expect(!reading.errors.isEmpty && reading.errors.allSatisfy { !$0.message.contains("no variable") })
    }

    @Test("another value is told without the value")
    func newValue() {
        let change = Language.newValue(of: "TOKEN", for: "web")
        #expect(change.path == "services.web" && change.restarts == "web")
        #expect(change.new == "another value of ${env.TOKEN}")
    }
}
