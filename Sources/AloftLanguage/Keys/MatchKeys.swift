import AloftModel

/// `edge.routes[].match`.
enum MatchKeys {
    static let section = Section<RouteMatch>(
        "match", [host.member, path.member, methods.member, headers.member]
    ) { fields, reader in
        var seen: Set<String> = []
        for method in fields[methods] where !seen.insert(method.item).inserted {
            reader.problems.warning(method.node?.span ?? fields.span, "`\(method.item)` is listed twice")
        }
        return RouteMatch(
            host: fields[host], path: fields[path], methods: fields[methods].map(\.item), headers: fields[headers])
    }

    static let host = Key<RouteMatch, HostPattern?>.optional(
        "host", .host, otherwise: "every host",
        "The host that the client asks for: `example.com`, or `*.example.com` for any one name below it.",
        example: "www.example.com", synonyms: ["hosts", "domain", "hostname"]
    ) { $0.host }

    static let path = Key<RouteMatch, PathPattern>.standard(
        "path", .pathPattern, "/*", "`/exact` is that path alone; `/api/*` is `/api` and all below it.",
        example: "/api/*", synonyms: ["paths", "prefix", "pathPrefix", "location", "uri"]
    ) { $0.path }

    static let methods = Key<RouteMatch, [Placed<String>]>.standard(
        "methods", .placedList(of: .method, count: 0...32), "[]",
        "Any of these methods; an empty list is every method.",
        example: "[GET, POST]", synonyms: ["method"]
    ) { $0.methods.map { Placed(item: $0) } }

    static let headers = Key<RouteMatch, [HeaderRules.Field]>.standard(
        "headers", .fields(lowercased: true), "{}", "Headers that must be there with exactly this value.",
        example: "{X-Canary: \"1\"}", synonyms: ["header"]
    ) { $0.headers }
}
