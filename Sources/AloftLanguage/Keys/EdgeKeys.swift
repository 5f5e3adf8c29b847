import AloftModel

/// `edge`.
enum EdgeKeys {
    static let section = Section<EdgeSpec>(
        "edge",
        [
            listeners.member, admin.member, tls.member, trustedProxies.member, timeouts.member, limits.member,
            headers.member, halfClose.member, routes.member,
        ],
        prepare: { node, reader in reader.requestTimeout = LimitKeys.requestTimeout(in: node["timeouts"], reader) },
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> EdgeSpec? {
        ListenerCheck(fields).report(to: &reader)
        RouteOrder(fields[routes] ?? []).report(to: &reader)
        return EdgeSpec(
            listeners: fields[listeners].map(\.item), admin: fields[admin].address, tls: fields[tls],
            trustedProxies: fields[trustedProxies], timeouts: fields[timeouts], limits: fields[limits],
            headers: fields[headers], halfClose: fields[halfClose],
            routes: fields[routes]?.map(\.item) ?? standardRoutes(fields, &reader))
    }

    /// With one service there is nothing to choose.
    private static func standardRoutes(_ fields: Fields, _ reader: inout Reader) -> [RouteSpec] {
        guard !fields.has(routes) else { return [] }
        guard reader.services.count < 2, let service = reader.services.first else {
            if reader.services.count > 1 {
                let names = reader.services.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
                let example = reader.services[0]
                reader.problems.error(
                    fields.span, "`edge.routes` is missing: with several services (\(names)) it says which gets what",
                    hint: "write for example `routes: [{match: {path: /*}, service: \(example)}]`")
            }
            return []
        }
        let route = ServiceRoute(
            service: service, balance: RouteKeys.balance.initial, retry: RouteKeys.retry.initial,
            timeout: reader.requestTimeout)
        return [RouteSpec(match: RouteMatch(), action: .service(route))]
    }

    static let listeners = Key<EdgeSpec, [Placed<ListenerSpec>]>.standard(
        "listeners", .placedList(of: listener.kind, count: 1...64), "[{address: \"127.0.0.1:8080\"}]",
        "Addresses where clients connect.", example: "[{address: \"0.0.0.0:80\"}]", effect: .opensListeners,
        synonyms: ["listen", "ports", "bind", "entryPoints"]
    ) { $0.listeners.map { Placed(item: $0) } }

    /// `admin: off`, or where it listens.
    struct Admin: Sendable, Hashable { var address: Address? }

    static let admin = Key<EdgeSpec, Admin>.standard(
        "admin", adminKind, "{}", "Where metrics and health are answered; `off` for nowhere.",
        detail: "Only on loopback: it asks for no password yet.", example: "off", effect: .opensListeners
    ) { Admin(address: $0.admin) }

    static let adminSection = Section<Admin>("admin", [adminAddress.member]) { fields, reader in
        let address = fields[adminAddress]
        if !address.isLoopback {
            reader.problems.error(
                fields.span(adminAddress),
                "`address: \(address)` is not loopback, and the admin listener asks for no password",
                hint: "write `127.0.0.1:\(address.port)` and reach it through a tunnel")
        }
        return Admin(address: address)
    }

    static let adminAddress = Key<Admin, Address>.standard(
        "address", .address, "\"127.0.0.1:9900\"", "A loopback address and port.", example: "\"127.0.0.1:9901\""
    ) { $0.address ?? Address(host: "127.0.0.1", port: 9900) }

    private static let adminKind: Kind<Admin> = {
        let section = adminSection.kind
        let off = Kind<Bool>.choice([("off", true, "no admin listener")])
        return Kind(
            .either([section.form, off.form]), spell: { $0.address == nil ? .bare("off") : section.spell($0) }
        ) { node, reader in
            guard node.scalar == nil else { return off.read(node, &reader).map { _ in Admin(address: nil) } }
            return section.read(node, &reader)
        }
    }()

    static let tls = Key<EdgeSpec, TLSSpec>.standard(
        "tls", TLSKeys.section.kind, "{}", "Certificates and the oldest version of TLS for listeners with `tls: true`.",
        example: "{minVersion: \"1.3\"}", effect: .newConnections
    ) { $0.tls }

    static let trustedProxies = Key<EdgeSpec, [Network]>.standard(
        "trustedProxies", .list(of: .network, count: 0...1000), "[]",
        "Networks whose `X-Forwarded-*` and `Forwarded` are believed.",
        detail: "From anyone else these headers are replaced, so that no client can claim another address.",
        example: "[10.0.0.0/8]", effect: .newRequests
    ) { $0.trustedProxies }

    static let timeouts = Key<EdgeSpec, EdgeTimeouts>.standard(
        "timeouts", LimitKeys.timeouts.kind, "{}", "How long the edge waits.", example: "{request: 60s}",
        effect: .newRequests
    ) { $0.timeouts }

    static let limits = Key<EdgeSpec, EdgeLimits>.standard(
        "limits", LimitKeys.limits.kind, "{}", "How much the edge takes.", example: "{body: 50MiB}",
        effect: .newRequests
    ) { $0.limits }

    static let headers = Key<EdgeSpec, HeaderRules>.standard(
        "headers", headerRules.kind, "{}", "Changes to the headers of each answer.",
        example: "{remove: [X-Powered-By]}", effect: .newRequests
    ) { $0.headers }

    static let halfClose = Key<EdgeSpec, EdgeSpec.HalfClose>.standard(
        "halfClose",
        .choice([
            ("abort", .abort, "the client has gone: the application's connection is closed, and the log says 499"),
            ("answer", .answer, "the client still reads and is answered; the app works in vain for one that has gone"),
        ]), "abort",
        "What it means when a client ends its side of the connection while its request is under way.",
        detail: "TCP tells no difference between a client that has gone and one that only sends no more, such as "
            + "`printf … | ncat`.",
        example: "answer", effect: .newRequests
    ) { $0.halfClose }

    static let routes = Key<EdgeSpec, [Placed<RouteSpec>]?>.optional(
        "routes", .placedList(of: RouteKeys.section.kind, count: 0...10_000),
        otherwise: "everything to the only service",
        "Which requests go where; the first that fits is taken.", example: "[{match: {path: /api/*}, service: api}]",
        effect: .newRequests, synonyms: ["rules", "locations", "paths"]
    ) { $0.routes.map { Placed(item: $0) } }

    static let listener = Section<ListenerSpec>(
        "listener", [address.member, listenerTLS.member, redirect.member]
    ) { fields, reader in
        if fields[redirect] == true, fields[listenerTLS] {
            reader.problems.error(
                fields.keySpan(redirect), "a listener with `tls: true` has nothing to redirect to https",
                hint: "remove `redirect`, or `tls`")
        }
        guard let address = fields[address] else { return nil }
        return ListenerSpec(
            address: address, tls: fields[listenerTLS], redirectsToHTTPS: fields[redirect] == true)
    }

    static let address = Key<ListenerSpec, Address?>.required(
        "address", .address, "A numeric address and a port: `0.0.0.0:443`, `[::]:443`; port 0 asks for a free one.",
        example: "\"0.0.0.0:443\"", synonyms: ["port", "host", "listen", "bind"]
    ) { $0.address }

    static let listenerTLS = Key<ListenerSpec, Bool>.standard(
        "tls", .boolean, "false", "Speaks TLS, with a certificate of `edge.tls`.", example: "true",
        synonyms: ["ssl", "https"]
    ) { $0.tls }

    static let redirect = Key<ListenerSpec, Bool?>.optional(
        "redirect", .choice([("https", true, "308 to the same URL over https")]), otherwise: "requests are routed",
        "Answers every request with a redirect.", example: "https"
    ) { $0.redirectsToHTTPS ? true : nil }

    static let headerRules = Section<HeaderRules>("headers", [set.member, remove.member]) { fields, reader in
        let rules = HeaderRules(set: fields[set], remove: fields[remove].map(\.item))
        let names = Set(rules.set.map { $0.name.lowercased() })
        for removed in fields[remove] where names.contains(removed.item.lowercased()) {
            reader.problems.error(
                removed.node?.span ?? fields.span, "`\(removed.item)` is both set and removed",
                hint: "keep one; `set` replaces what the app sent")
        }
        return rules
    }

    static let set = Key<HeaderRules, [HeaderRules.Field]>.standard(
        "set", .fields(lowercased: false), "{}", "Headers that every answer gets; they replace what the app sent.",
        example: "{X-Frame-Options: DENY}", synonyms: ["add"]
    ) { $0.set }

    static let remove = Key<HeaderRules, [Placed<String>]>.standard(
        "remove", .placedList(of: .fieldName, count: 0...64), "[]", "Headers that no answer keeps.",
        example: "[X-Powered-By]", synonyms: ["unset", "hide"]
    ) { $0.remove.map { Placed(item: $0) } }
}
