import AloftHTTP
import AloftModel
import NIOCore

/// What comes back: passed on, given up for another try, or broken off.
extension Exchange {
    func upstreamBecameWritable() { client.setReading(true) }

    /// The connection broke before the answer was whole.
    func upstreamFailed(_ error: ErrorType, wasReused: Bool, _ refusal: AnswerRefusal?) {
        guard isActive, let backend else { return }
        upstream = nil
        self.refusal = refusal
        if hasResponseBegun {
            backend.failures &+= 1
            attemptFailed()
            return cut(error: error)
        }
        let now = monotonicNow()
        let isSafe = facts.method.isIdempotent && error == .upstreamClosed
        if wasReused, isSafe, isReplayable, outgoing != nil, !hasRetriedStale, !isCopy {
            // The replica closed an idle connection while the request was on its way: no fault of either.
            hasRetriedStale = true
            sentAt = now
            return connect(to: backend)
        }
        backend.failures &+= 1
        attemptFailed()
        if error == .upstreamClosed { loop.reportUnreachable(backend, now: now) }
        leaveBackend()
        if retries(isSafe: isSafe, now: now) { return attempt(avoiding: backend) }
        fail(502, error, refusal?.message ?? "The application closed the connection before it answered.")
    }

    /// 100 and the like, passed on to a client that can take it; false when there are too many of them.
    func receivedInterim(_ input: inout ByteBuffer) -> Bool {
        interimBytes += loop.responseHead.byteCount
        guard interimBytes <= Self.interimLimit else { return false }
        client.deadline = monotonicNow() &+ plan.timeout
        let manner = ResponseForwarding.Manner(
            framing: .asIs, keepAlive: true, isHTTP10: false, switchesProtocol: false)
        composeHead(&input, manner)
        if facts.minorVersion == 1 { client.write(loop.scratch, flush: true) }
        return true
    }

    /// The final head; `input` holds it and what came behind it.
    func receivedHead(_ input: inout ByteBuffer, on upstream: UpstreamConnection) {
        guard let backend else { return }
        let now = monotonicNow()
        status = loop.responseHead.status
        let latency = now &- sentAt
        backend.answered(status, after: latency, now: now)
        if !plan.retriedStatuses.isEmpty, retriesStatus(now: now) { return }
        hasResponseBegun = true
        dropOutgoing()
        client.deadline = now &+ plan.timeout
        answersKeepAlive = facts.keepAlive && isRequestComplete && !loop.isDraining && !client.isLastRequest
        framing = clientFraming()
        if framing == .untilClose { answersKeepAlive = false }
        writeHead(&input, upstream, now: now)
    }

    @inline(__always)
    private func writeHead(_ input: inout ByteBuffer, _ upstream: UpstreamConnection, now: UInt64) {
        let manner = ResponseForwarding.Manner(
            framing: framing, keepAlive: answersKeepAlive, isHTTP10: facts.minorVersion == 0, switchesProtocol: false)
        composeHead(&input, manner)
        if let body = upstream.takeWholeBody(&input) {
            responseBytes = body.readableBytes
            if body.readableBytes <= Self.copiedBody {
                loop.scratch.writeImmutableBuffer(body)
                client.write(loop.scratch, flush: true)
            } else {
                client.write(loop.scratch, flush: false)
                client.write(body, flush: true)
            }
            return responseEnded(now: now)
        }
        if upstream.isAnswered {
            client.write(loop.scratch, flush: true)
            return responseEnded(now: now)
        }
        // What is there of the body follows at once.
        client.write(loop.scratch, flush: input.readableBytes == 0)
    }

    /// Writes the forwarded head into the loop's scratch buffer and takes the received one off `input`.
    @inline(__always)
    func composeHead(_ input: inout ByteBuffer, _ manner: ResponseForwarding.Manner) {
        guard let rules = request?.snapshot.rules else { return }
        loop.scratch.clear()
        input.withUnsafeReadableBytes { bytes in
            ResponseForwarding.write(loop.responseHead, from: bytes, manner: manner, rules: rules, into: &loop.scratch)
        }
        input.moveReaderIndex(forwardBy: loop.responseHead.byteCount)
    }

    private func clientFraming() -> ClientFraming {
        switch loop.responseHead.framing {
        case .none, .length: .asIs
        case .chunked: facts.minorVersion == 0 ? .untilClose : .asIs
        case .untilClose: facts.minorVersion == 0 ? .untilClose : .madeChunked
        }
    }

    /// True when the answer is thrown away and the request sent to another replica.
    private func retriesStatus(now: UInt64) -> Bool {
        guard aside == nil, plan.retriedStatuses.contains(status), facts.method.isIdempotent, isReplayable,
            outgoing != nil,
            attempts <= plan.retry.attempts, let backend, let rotation
        else { return false }
        guard rotation.budget.spend(share: plan.retry.budget, second: now / 1_000_000_000) else {
            loop.counters.retriesRefused &+= 1
            return false
        }
        loop.counters.retries &+= 1
        backend.failures &+= 1
        upstream?.release(clean: false, now: now)
        leaveBackend()
        attempt(avoiding: backend)
        return true
    }

    /// A piece of the answer's body, framed as the upstream sent it.
    func received(_ data: ByteBuffer, isLast: Bool) {
        guard isActive else { return }
        responseBytes += data.readableBytes
        client.deadline = monotonicNow() &+ (isTunnel ? idleTimeout : plan.timeout)
        if framing == .madeChunked, !isTunnel {
            writeChunk(data)
        } else if data.readableBytes > 0 || isLast {
            client.write(data, flush: true)
        }
        if isLast { return responseEnded(now: monotonicNow()) }
        if !client.isWritable { upstream?.setReading(false) }
    }

    private func writeChunk(_ data: ByteBuffer) {
        guard data.readableBytes > 0 else { return }
        client.write(ByteBuffer(string: String(data.readableBytes, radix: 16) + "\r\n"), flush: false)
        client.write(data, flush: false)
        client.write(ByteBuffer(string: "\r\n"), flush: true)
    }

    /// The answer is whole; `now` was read in this turn of the loop.
    func responseEnded(now: UInt64) {
        guard isActive else { return }
        if framing == .madeChunked, !isTunnel { client.write(ByteBuffer(string: "0\r\n\r\n"), flush: true) }
        let keepAlive = answersKeepAlive && isRequestComplete
        finish(error: .none, status: status, clean: isRequestComplete, now: now)
        client.exchangeEnded(keepAlive: keepAlive, now: now)
    }
}
