import Testing

/// What transcripts let vary, and what they do not: without it, a page could say anything.
@Suite("The shape of a transcript")
struct TranscriptShapeTests {
    private static let page = """
        shop: release 3, deploy by anna
        08:16:55  shop 3  gates 1/2  0%  new 0/0, stable 2/2  types
        08:16:55  shop 3  gates 2/2  0%  new 0/0, stable 2/2  unit, 12 tests
        08:16:55  shop 3  starting  0%  new 0/1, stable 2/2  waits for 0 of 1 replicas to be ready, given up in 10s
        08:16:55  shop 3  shifting 1/3  0%  new 1/1, stable 2/2  25%
        08:16:55  shop 3  shifting 1/3  25%  new 1/1, stable 2/2  25%, 4s left
        08:16:57  shop 3  verdict pass
        08:16:59  shop 3  waiting 2/3  25%  new 1/1, stable 2/2  approve ops, waits for approval `ops`  (aloft approve shop)
        08:17:57  shop 3  rolling back  25%  new 1/1, stable 2/2  fail: 18.4% errors (9 of 49), allowed 5%; stable 0%
        08:17:57  shop 3  rolling back  0%  new 0/0, stable 2/2  fail: 18.4% errors (9 of 49), allowed 5%; stable 0%
        08:17:58  shop 3  rolled back  0%  new 0/0, stable 2/2  fail: 18.4% errors (9 of 49), allowed 5%; stable 0%
        error: release 3 of shop was rolled back: fail: 18.4% errors (9 of 49), allowed 5%; stable 0%
        """

    private static func shape(_ text: String) -> TranscriptShape {
        TranscriptShape(text.split(separator: "\n").map(String.init))
    }

    @Test(
        "a run may differ in times, in what is measured, and in how often somebody looked",
        arguments: [
            ("08:16:55", "23:59:59"), ("18.4% errors (9 of 49)", "20% errors (12 of 60)"), ("stable 0%", "stable 0.4%"),
            ("; stable 0%", ""),
            ("new 0/1, stable 2/2  waits for 0 of 1 replicas to be ready, given up in 10s", "new 1/1, stable 2/2"),
            ("08:16:55  shop 3  gates 1/2  0%  new 0/0, stable 2/2  types\n", ""), ("unit, 12 tests", "unit"),
            (
                "08:16:55  shop 3  shifting 1/3  25%  new 1/1, stable 2/2  25%, 4s left\n",
                """
                08:16:55  shop 3  shifting 1/3  25%  new 1/1, stable 2/2  25%, 4s left
                08:16:56  shop 3  shifting 1/3  25%  new 1/1, stable 1/2  25%, 3s left

                """
            ),
        ])
    func varies(_ from: String, _ to: String) {
        let run = Self.page.replacing(from, with: to)
        #expect(run != Self.page)
        #expect(Self.shape(Self.page).holds(Self.shape(run)))
        #expect(Self.shape(run).holds(Self.shape(Self.page)))
    }

    @Test(
        "it may not differ in words, states, order, weights, verdicts, limits and numbers of releases",
        arguments: [
            ("verdict pass", "verdict fail"), ("allowed 5%", "allowed 6%"), ("shifting 1/3  25%", "shifting 1/3  20%"),
            ("waiting 2/3", "waiting 1/3"), ("release 3 of shop was", "release 4 of shop was"),
            ("`ops`", "`dev`"), ("(aloft approve shop)", "(aloft promote shop)"), ("errors", "failures"),
            ("rolled back  0%  new 0/0", "rolled back  0%  new 1/1"), ("rolled back  0%", "rolled back  25%"),
            ("gates 2/2  0%  new 0/0, stable 2/2  unit", "gates 2/2  0%  new 0/0, stable 2/2  types"),
            ("08:16:55  shop 3  gates 2/2  0%  new 0/0, stable 2/2  unit, 12 tests\n", ""), ("by anna", "by root"),
            ("shop 3  rolled back", "shop 3  done"), ("08:16:57  shop 3  verdict pass\n", ""),
            ("08:16:55  shop 3  shifting 1/3  0%  new 1/1, stable 2/2  25%\n", ""),
        ])
    func isStrict(_ from: String, _ to: String) {
        let run = Self.page.replacing(from, with: to)
        #expect(run != Self.page)
        #expect(!Self.shape(Self.page).holds(Self.shape(run)))
        #expect(!Self.shape(run).holds(Self.shape(Self.page)))
    }

    @Test("where replicas make the weight, it is theirs until the end")
    func countedWeights() {
        let page = """
            08:16:04  site 4  shifting  25%  new 1/1, stable 3/2
            08:16:05  site 4  shifting  66.7%  new 2/3, stable 1/1
            08:16:06  site 4  done  100%  new 3/3, stable 0/0
            """
        let run = page.replacing("66.7%", with: "50%")
        #expect(Self.shape(page).holds(Self.shape(run)))
        #expect(!Self.shape(page).holds(Self.shape(page.replacing("done  100%", with: "done  75%"))))
    }

    @Test("rows of replicas keep name, release and state")
    func replicas() {
        let row = "shop-1     2        ready  4s   6269  1.4%  12 MiB  0         107       0          cgroup v1"
        let other = "shop-1  2  ready  9m 4s  7  0.2%  9.1 MiB  0  1 107  3  cgroup v2"
        #expect(TranscriptShape.text(row) == TranscriptShape.text(other))
        #expect(TranscriptShape.text(row) != TranscriptShape.text(row.replacing("ready", with: "exited")))
        #expect(
            TranscriptShape.text(row) != TranscriptShape.text(row.replacing("2        ready", with: "1        ready")))
    }

    @Test("an error may have what the release printed below it, and keeps its reason")
    func printed() {
        let page = "error: release 3 of shop was rolled back: it crashed; it printed:\n  | out of luck\n  fix: look"
        let run = "error: release 3 of shop was rolled back: it crashed\n  fix: look"
        #expect(Self.shape(page).holds(Self.shape(run)) && Self.shape(run).holds(Self.shape(page)))
        #expect(!Self.shape(page).holds(Self.shape(run.replacing("crashed", with: "is slow"))))
        #expect(!Self.shape("gate unit printed:\n  | 12 passed").holds(Self.shape("gate unit printed:")))
    }

    @Test("rows of jobs keep job, service, schedule and result")
    func jobs() {
        let row = "digest   web      in 6h 48m  0s ago  succeeded  365 ms"
        #expect(TranscriptShape.text(row) == TranscriptShape.text("digest  web  in 23h  12m ago  succeeded  1.2 s"))
        #expect(TranscriptShape.text(row) != TranscriptShape.text(row.replacing("succeeded", with: "failed")))
        #expect(TranscriptShape.text(row) != TranscriptShape.text(row.replacing("in 6h 48m", with: "by hand")))
    }

    @Test("judgements may be as many as there was time for, not others")
    func judgements() {
        let page = "verdicts:\n  ops: approved by anna\n  25%: pass\n  25%: pass\n  50%: pass"
        #expect(Self.shape(page).holds(Self.shape(page.replacing("25%: pass\n  25%: pass", with: "25%: pass"))))
        #expect(!Self.shape(page).holds(Self.shape(page.replacing("\n  50%: pass", with: ""))))
        #expect(!Self.shape(page).holds(Self.shape(page.replacing("50%: pass", with: "50%: inconclusive"))))
    }

    @Test("a page with a transcript that nothing replays, or that does not end, is refused")
    func mistakes() {
        for text in [
            "```console\n$ aloft status\n```", "<!-- replay examples/hello\n-->\n```console\n$ aloft status\n",
            "<!-- replay examples/hello\nrm\n-->", "<!-- replay examples/hello\n-->\n```console\nno command\n```",
            "<!-- replay examples/hello\n-->\n```console later\n$ aloft status\n```",
        ] {
            #expect(throws: (any Error).self) { try TranscriptPage(path: "page.md", text: text) }
        }
    }

    @Test("a recorded page has the new output, and all else as it was")
    func records() throws {
        let text = """
            # Title
            <!-- replay examples/hello
            $ aloft up --detach
            -->
            ```console
            $ aloft status
            old
            $ aloft down
            ```
            between
            ```console until "go"
            $ aloft deploy
            ```
            ```console goes on
            old
            ```
            """
        let page = try TranscriptPage(path: "page.md", text: text)
        let replay = try #require(page.replays.first)
        #expect(replay.setup == ["aloft up --detach"] && replay.title == "Title" && replay.folder == "examples/hello")
        let recorded = page.recorded(replay, [[["new", "lines"], ["stopped"]], [["go"]], [["gone"]]])
        let wanted = text.replacing("aloft status\nold", with: "aloft status\nnew\nlines")
            .replacing("aloft down\n", with: "aloft down\nstopped\n")
            .replacing("aloft deploy\n", with: "aloft deploy\ngo\n").replacing("goes on\nold", with: "goes on\ngone")
        #expect(recorded == wanted)
    }
}
