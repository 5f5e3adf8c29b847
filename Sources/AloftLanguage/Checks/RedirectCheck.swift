import AloftModel

/// Routes that redirect a request to where it came from.
struct RedirectCheck {
    private let listeners: [ListenerSpec]
    private let routes: [Placed<RouteSpec>]

    init(_ fields: Fields) {
        listeners = fields[EdgeKeys.listeners].map(\.item)
        routes = fields[EdgeKeys.routes] ?? []
    }

    func report(to reader: inout Reader) {
        for placed in routes {
            guard case .redirect(let redirect) = placed.item.action, placed.item.match.headers.isEmpty,
                placed.item.match.methods.isEmpty, let scheme = scheme(keptBy: redirect.to, placed.item.match)
            else { continue }
            let isServed = listeners.contains { $0.tls == (scheme == "https") && !$0.redirectsToHTTPS }
            guard isServed else { continue }
            reader.problems.error(
                placed.node?[RouteKeys.redirect.name]?.span ?? .fileStart,
                "this route redirects \(scheme) requests to themselves",
                hint: scheme == "https"
                    ? "write `redirect: https` at the listener without TLS instead" : "redirect to another path or host"
            )
        }
    }

    /// The scheme of a target that keeps host and path of what the route takes; nil where it changes either.
    private func scheme(keptBy target: String, _ match: RouteMatch) -> String? {
        let host = match.host.flatMap { $0.isWildcard ? nil : $0.name }
        for scheme in ["http", "https"] where target.hasPrefix("\(scheme)://") {
            let rest = target.dropFirst(scheme.utf8.count + 3)
            let places = ["${host}"] + (host.map { [$0] } ?? [])
            for place in places where rest.hasPrefix(place) {
                let path = String(rest.dropFirst(place.count))
                if path == "${uri}" || match.path == .exact(path) { return scheme }
            }
        }
        return nil
    }
}
