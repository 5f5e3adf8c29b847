import AloftHTTP
import AloftModel

/// Finds the first route that fits a request, in time that grows with the request's path and not with the routes.
///
/// Hosts are a hash lookup; a path is hashed once from left to right, and each `/` on the way is one lookup among the
/// prefixes. What is found is a list of route numbers in the order of the file; the lowest that fits the method and
/// the header fields wins.
///
/// A class: a struct of tables would be copied, reference by reference, each time it is reached through another.
final class Router: Sendable {
    private let conditions: [Conditions]
    private let anyHost: PathTable
    private let exactHosts: ByteTable
    private let wildcardHosts: ByteTable
    private let hostTables: [PathTable]

    /// - Parameters:
    ///   - upgrades: Routes that redirect to https and otherwise to what was asked for. They are for clients that came by
    ///     http: one that a proxy among `trusted` reached by https would be sent where it is already, without an end.
    ///   - isGuarded: Says which fields, by their names in lower case, only a trusted proxy may send.
    init(
        routes: [RouteMatch], upgrades: Set<Int> = [], trusted: TrustedNetworks = TrustedNetworks([]),
        isGuarded: (String) -> Bool = { _ in false }
    ) {
        conditions = routes.enumerated().map { number, match in
            Conditions(match, upgrade: upgrades.contains(number) ? trusted : nil, isGuarded: isGuarded)
        }
        var tables = HostTables()
        for (number, match) in routes.enumerated() { tables.add(match, number) }
        anyHost = tables.anyHost
        exactHosts = tables.exactHosts
        wildcardHosts = tables.wildcardHosts
        hostTables = tables.ofHosts
    }

    /// The number of the first route that fits, or nil.
    ///
    /// `bytes` is what `head` was parsed from; `path` is its canonical path (`PathCheck.canonical`). What a client that is not
    /// trusted says in a guarded field is not there: no route is opened by it.
    @inline(__always)
    func route(
        _ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, isTrusted: Bool
    ) -> Int? {
        var best = Int.max
        anyHost.search(path, best: &best) { conditions[$0].fit(head, in: bytes, isTrusted: isTrusted) }
        if !hostTables.isEmpty {
            let authority = UnsafeRawBufferPointer(
                rebasing: bytes[head.authority.lowerBound..<head.authority.upperBound])
            searchHosts(
                HostName.withoutPort(authority), path: path, head: head, in: bytes, isTrusted: isTrusted, best: &best)
        }
        return best == Int.max ? nil : best
    }

    /// The first route that takes every path of a host, for `OPTIONS *`, which is about the server and no path of it.
    func routeOfServer(
        _ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, isTrusted: Bool
    ) -> Int? {
        // No route can name a path with a NUL: only `/*` fits this one.
        let path: StaticString = "/\0"
        return route(
            head, in: bytes, path: UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount),
            isTrusted: isTrusted)
    }

    private func searchHosts(
        _ name: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, head: borrowing RequestHead,
        in bytes: UnsafeRawBufferPointer, isTrusted: Bool, best: inout Int
    ) {
        guard name.count > 0, name.count <= 255 else { return }
        withUnsafeTemporaryAllocation(byteCount: name.count, alignment: 1) { lower in
            for offset in 0..<name.count { lower[offset] = HostName.lowercased(name[offset]) }
            let whole = UnsafeRawBufferPointer(lower)
            if let table = exactHosts.find(whole, hash: HostName.hash(whole)) {
                hostTables[table].search(path, best: &best) {
                    conditions[$0].fit(head, in: bytes, isTrusted: isTrusted)
                }
            }
            guard !wildcardHosts.isEmpty, let dot = whole.firstIndex(of: UInt8(ascii: ".")), dot > 0 else { return }
            let parent = UnsafeRawBufferPointer(rebasing: whole[(dot + 1)...])
            if let table = wildcardHosts.find(parent, hash: HostName.hash(parent)) {
                hostTables[table].search(path, best: &best) {
                    conditions[$0].fit(head, in: bytes, isTrusted: isTrusted)
                }
            }
        }
    }
}

/// The tables of a router while they are filled.
private struct HostTables {
    var anyHost = PathTable()
    var exactHosts = ByteTable()
    var wildcardHosts = ByteTable()
    var ofHosts: [PathTable] = []

    mutating func add(_ match: RouteMatch, _ number: Int) {
        guard let host = match.host else {
            anyHost.add(match.path, number)
            return
        }
        let key = Array(host.name.utf8)
        let fresh = ofHosts.count
        let table =
            host.isWildcard
            ? wildcardHosts.value(of: key, orInsert: fresh) : exactHosts.value(of: key, orInsert: fresh)
        if table == fresh { ofHosts.append(PathTable()) }
        ofHosts[table].add(match.path, number)
    }
}

/// The routes of one host by path.
private struct PathTable: Sendable {
    private var exact = ByteTable()
    private var prefixes = ByteTable()
    private var longestPrefix = 0
    /// Route numbers, ascending.
    private var lists: [[Int32]] = []

    mutating func add(_ pattern: PathPattern, _ number: Int) {
        let fresh = lists.count
        let list: Int
        switch pattern {
        case .exact(let path): list = exact.value(of: Array(path.utf8), orInsert: fresh)
        case .prefix(let path):
            list = prefixes.value(of: Array(path.utf8), orInsert: fresh)
            longestPrefix = max(longestPrefix, path.utf8.count)
        }
        if list == fresh { lists.append([]) }
        lists[list].append(Int32(number))
    }

    @inline(__always)
    func search(_ path: UnsafeRawBufferPointer, best: inout Int, fits: (Int) -> Bool) {
        var hash = ByteHash()
        let end = exact.isEmpty ? min(path.count, longestPrefix) : path.count
        var offset = 0
        while offset < end {
            let byte = path[offset]
            hash.add(byte)
            offset &+= 1
            guard byte == UInt8(ascii: "/"), offset <= longestPrefix else { continue }
            let prefix = UnsafeRawBufferPointer(rebasing: path[0..<offset])
            if let list = prefixes.find(prefix, hash: hash.value) { take(list, best: &best, fits: fits) }
        }
        guard offset == path.count else { return }
        if let list = exact.find(path, hash: hash.value) { take(list, best: &best, fits: fits) }
        guard offset < longestPrefix else { return }
        searchAsFolder(path, hash: hash, best: &best, fits: fits)
    }

    /// `/api/*` fits `/api` too.
    private func searchAsFolder(
        _ path: UnsafeRawBufferPointer, hash: ByteHash, best: inout Int, fits: (Int) -> Bool
    ) {
        var hash = hash
        hash.add(UInt8(ascii: "/"))
        withUnsafeTemporaryAllocation(byteCount: path.count + 1, alignment: 1) { folder in
            folder.copyMemory(from: path)
            folder[path.count] = UInt8(ascii: "/")
            if let list = prefixes.find(UnsafeRawBufferPointer(folder), hash: hash.value) {
                take(list, best: &best, fits: fits)
            }
        }
    }

    @inline(__always)
    private func take(_ list: Int, best: inout Int, fits: (Int) -> Bool) {
        for number in lists[list] {
            guard Int(number) < best else { return }
            if fits(Int(number)) {
                best = Int(number)
                return
            }
        }
    }
}

/// What a route asks of a request besides host and path.
private struct Conditions: Sendable {
    private let isAlwaysMet: Bool
    private let methods: [[UInt8]]
    private let fields: [(name: [UInt8], value: [UInt8], isGuarded: Bool)]
    /// Of a redirect to https: proxies that are believed when they say that the client has come by it.
    private let upgrade: TrustedNetworks?

    init(_ match: RouteMatch, upgrade: TrustedNetworks?, isGuarded: (String) -> Bool) {
        self.upgrade = upgrade
        methods = match.methods.map { Array($0.utf8) }
        fields = match.headers.map { (Array($0.name.utf8), Array($0.value.utf8), isGuarded($0.name)) }
        isAlwaysMet = methods.isEmpty && fields.isEmpty && upgrade == nil
    }

    @inline(__always)
    func fit(_ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, isTrusted: Bool) -> Bool {
        isAlwaysMet || fitSlowly(head, in: bytes, isTrusted: isTrusted)
    }

    private func fitSlowly(
        _ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, isTrusted: Bool
    ) -> Bool {
        let method = UnsafeRawBufferPointer(rebasing: bytes[head.methodName.lowerBound..<head.methodName.upperBound])
        if !methods.isEmpty, !methods.contains(where: { $0.elementsEqual(method) }) { return false }
        for wanted in fields {
            guard isTrusted || !wanted.isGuarded, holds(wanted.name, wanted.value, head, in: bytes) else {
                return false
            }
        }
        guard let upgrade, isTrusted else { return true }
        return !ForwardedChain(head, in: bytes, trusted: upgrade).isHTTPS(bytes)
    }

    private func holds(
        _ name: [UInt8], _ value: [UInt8], _ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer
    ) -> Bool {
        for field in head.fields {
            let candidate = bytes[field.name.lowerBound..<field.name.upperBound]
            guard candidate.count == name.count,
                zip(candidate, name).allSatisfy({ HostName.lowercased($0) == $1 })
            else { continue }
            if bytes[field.value.lowerBound..<field.value.upperBound].elementsEqual(value) { return true }
        }
        return false
    }
}

/// Host names as bytes.
enum HostName {
    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = ByteHash()
        for byte in bytes { hash.add(byte) }
        return hash.value
    }

    /// `example.com:8080` is `example.com`; `[::1]:80` is `[::1]`. A closing dot of a full name is left out.
    static func withoutPort(_ authority: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = authority.count
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")),
            !authority[colon...].contains(UInt8(ascii: "]"))
        {
            end = colon
        }
        if end > 1, authority[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: authority[0..<end])
    }
}
