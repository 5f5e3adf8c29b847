import AloftModel

/// `edge.routes[]`.
enum RouteKeys {
    static let section = Section<RouteSpec>(
        "route",
        [
            match.member, service.member, balance.member, retry.member, timeout.member, redirect.member,
            respond.member,
        ],
        alternatives: [.exactlyOne("service", "redirect", "respond")]
    ) { fields, reader in
        guard let action = action(fields, &reader) else { return nil }
        return RouteSpec(match: fields[match], action: action)
    }

    private static func action(_ fields: Fields, _ reader: inout Reader) -> RouteAction? {
        if !fields.has(service) {
            let (isBalanced, isRetried, isTimed) = (fields.has(balance), fields.has(retry), fields.has(timeout))
            let spans = [
                (isBalanced, fields.keySpan(balance), balance.name), (isRetried, fields.keySpan(retry), retry.name),
                (isTimed, fields.keySpan(timeout), timeout.name),
            ]
            for (isGiven, span, name) in spans where isGiven {
                reader.problems.error(
                    span, "`\(name)` does nothing in a route without `service`", hint: "remove it")
            }
        }
        if let service = fields[service] {
            return .service(
                ServiceRoute(
                    service: service, balance: fields[balance], retry: fields[retry],
                    timeout: fields[timeout] ?? reader.requestTimeout))
        }
        if let redirect = fields[redirect] {
            report(loopOf: redirect, fields, &reader)
            return .redirect(redirect)
        }
        return fields[respond].map { .respond($0) }
    }

    private static func report(loopOf redirect: RedirectSpec, _ fields: Fields, _ reader: inout Reader) {
        let match = fields[match]
        let isSame = redirect.to == "${uri}" || match.path == .exact(redirect.to)
        guard isSame, match.headers.isEmpty, match.methods.isEmpty else { return }
        reader.problems.error(
            fields.span(Self.redirect), "this route redirects to itself", hint: "redirect to another path or host")
    }

    static let match = Key<RouteSpec, RouteMatch>.standard(
        "match", MatchKeys.section.kind, "{}",
        "Which requests it takes: all that is given must fit; nothing given fits all.",
        example: "{path: /api/*}", synonyms: ["when", "rule"]
    ) { $0.match }

    static let service = Key<RouteSpec, String?>.optional(
        "service", .serviceName(takesRequests: true), "Sends the request to a replica of this service.", example: "api",
        synonyms: ["backend", "upstream", "proxy", "to"]
    ) { $0.serviceRoute?.service }

    static let balance = Key<RouteSpec, ServiceRoute.Balance>.applicable(
        "balance",
        .choice([
            ("roundRobin", .roundRobin, "one after the other"),
            ("leastRequests", .leastRequests, "of two at random, the one with fewer requests under way"),
            (
                "ewma", .ewma,
                "of two at random, the one with the smaller product of mean latency and requests under way"
            ),
            ("hash", .hash, "by the client's address, always the same while it lives"),
        ]),
        "leastRequests", "How a replica is chosen.", example: "ewma", synonyms: ["loadBalancing", "strategy", "lb"]
    ) { $0.serviceRoute?.balance }

    static let retry = Key<RouteSpec, RetrySpec>.applicable(
        "retry", retrySection.kind, "{}", "Whether a request that failed is sent to another replica.",
        detail:
            "Only requests that are safe to send twice (RFC 9110 §9.2.2), and only before any byte of an answer was "
            + "passed on.",
        example: "{attempts: 1}", synonyms: ["retries"]
    ) { $0.serviceRoute?.retry }

    static let timeout = Key<RouteSpec, Duration?>.optional(
        "timeout", .duration(.milliseconds(10)...(.seconds(86400))), otherwise: "`edge.timeouts.request`",
        "To the first byte of an answer, and between two pieces of a body; then 504.", example: "120s"
    ) { $0.serviceRoute?.timeout }

    static let redirect = Key<RouteSpec, RedirectSpec?>.optional(
        "redirect", redirectKind, "Answers with a redirect: where to, or `{to, status}`.",
        detail: "`${uri}` is the request's path and query, `${host}` its host without the port.",
        example: "\"https://example.com${uri}\""
    ) { if case .redirect(let redirect) = $0.action { redirect } else { nil } }

    static let respond = Key<RouteSpec, RespondSpec?>.optional(
        "respond", respondSection.kind, "Answers by itself.", example: "{status: 200, body: \"ok\\n\"}",
        synonyms: ["return", "response"]
    ) { if case .respond(let respond) = $0.action { respond } else { nil } }

    static let retrySection = Section<RetrySpec>("retry", [attempts.member, on.member, budget.member]) { fields, _ in
        RetrySpec(attempts: fields[attempts], on: fields[on], budget: fields[budget])
    }

    static let attempts = Key<RetrySpec, Int>.standard(
        "attempts", .integer(0...10), "2", "Tries after the first one; 0 turns retries off.", example: "1"
    ) { $0.attempts }

    static let on = Key<RetrySpec, [RetrySpec.Condition]>.standard(
        "on",
        .list(
            of: .choice([
                ("connect", .connect, "refused, timed out, or closed before the first byte of an answer"),
                ("502", .status(502), "this status from the app"), ("503", .status(503), "this status from the app"),
                ("504", .status(504), "this status from the app"),
            ]), count: 1...4),
        "[connect]", "What counts as a failure.", example: "[connect, 503]"
    ) { $0.on }

    static let budget = Key<RetrySpec, Percent>.standard(
        "budget", .percent(Percent(0)...Percent(100)), "20%",
        "Most retries as a share of the requests of the last ten seconds, so that they never pile up.",
        example: "10%"
    ) { $0.budget }
}

extension RouteSpec {
    fileprivate var serviceRoute: ServiceRoute? {
        if case .service(let route) = action { route } else { nil }
    }
}
