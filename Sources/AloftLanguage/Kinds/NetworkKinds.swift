import AloftModel

extension Kind where Value == Address {
    /// `0.0.0.0:443`, `[::1]:8080`: a number, never a name, so that what is listened on never depends on a resolver.
    static var address: Kind {
        let form = ScalarForm(
            type: "address", plural: "addresses", limits: "port 0 to 65535, 0 for a free one",
            json: .string(pattern: "^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"))
        return .scalar(form, spell: { .text($0.description) }, parse: { scalar, _ in AddressText.read(scalar.text) })
    }
}

enum AddressText {
    static func read(_ text: String) -> Result<Address, Complaint> {
        guard let colon = text.lastIndex(of: ":") else { return .failure(complaint(about: text)) }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = isBracketed ? IPAddress(v6: host) : IPAddress(v4: host) else {
            return .failure(complaint(about: text))
        }
        guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(digits), port <= 65535
        else { return .failure(Complaint("has no port from 0 to 65535")) }
        return .success(Address(host: address.description, port: port))
    }

    private static func complaint(about text: String) -> Complaint {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let port = parts.last.flatMap { Int($0) }.flatMap { (0...65535).contains($0) ? $0 : nil }
        let host = parts.count == 2 ? String(parts[0]) : nil
        if let address = IPAddress(v6: text) {
            return Complaint("has no port", hint: "write for example `[\(address)]:8080`")
        }
        if IPAddress(v4: text) != nil { return Complaint("has no port; write for example `\(text):8080`") }
        guard let port else {
            return Complaint(
                "is not an address", hint: "write a numeric address and a port, `127.0.0.1:8080` or `[::1]:8080`")
        }
        switch host {
        case "localhost": return Complaint("has a name for an address; write `127.0.0.1:\(port)`")
        case nil where parts.count == 1:
            return Complaint("is only a port; write `127.0.0.1:\(port)` or `0.0.0.0:\(port)`")
        case "", "*": return Complaint("has no address; write `0.0.0.0:\(port)` for all of this machine's")
        default:
            return Complaint(
                "is not an address", hint: "write a numeric address and a port, `127.0.0.1:\(port)` or `[::1]:\(port)`")
        }
    }
}

extension Kind where Value == Network {
    static var network: Kind {
        let form = ScalarForm(
            type: "network", plural: "networks", limits: nil,
            json: .string(pattern: "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"))
        return .scalar(form, spell: { .text($0.description) }, parse: { scalar, _ in NetworkText.read(scalar.text) })
    }
}

enum NetworkText {
    static func read(_ text: String) -> Result<Network, Complaint> {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first, let bytes = IPAddress(first)?.bytes else {
            if providers.contains(text) {
                return .failure(
                    Complaint(
                        "is a word of Aloft's language that this version does not do yet",
                        hint: "list the networks, `10.0.0.0/8`"))
            }
            return .failure(
                Complaint("is not a network", hint: "write for example `10.0.0.0/8`, `2001:db8::/32` or one address"))
        }
        let bits = bytes.count * 8
        guard parts.count == 2 else { return .success(Network(bytes: bytes, prefixLength: bits, description: text)) }
        guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]),
            length <= bits
        else { return .failure(Complaint("has no prefix length from 0 to \(bits)")) }
        let masked = mask(bytes, length)
        guard masked == bytes else {
            return .failure(Complaint("has bits past its prefix; write `\(IPAddress(bytes: masked))/\(length)`"))
        }
        return .success(Network(bytes: bytes, prefixLength: length, description: text))
    }

    private static func mask(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return kept == 0 ? 0 : byte & (0xFF << UInt8(8 - kept))
        }
    }

    /// Lists of networks that Aloft will know by name.
    private static let providers: Set<String> = ["cloudflare"]
}

extension Kind where Value == HostPattern {
    static var host: Kind {
        let form = ScalarForm(
            type: "host", plural: "hosts", limits: "at most 253 characters",
            json: .string(pattern: "^(\\*\\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"))
        return .scalar(form, spell: { .text($0.description) }, parse: { scalar, _ in HostText.read(scalar.text) })
    }
}

enum HostText {
    /// `example.com` or `*.example.com`, in lower case; labels of letters, digits and hyphens (RFC 1123 §2.1).
    static func read(_ text: String) -> Result<HostPattern, Complaint> {
        let lowered = text.lowercased()
        let isWildcard = lowered.hasPrefix("*.")
        let name = isWildcard ? String(lowered.dropFirst(2)) : lowered
        if let complaint = complaint(about: text, name: name) { return .failure(complaint) }
        return .success(HostPattern(name: name, isWildcard: isWildcard))
    }

    private static func complaint(about text: String, name: String) -> Complaint? {
        if text == "*" {
            return Complaint(
                "is no host", hint: "leave `host` out for every host; `*.example.com` is any one name below")
        }
        if text.contains("://") { return Complaint("is a URL", hint: "write only its host, `example.com`") }
        if let colon = name.firstIndex(of: ":"), !name.isEmpty {
            return Complaint(
                "has a port, and hosts are compared without", hint: "write `\(text.prefix(while: { $0 != ":" }))`",
                if: colon > name.startIndex)
        }
        if !text.utf8.allSatisfy({ $0 < 0x80 }) {
            return Complaint("is not ASCII", hint: "write the name in its `xn--` form")
        }
        if name.hasSuffix(".") { return Complaint("ends in a dot; write `\(text.dropLast())`") }
        guard name.utf8.count <= 253 else { return Complaint("is longer than 253 characters") }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels where !isLabel(label) {
            let what = label.contains("*") ? "has a `*` that is not the whole first label" : "is not a host name"
            return Complaint(what, hint: "write `example.com`, or `*.example.com` for any one name below it")
        }
        return nil
    }

    private static func isLabel(_ label: Substring) -> Bool {
        guard (1...63).contains(label.utf8.count), label.utf8.first != 0x2D, label.utf8.last != 0x2D else {
            return false
        }
        return label.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
        }
    }
}

extension Complaint {
    fileprivate init(_ message: String, hint: String, if condition: Bool) {
        self.init(message, hint: condition ? hint : nil)
    }
}
