/// Keys of the finished language that nothing reads yet, by the section they will stand in.
///
/// A section is accepted only once something reads it: a key that parses and changes nothing would promise what Aloft
/// does not do. Remove a word here when its declaration arrives.
enum FutureWords {
    static func contains(_ name: String, in section: String) -> Bool { words[section]?.contains(name) ?? false }

    private static let words: [String: Set<String>] = [
        "file": [
            "externals", "databases", "caches", "files", "repositories", "secrets", "objectives", "alerts",
            "traces", "webVitals", "load", "launch", "budgets", "compliance", "targets",
        ],
        "service": ["secrets", "static", "fallback"],
        "metric": ["query"],
        "analysis": ["queries"],
        "edge": [
            "cors", "compression", "firewall", "rateLimits", "authentication", "cache", "loadShedding", "defaults",
            "errorPages",
        ],
        "listener": ["http"],
        "certificate": ["acme"],
        "headers": ["preset", "hsts", "contentSecurityPolicy"],
        "route": [
            "rateLimits", "cache", "authenticate", "sticky", "circuitBreaker", "outlier", "validate", "images",
            "earlyHints", "loadShedding", "errorPages",
        ],
    ]

    /// What does today what a word will do.
    static func substitute(for name: String, in section: String) -> String? {
        section == "metric" && name == "query"
            ? "use `{series: NAME, path: /metrics, target: 100}` until there are queries" : nil
    }

    /// What `${...}` will be able to name.
    static let references: Set<String> = ["databases", "caches", "secrets", "services", "externals", "files"]
}
