import AloftDaemon
import AloftLanguage
import AloftModel
import Foundation
import Testing

@testable import AloftCLI

@Suite("Text for people")
struct RenderingTests {
    @Test(
        "durations have two units at most",
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m"), (192, "3m 12s"), (3600, "1h"), (90_000, "1d 1h"), (-5, "0s"),
            (86_461, "1d"),
        ] as [(Int, String)])
    func durations(seconds: Int, text: String) {
        #expect(Duration.seconds(seconds).brief == text)
    }

    @Test(
        "bytes have one digit after the point below ten",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (24 << 20, "24 MiB"), (3 << 40, "3 TiB"),
        ] as [(Int, String)])
    func bytes(count: Int, text: String) {
        #expect(Amount.bytes(count) == text)
    }

    @Test(
        "shares of a core are percents",
        arguments: [(0, "0%"), (0.034, "3.4%"), (0.1, "10%"), (0.126, "13%"), (1.5, "150%")] as [(Double, String)])
    func percents(share: Double, text: String) {
        #expect(Amount.percent(share) == text)
    }

    @Test("large numbers are grouped", arguments: [(7, "7"), (1000, "1 000"), (-12_345, "-12 345")])
    func groups(number: Int, text: String) {
        #expect(Amount.count(number) == text)
    }

    @Test("colour only on a terminal, without NO_COLOR, and not on a dumb one")
    func colour() {
        #expect(Palette.suited(isTerminal: true, environment: [:]).isColoured)
        #expect(Palette.suited(isTerminal: true, environment: ["NO_COLOR": ""]).isColoured)
        #expect(!Palette.suited(isTerminal: true, environment: ["NO_COLOR": "1"]).isColoured)
        #expect(!Palette.suited(isTerminal: true, environment: ["TERM": "dumb"]).isColoured)
        #expect(!Palette.suited(isTerminal: false, environment: [:]).isColoured)
    }

    @Test("output of the application cannot move the cursor or recolour the terminal")
    func controlCharacters() {
        #expect(Palette.printable("a\tb\u{1B}[2J\r\u{9B}\u{7F}é") == "a\tb\\x1b[2J\\x0d\\x9b\\x7fé")
    }

    @Test("an event is one line")
    func event() {
        let event = Event(
            time: Timestamp(nanoseconds: 1_795_212_740_041_000_000), severity: .warning, kind: "replica.exited",
            subject: "web-2", message: "exit code 3\nsecond line")
        #expect(
            LineText(palette: .plain).render(event)
                == "22:12:20.041  web-2       exit code 3\\x0asecond line  (replica.exited)")
    }

    @Test("changes say what they do")
    func difference() {
        let difference = PlanDifference(
            changes: [
                PlanChange(
                    path: "services.web.replicas", kind: .changed, old: "2", new: "3", effect: "takes effect at once"),
                PlanChange(path: "edge.routes[/a]", kind: .removed, old: "web", new: nil, effect: "at once"),
            ], digest: "abc")
        #expect(
            PlanText(palette: .plain).render(difference) == """
                difference to what runs:
                  ~ services.web.replicas: 2 -> 3  (takes effect at once)
                  - edge.routes[/a]: web  (at once)

                """)
        #expect(PlanText(palette: .plain).render(PlanDifference(changes: [], digest: "")) == "what runs is this plan\n")
    }

    @Test("gaps come with what closes them")
    func gaps() {
        let gap = Gap(path: "services.web", sentence: "One replica.", remedy: "replicas: 2")
        #expect(
            PlanText(palette: .plain).render([gap]) == """
                not guaranteed:
                  services.web
                    One replica.
                    replicas: 2

                """)
    }

    @Test("an explanation shows type, default and limits in columns")
    func explanation() throws {
        let json = """
            {"path": "logs.retention", "type": "duration", "summary": "How long logs are kept.", "standard": "30d",
             "isRequired": false, "limits": "1m to 10y", "choices": [], "example": "logs: {retention: 7d}\\n",
             "effect": "at once", "keys": [], "reserved": []}
            """
        let explanation = try JSONDecoder().decode(Explanation.self, from: Data(json.utf8))
        #expect(
            ExplanationText(palette: .plain).render(explanation) == """
                logs.retention

                How long logs are kept.

                  type     duration
                  default  30d
                  limits   1m to 10y
                  change   at once

                Example:
                  logs: {retention: 7d}

                """)
    }
}
