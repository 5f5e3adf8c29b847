/// `compose.yaml` and its older names: one service for each that is the app's own.
///
/// Databases and the like stay with compose: Aloft does not run them yet.
enum ComposeDetection {
    private static let names = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"]
    private static let limit = 20

    static func detect(_ folder: FolderListing) -> Detection? {
        guard let file = folder.first(names) else { return nil }
        var problems = Problems()
        guard let root = TreeReader.read(SourceText(Array(folder.text(file).utf8)), problems: &problems),
            let entries = root["services"]?.entries, !entries.isEmpty
        else { return nil }
        var reasons = ["there is a \(file)"]
        var notes: [String] = []
        var readers: [ComposeService] = []
        for entry in entries.prefix(limit) where entry.value.entries != nil {
            let service = ComposeService(entry)
            if let product = service.product {
                reasons.append("\(entry.key.shortened): \(product), which Aloft does not run yet")
                notes.append(service.staysNote)
            } else if service.name.isEmpty || readers.contains(where: { $0.name == service.name }) {
                notes.append("`\(entry.key.shortened)` is left out: its name cannot be one of Aloft's")
            } else {
                readers.append(service)
            }
        }
        guard !readers.isEmpty else { return nil }
        let own = Set(readers.map(\.name))
        var services: [ProposedService] = []
        for reader in readers {
            let (service, more) = reader.proposed(beside: own)
            guard let service else {
                notes += more
                continue
            }
            reasons.append("\(service.name): \(reader.origin)")
            notes += more
            services.append(service)
        }
        guard !services.isEmpty else { return nil }
        notes += hostNotes(services, among: entries.map(\.key))
        if !folder.hasEngine { notes.append("install podman or docker: neither is here, and images need one") }
        return Detection(kind: "compose", reasons: reasons, services: services, notes: Array(notes.prefix(40)))
    }
}

extension ComposeDetection {
    /// Names of services are hosts for compose alone.
    private static func hostNotes(_ services: [ProposedService], among names: [String]) -> [String] {
        services.flatMap { service in
            service.variables.compactMap { variable -> String? in
                let host = names.first { name in
                    ["@\(name):", "@\(name)/", "//\(name):", "//\(name)/"].contains { variable.value.contains($0) }
                        || variable.value == name
                }
                return host.map {
                    "\(service.name): `\(variable.name.shortened)` names the host `\($0.shortened)`, which only compose "
                        + "knows: write an address that this machine reaches"
                }
            }
        }
    }
}

/// One service of a compose file.
struct ComposeService {
    let key: String
    let name: String
    private let node: Node

    init(_ entry: Node.Entry) {
        key = entry.key
        name = Names.slug(entry.key)
        node = entry.value
    }

    private func text(_ name: String) -> String? {
        guard let scalar = node[name]?.scalar, !scalar.isNull, !scalar.text.isEmpty else { return nil }
        return scalar.text
    }

    /// Items of a list, or one text as the only one.
    private func list(_ name: String) -> [Node] {
        guard let value = node[name], !value.isNull else { return [] }
        return value.items ?? (value.scalar == nil ? [] : [value])
    }

    /// `the image x`, for the reasons.
    var origin: String {
        if let build { return "built from \(build.shortened)" }
        return "the image \((text("image") ?? "").shortened)"
    }

    private var build: String? {
        guard let value = node["build"], !value.isNull else { return nil }
        let context = value.scalar?.text ?? value["context"]?.scalar?.text ?? "."
        return context.isEmpty || context.contains("$") || context.contains("://") ? nil : context
    }

    // MARK: What stays

    /// Images of what keeps data, by the last part of their names.
    private static let products = [
        "postgres": "PostgreSQL", "postgresql": "PostgreSQL", "postgis": "PostgreSQL", "pgvector": "PostgreSQL",
        "timescaledb": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "mongo": "MongoDB", "redis": "Redis",
        "valkey": "Valkey", "memcached": "Memcached", "rabbitmq": "RabbitMQ", "kafka": "Kafka", "nats": "NATS",
        "elasticsearch": "Elasticsearch", "opensearch": "OpenSearch", "minio": "MinIO",
        "clickhouse-server": "ClickHouse",
        "clickhouse": "ClickHouse", "influxdb": "InfluxDB", "meilisearch": "Meilisearch", "zookeeper": "ZooKeeper",
        "cassandra": "Cassandra", "couchdb": "CouchDB", "neo4j": "Neo4j", "etcd": "etcd",
    ]

    var product: String? {
        guard build == nil, let image = text("image") else { return nil }
        let path = ImageName.split(image.split(separator: "@").first.map(String.init) ?? image).path
        return Self.products[FilePaths.lastComponent(of: path).lowercased()]
    }

    var staysNote: String {
        let number = ports.compactMap(\.outer).first ?? ports.first?.inner
        let place = number.map { "127.0.0.1:\($0)" } ?? "an address on this machine that it publishes"
        return
            "keep `\(key.shortened)` in compose: `docker compose up -d \(key.shortened)`, and point the app's variables at \(place)"
    }

    // MARK: Ports

    private struct Port {
        var outer: Int?
        var inner: Int
    }

    /// `"127.0.0.1:8080:80/tcp"`, `8080:80`, `80`, `{target: 80, published: 8080}`.
    private var ports: [Port] {
        list("ports").compactMap { node in
            if let target = node["target"]?.scalar.flatMap({ Self.number($0.text) }) {
                return Port(outer: node["published"]?.scalar.flatMap { Self.number($0.text) }, inner: target)
            }
            let plain = Self.expanded(node.scalar?.text ?? "")?.text.prefix { $0 != "/" } ?? ""
            let parts = plain.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard let inner = parts.last.flatMap(Self.number) else { return nil }
            return Port(outer: parts.count > 1 ? Self.number(parts[parts.count - 2]) : nil, inner: inner)
        }
    }

    private static func number(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        return Int(digits).flatMap { (1...65_535).contains($0) ? $0 : nil }
    }

    // MARK: The proposal

    /// Keys that are said in another way, or need not be said.
    private static let known: Set<String> = [
        "image", "build", "command", "ports", "expose", "environment", "env_file", "depends_on", "volumes",
        "healthcheck",
        "restart", "deploy", "scale", "container_name", "networks", "labels", "profiles", "logging", "init", "tty",
        "stdin_open", "platform", "pull_policy", "stop_grace_period", "hostname", "develop", "annotations",
    ]

    /// - Returns: Nil where nothing says what runs; notes say what was left out.
    func proposed(beside own: Set<String>) -> (service: ProposedService?, notes: [String]) {
        var notes: [String] = []
        var service = ProposedService(name: name, command: [], why: "from the compose file")
        if let build {
            service.kind = .build(build)
            if let file = node["build"]?["dockerfile"]?.scalar?.text, !["Dockerfile", "Containerfile"].contains(file) {
                notes.append(
                    "\(name) is built from \(file.shortened): Aloft takes a file called Containerfile or Dockerfile")
            }
        } else if let image = text("image"), let (plain, _) = Self.expanded(image), ImageName.complaint(plain) == nil {
            service.kind = .image(plain)
        } else {
            return (nil, ["`\(key.shortened)` is left out: it has no image and no folder to build that Aloft can take"])
        }
        service.command = command
        let inner =
            ports.first?.inner ?? list("expose").lazy.compactMap { $0.scalar.flatMap { Self.number($0.text) } }.first
        service.isRouted = !ports.isEmpty
        service.containerPort = service.isRouted ? inner : nil
        if !service.isRouted, let inner {
            notes.append("\(name) publishes no port (it listens on \(inner)): give it a route if the app needs it")
        }
        (service.variables, notes) = variables(notes)
        service.environmentFiles = list("env_file").compactMap { $0.scalar?.text ?? $0["path"]?.scalar?.text }
            .filter { !$0.contains("$") }
        service.dependsOn = dependencies.filter { own.contains($0) && $0 != name }
        (service.volumes, notes) = volumes(notes)
        service.readiness = service.isRouted ? readiness : nil
        service.replicas = (node["deploy"]?["replicas"] ?? node["scale"])?.scalar.flatMap { Int($0.text) }
            .flatMap { (1...100).contains($0) ? $0 : nil }
        switch text("restart") {
        case "no", "false": service.restart = ("never", "as in the compose file")
        case .some(let policy) where policy.hasPrefix("on-failure"):
            service.restart = ("onFailure", "as in the compose file")
        default: break
        }
        let others = (node.entries ?? []).map(\.key).filter { !Self.known.contains($0) && !$0.hasPrefix("x-") }
        if !others.isEmpty {
            let names = others.prefix(8).map { "`\($0.shortened)`" }.joined(separator: ", ")
            notes.append("\(name): \(names) \(others.count == 1 ? "is" : "are") not taken over")
        }
        return (service, notes)
    }

    private var command: [String] {
        if let items = node["command"]?.items { return items.compactMap { $0.scalar?.text } }
        return text("command").map { ShellWords.command($0).words } ?? []
    }

    private var dependencies: [String] {
        let names = node["depends_on"]?.entries?.map(\.key) ?? list("depends_on").compactMap { $0.scalar?.text }
        return names.map(Names.slug)
    }

    /// A value with `${NAME:-default}` filled in; nil where it takes something from the shell.
    private static func expanded(_ text: String) -> (text: String, isExpanded: Bool)? {
        var result = ""
        var rest = text[...]
        var isExpanded = false
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.hasPrefix("$") {
                result += "$"
                rest = rest.dropFirst()
                continue
            }
            guard rest.hasPrefix("{"), let end = rest.firstIndex(of: "}"),
                let mark = rest[..<end].firstRange(of: ":-") ?? rest[..<end].firstRange(of: "-")
            else { return nil }
            result += rest[mark.upperBound..<end]
            rest = rest[rest.index(after: end)...]
            isExpanded = true
        }
        return (result + rest, isExpanded)
    }

    private func variables(_ notes: [String]) -> ([ProposedService.Variable], [String]) {
        var notes = notes
        var pairs: [(String, String)] = []
        for entry in node["environment"]?.entries ?? [] {
            pairs.append((entry.key, entry.value.isNull ? "$" : entry.value.scalar?.text ?? ""))
        }
        for item in node["environment"]?.items ?? [] {
            let parts = (item.scalar?.text ?? "").split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = parts.first, !first.isEmpty else { continue }
            pairs.append((String(first), parts.count > 1 ? String(parts[1]) : "$"))
        }
        var variables: [ProposedService.Variable] = []
        for (name, value) in pairs.prefix(200) where name != "PORT" && name != "SOCKET" {
            guard let (plain, isDefault) = Self.expanded(value) else {
                notes.append(
                    "\(self.name): `\(name.shortened)` takes its value from the shell: set it there, and write `\(name.shortened): \"${env.\(name.shortened)}\"`"
                )
                continue
            }
            guard !variables.contains(where: { $0.name == name }) else { continue }
            variables.append(
                .init(
                    name: name, value: plain,
                    why: isDefault ? "the default of the compose file" : "from the compose file"))
        }
        return (variables, notes)
    }

    private func volumes(_ notes: [String]) -> ([ProposedService.Volume], [String]) {
        var notes = notes
        var volumes: [ProposedService.Volume] = []
        for item in list("volumes").prefix(32) {
            var (from, path, mode) = ("", "", "")
            if let target = item["target"]?.scalar?.text {
                (from, path) = (item["source"]?.scalar?.text ?? "", target)
                mode = item["read_only"]?.scalar?.text == "true" ? "ro" : ""
            } else {
                let parts = (item.scalar?.text ?? "").split(separator: ":", omittingEmptySubsequences: false).map(
                    String.init)
                guard parts.count >= 2 else {
                    notes.append(
                        "\(name): the volume `\((item.scalar?.text ?? "").shortened)` has no folder of this machine")
                    continue
                }
                (from, path, mode) = (parts[0], parts[1], parts.count > 2 ? parts[2] : "")
            }
            guard from.hasPrefix("./") || from.hasPrefix("/") || from.hasPrefix("../"), path.hasPrefix("/"),
                !from.contains("$")
            else {
                notes.append(
                    "\(name): `\(from.shortened)` is a volume of compose: put its data into a folder and name that under `volumes`"
                )
                continue
            }
            volumes.append(.init(path: path, from: from, isReadOnly: mode.split(separator: ",").contains("ro")))
        }
        return (volumes, notes)
    }

    // MARK: The healthcheck

    /// `curl http://localhost:3000/health` is a GET; anything else runs as it stands.
    private var readiness: (text: String, why: String)? {
        guard let test = node["healthcheck"]?["test"] else { return nil }
        var words = test.items?.compactMap { $0.scalar?.text } ?? []
        if let scalar = test.scalar { words = ["CMD-SHELL", scalar.text] }
        guard let kind = words.first, kind != "NONE", words.count > 1 else { return nil }
        let line = words.dropFirst().joined(separator: " ")
        let times = times
        if let match = line.firstMatch(of: #/https?:\/\/[^\/\s"']+(\/[^\s"'|;&]*)/#), !line.contains("$") {
            let path = String(match.output.1)
            return ("{httpGet: \(YAMLText.inline(path))\(times)}", "what the healthcheck asks for")
        }
        let command = kind == "CMD" ? Array(words.dropFirst()) : ShellWords.command(line).words
        let items = command.map { Outline.text($0.replacing("${", with: "$${")) }
        return ("{exec: \(Outline.list(items).inline)\(times)}", "the healthcheck, run in the container")
    }

    private var times: String {
        let keys = [("interval", "period", 3600), ("timeout", "timeout", 300)]
        var text = ""
        for (theirs, ours, most) in keys {
            guard let given = node["healthcheck"]?[theirs]?.scalar?.text, let seconds = Self.seconds(given),
                (1...most).contains(seconds)
            else { continue }
            text += ", \(ours): \(seconds)s"
        }
        if let retries = node["healthcheck"]?["retries"]?.scalar.flatMap({ Int($0.text) }), (1...100).contains(retries)
        {
            text += ", failureThreshold: \(retries)"
        }
        return text
    }

    /// `1m30s` as whole seconds.
    private static func seconds(_ text: String) -> Int? {
        var total = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let value = Int(digits), value <= 100_000, let factor = ["s": 1, "m": 60, "h": 3600][unit] else {
                return nil
            }
            total += value * factor
        }
        return total
    }
}
