import AloftModel

/// `services.*.resources`.
enum ResourceKeys {
    static let section = Section<Resources>("resources", [requests.member, limits.member]) { fields, reader in
        let resources = Resources(requests: fields[requests], limits: fields[limits])
        let (asked, allowed) = (resources.requests, resources.limits)
        if let asks = asked.cpu, let limit = allowed.cpu, asks > limit {
            reader.problems.error(
                span(cpu.name, fields), "`requests.cpu: \(asks)` is more than `limits.cpu: \(limit)`")
        }
        if let asks = asked.memory, let limit = allowed.memory, asks > limit {
            reader.problems.error(
                span(memory.name, fields), "`requests.memory: \(asks)` is more than `limits.memory: \(limit)`")
        }
        return resources
    }

    private static func span(_ name: String, _ fields: Fields) -> Span {
        fields.node(requests)?[name]?.span ?? fields.span(requests)
    }

    static let requests = Key<Resources, Resources.Amount>.standard(
        "requests", amount.kind, "{}", "What each replica needs: its share where processes compete.",
        example: "{cpu: 250m, memory: 256MiB}"
    ) { $0.requests }

    static let limits = Key<Resources, Resources.Amount>.standard(
        "limits", amount.kind, "{}", "What each replica may not exceed: CPU is held back, memory ends the process.",
        example: "{cpu: 2, memory: 1GiB}"
    ) { $0.limits }

    static let amount = Section<Resources.Amount>("amount", [cpu.member, memory.member]) { fields, _ in
        Resources.Amount(cpu: fields[cpu], memory: fields[memory])
    }

    static let cpu = Key<Resources.Amount, CPUQuantity?>.optional(
        "cpu", .cpu(CPUQuantity(millicores: 1)...CPUQuantity(millicores: 1_024_000)), otherwise: "not set",
        "Cores: `2`, `1.5`, or thousandths of one, `250m`.", example: "500m", synonyms: ["cpus"]
    ) { $0.cpu }

    static let memory = Key<Resources.Amount, ByteSize?>.optional(
        "memory", .size(.mebibytes(1)...ByteSize(bytes: 64 << 40)), otherwise: "not set", "Memory.", example: "512MiB",
        synonyms: ["mem", "ram"]
    ) { $0.memory }
}
