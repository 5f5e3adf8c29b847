import AloftModel

/// `services.*.resources`.
enum ResourceKeys {
    static let section = Section<Resources>("resources", [requests.member, limits.member]) { fields, reader in
        let resources = Resources(requests: fields[requests], limits: fields[limits])
        let (asked, allowed) = (resources.requests, resources.limits)
        if let asks = asked.cpu, let limit = allowed.cpu, asks > limit {
            reader.problems.error(
                span(requestedCPU.name, fields), "`requests.cpu: \(asks)` is more than `limits.cpu: \(limit)`")
        }
        if let asks = asked.memory, let limit = allowed.memory, asks > limit {
            reader.problems.error(
                span(requestedMemory.name, fields),
                "`requests.memory: \(asks)` is more than `limits.memory: \(limit)`")
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

    static let limits = Key<Resources, Resources.Limits>.standard(
        "limits", limit.kind, "{}", "What each replica may not exceed: CPU is held back, memory ends the process.",
        example: "{cpu: 2, memory: 1GiB}"
    ) { $0.limits }

    static let amount = Section<Resources.Amount>(
        "amount", [requestedCPU.member, requestedMemory.member]
    ) { fields, _ in
        Resources.Amount(cpu: fields[requestedCPU], memory: fields[requestedMemory])
    }

    static let limit = Section<Resources.Limits>(
        "resourceLimits", [cpuLimit.member, memoryLimit.member, openFiles.member]
    ) { fields, _ in
        Resources.Limits(cpu: fields[cpuLimit], memory: fields[memoryLimit], openFiles: fields[openFiles])
    }

    static let requestedCPU = cpu { (amount: Resources.Amount) in amount.cpu }
    static let requestedMemory = memory { (amount: Resources.Amount) in amount.memory }
    static let cpuLimit = cpu { (limits: Resources.Limits) in limits.cpu }
    static let memoryLimit = memory { (limits: Resources.Limits) in limits.memory }

    static let openFiles = Key<Resources.Limits, Int?>.optional(
        "openFiles", .integer(64...1_048_576), otherwise: "what Aloft was started with",
        "Files and sockets that each process of a replica may have open.",
        detail: "The soft limit, as `ulimit -n` shows it; it can be up to the hard one (`ulimit -Hn`). Programs that "
            + "use `select()` break above 1024.",
        example: "65536", synonyms: ["nofile", "ulimit", "fileDescriptors", "maxOpenFiles", "LimitNOFILE"]
    ) { $0.openFiles }

    private static func cpu<Owner>(
        _ current: @escaping @Sendable (Owner) -> CPUQuantity?
    ) -> Key<Owner, CPUQuantity?> {
        .optional(
            "cpu", .cpu(CPUQuantity(millicores: 1)...CPUQuantity(millicores: 1_024_000)), otherwise: "not set",
            "Cores: `2`, `1.5`, or thousandths of one, `250m`.", example: "500m", synonyms: ["cpus"], current)
    }

    private static func memory<Owner>(
        _ current: @escaping @Sendable (Owner) -> ByteSize?
    ) -> Key<Owner, ByteSize?> {
        .optional(
            "memory", .size(.mebibytes(1)...ByteSize(bytes: 64 << 40)), otherwise: "not set", "Memory.",
            example: "512MiB", synonyms: ["mem", "ram"], current)
    }
}
