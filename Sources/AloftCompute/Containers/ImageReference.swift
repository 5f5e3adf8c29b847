/// The name of an image, as far as Aloft has to understand it.
package struct ImageReference: Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// `ghcr.io` of `ghcr.io/acme/api:1.4`; nil for a short name, which each engine completes in its own way.
    package var registry: String? {
        guard let slash = text.firstIndex(of: "/") else { return nil }
        let first = text[..<slash]
        guard first.contains(".") || first.contains(":") || first == "localhost" else { return nil }
        return String(first)
    }

    /// Without tag and digest.
    package var repository: String {
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") { rest = rest[..<at] }
        // A colon after the last slash begins a tag; one before it, a registry's port.
        let name = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[name...].firstIndex(of: ":") { rest = rest[..<colon] }
        return String(rest)
    }

    /// Names the same bytes for good: an image's id, or a repository with a digest.
    package var isImmutable: Bool { text.contains("@sha256:") || isID }

    /// `sha256:` and 64 digits: an image of this machine, which no registry can be asked for.
    package var isID: Bool {
        text.hasPrefix("sha256:") && text.utf8.count == 71
            && text.dropFirst(7).allSatisfy { $0.isHexDigit && $0.isASCII }
    }

    /// Made by `build`; no registry has it.
    package var isBuiltHere: Bool { registry == "localhost" }
}
