import AloftModel
import Testing

@testable import AloftJournal

@Suite("Journal of releases")
struct ReleaseTests {
    let folder = TemporaryFolder()

    private var path: String { folder.path + "/journal.sqlite" }

    @Test("a rollout and its releases are written together and are there after opening again")
    func rollout() async throws {
        let journal = try Journal(path: path)
        let one = ReleaseRow(service: "web", number: 1, json: Array(#"{"status":"current"}"#.utf8))
        let two = ReleaseRow(service: "web", number: 2, json: Array(#"{"status":"rollingOut"}"#.utf8))
        try await journal.save(releases: [one])
        try await journal.save(releases: [two], rollout: ("web", Array(#"{"step":3}"#.utf8)))
        try journal.close()

        let again = try Journal(path: path)
        #expect(try await again.releases(of: "web") == [one, two])
        #expect(try await again.rollouts() == ["web": Array(#"{"step":3}"#.utf8)])
        try await again.save(releases: [], rollout: ("web", Array(#"{"step":4}"#.utf8)))
        #expect(try await again.rollouts() == ["web": Array(#"{"step":4}"#.utf8)])
    }

    @Test("releases are listed by service and number, and forgotten by both")
    func history() async throws {
        let journal = try Journal(path: path)
        for (service, number) in [("web", 10), ("api", 1), ("web", 9)] {
            try await journal.save(releases: [ReleaseRow(service: service, number: number, json: Array("{}".utf8))])
        }
        #expect(try await journal.releases().map { "\($0.service) \($0.number)" } == ["api 1", "web 9", "web 10"])
        try await journal.removeReleases([9, 77], of: "web")
        #expect(try await journal.releases(of: "web").map(\.number) == [10])
        #expect(try await journal.releases(of: "nobody").isEmpty)
    }

    @Test("the outbox replaces by id, removes, and changes all in order or nothing")
    func outbox() async throws {
        let journal = try Journal(path: path)
        func row(_ id: String, _ text: String = "{}") -> OutboxRow { OutboxRow(id: id, json: Array(text.utf8)) }
        try await journal.changeOutbox([.put(row("b")), .put(row("a"))])
        try await journal.changeOutbox([.put(row("a", #"{"tries":1}"#)), .remove(id: "never")])
        #expect(try await journal.outbox() == [row("a", #"{"tries":1}"#), row("b")])
        try await journal.changeOutbox([.remove(id: "a"), .put(row("a", "[]")), .remove(id: "b")])
        #expect(try await journal.outbox() == [row("a", "[]")])
    }
}
