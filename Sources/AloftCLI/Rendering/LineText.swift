import AloftDaemon
import AloftModel

/// Events, a line each.
package struct LineText {
    private let palette: Palette

    package init(palette: Palette) { self.palette = palette }

    /// `22:12:20.041  replica.ready  web-1  answers on 127.0.0.1:41234`, times in UTC.
    package func render(_ event: Event) -> String {
        let tone: Palette.Tone? =
            switch event.severity {
            case .notice: nil
            case .warning: .yellow
            case .error: .red
            }
        let message = Palette.printable(event.message)
        let subject = event.subject + String(repeating: " ", count: max(0, 10 - event.subject.count))
        return "\(palette(.dim, clock(event.time)))  \(palette(.bold, subject))  "
            + "\(tone.map { palette($0, message) } ?? message)" + palette(.dim, "  (\(event.kind))")
    }

    private func clock(_ time: Timestamp) -> String { String(time.description.dropFirst(11).dropLast()) }
}
