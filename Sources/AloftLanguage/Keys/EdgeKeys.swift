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
        RouteOrder(fields[routes] ?? [], trustsProxies: !fields[trustedProxies].isEmpty).report(to: &reader)
        RedirectCheck(fields).report(to: &reader)
        return EdgeSpec(
            listeners: fields[listeners].map(\.item), admin: fields[admin].address, tls: fields[tls],
            trustedProxies: fields[trustedProxies], timeouts: fields[timeouts], limits: fields[limits],
            headers: fields[headers].answers, forwarding: fields[headers].forwarding, halfClose: fields[halfClose],
            routes: fields[routes]?.map(\.item) ?? standardRoutes(fields, &reader))
    }

    /// With one service there is nothing to choose.
    private static func standardRoutes(_ fields: Fields, _ reader: inout Reader) -> [RouteSpec] {
        guard !fields.has(routes) else { return [] }
        let services = reader.services.filter { !reader.workers.contains($0) }
        guard services.count < 2, let service = services.first else {
            if services.count > 1 {
                let names = services.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
                let example = services[0]
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
        "Networks of the proxies in front of Aloft, whose word about their clients is believed.",
        detail:
            "What anyone else says in `X-Forwarded-*`, `Forwarded`, `X-Real-IP` and such is removed "
            + "(`edge.headers.untrusted`), so that no client can claim another address.",
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

    static let headers = Key<EdgeSpec, HeaderKeys.Headers>.standard(
        "headers", HeaderKeys.section.kind, "{}", "Headers that answers get, and that tell apps of the client.",
        example: "{remove: [X-Powered-By]}", effect: .newRequests
    ) { HeaderKeys.Headers(answers: $0.headers, forwarding: $0.forwarding) }

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
        "listener", [address.member, listenerTLS.member, redirect.member, publicPort.member]
    ) { fields, reader in
        if fields.has(publicPort), !fields[listenerTLS] {
            reader.problems.error(
                fields.keySpan(publicPort), "`publicPort` changes nothing on a listener without TLS",
                hint: "write it at the listener with `tls: true`, where `redirect: https` leads")
        }
        if fields[redirect] == true, fields[listenerTLS] {
            reader.problems.error(
                fields.keySpan(redirect), "a listener with `tls: true` has nothing to redirect to https",
                hint: "remove `redirect`, or `tls`")
        }
        guard let address = fields[address] else { return nil }
        return ListenerSpec(
            address: address, tls: fields[listenerTLS], redirectsToHTTPS: fields[redirect] == true,
            publicPort: fields[publicPort])
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
        "Answers every request with a redirect.",
        detail: "To the first listener with `tls: true`, at its `publicPort`.", example: "https"
    ) { $0.redirectsToHTTPS ? true : nil }

    static let publicPort = Key<ListenerSpec, Int?>.optional(
        "publicPort", .integer(1...65535), otherwise: "the port of `address`",
        "The port under which clients reach this listener, for `redirect: https`.",
        detail: "For a container or a router that publishes another port: 8443 here, 443 outside.",
        example: "443", effect: .newRequests, synonyms: ["externalPort", "publishedPort"]
    ) { $0.publicPort }
}
