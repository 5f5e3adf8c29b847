import AloftHTTP
import AloftModel
import NIOCore

/// How heads and bodies are read: each turn of `process` uses a piece of the stash, as far as the phase lets it.
extension ClientConnection {
    func stashBehind(_ bytes: ByteBuffer) {
        guard var waiting = stash.take() else {
            stash = bytes
            return
        }
        // Else used bytes would pile up in front for as long as requests keep coming.
        if waiting.readerIndex > waiting.readableBytes { waiting.discardReadBytes() }
        waiting.writeImmutableBuffer(bytes)
        stash = waiting
    }

    /// Uses what is in the stash, as far as it goes.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while phase != .head || isWritable, var input = stash.take() {
            switch phase {
            case .head: readHead(&input)
            case .exchange: forwardBody(&input)
            case .discard: discardBody(&input)
            case .tunnel: exchange?.sendThroughTunnel(input.readSlice(length: input.readableBytes) ?? ByteBuffer())
            case .closing, .closed: break
            }
            guard input.readableBytes > 0 else { continue }
            keep(input)
            if isWaiting { break }
        }
        isProcessing = false
        settle()
    }

    /// What is left to do when nothing more can be used: hear more, or end.
    func settle() {
        guard phase == .head, !isProcessing else { return }
        let isExhausted = stash == nil || isHeadBegun
        if isExhausted, isInputClosed || (loop.isDraining && stash == nil) {
            closeGracefully()
        } else {
            setReading(isExhausted)
        }
    }

    /// Puts back what was not used, in front of anything that came in the meantime.
    private func keep(_ input: ByteBuffer) {
        guard phase != .closing, phase != .closed else { return }
        guard let later = stash else {
            stash = input
            return
        }
        var joined = input
        joined.writeImmutableBuffer(later)
        stash = joined
    }

    /// Whether the stash can't be used before something else happens.
    private var isWaiting: Bool {
        switch phase {
        case .head: return isHeadBegun
        case .exchange:
            if !hasRoom { setReading(false) }
            return true
        case .discard, .tunnel: return false
        case .closing, .closed: return true
        }
    }

    private func readHead(_ input: inout ByteBuffer) {
        if isHeadBegun {
            swap(&loop.requestHead, &partialHead)
        } else if snapshot !== loop.snapshot {
            refreshSnapshot()
        }
        let outcome = input.withUnsafeReadableBytes { parser.parse($0, into: &loop.requestHead) }
        switch outcome {
        case .complete:
            parser.reset()
            if isHeadBegun { partialHeadEnded() }
            headArrived(&input)
        case .incomplete:
            swap(&loop.requestHead, &partialHead)
            guard !isHeadBegun else { return }
            isHeadBegun = true
            deadline = monotonicNow() &+ snapshot.timeouts.requestHead
        case .rejected(let fault):
            loop.counters.countRefusal(fault.reason)
            refuse(fault.status, .badRequest, fault.reason.sentence)
        }
    }

    /// A head that came in pieces is whole: it is routed by the plan of now, whose numbers the loop's tables have.
    private func partialHeadEnded() {
        isHeadBegun = false
        partialHead = RequestHead()
        if snapshot !== loop.snapshot { refreshSnapshot() }
    }

    private func refreshSnapshot() {
        snapshot = loop.snapshot
        parser = RequestParser(limits: snapshot.headLimits)
        facts.isTrusted = snapshot.trusted.contains(peer)
    }

    /// Answers what was never a request, or is none any more, and closes.
    func refuse(_ status: Int, _ error: ErrorType, _ message: String) {
        if let exchange, exchange.isActive { return exchange.refuse(status, error, message) }
        if let request = held.take()?.request {
            let answer = LocalAnswer.error(
                status, message, requestID: request.facts.id, asJSON: request.facts.wantsJSON)
            record(answer, error, request.counters, request.line, route: request.route.template)
            self.answer(answer, keepAlive: false)
        } else {
            lastMethod = .get
            lastMinorVersion = 1
            let answer = LocalAnswer.error(status, message, requestID: nil, asJSON: false)
            record(answer, error, loop.routeCounters.last, refusedLine(), route: "")
            self.answer(answer, keepAlive: false)
        }
        closeGracefully()
    }

    /// The log's line for what was never a request; nil where it is not one of the sample.
    private func refusedLine() -> AccessLine? {
        guard loop.samples(snapshot.accessThreshold) else { return nil }
        return AccessLine(
            time: WallClock.now, client: facts.peerText, isTLS: role.isTLS, minorVersion: lastMinorVersion)
    }

    /// Counts and logs an answer of the edge's own.
    private func record(
        _ answer: LocalAnswer, _ error: ErrorType, _ counters: RouteCounters?, _ line: AccessLine?, route: String
    ) {
        let bytes = lastMethod == .head ? 0 : answer.body.count
        let key = RouteCounters.Key(
            method: lastMethod, status: UInt16(truncatingIfNeeded: answer.status), isTLS: role.isTLS,
            minorVersion: lastMinorVersion, errorType: error)
        counters?.count(key, nanoseconds: 0, requestBytes: 0, responseBytes: bytes)
        guard let line else { return }
        loop.log(
            line.finished(
                status: answer.status, route: route, replica: nil, nanoseconds: 0, requestBytes: 0,
                responseBytes: bytes, attempts: 0, error: error))
    }

    // MARK: A head

    private func headArrived(_ input: inout ByteBuffer) {
        lastMethod = loop.requestHead.method
        lastMinorVersion = loop.requestHead.minorVersion
        let id = RequestID(high: loop.random.next(), low: loop.random.next())
        let dispatch = input.withUnsafeReadableBytes { bytes in
            Dispatcher(
                loop: loop, snapshot: snapshot, role: role, facts: facts, peer: peer, isDraining: loop.isDraining
            )
            .dispatch(bytes, id: id)
        }
        input.moveReaderIndex(forwardBy: loop.requestHead.byteCount)
        body = RequestBody(loop.requestHead.framing)
        switch dispatch {
        case .answer(let answer, let error, let line, let keepAlive, let route):
            record(
                answer, error, route.map { loop.routeCounters[$0] } ?? loop.routeCounters.last, line,
                route: route.map { snapshot.routes[$0].template } ?? "")
            giveAnswer(answer, keepAlive: keepAlive)
        case .proxy(let request, let outgoing): beginExchange(request, outgoing, &input)
        }
    }

    private func giveAnswer(_ answer: LocalAnswer, keepAlive: Bool) {
        let stays = keepAlive && !loop.requestHead.expectsContinue
        deadline = monotonicNow() &+ snapshot.timeouts.idle
        phase = body.isComplete ? .head : .discard
        self.answer(answer, keepAlive: stays)
        if !stays { closeGracefully() }
    }

    private func beginExchange(
        _ request: Exchange.Request, _ outgoing: consuming ByteBuffer, _ input: inout ByteBuffer
    ) {
        phase = .exchange
        let exchange = self.exchange ?? Exchange(loop: loop, client: self)
        self.exchange = exchange
        switch body {
        case .complete: exchange.begin(request, outgoing: outgoing, bodyBytes: 0, isComplete: true)
        case .length(let length):
            let count = min(length, input.readableBytes)
            input.readWithUnsafeReadableBytes { bytes in
                outgoing.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            body = count == length ? .complete : .length(length - count)
            exchange.begin(request, outgoing: outgoing, bodyBytes: count, isComplete: count == length)
        case .chunks:
            if loop.requestHead.expectsContinue {
                exchange.begin(request, outgoing: outgoing, bodyBytes: 0, isComplete: false)
            } else {
                held = (request, outgoing)
                deadline = monotonicNow() &+ request.plan.timeout
            }
            if input.readableBytes > 0, phase == .exchange { forwardBody(&input) }
        }
    }

    // MARK: A body

    private func forwardBody(_ input: inout ByteBuffer) {
        guard !body.isComplete else { return }
        var payload = 0
        switch input.withUnsafeReadableBytes({ body.pass($0, payload: &payload) }) {
        case .rejected(let fault):
            loop.counters.countRefusal(fault.reason)
            refuse(fault.status, .badRequest, fault.reason.sentence)
        case .bytes(let count, let isLast):
            guard payload <= snapshot.spec.limits.body.bytes else {
                body = .complete
                return refuse(413, .tooLarge, "The request's body is larger than the limit.")
            }
            guard let piece = input.readSlice(length: count) else { return }
            if exchange?.isWaiting == true {
                exchange?.send(piece, isLast: isLast)
                return
            }
            deadline = monotonicNow() &+ (held?.request.plan.timeout ?? exchange?.timeout ?? snapshot.timeouts.request)
            if held == nil { exchange?.send(piece, isLast: isLast) } else { extendHeld(piece, payload, isLast) }
        }
    }

    /// Lets a chunked request go once a chunk of it, or its end, has proved sound.
    private func extendHeld(_ piece: ByteBuffer, _ payload: Int, _ isLast: Bool) {
        guard var waiting = held.take() else { return }
        waiting.outgoing.writeImmutableBuffer(piece)
        guard isLast || payload > 0 else {
            held = waiting
            return
        }
        exchange?.begin(waiting.request, outgoing: waiting.outgoing, bodyBytes: payload, isComplete: isLast)
    }

    private func discardBody(_ input: inout ByteBuffer) {
        var payload = 0
        switch input.withUnsafeReadableBytes({ body.pass($0, payload: &payload) }) {
        case .rejected: return closeGracefully()
        case .bytes(let count, let isLast):
            input.moveReaderIndex(forwardBy: count)
            discard(count)
            guard isLast, phase == .discard else { return }
            discarded = 0
            phase = .head
            deadline = monotonicNow() &+ snapshot.timeouts.idle
        }
    }
}
