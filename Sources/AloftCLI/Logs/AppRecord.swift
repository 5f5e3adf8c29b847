import AloftModel

/// What a line of JSON that an app printed says: when, how serious, what, and the rest.
///
/// Found by the names that loggers give their fields, so that nothing has to be configured.
struct AppRecord: Sendable, Hashable {
    var time: Timestamp?
    var level: LogLevel?
    var message: String?
    var rest: JSONMembers

    private static let messages = ["msg", "message", "event", "short_message", "@m", "@mt", "log.message"]
    private static let levels = [
        "level", "severity", "log.level", "levelname", "level_name", "log_level", "loglevel", "lvl", "@l",
        "severity_text",
    ]
    private static let times = [
        "time", "ts", "timestamp", "@timestamp", "datetime", "@t", "timeMillis", "asctime", "date",
    ]
    /// What pino and bunyan put into every line: the same in each of a replica.
    private static let constants = ["pid", "hostname", "v"]

    /// Nil where nothing in it looks like a logger's.
    init?(_ members: JSONMembers) {
        rest = members
        takeNested()
        takeLevel()
        takeMessage()
        guard level != nil || message != nil else { return nil }
        takeTime()
    }

    /// tracing puts the message among `fields`, ECS the level below `log`.
    private mutating func takeNested() {
        if case .nested(let bytes)? = rest["fields"], let fields = JSONMembers(bytes), fields["message"] != nil {
            rest.remove("fields")
            rest.append(fields)
        }
        if case .nested(let bytes)? = rest["log"], var log = JSONMembers(bytes), let level = log["level"] {
            log.remove("level")
            rest.remove("log")
            rest.append(JSONMembers([.init(name: "log.level", value: level)]))
            rest.append(JSONMembers(log.all.map { .init(name: "log.\($0.name)", value: $0.value) }))
        }
    }

    private mutating func takeLevel() {
        let isSyslog = rest["short_message"] != nil
        let given = Self.levels.filter { rest[$0] != nil }
        for name in given {
            if case .text(let word)? = rest[name], Int(word) == nil, let known = LogLevel(word: word) {
                return use(known, of: given)
            }
        }
        for name in given {
            let number: String? =
                switch rest[name] {
                case .word(let text), .text(let text): text
                case .nested, nil: nil
                }
            guard let number, let known = LogLevel(number: number, isSyslog: isSyslog) else { continue }
            if let value = Int(number), (10..<70).contains(value), rest["pid"] != nil, rest["hostname"] != nil {
                for name in Self.constants { rest.remove(name) }
            }
            return use(known, of: [name])
        }
    }

    /// A level that is there as a word and as a number is said once.
    private mutating func use(_ known: LogLevel, of names: [String]) {
        level = known
        for name in names {
            if case .text(let word)? = rest[name], LogLevel(word: word) != known { continue }
            rest.remove(name)
        }
    }

    private mutating func takeMessage() {
        for name in Self.messages {
            guard case .text(let text)? = rest[name] else { continue }
            message = text
            rest.remove(name)
            return
        }
    }

    private mutating func takeTime() {
        for name in Self.times {
            guard let value = rest[name], let found = LogTime.read(value) else { continue }
            time = found
            rest.remove(name)
            return
        }
    }

    /// The app's own time is the better one, unless its clock is not ours: then it stays among the rest.
    static let clockDifference = Duration.seconds(60)

    /// This record where its time is one that can stand for `other`; else with the time put back.
    func timed(near other: Timestamp) -> (time: Timestamp, record: AppRecord) {
        guard let time else { return (other, self) }
        guard abs((time - other).milliseconds) <= Self.clockDifference.milliseconds else {
            var record = self
            record.rest.append(JSONMembers([.init(name: "time", value: .text(time.description))]))
            return (other, record)
        }
        return (time, self)
    }
}

extension JSONMembers {
    init(_ members: [Member]) {
        self.init()
        for member in members { append(member) }
    }
}

/// Times as loggers write them: RFC 3339, or a number of seconds, milli-, micro- or nanoseconds since 1970.
enum LogTime {
    static func read(_ value: JSONMembers.Value) -> Timestamp? {
        switch value {
        case .text(let text): text.utf8.count <= 64 ? read(text) : nil
        case .word(let number): read(number: number)
        case .nested: nil
        }
    }

    private static func read(_ text: String) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        // log4j writes `+0000`.
        if let match = text.wholeMatch(of: #/(.*[+-]\d\d)(\d\d)/#) {
            return Timestamp(rfc3339: "\(match.1):\(match.2)")
        }
        return read(number: text)
    }

    private static func read(number text: String) -> Timestamp? {
        guard let value = Double(text) else { return nil }
        let places: [(Range<Double>, Int)] = [(1e8..<1e11, 9), (1e11..<1e14, 6), (1e14..<1e17, 3), (1e17..<9e18, 0)]
        guard let place = places.first(where: { $0.0.contains(value) })?.1 else { return nil }
        return shifted(text, by: place).map { Timestamp(nanoseconds: $0) }
    }

    /// A positive decimal number with its point moved to the right, without what is then behind it.
    ///
    /// By its digits: a `Double` has too few for nanoseconds since 1970.
    private static func shifted(_ text: String, by places: Int) -> Int64? {
        let parts = text.split(maxSplits: 1) { $0 == "e" || $0 == "E" }
        guard let mantissa = parts.first, let exponent = parts.count > 1 ? Int(parts[1]) : 0 else { return nil }
        let halves = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = halves.joined()
        let point = halves[0].count + exponent + places
        guard point > 0, point <= digits.count + 32 else { return nil }
        return Int64(digits.prefix(point) + String(repeating: "0", count: max(0, point - digits.count)))
    }
}
