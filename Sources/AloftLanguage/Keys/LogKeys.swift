import AloftModel

/// `logs`.
enum LogKeys {
    static let section = Section<LogSpec>(
        "logs", [retention.member, maxSize.member, level.member, access.member]
    ) { fields, _ in
        LogSpec(
            retention: fields[retention], maxSize: fields[maxSize], level: fields[level], access: fields[access])
    }

    static let retention = Key<LogSpec, Duration>.standard(
        "retention", .duration(.seconds(60)...(.seconds(10 * 365 * 86400)), usual: "d"), "30d",
        "Older logs are removed.", example: "7d", synonyms: ["maxAge", "keep"]
    ) { $0.retention }

    static let maxSize = Key<LogSpec, ByteSize>.standard(
        "maxSize", .size(.mebibytes(1)...ByteSize(bytes: 64 << 40), usual: "MiB"), "1GiB",
        "The oldest logs are removed once all together are larger.", example: "500MiB", synonyms: ["max", "size"]
    ) { $0.maxSize }

    static let level = Key<LogSpec, LogSpec.Level>.standard(
        "level",
        .choice([
            ("debug", .debug, "everything, for finding a fault"), ("info", .info, "what happens"),
            ("notice", .notice, "what changes"), ("warning", .warning, "what may need somebody"),
            ("error", .error, "what needs somebody"),
        ]),
        "info", "The least severe entries of Aloft's own log that are written.", example: "debug"
    ) { $0.level }

    static let access = Key<LogSpec, Percent>.standard(
        "access", accessKind, "on", "The access log: `on`, `off`, or the share of requests that is written.",
        example: "10%"
    ) { $0.access }

    private static let accessKind: Kind<Percent> = {
        let words = Kind<Percent>.choice([("on", Percent(100), "every request"), ("off", Percent(0), "no request")])
        let share = Kind<Percent>.percent(Percent(0)...Percent(100))
        let spell: @Sendable (Percent) -> Outline = { percent in
            switch percent.basisPoints {
            case 0: .bare("off")
            case 10_000: .bare("on")
            default: share.spell(percent)
            }
        }
        return Kind(.either([words.form, share.form]), spell: spell) { node, reader in
            let text = node.scalar?.text ?? ""
            if text.contains(where: \.isNumber) { return share.read(node, &reader) }
            if ["true", "yes", "false", "no"].contains(text.lowercased()) {
                let meant = ["true", "yes"].contains(text.lowercased()) ? "on" : "off"
                reader.error(node, "`access: \(text)` is not a word of this key; write `access: \(meant)`")
                return nil
            }
            return words.read(node, &reader)
        }
    }()
}
