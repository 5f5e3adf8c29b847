import AloftModel

/// `services.*.user`, `dependsOn`, `volumes` and `reload`: what goes for a service's processes besides their command.
enum ProcessKeys {
    static let user = Key<ServiceSpec, UserSpec?>.optional(
        "user", userKind, otherwise: "whoever started Aloft",
        "Whom its processes run as: a user, or `{name, group}`.",
        detail: "Only root can start processes as somebody else. HOME, USER, LOGNAME and SHELL are the user's; probes, "
            + "`release` commands, gates and `aloft exec` run as the same user. In a container the image knows the name.",
        example: "www-data", effect: .newRelease, synonyms: ["runAs", "runAsUser", "uid", "username"]
    ) { $0.user }

    private static let userKind: Kind<UserSpec> = {
        let section = userSection.kind
        let text = Kind<String>.account("user", plural: "users")
        let spell: @Sendable (UserSpec) -> Outline = { $0.group == nil ? text.spell($0.name) : section.spell($0) }
        return Kind(.either([text.form, section.form]), spell: spell) { node, reader in
            guard node.items == nil else {
                reader.error(node, "`user` is a name, or a section with `name` and `group`, and this is a list")
                return nil
            }
            guard node.scalar == nil else { return text.read(node, &reader).map { UserSpec(name: $0) } }
            return section.read(node, &reader)
        }
    }()

    static let userSection = Section<UserSpec>("user", [userName.member, group.member]) { fields, _ in
        fields[userName].map { UserSpec(name: $0, group: fields[group]) }
    }

    static let userName = Key<UserSpec, String?>.required(
        "name", .account("user", plural: "users"), "The user: a name or a number.", example: "app",
        synonyms: ["user", "uid"]
    ) { $0.name }

    static let group = Key<UserSpec, String?>.optional(
        "group", .account("group", plural: "groups"), otherwise: "the user's own group and all that it belongs to",
        "The group: a name or a number.", example: "app", synonyms: ["gid"]
    ) { $0.group }

    static let dependsOn = Key<ServiceSpec, [String]>.standard(
        "dependsOn", .list(of: .dependency, count: 0...50), "[]",
        "Services that are ready before this one starts, and that stop after it.",
        detail: "It counts for the first start, and for the `release` command. Later each service lives for itself: a "
            + "dependency that restarts, or is down, holds up nothing that ran before.",
        example: "[api]", effect: .atOnce, synonyms: ["depends_on", "after", "requires", "needs"]
    ) { $0.dependsOn }

    static let volumes = Key<ServiceSpec, [Placed<VolumeSpec>]>.applicable(
        "volumes", .placedList(of: volumeSection.kind, count: 0...32), "[]",
        "Folders or files of this machine that the container sees.",
        detail: "What a volume names must be there: it is never made. While a release takes over from the one before, "
            + "both see it.",
        example: "[{path: /data, from: ./data}]", effect: .newRelease, synonyms: ["mounts", "volume", "binds"]
    ) { $0.container.map { $0.volumes.map { Placed(item: $0) } } }

    static let volumeSection = Section<VolumeSpec>(
        "volume", [path.member, from.member, readOnly.member]
    ) { fields, _ in
        guard let path = fields[path], let from = fields[from] else { return nil }
        return VolumeSpec(path: path, from: from, isReadOnly: fields[readOnly])
    }

    static let path = Key<VolumeSpec, String?>.required(
        "path", .containerPath, "Where the container sees it.", example: "/data",
        synonyms: ["target", "destination", "mountPath", "to"]
    ) { $0.path }

    static let from = Key<VolumeSpec, String?>.required(
        "from", .mountSource, "What it sees there; relative to the file.", example: "./data",
        synonyms: ["source", "hostPath", "host", "src"]
    ) { $0.from }

    static let readOnly = Key<VolumeSpec, Bool>.standard(
        "readOnly", .boolean, "false", "Whether the container can only read it.", example: "true",
        synonyms: ["ro", "readonly", "read_only"]
    ) { $0.isReadOnly }

    static let reload = Key<ServiceSpec, StopSpec.Signal?>.optional(
        "reload", reloadSection.kind.reloadSignal, otherwise: "`aloft reload SERVICE` is refused",
        "How its processes are told to read their own configuration again.",
        detail: "`aloft reload SERVICE` sends the signal to each replica, which goes on running and serving.",
        example: "{signal: HUP}", effect: .atOnce
    ) { $0.reload }

    /// `reload`.
    struct Reload: Sendable, Hashable { var signal: StopSpec.Signal }

    static let reloadSection = Section<Reload>("reload", [reloadSignal.member]) { fields, _ in
        fields[reloadSignal].map { Reload(signal: $0) }
    }

    static let reloadSignal = Key<Reload, StopSpec.Signal?>.required(
        "signal", .signal, "The signal.", example: "HUP"
    ) { $0.signal }

    /// The folders that a container sees; said of a process, or twice of one place, they are reported.
    static func volumes(_ fields: Fields, isContainer: Bool, _ reader: inout Reader) -> [VolumeSpec] {
        guard isContainer else {
            if fields.has(volumes) {
                reader.problems.error(
                    fields.keySpan(volumes), "`volumes` changes nothing in a service without `image` or `build`",
                    hint: "a process sees all folders of the machine: use the path itself, or run an `image`")
            }
            return []
        }
        var seen: Set<String> = []
        for volume in fields[volumes] where !seen.insert(volume.item.path).inserted {
            reader.problems.error(
                volume.node?[path.name]?.span ?? fields.span, "`path: \(volume.item.path)` is a volume already",
                hint: "each has a place of its own in the container")
        }
        return fields[volumes].map(\.item)
    }
}

extension Kind where Value == ProcessKeys.Reload {
    fileprivate var reloadSignal: Kind<StopSpec.Signal> {
        Kind<StopSpec.Signal>(form, spell: { spell(.init(signal: $0)) }, read: { read($0, &$1)?.signal })
    }
}

extension Kind where Value == StopSpec.Signal {
    /// `TERM`, `HUP`.
    static var signal: Kind {
        let choice = Kind.choice([
            ("TERM", .term, "end, please: what most programs take for that"),
            ("INT", .int, "as Ctrl-C"),
            ("QUIT", .quit, "end without haste, for nginx and others"),
            ("HUP", .hup, "read the configuration again, for many servers"),
            ("USR1", .usr1, "what the program makes of it"), ("USR2", .usr2, "what the program makes of it"),
            ("WINCH", .winch, "end without haste, for Apache httpd"),
        ])
        return Kind(choice.form, spell: choice.spell) { node, reader in
            let text = node.scalar?.text.uppercased() ?? ""
            let name = text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text
            if name == "KILL" || name == "STOP" || text == "9" {
                reader.error(
                    node, "no program can do anything about \(reader.quotation(node.scalar))",
                    hint: name == "STOP" ? "write `TERM`" : "SIGKILL follows by itself after `stop.grace`")
                return nil
            }
            if name != node.scalar?.text, let signal = StopSpec.Signal(rawValue: name) {
                reader.error(
                    node, "\(reader.quotation(node.scalar)) is not how a signal is written here",
                    hint: "write `\(signal.rawValue)`")
                return nil
            }
            return choice.read(node, &reader)
        }
    }
}

extension Reader {
    fileprivate func quotation(_ scalar: Node.Scalar?) -> String { scalar.map { quotation($0) } ?? "this" }
}

extension Kind where Value == String {
    /// A user or group of a machine or image.
    fileprivate static func account(_ noun: String, plural: String) -> Kind {
        text(
            noun, plural: plural, pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]*\\$?$", limits: "at most 64 characters",
            json: .anyScalar
        ) { text in
            let bytes = text.utf8
            if let colon = text.firstIndex(of: ":") {
                let (user, group) = (text[..<colon], text[text.index(after: colon)...])
                return .failure(
                    Complaint("names a user and a group", hint: "write `{name: \(user), group: \(group)}`"))
            }
            let fits = bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "_.-$".utf8.contains(byte)
                }
            }
            guard fits, !text.isEmpty, bytes.count <= 64, bytes.first.map({ !"-.$".utf8.contains($0) }) ?? false else {
                return .failure(Complaint("is not the name of a \(noun)", hint: "write for example `app`"))
            }
            if let number = UInt64(text), number >= 4_294_967_295 {
                return .failure(Complaint("is larger than any \(noun)'s number"))
            }
            return .success(text)
        }
    }

    /// The name of another service, which may be one without an address.
    fileprivate static var dependency: Kind {
        let form = ScalarForm(
            type: "name of a service", plural: "names of services", limits: nil, json: .string(pattern: Names.pattern))
        return .scalar(
            form, spell: { .text($0) },
            parse: { scalar, reader in
                guard !reader.services.contains(scalar.text) else { return .success(scalar.text) }
                let first = scalar.text.prefix { $0 != "." }
                if first.count < scalar.text.count, FutureWords.references.contains(String(first)) {
                    return .failure(
                        Complaint(
                            "names a part of \(first), which this version does not do yet",
                            hint: first == "services"
                                ? "write `\(scalar.text.dropFirst(first.count + 1))`" : "name services only"))
                }
                let near = reader.problems.takesHints ? Nearest.word(to: scalar.text, among: reader.services) : nil
                let known = reader.services.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
                return .failure(
                    Complaint(
                        "names no service of the file",
                        hint: near.map { "did you mean `\($0)`?" } ?? "there is \(known)"))
            })
    }

    /// An absolute path in a container.
    fileprivate static var containerPath: Kind {
        text("path", plural: "paths", pattern: "^/.+", limits: "at most 1024 bytes") { text in
            guard text.hasPrefix("/") else {
                return .failure(Complaint("does not begin with `/`", hint: "in the container it needs its whole path"))
            }
            if let complaint = mountComplaint(text) { return .failure(complaint) }
            let parts = text.split(separator: "/")
            guard !parts.isEmpty else { return .failure(Complaint("is the whole container", hint: "write `/data`")) }
            guard !parts.contains(where: { $0 == "." || $0 == ".." }) else {
                return .failure(Complaint("holds `.` or `..`", hint: "write the path itself"))
            }
            return .success("/" + parts.joined(separator: "/"))
        }
    }

    /// What of this machine a container is shown.
    fileprivate static var mountSource: Kind {
        let path = Kind.path("folder or file", plural: "folders and files")
        return Kind(path.form, spell: path.spell) { node, reader in
            guard let text = path.read(node, &reader) else { return nil }
            guard let complaint = mountComplaint(text) else { return text }
            reader.error(node, "`from: \(text.shortened)` \(complaint.message)", hint: complaint.hint)
            return nil
        }
    }

    private static func mountComplaint(_ text: String) -> Complaint? {
        guard text.utf8.count <= 1024 else { return Complaint("is longer than 1024 bytes") }
        guard !text.contains(where: { $0 == "," || $0 == "\"" }), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            return Complaint("holds a comma, a quote or a control character, which no engine mounts")
        }
        return nil
    }
}
