import AloftDaemon
import AloftModel

/// Events and output of the application, a line each.
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

    /// `22:12:20.041  web-1  GET / 200`; what came from stderr is marked by colour only.
    package func render(_ line: LogLine) -> String {
        let text = Palette.printable(line.line)
        return "\(palette(.dim, clock(line.time)))  \(palette(.cyan, line.replica))  "
            + (line.stream == "stderr" ? palette(.yellow, text) : text)
    }

    private func clock(_ time: Timestamp) -> String { String(time.description.dropFirst(11).dropLast()) }
}
