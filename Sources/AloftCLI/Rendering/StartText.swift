import AloftDaemon

/// What `aloft up` says once it is up.
struct StartText {
    private let palette: Palette

    init(palette: Palette) { self.palette = palette }

    func render(_ report: StartReport, isDetached: Bool) -> String {
        let facts = "  pid \(report.pid), up in \(report.milliseconds) ms"
        var text = palette(.bold, report.app) + palette(.dim, facts) + "\n"
        for url in report.urls { text += "  " + palette(.cyan, url) + "\n" }
        if let admin = report.admin { text += "  " + palette(.dim, "\(admin)/metrics  \(admin)/health") + "\n" }
        let next =
            isDetached
            ? "  aloft status, aloft logs -f, aloft down" : "  Ctrl-C stops it; `aloft status` elsewhere shows it"
        return text + palette(.dim, next) + "\n"
    }
}
