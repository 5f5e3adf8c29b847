import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftNotifications

@Suite("docs/notifications.md")
struct DocumentTests {
    /// Texts of the fenced blocks of a language, in their order.
    private func blocks(_ language: String) throws -> [String] {
        let path = Checkout.root + "/docs/notifications.md"
        let page = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        return page.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }

    private func golden(_ name: String) throws -> String {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
        return String(decoding: try Data(contentsOf: path), as: UTF8.self)
    }

    @Test("shows what channels are sent, piece by piece")
    func examples() throws {
        let shown = try blocks("json") + blocks("text")
        let files = ["slack.json", "pagerduty.json", "webhook.json", "mail.eml"]
        try #require(shown.count == files.count)
        for (block, file) in zip(shown, files) {
            var rest = Substring(try golden(file))
            for piece in block.components(separatedBy: "\n…\n") {
                let place = try #require(rest.range(of: piece), "\(file) has no such piece here:\n\(piece)")
                rest = rest[place.upperBound...]
            }
        }
    }

    @Test("its Python and its shell tell a genuine message from others")
    func signature() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.web(fixture, ["--secret", "a very s3cret secret"])
            let url = Template("http://127.0.0.1:\(sink.port)/ok")
            let hook = try sender(.webhook(url: url, secret: Template("a very s3cret secret")))
            #expect(await hook.send(Golden.night).result == .accepted)
            let request = try #require(try sink.requests.first)
            let signature = try #require(request.headers["x-aloft-signature"])
            let old = signature.replacing("t=1", with: "t=0")
            let cases: [(secret: String, signature: String, body: String, isGenuine: Bool)] = [
                ("a very s3cret secret", signature, request.body, true),
                ("a very s3cret secre", signature, request.body, false),
                ("a very s3cret secret", signature, request.body + " ", false),
                ("a very s3cret secret", old, request.body, false),
                (
                    "a very s3cret secret",
                    WebhookBody.signature(
                        Data(request.body.utf8), secret: "a very s3cret secret", seconds: 1_700_000_000), request.body,
                    false
                ),
            ]
            for one in cases {
                try Data(one.body.utf8).write(to: URL(fileURLWithPath: sink.folder + "/body"))
                #expect(try await byPython(one.secret, one.signature, sink.folder) == one.isGenuine, "\(one)")
                #expect(try await byShell(one.secret, one.signature, sink.folder) == one.isGenuine, "\(one)")
            }
        }
    }

    private func byPython(_ secret: String, _ signature: String, _ folder: String) async throws -> Bool {
        let end = """

            import sys
            genuine = is_from_aloft(sys.argv[1].encode(), sys.argv[2], open("body", "rb").read())
            sys.exit(0 if genuine else 9)
            """
        let program = try #require(try blocks("python").first) + "\n" + end
        let run = try await Child.run([Checkout.python, "-c", program, secret, signature], directory: folder)
        return try isGenuine(run.ending, not: 9, run.output)
    }

    private func byShell(_ secret: String, _ signature: String, _ folder: String) async throws -> Bool {
        let program = "secret=$1 signature=$2\n" + (try #require(try blocks("sh").first))
        let run = try await Child.run(["/bin/sh", "-c", program, "sh", secret, signature], directory: folder)
        return try isGenuine(run.ending, not: 1, run.output)
    }

    private func isGenuine(_ ending: Child.Ending, not code: Int32, _ output: String) throws -> Bool {
        if ending == .exited(0) { return true }
        guard ending == .exited(code) else { throw KitError.malformed("\(ending): \(output)") }
        return false
    }
}
