import AloftModel

/// Routes that can never be taken, because an earlier one takes all that they would.
///
/// Each route is compared only with those whose host and path could cover its own, found by key, so that ten thousand
/// routes take as long per route as ten.
struct RouteOrder {
    /// Earlier routes with one host and path that are looked at; routes that differ only in headers are few.
    private static let candidates = 64

    private struct Place: Hashable {
        var host: HostPattern?
        var path: PathPattern
    }

    private let routes: [Placed<RouteSpec>]
    private let trustsProxies: Bool

    /// - Parameter trustsProxies: A proxy may say that its client came by https.
    init(_ routes: [Placed<RouteSpec>], trustsProxies: Bool) {
        self.routes = routes.filter(\.isSound)
        self.trustsProxies = trustsProxies
    }

    func report(to reader: inout Reader) {
        var earlier: [Place: [Int]] = [:]
        for (index, placed) in routes.enumerated() {
            let (route, node) = (placed.item, placed.node)
            if let other = covering(route.match, among: earlier) {
                reader.problems.warning(
                    node?[RouteKeys.match.name]?.span ?? node?.span ?? .fileStart,
                    "this route is never taken: \(Self.name(routes[other])) takes all of it",
                    hint: Self.isUpgrade(routes[other])
                        ? "name the proxy that speaks https with clients: `trustedProxies`; those who come by https take this route then"
                        : "move this route before it, or remove it")
            }
            // It leaves those who came by https to the routes behind it.
            if trustsProxies, Self.isUpgrade(placed) { continue }
            let place = Place(host: route.match.host, path: route.match.path)
            if earlier[place, default: []].count < Self.candidates { earlier[place, default: []].append(index) }
        }
    }

    private static func isUpgrade(_ route: Placed<RouteSpec>) -> Bool {
        if case .redirect(let redirect) = route.item.action { redirect.isUpgrade } else { false }
    }

    private static func name(_ route: Placed<RouteSpec>) -> String {
        let line = route.node.map { " on line \($0.span.start.line)" } ?? ""
        return "`\(route.item.template)`, `edge.routes[\(route.index)]`\(line),"
    }

    private func covering(_ match: RouteMatch, among earlier: [Place: [Int]]) -> Int? {
        var first: Int?
        let paths = Self.paths(covering: match.path)
        for host in Self.hosts(covering: match.host) {
            for path in paths {
                for index in earlier[Place(host: host, path: path)] ?? [] where index < first ?? .max {
                    if Self.covers(routes[index].item.match, match) { first = index }
                }
            }
        }
        return first
    }

    private static func hosts(covering host: HostPattern?) -> [HostPattern?] {
        guard let host else { return [nil] }
        guard !host.isWildcard, let dot = host.name.firstIndex(of: ".") else { return [nil, host] }
        return [nil, host, HostPattern(name: String(host.name[host.name.index(after: dot)...]), isWildcard: true)]
    }

    private static func paths(covering path: PathPattern) -> [PathPattern] {
        let text: String
        switch path {
        case .exact(let exact): text = exact + "/"
        case .prefix(let prefix): text = prefix
        }
        let bytes = Array(text.utf8)
        let slashes = bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") }
        return [path] + slashes.map { .prefix(String(decoding: bytes[...$0], as: UTF8.self)) }
    }

    /// Hosts and paths fit already: methods and headers decide.
    private static func covers(_ wide: RouteMatch, _ narrow: RouteMatch) -> Bool {
        let methods =
            wide.methods.isEmpty || !narrow.methods.isEmpty && narrow.methods.allSatisfy(wide.methods.contains)
        return methods && wide.headers.allSatisfy(narrow.headers.contains)
    }
}
