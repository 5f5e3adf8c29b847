import AloftHTTP
import NIOCore

/// The answer: its head and where it ends.
extension UpstreamConnection {
    func receive(_ data: ByteBuffer) {
        switch phase {
        case .head: receiveHead(data)
        case .body(let remaining): receiveBody(data, remaining: remaining)
        case .chunks(var scanner):
            guard let exchange else { return }
            receiveChunks(data, &scanner, exchange)
        case .untilClose, .tunnel: exchange?.received(data, isLast: false)
        case .idle:
            // A replica that speaks unasked can't be trusted with the next request.
            phase = .closed
            spokeUnasked()
            removeFromIdle()
        case .closed: break
        }
    }

    private func receiveHead(_ data: ByteBuffer) {
        var input: ByteBuffer
        if var (bytes, head) = partial.take() {
            var data = data
            bytes.writeBuffer(&data)
            input = bytes
            swap(&loop.responseHead, &head)
        } else {
            input = data
        }
        while let exchange {
            let outcome = input.withUnsafeReadableBytes { bytes in
                parser.parse(bytes, answering: method, into: &loop.responseHead)
            }
            switch outcome {
            case .incomplete:
                partial = (input, loop.responseHead)
                loop.responseHead = ResponseHead()
                return
            case .rejected(let fault): return refuseHead(fault, input)
            case .complete:
                parser.reset()
                guard isInterim(&input, exchange) else { return }
            }
        }
    }

    /// Deals with one head; true when another head follows in `input`.
    @inline(__always)
    private func isInterim(_ input: inout ByteBuffer, _ exchange: Exchange) -> Bool {
        let status = loop.responseHead.status
        if status >= 200 {
            finalHead(&input, exchange)
            return false
        }
        if status == 101 {
            switchProtocol(&input, exchange)
            return false
        }
        // One that announces a body may send it, and be an answer behind from then on.
        if !loop.responseHead.keepAlive { keepAlive = false }
        guard exchange.receivedInterim(&input) else {
            refused(.tooManyInterim)
            return false
        }
        return input.readableBytes > 0
    }

    private func switchProtocol(_ input: inout ByteBuffer, _ exchange: Exchange) {
        guard exchange.wantsUpgrade else { return refused(.unaskedUpgrade) }
        phase = .tunnel
        keepAlive = false
        exchange.switchedProtocol(&input)
    }

    @inline(__always)
    private func finalHead(_ input: inout ByteBuffer, _ exchange: Exchange) {
        if !loop.responseHead.keepAlive { keepAlive = false }
        switch loop.responseHead.framing {
        case .none: phase = .idle
        case .length(let length): phase = length == 0 ? .idle : .body(remaining: length)
        case .chunked: return chunkedHead(&input, exchange)
        case .untilClose:
            phase = .untilClose
            keepAlive = false
        }
        let isOver = isAnswered
        if isOver, input.readableBytes > loop.responseHead.byteCount { surplus() }
        exchange.receivedHead(&input, on: self)
        if !isOver, input.readableBytes > 0, self.exchange === exchange { receive(input) }
    }

    /// What came with the head is looked at before the head is passed on: if it is no chunk, there is still time to say
    /// so with 502.
    private func chunkedHead(_ input: inout ByteBuffer, _ exchange: Exchange) {
        let start = ChunkedScanner(limits: Self.chunkLimits, forRequest: false)
        let headBytes = loop.responseHead.byteCount
        phase = .chunks(start)
        guard input.readableBytes > headBytes else { return exchange.receivedHead(&input, on: self) }
        var scanner = start
        var offset = headBytes
        let event = input.withUnsafeReadableBytes { scanner.pass($0, from: &offset) }
        if case .rejected(let fault) = event { return refuseChunk(fault, input, at: offset) }
        exchange.receivedHead(&input, on: self)
        guard self.exchange === exchange else { return }
        if exchange.wantsPayloadOnly {
            scanner = start
            receivePayload(input, &scanner, exchange)
        } else {
            passChunks(input, event, scanner, offset - headBytes, exchange)
        }
    }

    /// Bytes behind an answer would be taken for the next one's.
    private func surplus() {
        guard keepAlive else { return }
        keepAlive = false
        loop.distrust(backend, now: monotonicNow())
    }

    /// Called by the exchange while it puts the head together: the part of a body of known length that is in `input`,
    /// when it is all that is left, so that head and body leave in one write.
    func takeWholeBody(_ input: inout ByteBuffer) -> ByteBuffer? {
        guard case .body(let remaining) = phase, input.readableBytes == remaining else { return nil }
        phase = .idle
        return input.readSlice(length: remaining)
    }

    /// Whether the answer is over.
    var isAnswered: Bool {
        if case .idle = phase { true } else { false }
    }

    private func receiveBody(_ data: ByteBuffer, remaining: Int) {
        var data = data
        let count = data.readableBytes
        if count < remaining {
            phase = .body(remaining: remaining - count)
            exchange?.received(data, isLast: false)
            return
        }
        guard let last = data.readSlice(length: remaining) else { return }
        phase = .idle
        if count > remaining { surplus() }
        exchange?.received(last, isLast: true)
    }

    private func receiveChunks(_ data: ByteBuffer, _ scanner: inout ChunkedScanner, _ exchange: Exchange) {
        guard !exchange.wantsPayloadOnly else { return receivePayload(data, &scanner, exchange) }
        var offset = 0
        let event = data.withUnsafeReadableBytes { scanner.pass($0, from: &offset) }
        passChunks(data, event, scanner, offset, exchange)
    }

    /// Passes on what the scanner has gone over.
    private func passChunks(
        _ data: ByteBuffer, _ event: ChunkEvent, _ scanner: ChunkedScanner, _ offset: Int, _ exchange: Exchange
    ) {
        switch event {
        case .data, .needMore:
            phase = .chunks(scanner)
            exchange.received(data, isLast: false)
        case .end:
            phase = .idle
            var data = data
            if offset < data.readableBytes { surplus() }
            guard let last = data.readSlice(length: offset) else { return }
            exchange.received(last, isLast: true)
        case .rejected(let fault): refuseChunk(fault, data, at: offset)
        }
    }

    /// For a client that knows no chunks.
    private func receivePayload(_ data: ByteBuffer, _ scanner: inout ChunkedScanner, _ exchange: Exchange) {
        var offset = 0
        var payload = ByteBuffer()
        while true {
            switch data.withUnsafeReadableBytes({ scanner.next($0, from: &offset) }) {
            case .data(let range):
                guard var run = data.getSlice(at: data.readerIndex + range.lowerBound, length: range.count) else {
                    return
                }
                payload.writeBuffer(&run)
            case .needMore:
                phase = .chunks(scanner)
                if payload.readableBytes > 0 { exchange.received(payload, isLast: false) }
                return
            case .end:
                phase = .idle
                if offset < data.readableBytes { surplus() }
                exchange.received(payload, isLast: true)
                return
            case .rejected(let fault): return refuseChunk(fault, data, at: offset)
            }
        }
    }

    // MARK: Refusals

    @inline(never)
    private func refuseHead(_ fault: Fault, _ input: ByteBuffer) {
        // What stands where an answer should begin may be the rest of the one before.
        if isReused { loop.distrust(backend, now: monotonicNow()) }
        let site = input.withUnsafeReadableBytes { FaultSite(of: $0, answering: method, limits: Self.headLimits) }
        refused(AnswerRefusal(fault.reason, at: site))
    }

    @inline(never)
    private func refuseChunk(_ fault: Fault, _ data: ByteBuffer, at offset: Int) {
        let byte: UInt8? = data.getInteger(at: data.readerIndex + offset)
        refused(AnswerRefusal(fault.reason, chunkByte: byte))
    }

    private func refused(_ refusal: AnswerRefusal) {
        loop.warn(of: refusal, from: backend, now: monotonicNow())
        failed(.upstreamInvalid, refusal)
    }
}
