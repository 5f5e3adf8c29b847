/// How serious a line of an app is, whatever its logger calls that.
struct LogLevel: Sendable, Hashable {
    /// `info`, or what the app says where that is no level that is known here.
    let name: String
    let tone: Palette.Tone?

    /// Names of pino, bunyan, zap, logrus, slog, structlog, log4j, ECS, Serilog, Monolog, GELF, syslog and Google Cloud.
    static let names: [String: String] = [
        "trace": "trace", "verbose": "trace", "silly": "trace", "finest": "trace", "debug": "debug", "fine": "debug",
        "info": "info", "information": "info", "informational": "info", "default": "info", "http": "info",
        "notice": "notice", "success": "notice", "warn": "warn", "warning": "warn", "error": "error", "err": "error",
        "severe": "error", "exception": "error", "fatal": "fatal", "critical": "fatal", "crit": "fatal",
        "dpanic": "fatal", "panic": "fatal", "alert": "fatal", "emerg": "fatal", "emergency": "fatal",
    ]

    /// Longest name of an app's own that is shown whole.
    private static let longest = 12

    init(name: String) {
        self.name = name
        tone =
            switch name {
            case "trace", "debug": .dim
            case "info", "notice": .green
            case "warn": .yellow
            case "error", "fatal": .red
            default: nil
            }
    }

    /// A word; colours that a logger wrapped it in are taken off.
    init?(word: String) {
        let isColoured = word.contains("\u{1B}")
        let plain = (isColoured ? word.replacing(#/\u{1B}\[[0-9;]*m/#, with: "") : word).lowercased()
        guard !plain.isEmpty, plain.count <= 64 else { return nil }
        self.init(name: Self.names[plain] ?? String(plain.prefix(Self.longest)))
    }

    /// A number: 10 to 60 as pino and bunyan count, hundreds as Monolog counts, 0 to 7 as syslog and GELF count.
    ///
    /// - Parameter isSyslog: the record is of a kind that counts so.
    init?(number: String, isSyslog: Bool) {
        guard let value = Int(number) else { return nil }
        switch value {
        case 0...7 where isSyslog:
            self.init(name: ["fatal", "fatal", "fatal", "error", "warn", "notice", "info", "debug"][value])
        case 10..<70: self.init(name: ["trace", "debug", "info", "warn", "error", "fatal"][value / 10 - 1])
        case 100..<700:
            let steps = [(550, "fatal"), (500, "fatal"), (400, "error"), (300, "warn"), (250, "notice"), (200, "info")]
            self.init(name: steps.first { value >= $0.0 }?.1 ?? "debug")
        default: return nil
        }
    }
}
