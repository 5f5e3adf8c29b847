import AloftHTTP
import AloftModel
import NIOCore
import NIOPosix

/// One request on its way through the edge: to a replica, again to another if that is safe, and the answer back.
///
/// Knows nothing of how the client speaks: a front end gives it a forwarded head and body bytes, and is told what to
/// write. Made once a client connection and begun anew for each request; confined to its event loop.
final class Exchange {
    unowned(unsafe) let loop: EdgeLoop
    unowned(unsafe) let client: ClientConnection

    var request: Request?
    var facts = Facts.none
    /// Of the request's snapshot, which `request` keeps alive.
    unowned(unsafe) var plan: ServicePlan
    var rotation: ServiceRotation?
    var backend: Backend?
    var upstream: UpstreamConnection?
    /// The forwarded head and the beginning of the body; kept until an answer begins, in case it is sent again.
    var outgoing: ByteBuffer?
    var isReplayable = true
    var isRequestComplete = false
    var hasResponseBegun = false
    var answersKeepAlive = true
    var framing = ClientFraming.asIs
    var attempts = 0
    var hasRetriedStale = false
    var sentAt: UInt64 = 0
    var status = 0
    var requestBytes = 0
    var responseBytes = 0
    /// One more for each request, so that a connection that comes too late is not taken for this one's.
    private var generation: UInt64 = 0
    private(set) var isActive = false
    var isTunnel = false
    /// The replica will send nothing more into the tunnel.
    var isReplicaDone = false
    var interimBytes = 0
    /// Why the replica's answer was refused; for the log, forgotten with the request.
    var refusal: AnswerRefusal?
    /// Set where nobody waits for the answer.
    unowned(unsafe) var aside: Aside? { didSet { isAside = aside != nil } }
    /// The same in one byte.
    private(set) var isAside = false
    /// A copy may have been handled where its answer was lost, so it is sent once.
    var isCopy: Bool { aside?.kind == .mirror }
    /// Set while it waits for a replica.
    var place: HoldGate.Place?
    var wasHeld = false

    /// Body bytes kept for sending a request again.
    private static let replayLimit = 64 * 1024
    /// Interim answers passed on for one request, in bytes: nothing else holds a replica back that sends no other.
    static let interimLimit = 64 * 1024
    /// A body up to this is copied behind its head, so that one write carries both.
    static let copiedBody = 16 * 1024
    /// How long a replica that refused a connection is left out while others are there; nanoseconds.
    private static let suspension: UInt64 = 1_000_000_000

    init(loop: EdgeLoop, client: ClientConnection) {
        self.loop = loop
        self.client = client
        plan = ServicePlan.none
    }

    var wantsUpgrade: Bool { facts.wantsUpgrade }
    /// Nanoseconds that each side may be silent.
    var timeout: UInt64 { plan.timeout }
    /// The answer has begun.
    var isAnswering: Bool { hasResponseBegun }
    /// An answer is under way whose end will be the end of the client's connection.
    var endsByClosing: Bool { isActive && hasResponseBegun && framing == .untilClose }
    var wantsPayloadOnly: Bool { framing == .untilClose }

    // MARK: From the client

    /// Begins a request; `outgoing` holds its forwarded head and what is there of the body.
    @inline(__always)
    func begin(_ request: consuming Request, outgoing: ByteBuffer, bodyBytes: Int, isComplete: Bool) {
        generation &+= 1
        isActive = true
        rotation = request.rotation
        facts = request.facts
        plan = request.plan
        self.request = request
        self.outgoing = outgoing
        isReplayable = true
        isRequestComplete = isComplete
        hasResponseBegun = false
        attempts = 0
        hasRetriedStale = false
        status = 0
        requestBytes = bodyBytes
        responseBytes = 0
        interimBytes = 0
        framing = .asIs
        isTunnel = false
        isReplicaDone = false
        wasHeld = false
        if !isAside { loop.counters.activeRequests += 1 }
        if facts.isMirrored { return attemptAndMirror() }
        attempt(avoiding: nil)
    }

    /// Sends the request on its way and, behind it, a copy to the other release if it is one to be copied.
    @inline(never)
    private func attemptAndMirror() {
        let generation = self.generation
        let isPlain = isRequestComplete && requestBytes == 0 && !facts.wantsUpgrade
        attempt(avoiding: nil)
        // The request itself may have ended by now.
        guard self.generation == generation, isPlain, facts.method == .get || facts.method == .head,
            let rotation, let backend, let request, let outgoing, let release = rotation.mirrorTarget(of: backend)
        else { return }
        loop.mirror(request, head: outgoing, to: release)
    }

    /// More of the request's body.
    func send(_ bytes: ByteBuffer, isLast: Bool) {
        requestBytes += bytes.readableBytes
        if isLast { isRequestComplete = true }
        keepForReplay(bytes)
        guard let upstream else {
            if let outgoing, outgoing.readableBytes > Self.replayLimit { client.setReading(false) }
            return
        }
        upstream.send(bytes)
        if !isLast, !upstream.isWritable { client.setReading(false) }
    }

    private func keepForReplay(_ bytes: ByteBuffer) {
        guard outgoing != nil else { return }
        // While there is no connection yet, what arrives is kept in any case: reading stops soon.
        if upstream != nil, (outgoing?.readableBytes ?? 0) + bytes.readableBytes > Self.replayLimit {
            isReplayable = false
            dropOutgoing()
        } else {
            outgoing?.writeImmutableBuffer(bytes)
        }
    }

    func dropOutgoing() {
        if let buffer = outgoing.take() { loop.recycle(buffer) }
    }

    /// The client is gone; nothing can be answered any more.
    func clientGone() {
        guard isActive else { return }
        finish(error: .clientClosed, status: hasResponseBegun ? status : 499, clean: false)
    }

    /// The client has taken what was written.
    func clientBecameWritable() { upstream?.setReading(true) }

    /// The rest of the request is not acceptable: says so, if the answer has not begun.
    func refuse(_ status: Int, _ error: ErrorType, _ message: String) {
        if hasResponseBegun { cut(error: error) } else { fail(status, error, message) }
    }

    /// Neither side did anything for the route's time limit.
    func timedOut() {
        guard isActive else { return }
        if isWaiting {
            waitedTooLong()
        } else if isTunnel {
            endTunnel(error: .timeout)
        } else if hasResponseBegun {
            // A client that takes nothing holds its replica back.
            if client.isWritable { attemptFailed() }
            cut(error: .timeout)
        } else if !isRequestComplete, let upstream, upstream.isWritable {
            fail(408, .headTimeout, "The request's body did not arrive in time.")
        } else {
            backend?.failures &+= 1
            attemptFailed()
            fail(504, .timeout, "The application did not answer in time.")
        }
    }

    // MARK: Towards a replica

    func attempt(avoiding: Backend?) {
        guard let rotation else { return }
        let now = monotonicNow()
        attempts += 1
        if attempts == 1, !isAside { rotation.budget.countRequest(second: now / 1_000_000_000) }
        guard
            let backend = rotation.pick(
                plan.balance, lane: facts.lane, client: facts.clientHash, avoided: avoiding, now: now,
                random: &loop.random)
        else { return noReplica(now: now) }
        take(backend, now: now)
        if let idle = backend.takeIdle() {
            start(on: idle, now: now)
        } else {
            connect(to: backend)
        }
    }

    /// Waits for one, if the service says so and the client may.
    @inline(never)
    private func noReplica(now: UInt64) {
        if !loop.hold(self, now: now) { fail(503, .noReplica, Self.noReplicaMessage) }
    }

    private func take(_ backend: Backend, now: UInt64) {
        self.backend = backend
        backend.underWay += 1
        backend.requests &+= 1
    }

    /// Counts that the replica did not do its part in this attempt; once, also where it had already answered with 5xx.
    func attemptFailed() {
        if !hasResponseBegun || status < 500 { backend?.attemptFailed(isAnswered: hasResponseBegun) }
    }

    private func start(on connection: UpstreamConnection, now: UInt64) {
        guard let outgoing else { return fail(502, .connect, "The application can't be reached.") }
        upstream = connection
        sentAt = now
        client.deadline = now &+ plan.timeout
        if outgoing.readableBytes > Self.replayLimit + Self.copiedBody {
            isReplayable = false
            dropOutgoing()
        }
        let isWhole = isRequestComplete
        // Last, since a write that fails may end this exchange, and begin the next, before it returns.
        connection.begin(self, method: facts.method, outgoing)
        if !isWhole, upstream === connection { client.setReading(connection.isWritable) }
    }

    func connect(to backend: Backend) {
        guard let request else { return }
        let generation = self.generation
        let loop = self.loop
        let attempt = attempts
        backend.connectionsOpened &+= 1
        client.deadline = .max
        UpstreamConnector.connect(to: backend, on: loop, timeout: request.snapshot.timeouts.connect) { result in
            // The client may have gone, and another request begun, in the meantime.
            guard self.isActive, self.generation == generation, self.attempts == attempt, self.upstream == nil else {
                if case .success(let connection) = result {
                    connection.release(clean: !loop.isClosed, now: monotonicNow())
                }
                return
            }
            switch result {
            case .success(let connection): self.start(on: connection, now: monotonicNow())
            case .failure(let error) where UpstreamConnector.isOwnShortage(error): self.shortageOccurred()
            case .failure: self.connectFailed()
            }
        }
    }

    /// The edge itself has no descriptor or port left: no fault of the replica, and no other would do better.
    private func shortageOccurred() {
        loop.reportShortage(now: monotonicNow())
        fail(503, .shortage, "The gateway is at its limit of open connections. Try again in a moment.")
    }

    private func connectFailed() {
        guard let backend else { return }
        let now = monotonicNow()
        backend.failures &+= 1
        attemptFailed()
        backend.suspendedUntil = now &+ Self.suspension
        loop.reportUnreachable(backend, now: now)
        leaveBackend()
        // Nothing was sent, so any method may be tried elsewhere.
        if retries(isSafe: true, now: now) { return attempt(avoiding: backend) }
        fail(502, .connect, "The application can't be reached.")
    }

    /// Whether the route lets this request be sent once more; counts it.
    func retries(isSafe: Bool, now: UInt64) -> Bool {
        guard let rotation, aside == nil, isSafe, isReplayable, outgoing != nil, !hasResponseBegun, plan.retriesConnect,
            attempts <= plan.retry.attempts
        else { return false }
        guard rotation.budget.spend(share: plan.retry.budget, second: now / 1_000_000_000) else {
            loop.counters.retriesRefused &+= 1
            return false
        }
        loop.counters.retries &+= 1
        return true
    }

    func leaveBackend() {
        upstream = nil
        if let backend = backend.take() { loop.released(backend) }
    }

    // MARK: The end

    /// Breaks off an answer that has begun.
    func cut(error: ErrorType) {
        let endsByClosing = self.endsByClosing
        finish(error: error, status: status, clean: false)
        client.abort(resets: endsByClosing)
    }

    /// Answers with an error of the edge's own.
    func fail(_ status: Int, _ error: ErrorType, _ message: String) {
        guard isActive else { return }
        let answer = LocalAnswer.error(status, message, requestID: facts.id, asJSON: facts.wantsJSON)
        let keepAlive = facts.keepAlive && isRequestComplete && !loop.isDraining
        finish(error: error, status: status, clean: false)
        client.answer(answer, keepAlive: keepAlive)
        client.exchangeEnded(keepAlive: keepAlive, now: monotonicNow())
    }

    /// Lets go of the replica, counts and logs.
    func finish(error: ErrorType, status: Int, clean: Bool, now: UInt64 = monotonicNow()) {
        guard isActive, let request = request.take() else { return }
        if wasHeld { _ = leavePlace() }
        isActive = false
        plan = ServicePlan.none
        if isTunnel { loop.counters.openTunnels -= 1 }
        let replica = backend?.endpoint.replica
        upstream?.release(clean: clean, now: now)
        leaveBackend()
        dropOutgoing()
        let reason = error == .none ? nil : refusal.take()?.text
        if isAside { return asideEnded(status: status, error: error) }
        loop.counters.activeRequests -= 1
        let key = RouteCounters.Key(
            method: facts.method, status: UInt16(truncatingIfNeeded: status), isTLS: facts.isTLS,
            minorVersion: facts.minorVersion, errorType: error)
        request.counters.count(
            key, nanoseconds: now &- facts.started, requestBytes: requestBytes, responseBytes: responseBytes)
        rotation = nil
        if let line = request.line {
            loop.log(
                line.finished(
                    status: status, route: request.route.template, replica: replica,
                    nanoseconds: now &- facts.started, requestBytes: requestBytes, responseBytes: responseBytes,
                    attempts: attempts, error: error, reason: reason))
        }
    }

    @inline(never)
    private func asideEnded(status: Int, error: ErrorType) {
        rotation = nil
        aside?.exchangeEnded(status: status, error: error)
    }
}
