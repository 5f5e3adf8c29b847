/// Keys that other tools have in places where Aloft has something else: what to write for them.
///
/// For words that no synonym covers, because the same thing is said elsewhere, or in another shape.
struct HabitWords {
    private let entry: Node.Entry
    private let siblings: [Node.Entry]
    private let section: String
    /// Of the service that it stands in.
    private let service: String

    init(_ entry: Node.Entry, beside siblings: [Node.Entry], in section: String, _ reader: Reader) {
        self.entry = entry
        self.siblings = siblings
        self.section = section
        service = reader.path.last ?? "web"
    }

    var hint: String? {
        switch (section, entry.key) {
        case ("service", "port"), ("service", "ports"), ("service", "expose"), ("service", "listenPort"): port
        case ("service", "cron"): job
        case ("service", "memory"), ("service", "mem_limit"), ("service", "memoryLimit"):
            "write `resources: {limits: {memory: \(size)}}`"
        case ("service", "cpu"), ("service", "cpus"): "write `resources: {limits: {cpu: \(cores)}}`"
        case ("resources", "memory"): "write `limits: {memory: \(size)}`"
        case ("resources", "cpu"), ("resources", "cpus"): "write `limits: {cpu: \(cores)}`"
        case ("service", "host"), ("service", "hosts"), ("service", "domain"), ("service", "domains"),
            ("service", "hostname"):
            host
        default: nil
        }
    }

    private var isContainer: Bool { siblings.contains { $0.key == "image" || $0.key == "build" } }

    /// The first text of the value, which may be a list.
    private var text: String? { (entry.value.scalar ?? entry.value.items?.first?.scalar)?.text }

    /// `3000`, `"8080:80"`, `127.0.0.1:8080:80/tcp`: compose has the outer one first.
    private var numbers: [Int] {
        let plain = (text ?? "").prefix { $0 != "/" }
        return plain.split(separator: ":").compactMap { Int($0) }.filter { (1...65_535).contains($0) }
    }

    private var port: String {
        if isContainer {
            return "write `containerPort: \(numbers.last ?? 8080)`: where the program in the container listens"
        }
        let outer = numbers.first ?? 8080
        return "each replica gets a port of its own in `$PORT`, and must listen there; visitors come by "
            + "`edge: {listeners: [{address: \"127.0.0.1:\(outer)\"}]}`"
    }

    private var job: String {
        guard KeyIndex.shared["jobs"] != nil else {
            return "a service runs all the time; let cron or a systemd timer run `aloft exec \(service) -- PROGRAM`"
        }
        let times = text.map { $0.contains(" ") ? $0 : "0 3 * * *" } ?? "0 3 * * *"
        return "a service runs all the time; what runs by the clock is a job: "
            + "`jobs: {\(service): {service: \(service), command: [./run], cron: \(YAMLText.quoted(times))}}`"
    }

    private var host: String {
        let name = text.flatMap { text in
            if case .success(let host) = HostText.read(text) { host.description } else { nil }
        }
        return "hosts stand in routes: `edge: {routes: [{match: {host: \(YAMLText.inline(name ?? "example.com"))}, "
            + "service: \(service)}]}`"
    }

    private var size: String {
        let given = text ?? ""
        if case .success = QuantityText.size(given, key: entry.key, usual: "MiB") { return given }
        let digits = given.prefix { $0.isASCII && $0.isNumber }
        let unit = given.lowercased().hasPrefix("\(digits)g") ? "GiB" : "MiB"
        return digits.isEmpty || digits.count > 6 || digits.hasPrefix("0") ? "512MiB" : digits + unit
    }

    private var cores: String {
        if let text, case .success = QuantityText.cpu(text) { return text }
        return "2"
    }
}
