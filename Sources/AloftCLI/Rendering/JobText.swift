import AloftDaemon
import AloftModel

/// Jobs for people.
package struct JobText: Sendable {
    /// Runs of one job that are shown.
    static let mostRuns = 20

    private let palette: Palette

    package init(palette: Palette) { self.palette = palette }

    /// All jobs, with the last run of each.
    package func table(_ jobs: [JobReport], now: Timestamp) -> String {
        guard !jobs.isEmpty else { return "the file has no jobs; `aloft explain jobs` says how to add one\n" }
        var table = Table(["JOB", "SERVICE", "NEXT", "LAST", "RESULT", "TOOK"])
        for job in jobs {
            let last = job.runs.last { $0.result != "queued" }
            table.add([
                .init(job.name), .init(job.service),
                .init(job.next.map { "in \(max($0 - now, .zero).brief)" } ?? (job.schedule == nil ? "by hand" : "-")),
                .init(last.map { "\(max(now - $0.began, .zero).brief) ago" } ?? "-"),
                .init(last?.result ?? "-", last.map(tone)), .init(last.map { took($0, now) } ?? "-"),
            ])
            if let detail = last?.detail { table.addNote(Palette.printable(detail), .yellow) }
        }
        return table.render(palette)
    }

    /// The last runs of one job, newest first.
    package func history(_ job: JobReport, now: Timestamp) -> String {
        var text = palette(.bold, job.name) + " of \(job.service)"
        text += job.schedule.map { ", \($0)" } ?? ", by hand"
        if let next = job.next { text += ", next in \(max(next - now, .zero).brief)" }
        text += "\n"
        guard !job.runs.isEmpty else { return text + "it has not run yet\n" }
        var table = Table(["RUN", "BEGAN", "RESULT", "TOOK", "RELEASE", "WHY"])
        for run in job.runs.suffix(Self.mostRuns).reversed() {
            let why = run.due.map { "due \($0)" } ?? run.by.map { "by \($0)" } ?? "-"
            table.add([
                .init("\(run.number)"), .init("\(max(now - run.began, .zero).brief) ago"),
                .init(run.result, tone(run)), .init(took(run, now)),
                .init(run.release.map(String.init) ?? "-"), .init(Palette.printable(why)),
            ])
            if let detail = run.detail { table.addNote(Palette.printable(detail), .yellow) }
        }
        return text + "\n" + table.render(palette)
    }

    private func took(_ run: JobReport.Run, _ now: Timestamp) -> String {
        guard run.result != "skipped", run.result != "missed", run.result != "queued" else { return "-" }
        let time = max((run.ended ?? now) - run.began, .zero)
        return time < .seconds(10) ? "\(time.milliseconds) ms" : time.brief
    }

    private func tone(_ run: JobReport.Run) -> Palette.Tone {
        switch run.result {
        case "succeeded": .green
        case "failed", "timedOut", "interrupted": .red
        default: .yellow
        }
    }
}
