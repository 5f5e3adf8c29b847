import AloftModel

/// Tells whether a running process was started with the present configuration.
package enum SpecDigest {
    /// Covers what a process can only be given at its start: command, directory, kind of address, user, image, volumes,
    /// environment with the values of `${env.X}`, resources. Probes, restart and stop rules and the number of replicas are not in it, since
    /// they change without touching the process.
    ///
    /// 128 bits of FNV-1a: no secret can be read from it, and no adversary chooses the file.
    package static func of(_ spec: ServiceSpec, host: [String: String]) -> String {
        var hash = Hash()
        hash.feed(spec.listen.rawValue)
        hash.feed(spec.directory)
        hash.feed("\(spec.command.count)")
        for template in spec.command { feed(template, host, &hash) }
        hash.feed("\(spec.environment.count)")
        for variable in spec.environment {
            hash.feed(variable.name)
            feed(variable.value, host, &hash)
        }
        // Absent where there are none, so that specs of before have the digest they had.
        if !spec.fileVariables.files.isEmpty { hash.feed("files " + spec.fileVariables.fingerprint) }
        if let container = spec.container { feed(container, &hash) }
        if let user = spec.user { hash.feed("user \(user.name):\(user.group ?? "")") }
        let (requests, limits) = (spec.resources.requests, spec.resources.limits)
        for (cpu, memory) in [(requests.cpu, requests.memory), (limits.cpu, limits.memory)] {
            hash.feed(cpu.map { "\($0.millicores)" } ?? "-")
            hash.feed(memory.map { "\($0.bytes)" } ?? "-")
        }
        // Nothing where it is not given, so that replicas of a version without it are not replaced.
        if let files = limits.openFiles { hash.feed("openFiles \(files)") }
        return hash.text
    }

    /// A short name for a folder, the same each time.
    package static func name(of path: String) -> String {
        var hash = Hash()
        hash.feed(path)
        return String(hash.text.prefix(12))
    }

    /// How an image is got, and who may get it, changes nothing of a process that runs it.
    private static func feed(_ container: ContainerSpec, _ hash: inout Hash) {
        switch container.source {
        case .image(let reference): hash.feed("image " + reference)
        case .build(let directory): hash.feed("build " + directory)
        }
        hash.feed(container.port.map { "\($0)" } ?? "-")
        for volume in container.volumes {
            hash.feed("volume \(volume.path)")
            hash.feed(volume.from)
            hash.feed(volume.isReadOnly ? "ro" : "rw")
        }
    }

    private static func feed(_ template: Template, _ host: [String: String], _ hash: inout Hash) {
        hash.feed("\(template.parts.count)")
        for part in template.parts {
            switch part {
            case .text(let text): hash.feed("t" + text)
            case .port: hash.feed("p")
            case .socket: hash.feed("s")
            case .environment(let name): hash.feed(host[name].map { "e" + $0 } ?? "u")
            }
        }
    }

    private struct Hash {
        private var low: UInt64 = 0xcbf2_9ce4_8422_2325
        private var high: UInt64 = 0x6c62_272e_07bb_0142

        mutating func feed(_ text: String) {
            for byte in text.utf8 { feed(byte) }
            // No byte of UTF-8: what comes next can't be taken for more of this.
            feed(0xff)
        }

        private mutating func feed(_ byte: UInt8) {
            low = (low ^ UInt64(byte)) &* 0x100_0000_01b3
            high = (high ^ UInt64(byte) ^ (low >> 32)) &* 0x100_0000_01b3
        }

        var text: String { Self.hex(low) + Self.hex(high) }

        private static func hex(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }
}
