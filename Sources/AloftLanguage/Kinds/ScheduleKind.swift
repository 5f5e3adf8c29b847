import AloftModel
import FoundationEssentials

/// Which time zones the machine knows.
package struct TimeZones: Sendable {
    /// `Asia/Kolkata`; the form of the name was checked.
    package var contains: @Sendable (String) -> Bool
    /// Names for hints, asked for only where one is unknown.
    package var names: @Sendable () -> [String]

    package init(contains: @escaping @Sendable (String) -> Bool, names: @escaping @Sendable () -> [String]) {
        self.contains = contains
        self.names = names
    }

    private static let folder = "/usr/share/zoneinfo"

    /// The database of tz; every name is taken where a machine has none, because nothing can be said of it then.
    package static let machine = TimeZones(
        contains: { name in
            let files = FileManager.default
            guard files.fileExists(atPath: folder) else { return true }
            var isFolder = false
            return files.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder) && !isFolder
        },
        names: {
            // zone.tab: country, coordinates, name, comment (tz-link.html). A machine without it gives no hints.
            guard let data = FileManager.default.contents(atPath: "\(folder)/zone.tab"), data.count < 1 << 20 else {
                return ["UTC"]
            }
            let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            return ["UTC"]
                + lines.compactMap { line in
                    let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
                    return columns.count > 2 ? String(columns[2]) : nil
                }
        })
}

extension Kind where Value == Schedule {
    /// `0 22 * * 1-5 Asia/Kolkata`.
    static var schedule: Kind {
        let form = ScalarForm(
            type: "schedule", plural: "schedules", limits: "at most 256 bytes",
            json: .string(pattern: "^\\s*[^\\s@]+(\\s+[^\\s]+){4,5}\\s*$"))
        return Kind(
            .scalar(form), spell: { .text($0.description) },
            read: { node, reader in
                guard let scalar = node.scalar, !scalar.isNull else {
                    reader.error(
                        node, "`\(reader.key)` is a schedule, and this is \(node.noun)",
                        hint: "write for example `\(reader.key): \"0 2 * * * Asia/Kolkata\"`")
                    return nil
                }
                return ScheduleText.read(scalar, node, &reader)
            })
    }
}

enum ScheduleText {
    /// As the errors of the parser name the fields, in their order.
    private static let fields = ["minute", "hour", "day of month", "month", "day of week", "time zone"]

    static func read(_ scalar: Node.Scalar, _ node: Node, _ reader: inout Reader) -> Schedule? {
        do {
            let schedule = try Schedule(parsing: scalar.text)
            guard let zone = schedule.timeZone, !reader.zones.contains(zone) else { return schedule }
            let near = reader.problems.takesHints ? self.near(zone, reader.zones) : nil
            reader.problems.error(
                place(ofField: 5, in: scalar, node, reader), "this machine knows no time zone `\(zone.shortened)`",
                hint: near.map { "did you mean `\($0)`?" } ?? "write a name of the tz database, such as `Europe/Berlin`"
            )
        } catch {
            let field = fields.firstIndex { error.message.hasPrefix("\($0): ") }
            let span = field.map { place(ofField: $0, in: scalar, node, reader) } ?? node.span
            let isPhrase = ["has ", "is "].contains { error.message.hasPrefix($0) }
            reader.problems.error(span, "\(reader.quotation(scalar))\(isPhrase ? " " : ": ")\(error.message)")
        }
        return nil
    }

    /// `Kolkata` is `Asia/Kolkata`, and so is `asia/kolkata`.
    private static func near(_ zone: String, _ zones: TimeZones) -> String? {
        let (names, wanted) = (zones.names(), zone.lowercased())
        return names.first { $0.lowercased() == wanted || $0.lowercased().hasSuffix("/\(wanted)") }
            ?? Nearest.word(to: zone, among: names)
    }

    /// The word in the file; the whole value where it is not written as it stands.
    private static func place(ofField index: Int, in scalar: Node.Scalar, _ node: Node, _ reader: Reader) -> Span {
        let start = node.span.start
        let line = Array(reader.text.line(start.line).unicodeScalars)
        let written = Array(scalar.text.unicodeScalars)
        let offset = start.column - 1 + (scalar.style == .quoted ? 1 : 0)
        guard offset + written.count <= line.count, Array(line[offset..<offset + written.count]) == written else {
            return node.span
        }
        var words: [Range<Int>] = []
        for (place, character) in written.enumerated() where character != " " && character != "\t" {
            if let last = words.last, last.upperBound == place {
                words[words.count - 1] = last.lowerBound..<place + 1
            } else {
                words.append(place..<place + 1)
            }
        }
        guard words.indices.contains(index) else { return node.span }
        let word = words[index]
        return Span(
            Position(line: start.line, column: offset + word.lowerBound + 1),
            Position(line: start.line, column: offset + word.upperBound + 1))
    }
}
