import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Transcripts")
    struct Transcripts {
        /// Pages whose transcripts are replayed.
        static let pages = ["docs/rollouts.md", "docs/notifications.md", "docs/jobs.md", "docs/services.md"]

        static let replays = Result { try pages.flatMap { try TranscriptPage($0).replays } }
        private static let isRecording = ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1"

        @Test("every page has transcripts, each under a folder to replay it in")
        func pagesAreRead() throws {
            #expect(try !Self.replays.get().isEmpty)
        }

        @Test("what a page shows is what is printed", arguments: (try? replays.get()) ?? [])
        func replayed(_ replay: TranscriptPage.Replay) async throws {
            try await withFixture { fixture in
                let outputs = try await TranscriptRun(replay, fixture: fixture).run(replay)
                if Self.isRecording { return try record(replay, outputs) }
                compare(replay, outputs)
            }
        }

        private func compare(_ replay: TranscriptPage.Replay, _ outputs: [[[String]]]) {
            for (page, run) in zip(Self.joined(replay), Self.joined(replay, outputs)) {
                let (wanted, found) = (TranscriptShape(page.output), TranscriptShape(run.output))
                let isSame = wanted.holds(found)
                #expect(
                    isSame,
                    """
                    \(replay.page): `\(page.typed)` prints something else; `ALOFT_RECORD=1` writes the page anew
                    \(Self.difference(wanted, found))
                    it printed:
                    \(run.output.joined(separator: "\n"))
                    """)
            }
        }

        /// Each command with all that it prints, what goes on later included.
        private static func joined(
            _ replay: TranscriptPage.Replay, _ outputs: [[[String]]]? = nil
        ) -> [TranscriptPage.Command] {
            var commands: [TranscriptPage.Command] = []
            var left: Int?
            for (index, fence) in replay.fences.enumerated() {
                let shown = fence.commands.enumerated().map { position, command in
                    TranscriptPage.Command(
                        typed: command.typed, output: outputs?[index][position] ?? command.output)
                }
                if fence.kind == .goesOn, let left {
                    commands[left].output += shown[0].output
                } else {
                    commands += shown
                }
                if case .until = fence.kind { left = commands.count - 1 }
            }
            return commands
        }

        private static func difference(_ wanted: TranscriptShape, _ found: TranscriptShape) -> String {
            let before = wanted.beginning + wanted.lines
            let after = found.beginning + found.lines
            return after.difference(from: before).map { change in
                switch change {
                case .remove(_, let line, _): "  - \(line)"
                case .insert(_, let line, _): "  + \(line)"
                }
            }.joined(separator: "\n")
        }

        private func record(_ replay: TranscriptPage.Replay, _ outputs: [[[String]]]) throws {
            // Replays before it have changed where its lines are.
            let page = try TranscriptPage(replay.page)
            let fresh = try #require(page.replays.first { $0.description == replay.description })
            try page.recorded(fresh, outputs).write(
                toFile: Checkout.root + "/" + replay.page, atomically: true, encoding: .utf8)
        }
    }
}
