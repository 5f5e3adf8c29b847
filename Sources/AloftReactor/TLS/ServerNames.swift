/// Which entry a server name leads to: exact names first, then wildcards that stand for one label (RFC 6125 §6.4.3).
struct ServerNames<Entry> {
    private var exact: [String: Entry] = [:]
    /// By what follows the asterisk, with its dot.
    private var wildcards: [String: Entry] = [:]

    /// The first entry that names something keeps it.
    mutating func add(_ name: String, _ entry: Entry) {
        let name = name.lowercased()
        if name.hasPrefix("*.") {
            let suffix = String(name.dropFirst())
            if wildcards[suffix] == nil { wildcards[suffix] = entry }
        } else if exact[name] == nil {
            exact[name] = entry
        }
    }

    func find(_ name: String) -> Entry? {
        var name = name.lowercased()
        // The root's dot is no part of a server name, but some send it.
        if name.hasSuffix(".") { name.removeLast() }
        if let entry = exact[name] { return entry }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return wildcards[String(name[dot...])]
    }
}
