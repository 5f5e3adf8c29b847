import AloftTestKit

/// Valid files, all different, from a seed: what a property must hold for.
final class RandomFile {
    private var random: SplitMix
    var lines = ["version: 1"]

    static func text(seed: UInt64) -> String {
        let file = RandomFile(random: SplitMix(seed: seed))
        file.write()
        return file.lines.joined(separator: "\n") + "\n"
    }

    private init(random: SplitMix) { self.random = random }

    func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: items.indices, using: &random)]
    }

    func maybe(_ line: @autoclosure () -> String) {
        if Bool.random(using: &random) { lines.append(line()) }
    }

    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private func write() {
        let services = (0..<number(1...4)).map { "s\($0)" }
        maybe("app: my-app")
        maybe("region: eu-west-\(1)")
        lines.append("services:")
        for service in services { write(service: service) }
        write(edge: services)
        writeNotifications()
        writeEnvironments()
        if Bool.random(using: &random) {
            lines.append(
                "logs: {retention: \(duration(60_000...864_000_000)), access: \(pick(["on", "off", "10%", "0.25%"]))}")
        }
    }

    func duration(_ milliseconds: ClosedRange<Int>) -> String {
        let value = number(milliseconds)
        switch number(0...3) {
        case 0: return "\(value)ms"
        case 1: return "\(max(value / 1000, 1))s"
        case 2 where value > 60_000: return "\(value / 60_000)m"
        default: return "\(value)ms"
        }
    }

    /// Texts that are hard to write down.
    private static let texts = [
        "a", "", " ", "on", "no", "0644", "1.10", "null", "~", "a: b", "a #b", "- a", "[x", "{y", "'", "\"", "\\",
        "a\nb",
        "\t", "é漢🚀", "@x", "`", "%", "!tag", "&a", "*a", "|", ">", "a\u{85}b", "\u{7F}", "=", "<<", "-", "--", "?",
        ": ",
        "$HOME", "$$", "$", "}", "a b  c ", "\r\n", "\u{2028}", "\u{FEFF}x", "true", "1e3", "0x1F", "2026-11-20", "#",
    ]

    func text() -> String {
        var text = pick(Self.texts) + "_" + pick(Self.texts)
        if number(0...3) == 0 { text += pick(["$${PORT", "$${", "$${env.HOME}"]) }
        if number(0...3) == 0 { text += "x${env.\(pick(["HOME", "LANG", "TOKEN"]))}" }
        return JSON.quoted(text)
    }

    private func write(service: String) {
        lines.append("  \(service):")
        let hasPort = writeContainer()
        let arguments = (0..<number(0...4)).map { _ in text() }
        lines.append("    command: [\((["./run"] + arguments).joined(separator: ", "))]")
        maybe("    directory: \(pick([".", "./a", "../b", "/c/d", "a b", "./é"]))")
        maybe("    listen: \(hasPort ? "port" : pick(["port", "unix"]))")
        maybe("    user: \(pick(["app", "\"1000\"", "{name: app, group: \"5\"}"]))")
        maybe("    reload: {signal: \(pick(["HUP", "USR1"]))}")
        if Bool.random(using: &random) {
            lines.append("    env:")
            for index in 0..<number(1...5) { lines.append("      V\(index): \(text())") }
        }
        lines.append(
            "    resources: {requests: {cpu: 250m, memory: 32MiB}, limits: {memory: 64MiB, cpu: \(pick(["1", "1.5", "300m"]))}}"
        )
        if Bool.random(using: &random) {
            let asked = "httpGet: {path: /a, host: b.example, headers: {X-A: \"b: c\"}}"
            let check = pick(["httpGet: /a?b=c", asked, "tcpSocket: true", "exec: [./check, \(text())]"])
            lines.append("    probes:")
            lines.append(
                "      \(pick(["startup", "readiness", "liveness"])): {\(check), period: \(duration(100...60_000))}")
        }
        maybe("    restart: {policy: \(pick(["always", "onFailure", "never"])), backoff: {max: 7m}}")
        maybe("    stop: {drain: \(duration(0...60_000)), grace: 1s, signal: \(pick(["TERM", "QUIT", "USR2"]))}")
        writeScaling()
        writeDeploy()
    }

    private func write(edge services: [String]) {
        lines.append("edge:")
        maybe("  listeners: [{address: \"0.0.0.0:80\"}, {address: \"[::]:\(number(1...65535))\"}]")
        maybe("  admin: \(pick(["off", "{address: \"127.0.0.2:99\"}", "{address: \"[::1]:0\"}"]))")
        maybe(
            "  tls: {minVersion: \"1.3\", certificates: [{hosts: [\"*.a.x\", b], files: {certificate: c, key: /k}}]}"
        )
        maybe("  trustedProxies: [10.0.0.0/8, \"2001:db8::/32\", \"::1\", \"1:0:0:2::/64\"]")
        maybe("  timeouts: {request: \(duration(10...86_400_000)), idle: \(duration(100...86_400_000))}")
        maybe("  limits: {head: 64KiB, body: \(number(0...1 << 30))B, connections: \(number(200...9000))}")
        maybe(
            "  headers: {set: {X-A: \"b: c\", Strict-Transport-Security: max-age=1}, remove: [Server], "
                + "forwarded: \(pick(["both", "standard", "xForwarded"])), "
                + "untrusted: {remove: [X-Mine-*, X_Team], keep: [\(pick(["Proxy", "CF-*", "X-Forwarded-Prefix"]))]}}")
        lines.append("  routes:")
        for index in 0..<number(1...6) {
            var match = ["path: \(pick(["/p\(index)", "/p\(index)/*", "/é".replacing("é", with: "%C3%A9\(index)")]))"]
            if Bool.random(using: &random) {
                match.append("host: \(pick(["a.example", "\"*.b.example\"", "C.Example"]))")
            }
            if Bool.random(using: &random) { match.append("methods: [\(pick(["GET", "POST, PUT", "PURGE"]))]") }
            if Bool.random(using: &random) { match.append("headers: {X-Flag: \(pick(["1", "on", "\"a: b\""]))}") }
            lines.append("    - match: {\(match.joined(separator: ", "))}")
            lines.append("      \(action(services, index))")
        }
    }

    private func action(_ services: [String], _ index: Int) -> String {
        switch number(0...4) {
        case 0:
            return
                "redirect: \(pick(["\"https://x.example${uri}\"", "\"https://${host}:1/x\"", "/else\(index)", "{to: /z, status: 301}"]))"
        case 1: return "respond: {status: \(pick(["200", "404"])), body: \(JSON.quoted(pick(Self.texts)))}"
        default:
            let service = "service: \(pick(services))"
            let balance = pick(["", "\n      balance: \(pick(["roundRobin", "ewma", "hash"]))"])
            let retry = pick(["", "\n      retry: {attempts: \(number(0...10)), on: [connect, 503], budget: 12.5%}"])
            return service + balance + retry + pick(["", "\n      timeout: \(duration(10...86_400_000))"])
        }
    }
}

enum JSON {
    /// Double quotes with escapes, as YAML takes them too.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case let scalar where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value > 0x2000:
                let hex = String(scalar.value, radix: 16)
                let width = scalar.value > 0xFFFF ? 8 : 4
                result += (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
