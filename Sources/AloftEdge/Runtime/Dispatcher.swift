import AloftHTTP
import AloftModel
import NIOCore

/// Decides what is done with a request, from its head alone; changes nothing but the head it writes.
struct Dispatcher {
    enum Outcome {
        case answer(LocalAnswer, ErrorType, AccessLine?, keepAlive: Bool, route: Int?)
        case proxy(Exchange.Request, outgoing: ByteBuffer)
    }

    unowned(unsafe) let loop: EdgeLoop
    unowned(unsafe) let snapshot: EdgeSnapshot
    let role: ListenerRole
    let facts: ClientFacts
    let peer: PeerAddress
    let isDraining: Bool

    /// `bytes` is what the loop's request head was parsed from.
    func dispatch(_ bytes: UnsafeRawBufferPointer, id: RequestID) -> Outcome {
        let line = accessLine(bytes, id: id)
        switch loop.requestHead.method {
        case .options, .trace, .connect:
            if let outcome = answerOfServer(bytes, id, line) { return outcome }
        default: break
        }
        if role.redirectsToHTTPS {
            guard !loop.requestHead.authority.isEmpty else { return noHost(bytes, id, line, route: nil) }
            return answer(redirectToHTTPS(bytes), .none, line, route: nil)
        }
        guard let number = route(bytes) else {
            return error(404, .noRoute, "Nothing is served under this address.", bytes, id, line, route: nil)
        }
        if case .length(let length) = loop.requestHead.framing, length > snapshot.spec.limits.body.bytes {
            return refusal(413, .tooLarge, "The request's body is larger than the limit.", bytes, id, line, number)
        }
        let route = snapshot.routes[number]
        switch route.action {
        case .respond(let answer): return self.answer(answer, .none, line, route: number)
        case .redirect(let plan):
            guard !plan.needsHost || !loop.requestHead.authority.isEmpty else {
                return noHost(bytes, id, line, route: number)
            }
            let location = plan.location(uri: uri(bytes), host: host(bytes))
            return answer(.redirect(status: plan.status, to: location), .none, line, route: number)
        case .service(let plan):
            return proxy(route, plan, counters: loop.routeCounters[number], bytes, id: id, line: line)
        }
    }

    @inline(__always)
    private func proxy(
        _ route: CompiledRoute, _ plan: ServicePlan, counters: RouteCounters,
        _ bytes: UnsafeRawBufferPointer, id: RequestID, line: AccessLine?
    ) -> Outcome {
        var outgoing = loop.spareBuffer()
        RequestForwarding.write(
            loop.requestHead, from: bytes, client: facts, id: id, plan: plan, rules: snapshot.forwarding,
            into: &outgoing)
        return .proxy(
            Exchange.Request(
                snapshot: snapshot, route: route, plan: plan, rotation: loop.rotations[plan.service],
                counters: counters, facts: exchangeFacts(plan, bytes, id),
                line: line),
            outgoing: outgoing)
    }

    @inline(__always)
    private func exchangeFacts(_ plan: ServicePlan, _ bytes: UnsafeRawBufferPointer, _ id: RequestID) -> Exchange.Facts
    {
        Exchange.Facts(
            method: loop.requestHead.method, minorVersion: loop.requestHead.minorVersion, isTLS: role.isTLS,
            keepAlive: loop.requestHead.keepAlive, wantsUpgrade: loop.requestHead.wantsUpgrade,
            wantsJSON: wantsJSON(bytes), clientHash: plan.balance == .hash ? client(bytes).hash : 0,
            lane: plan.wishes == nil ? .any : lane(plan, bytes), isMirrored: plan.mirrors, id: id,
            started: monotonicNow())
    }

    private func lane(_ plan: ServicePlan, _ bytes: UnsafeRawBufferPointer) -> Lane {
        let rotation = loop.rotations[plan.service]
        // Who has to wait may find a split when the wait is over.
        guard let wishes = plan.wishes, rotation.isSplit || !rotation.isServing else { return .any }
        return wishes.lane(loop.requestHead, in: bytes) { client(bytes) }
    }

    /// Routes are matched on the canonical path, the replica is sent the raw one.
    @inline(__always)
    private func route(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let path = loop.requestHead.path
        if loop.requestHead.pathIsPlain {
            return snapshot.router.route(
                loop.requestHead, in: bytes,
                path: UnsafeRawBufferPointer(rebasing: bytes[path.lowerBound..<path.upperBound]),
                isTrusted: facts.isTrusted)
        }
        if isAboutServer(bytes) {
            return snapshot.router.routeOfServer(loop.requestHead, in: bytes, isTrusted: facts.isTrusted)
        }
        return withUnsafeTemporaryAllocation(byteCount: path.count, alignment: 1) { canonical in
            let count = PathCheck.canonical(bytes, path, into: canonical)
            return snapshot.router.route(
                loop.requestHead, in: bytes, path: UnsafeRawBufferPointer(rebasing: canonical[..<count]),
                isTrusted: facts.isTrusted)
        }
    }

    /// The asterisk form of OPTIONS.
    private func isAboutServer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        loop.requestHead.path.isEmpty || bytes[loop.requestHead.path.lowerBound] != UInt8(ascii: "/")
    }

    // MARK: Answers

    /// What the edge answers to OPTIONS, TRACE and CONNECT whatever the routes say; nil where they decide.
    private func answerOfServer(
        _ bytes: UnsafeRawBufferPointer, _ id: RequestID, _ line: AccessLine?
    ) -> Outcome? {
        let method = loop.requestHead.method
        if method == .connect {
            return notAllowed("CONNECT is not supported.", bytes, id, line, keepAlive: false)
        }
        let hops = MaxForwards(loop.requestHead, in: bytes)
        if hops == .malformed {
            return error(400, .badRequest, "Max-Forwards is not one plain decimal number.", bytes, id, line, route: nil)
        }
        if method == .options {
            return hops == .left(0)
                ? answer(LocalAnswer(status: 204, fields: LocalAnswer.allow), .none, line, route: nil) : nil
        }
        let isTaken = route(bytes).map { snapshot.routes[$0].takesTrace } ?? false
        guard isTaken, hops != .left(0) else {
            return notAllowed("TRACE is not supported.", bytes, id, line, keepAlive: loop.requestHead.keepAlive)
        }
        guard loop.requestHead.framing == .none else {
            return error(400, .badRequest, "A TRACE request has a body.", bytes, id, line, route: nil)
        }
        return nil
    }

    private func notAllowed(
        _ message: String, _ bytes: UnsafeRawBufferPointer, _ id: RequestID, _ line: AccessLine?, keepAlive: Bool
    ) -> Outcome {
        var answer = LocalAnswer.error(405, message, requestID: id, asJSON: wantsJSON(bytes))
        answer.fields += LocalAnswer.allow
        return .answer(answer, .badRequest, line, keepAlive: keepAlive && !isDraining, route: nil)
    }

    private func noHost(
        _ bytes: UnsafeRawBufferPointer, _ id: RequestID, _ line: AccessLine?, route: Int?
    ) -> Outcome {
        error(400, .badRequest, "The request names no host.", bytes, id, line, route: route)
    }

    private func answer(_ answer: LocalAnswer, _ error: ErrorType, _ line: AccessLine?, route: Int?) -> Outcome {
        .answer(answer, error, line, keepAlive: loop.requestHead.keepAlive && !isDraining, route: route)
    }

    private func error(
        _ status: Int, _ type: ErrorType, _ message: String, _ bytes: UnsafeRawBufferPointer, _ id: RequestID,
        _ line: AccessLine?, route: Int?
    ) -> Outcome {
        answer(.error(status, message, requestID: id, asJSON: wantsJSON(bytes)), type, line, route: route)
    }

    /// An error after which the body is not read.
    private func refusal(
        _ status: Int, _ type: ErrorType, _ message: String, _ bytes: UnsafeRawBufferPointer, _ id: RequestID,
        _ line: AccessLine?, _ route: Int
    ) -> Outcome {
        .answer(
            .error(status, message, requestID: id, asJSON: wantsJSON(bytes)), type, line, keepAlive: false, route: route
        )
    }

    private func redirectToHTTPS(_ bytes: UnsafeRawBufferPointer) -> LocalAnswer {
        var location = Array("https://".utf8) + host(bytes)
        if snapshot.securePort != 443 { location += Array(":\(snapshot.securePort)".utf8) }
        return .redirect(status: 308, to: location + uri(bytes))
    }

    private func host(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let authority = loop.requestHead.authority
        return HostName.withoutPort(
            UnsafeRawBufferPointer(rebasing: bytes[authority.lowerBound..<authority.upperBound]))
    }

    /// Path and query; `/` for the asterisk, which is no path.
    private func uri(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard !isAboutServer(bytes) else { return [UInt8(ascii: "/")] }
        let (path, query) = (loop.requestHead.path, loop.requestHead.query)
        return Array(bytes[path.lowerBound..<path.upperBound]) + bytes[query.lowerBound..<query.upperBound]
    }

    // MARK: What the fields tell

    /// The client prefers JSON: Accept names it and not HTML.
    private func wantsJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let accept = value(of: .accept) else { return false }
        return contains(bytes, accept, "json") && !contains(bytes, accept, "text/html")
    }

    private func contains(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, _ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard range.count >= length else { return false }
        for start in range.lowerBound...(range.upperBound - length)
        where bytes.equalsIgnoringCase(ByteRange(start, start + length), word) {
            return true
        }
        return false
    }

    private func value(of known: KnownField) -> ByteRange? {
        for field in loop.requestHead.fields where field.known == known { return field.value }
        return nil
    }

    /// The client itself: the peer, or whom trusted proxies name.
    private func client(_ bytes: UnsafeRawBufferPointer) -> PeerAddress {
        guard facts.isTrusted else { return peer }
        return ForwardedChain(loop.requestHead, in: bytes, trusted: snapshot.trusted).client ?? peer
    }

    private func clientText(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard facts.isTrusted else { return facts.peerText }
        let chain = ForwardedChain(loop.requestHead, in: bytes, trusted: snapshot.trusted)
        guard chain.client != nil else { return facts.peerText }
        return Array(bytes[chain.clientText.lowerBound..<chain.clientText.upperBound])
    }

    private func accessLine(_ bytes: UnsafeRawBufferPointer, id: RequestID) -> AccessLine? {
        guard snapshot.accessThreshold > 0, loop.samples(snapshot.accessThreshold) else { return nil }
        var name = Array(Hexadecimal.text(id).utf8)
        if facts.isTrusted, let given = value(of: .xRequestID), !given.isEmpty {
            name = Array(bytes[given.lowerBound..<given.upperBound])
        }
        return AccessLine(
            time: WallClock.now, head: loop.requestHead, from: bytes, client: clientText(bytes), isTLS: role.isTLS,
            requestID: name)
    }
}
