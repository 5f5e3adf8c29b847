import AloftDaemon
import AloftModel

/// Releases for people: the history of a service, and one of them in full.
package struct ReleaseText: Sendable {
    private let palette: Palette

    package init(palette: Palette) { self.palette = palette }

    /// After `aloft deploy` and its like, before the rollout is shown.
    package func created(_ release: ReleaseReport) -> String {
        "\(palette(.bold, release.service)): release \(release.number), \(Palette.printable(release.reason))"
            + palette(.dim, " by \(Palette.printable(release.by))") + "\n"
            + (release.notes ?? []).map { "note: \(Palette.printable($0))\n" }.joined()
    }

    /// Newest first, as they come, each with what was said of it last.
    package func table(_ releases: [ReleaseReport]) -> String {
        guard !releases.isEmpty else { return "there is no release yet\n" }
        var table = Table(["RELEASE", "STATUS", "WHEN", "BY", "WHY", "RUNS"])
        for release in releases {
            table.add([
                .init("\(release.number)"), .init(release.status, tone(of: release)), .init(minute(release.created)),
                .init(Palette.printable(release.by)), .init(why(release)), .init(runs(release)),
            ])
            // Of a release that another one replaced the last word is only that.
            guard release.status != "superseded", let verdict = release.verdicts.last else { continue }
            let isBad = ["failed", "rolledBack"].contains(release.status)
            table.addNote(Palette.printable(verdict), isBad ? .yellow : .dim)
        }
        return table.render(palette)
    }

    /// All that is known of one.
    package func full(_ release: ReleaseReport) -> String {
        var text = palette(.bold, "\(release.service) release \(release.number)") + "  "
        text += tone(of: release).map { palette($0, release.status) } ?? release.status
        text += "\n"
        let facts: [(String, String?)] = [
            ("created", "\(release.created)"), ("by", release.by), ("why", release.reason),
            ("message", release.message), ("environment", release.environment), ("strategy", release.strategy),
            ("artifact", release.artifact.map { "sha256 \($0)" }), ("image", release.image),
            ("folder", release.folder), ("code", release.code.map { "sha256 \($0), in place" }),
            ("set", release.set.isEmpty ? nil : release.set.joined(separator: ", ")),
        ]
        for (name, value) in facts {
            guard let value else { continue }
            text += "  \(palette(.dim, name))" + String(repeating: " ", count: 13 - name.count)
            text += Palette.printable(value) + "\n"
        }
        if !release.verdicts.isEmpty { text += "\nverdicts:\n" }
        for verdict in release.verdicts { text += "  " + Palette.printable(verdict) + "\n" }
        for output in release.outputs ?? [] {
            text += "\n\(Palette.printable(output.name)) printed:\n"
            for line in output.lines { text += "  \(palette(.dim, "|")) " + Palette.printable(line) + "\n" }
        }
        return text
    }

    /// After `aloft prune`.
    func pruned(_ report: PruneReport) -> String {
        let numbers = report.removed.map(String.init).joined(separator: ", ")
        let what =
            switch report.removed.count {
            case 0: "no release was removed"
            case 1: "release \(numbers) is removed"
            default: "releases \(numbers) are removed"
            }
        return "\(palette(.bold, report.service)): \(what), \(ByteSize(bytes: report.freed).rounded) freed\n"
            + palette(.dim, "\(ByteSize(bytes: report.free).rounded) are free; left: \(report.uses)") + "\n"
    }

    private func why(_ release: ReleaseReport) -> String {
        Palette.printable(release.reason + (release.message.map { ": \($0)" } ?? ""))
    }

    /// What is beside the file: artifact or image, and names of variables.
    private func runs(_ release: ReleaseReport) -> String {
        let set = release.set.map { "env.\(Palette.printable($0))" }
        let content = content(release)
        return ((content == "-" && !set.isEmpty ? [] : [content]) + set).joined(separator: ", ")
    }

    /// The first twelve digits of a digest tell images apart.
    private func content(_ release: ReleaseReport) -> String {
        guard let image = release.image, let digest = image.range(of: "sha256:") else {
            return Palette.printable(release.image ?? release.artifact ?? release.code.map { "in place \($0)" } ?? "-")
        }
        return Palette.printable(String(image[..<digest.upperBound] + image[digest.upperBound...].prefix(12)))
    }

    private func tone(of release: ReleaseReport) -> Palette.Tone? {
        switch release.status {
        case "current": .green
        case "failed", "rolledBack": .red
        case "pending", "rollingOut": .yellow
        default: nil
        }
    }

    /// `2026-11-20 22:12Z`.
    private func minute(_ time: Timestamp) -> String {
        let text = time.description
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))Z"
    }
}
