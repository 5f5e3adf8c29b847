import AloftDaemon
import AloftModel

/// Channels of notifications for people.
package struct ChannelText: Sendable {
    private let palette: Palette

    package init(palette: Palette) { self.palette = palette }

    package func table(_ channels: [ChannelReport], now: Timestamp) -> String {
        guard !channels.isEmpty else {
            return "the file has no channel; `aloft explain notifications` says how to add one\n"
        }
        var table = Table(["CHANNEL", "KIND", "HOST", "STATE", "WAITING", "DROPPED", "LAST SUCCESS"])
        for channel in channels {
            table.add([
                .init(channel.name), .init(channel.kind), .init(Palette.printable(channel.host ?? "-")),
                .init(channel.state, tone(of: channel)), .init("\(channel.waiting)"),
                .init("\(channel.dropped)", channel.dropped > 0 ? .yellow : nil),
                .init(channel.lastSuccess.map { "\((now - $0).brief) ago" } ?? "-"),
            ])
            guard channel.state != "working" else { continue }
            if let failure = channel.failure {
                let when = channel.lastFailure.map { " (\((now - $0).brief) ago)" } ?? ""
                table.addNote(Palette.printable(failure) + when, .yellow)
            }
            if let next = channel.nextTry { table.addNote("tries again in \((next - now).brief)", .dim) }
        }
        return table.render(palette)
    }

    package func delivered(_ report: NotificationTestReport) -> String {
        "\(palette(.bold, report.channel)): \(palette(.green, "delivered")), \(Palette.printable(report.answer))\n"
    }

    private func tone(of channel: ChannelReport) -> Palette.Tone {
        switch channel.state {
        case "working": .green
        case "misconfigured": .red
        default: .yellow
        }
    }
}
