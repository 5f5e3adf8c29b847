import AloftModel

extension Kind where Value == String {
    /// `ghcr.io/acme/api:1.4`, `registry.example:5000/api@sha256:…`.
    static var imageReference: Kind {
        text(
            "image", plural: "images", pattern: "^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", limits: "at most 512 characters"
        ) { text in
            ImageName.complaint(text).map { .failure($0) } ?? .success(text)
        }
    }
}

/// References of images: `[host[:port]/]path[:tag][@sha256:digest]`, as the OCI distribution spec spells them.
enum ImageName {
    static func complaint(_ text: String) -> Complaint? {
        guard !text.isEmpty, text.utf8.count <= 512 else { return Complaint("is not the name of an image") }
        for scheme in ["https://", "http://", "docker://", "oci://"] where text.hasPrefix(scheme) {
            return Complaint("begins with `\(scheme)`; write `\(text.dropFirst(scheme.count))`")
        }
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, let complaint = complaint(aboutDigest: parts[1]) { return complaint }
        let (path, tag) = split(parts[0])
        if let tag, !isTag(tag) {
            return Complaint(
                "has the tag `\(tag.shortened)`, which is none",
                hint: "a tag is letters, digits, `.`, `_` and `-`, at most 128 characters")
        }
        var components = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if components.count > 1, isHost(components[0]) { components.removeFirst() }
        guard let wrong = components.first(where: { !isComponent($0) }) else { return nil }
        if wrong != wrong.lowercased(), components.map({ $0.lowercased() }).allSatisfy(isComponent) {
            return Complaint("has capital letters, which no image has; write `\(text.lowercased())`")
        }
        return Complaint("is not the name of an image", hint: "write for example `ghcr.io/acme/api:1.4`")
    }

    /// What stands after the colon behind the last slash.
    static func split(_ name: String) -> (path: String, tag: String?) {
        let start = name.lastIndex(of: "/") ?? name.startIndex
        guard let colon = name[start...].firstIndex(of: ":") else { return (name, nil) }
        return (String(name[..<colon]), String(name[name.index(after: colon)...]))
    }

    /// The first part is a registry where it looks like a host: a dot, a port, or `localhost`.
    static func isHost(_ text: String) -> Bool {
        guard text == "localhost" || text.contains(".") || text.contains(":") else { return false }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isPort = parts.count < 2 || Int(parts[1]).map { (1...65_535).contains($0) } ?? false
        let fits = parts[0].utf8.allSatisfy { byte in
            isLetterOrDigit(byte) || (0x41...0x5A).contains(byte) || byte == 0x2D || byte == 0x2E
        }
        return parts.count <= 2 && isPort && fits && !parts[0].isEmpty
    }

    private static func isComponent(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isLetterOrDigit(first), isLetterOrDigit(last)
        else { return false }
        return text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) } && !text.contains("..")
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128, first != 0x2D, first != 0x2E else { return false }
        return text.utf8.allSatisfy {
            isLetterOrDigit($0) || (0x41...0x5A).contains($0) || "._-".utf8.contains($0)
        }
    }

    private static func complaint(aboutDigest text: String) -> Complaint? {
        let hex = text.dropFirst("sha256:".count)
        let isDigest =
            text.hasPrefix("sha256:") && hex.utf8.count == 64
            && hex.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        return isDigest
            ? nil : Complaint("has a digest that is none: `sha256:` and 64 hexadecimal digits stand after `@`")
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
