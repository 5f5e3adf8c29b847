import AloftDaemon
import AloftModel
import Testing

@testable import AloftCLI

@Suite("A rollout for people")
struct RolloutTextTests {
    private let text = RolloutText(palette: .plain, typed: " --environment staging")
    private let now = Reports.start + .seconds(72)

    @Test("the block shows the step, the traffic, both releases and the verdict")
    func block() {
        let report = Reports.rollout(
            intervals: Reports.intervals, verdict: "fail: 10% errors over 1% (101 requests)")
        #expect(
            text.block(report, now: now, width: 80).joined(separator: "\n") == """
                web release 7 over 6, canary, by ana, 1m 12s
                shifting, step 2 of 4: 12.5% for 2m, 1m10s left
                traffic  █████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 12.5%
                ready    new 1/1, stable 4/4
                errors   new     10%       █▅
                         stable  0.1%     ▂▁▂
                p95      new     1.3 s     ▂█
                         stable  40 ms    ▂▂▂
                verdict  fail: 10% errors over 1% (101 requests)
                """)
    }

    @Test("a narrow terminal cuts lines and never wraps them")
    func narrow() {
        let report = Reports.rollout(
            phase: "waiting", message: "waits for the approval of operations and of the data team",
            intervals: Reports.intervals, verdict: "pass")
        let lines = text.block(report, now: now, width: 40)
        #expect(
            lines.joined(separator: "\n") == """
                web release 7 over 6, canary, by ana, 1…
                waiting, step 2 of 4: waits for the app…
                traffic  ██▉░░░░░░░░░░░░░░░░░░░░ 12.5%
                ready    new 1/1, stable 4/4
                errors   new     10%       █▅
                         stable  0.1%     ▂▁▂
                p95      new     1.3 s     ▂█
                         stable  40 ms    ▂▂▂
                verdict  pass
                next     aloft approve web --environmen…
                """)
    }

    @Test("no line is wider than the terminal, whatever is in it", arguments: 40...120)
    func widths(width: Int) {
        let report = Reports.rollout(
            phase: "frozen", message: String(repeating: "long ", count: 60),
            intervals: [RolloutReport.Interval](repeating: Reports.intervals[1], count: 60),
            verdict: String(repeating: "v", count: 300), outcome: .frozen)
        for line in text.block(report, now: now, width: width, wanted: 9) {
            #expect(line.count <= width, "\(line)")
        }
    }

    @Test("what waits for a person names the command to type")
    func next() {
        #expect(text.next(Reports.rollout(phase: "waiting")) == "aloft approve web --environment staging")
        #expect(text.next(Reports.rollout(isPaused: true)) == "aloft resume web --environment staging")
        #expect(
            text.next(Reports.rollout(phase: "frozen", outcome: .frozen))
                == "aloft promote web --environment staging, or aloft abort web --environment staging")
        #expect(text.next(Reports.rollout()) == nil)
        #expect(text.next(Reports.rollout(phase: "done", outcome: .succeeded)) == nil)
    }

    @Test("the first release has no stable one beside it")
    func first() {
        var report = Reports.rollout()
        report.stable = nil
        let lines = text.block(report, now: now, width: 80)
        #expect(lines[0] == "web release 7, canary, by ana, 1m 12s")
        #expect(lines[3] == "ready    new 1/1")
    }

    @Test("a line for programs that read lines has the time and the numbers")
    func line() {
        #expect(
            text.line(Reports.rollout(), now: now)
                == "22:13:32  web 7  shifting 2/4  12.5%  new 1/1, stable 4/4  12.5% for 2m, 1m10s left")
    }

    @Test("a message of the application cannot move the cursor")
    func controlCharacters() {
        let report = Reports.rollout(message: "a\u{1B}[2Jb", verdict: "c\nd")
        let lines = text.block(report, now: now, width: 80)
        #expect(lines.contains { $0.contains("a\\x1b[2Jb") })
        #expect(lines.contains("verdict  c\\x0ad"))
    }

    @Test("colours never change the words, cut or not", arguments: [40, 60, 200])
    func colours(width: Int) {
        let coloured = RolloutText(palette: Palette(isColoured: true), typed: " --environment staging")
        let report = Reports.rollout(phase: "waiting", intervals: Reports.intervals, verdict: "pass")
        let plain = coloured.block(report, now: now, width: width).map { $0.replacing(#/\u{1B}\[[0-9]+m/#, with: "") }
        #expect(plain == text.block(report, now: now, width: width))
    }
}
