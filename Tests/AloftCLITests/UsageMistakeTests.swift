import AloftDaemon
import ArgumentParser
import Testing

@testable import AloftCLI

@Suite("Wrong usage")
struct UsageMistakeTests {
    private func failure(_ line: String) throws -> CommandFailure {
        let words = line.split(separator: " ").map(String.init)
        do {
            _ = try AloftCommand.parseAsRoot(words)
        } catch {
            return UsageMistake.failure(error, words)
        }
        throw NotRefused()
    }

    private struct NotRefused: Error {}

    @Test(
        "a command that is none is answered with the nearest",
        arguments: [
            ("stauts", "there is no command `aloft stauts`", "did you mean `aloft status`?"),
            ("start", "there is no command `aloft start`", "did you mean `aloft up`?"),
            ("stop", "there is no command `aloft stop`", "did you mean `aloft down`?"),
            ("validate", "there is no command `aloft validate`", "did you mean `aloft check`?"),
            ("notify list x", "unexpected argument 'x'", "`aloft notify list --help` says what it takes"),
            (
                "run web id", "unexpected argument 'id'",
                "a program to run follows `--`: `aloft run web -- ls`; `aloft run --help` says what it takes"
            ),
            ("deplyo web --json", "there is no command `aloft deplyo`", "did you mean `aloft deploy`?"),
            ("notify tset ops", "there is no command `aloft notify tset`", "did you mean `aloft notify test`?"),
            ("xyzzy", "there is no command `aloft xyzzy`", "`aloft --help` lists them"),
        ])
    func commands(line: String, message: String, hint: String) throws {
        let failure = try failure(line)
        #expect(failure.message == message)
        #expect(failure.hint == hint)
        #expect(failure.exitCode == .misuse)
        #expect(failure.code == "usage")
    }

    @Test(
        "an option or argument that is wrong is one line in the words of every other failure",
        arguments: [
            ("status --jsno", "--json"), ("scale web", "<n>"), ("logs --tail -1", "--tail"), ("scale web many", "many"),
            ("down --timeout 0", "--timeout"), ("explain", "<key>"), ("logs web --raw --json", "--raw or --json"),
        ])
    func options(line: String, part: String) throws {
        let failure = try failure(line)
        #expect(failure.message.contains(part), "\(failure)")
        #expect(!failure.message.hasPrefix("Error") && !failure.message.contains("Usage:"), "\(failure)")
        #expect(failure.message.first?.isUppercase == false, "\(failure)")
        let command = line.prefix { $0 != " " }
        #expect(failure.hint?.hasPrefix("`aloft \(command)") == true, "\(failure)")
    }
}

@Suite("What can be asked about")
struct KnownSubjectsTests {
    private let known = KnownSubjects(services: ["web", "api"], replicas: ["web-1"])

    private func hint(_ body: () throws(CommandFailure) -> Void) -> String? {
        do {
            try body()
        } catch {
            #expect(error.exitCode == .misuse)
            return error.hint ?? "none"
        }
        return nil
    }

    @Test("a service that is none is answered with the nearest, or with all there are")
    func services() {
        #expect(hint { () throws(CommandFailure) in try known.require(service: "web") } == nil)
        #expect(hint { () throws(CommandFailure) in try known.require(service: "wbe") } == "did you mean `web`?")
        #expect(hint { () throws(CommandFailure) in try known.require(service: "nosuch") } == "there is `web`, `api`")
    }

    @Test("a replica that a service could have is known; events are also about parts of the daemon")
    func others() {
        #expect(hint { () throws(CommandFailure) in try known.require(replica: "web-7") } == nil)
        #expect(hint { () throws(CommandFailure) in try known.require(replica: "wbe-1") } == "did you mean `web-1`?")
        #expect(hint { () throws(CommandFailure) in try known.require(subject: "daemon") } == nil)
        #expect(hint { () throws(CommandFailure) in try known.require(subject: "demon") } == "did you mean `daemon`?")
        #expect(hint { () throws(CommandFailure) in try known.require(subject: "web-0") } != nil)
    }
}
