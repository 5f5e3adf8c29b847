import AloftDaemon

/// What `aloft up` says once it is up.
struct StartText {
    private let palette: Palette

    /// The options that name the daemon, as they are to be typed.
    private let typed: String

    init(palette: Palette, typed: String = "") {
        self.palette = palette
        self.typed = typed
    }

    func render(_ report: StartReport, isDetached: Bool) -> String {
        let facts = "  pid \(report.pid), up in \(report.milliseconds) ms"
        var text = palette(.bold, report.app) + palette(.dim, facts) + "\n"
        for url in report.urls { text += "  " + palette(.cyan, url) + "\n" }
        if let admin = report.admin { text += "  " + palette(.dim, "\(admin)/metrics  \(admin)/health") + "\n" }
        let next =
            isDetached
            ? "  aloft status\(typed), aloft logs -f\(typed), aloft down\(typed)"
            : "  Ctrl-C stops it; `aloft status\(typed)` elsewhere shows it"
        return text + palette(.dim, next) + "\n"
    }
}
