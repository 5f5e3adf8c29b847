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
        if role.redirectsToHTTPS {
            guard !loop.requestHead.authority.isEmpty else {
                return error(400, .badRequest, "The request names no host.", bytes, id, line, route: nil)
            }
            return answer(redirectToHTTPS(bytes), .none, line, route: nil)
        }
        if loop.requestHead.method == .connect {
            return error(405, .badRequest, "This is no forward proxy.", bytes, id, line, route: nil)
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
            let uri = UnsafeRawBufferPointer(
                rebasing: bytes[
                    loop.requestHead.path
                        .lowerBound..<max(
                            loop.requestHead.path.upperBound, loop.requestHead.query.upperBound)])
            return answer(.redirect(status: plan.status, to: plan.location(uri: uri)), .none, line, route: number)
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
        RequestForwarding.write(loop.requestHead, from: bytes, client: facts, id: id, into: &outgoing)
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
                path: UnsafeRawBufferPointer(rebasing: bytes[path.lowerBound..<path.upperBound]))
        }
        return withUnsafeTemporaryAllocation(byteCount: path.count, alignment: 1) { canonical in
            let count = PathCheck.canonical(bytes, path, into: canonical)
            return snapshot.router.route(
                loop.requestHead, in: bytes, path: UnsafeRawBufferPointer(rebasing: canonical[..<count]))
        }
    }

    // MARK: Answers

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
        let authority = UnsafeRawBufferPointer(
            rebasing: bytes[loop.requestHead.authority.lowerBound..<loop.requestHead.authority.upperBound])
        var location = Array("https://".utf8) + HostName.withoutPort(authority)
        let port = snapshot.spec.listeners.first { $0.tls }?.address.port ?? 443
        if port != 443 { location += Array(":\(port)".utf8) }
        // The asterisk of OPTIONS is no path.
        if bytes[loop.requestHead.path.lowerBound] != UInt8(ascii: "/") { location.append(UInt8(ascii: "/")) }
        location += bytes[loop.requestHead.path.lowerBound..<loop.requestHead.path.upperBound]
        location += bytes[loop.requestHead.query.lowerBound..<loop.requestHead.query.upperBound]
        return .redirect(status: 308, to: location)
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

    /// The client itself: the peer, or the last address that no trusted proxy stands for (RFC 7239 §7.4).
    private func client(_ bytes: UnsafeRawBufferPointer) -> PeerAddress {
        guard facts.isTrusted else { return peer }
        var chain: [PeerAddress] = []
        for field in loop.requestHead.fields where field.known == .xForwardedFor {
            var offset = field.value.lowerBound
            while let member = bytes.nextListMember(field.value, from: &offset) {
                guard let address = PeerAddress(text: bytes[member.lowerBound..<member.upperBound]) else { return peer }
                chain.append(address)
            }
        }
        return chain.last { !snapshot.trusted.contains($0) } ?? chain.first ?? peer
    }

    private func clientText(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard facts.isTrusted else { return facts.peerText }
        let wanted = client(bytes)
        for field in loop.requestHead.fields where field.known == .xForwardedFor {
            var offset = field.value.lowerBound
            while let member = bytes.nextListMember(field.value, from: &offset) {
                let text = Array(bytes[member.lowerBound..<member.upperBound])
                if PeerAddress(text: text) == wanted { return text }
            }
        }
        return facts.peerText
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
