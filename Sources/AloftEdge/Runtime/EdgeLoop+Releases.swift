import AloftModel
import NIOCore

/// Releases and their shares, and requests that wait for a replica.
extension EdgeLoop {
    /// Requests let go at once when a replica has come, and the pause before the next ones: so that a process that has
    /// just begun to listen is not sent hundreds of connections in one moment.
    private static let releaseBatch = 16
    private static let releasePause = TimeAmount.milliseconds(2)

    func split(_ split: TrafficSplit?, of service: String) {
        let rotation = rotation(named: service)
        rotation.follow(split, random: &random)
        releaseHeld(rotation)
    }

    /// Lets a request wait until a replica is admitted; false when it may not wait.
    func hold(_ exchange: Exchange, now: UInt64) -> Bool {
        guard let rotation = exchange.rotation, !isDraining, !isClosed, exchange.mayWait else { return false }
        let rule = rotation.hold
        let until = max(firstWaitUntil, rule.map { exchange.facts.started &+ $0.maxWait } ?? 0)
        guard until > now else { return false }
        let place: HoldGate.Place = rule == nil ? .first : .service(rotation.name)
        guard holds.enter(place, limit: rule?.maxPending ?? EdgeConfiguration.firstWaitLimit) else {
            rotation.holdsRefused &+= 1
            return false
        }
        if !exchange.wasHeld { rotation.held &+= 1 }
        exchange.wait(in: place, until: until)
        rotation.waiting.append(exchange)
        tellWanted(rotation, now: now)
        return true
    }

    /// The request waits no more: it goes on, or its client is gone, or its time is up.
    func unhold(_ exchange: Exchange, from place: HoldGate.Place) {
        holds.leave(place)
        guard let rotation = exchange.rotation,
            let index = rotation.waiting.firstIndex(where: { $0 === exchange })
        else { return }
        rotation.waiting.remove(at: index)
    }

    /// Lets those waiting go, in order of arrival, if there is a replica for them.
    func releaseHeld(_ rotation: ServiceRotation) {
        guard !rotation.waiting.isEmpty, !rotation.isReleasing, rotation.isServing else { return }
        let batch = Array(rotation.waiting.prefix(Self.releaseBatch))
        for exchange in batch where exchange.isWaiting { exchange.goOn() }
        guard !rotation.waiting.isEmpty else { return }
        rotation.isReleasing = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.releasePause) {
            rotation.isReleasing = false
            self.releaseHeld(rotation)
        }
    }

    /// The edge stops: no replica will come.
    func dismissHeld() {
        for rotation in everyRotation {
            for exchange in rotation.waiting where exchange.isWaiting { exchange.dismiss() }
        }
    }

    /// Says again which services are wanted, and drops what need not be remembered.
    func tendRotations(now: UInt64) {
        for rotation in everyRotation {
            if !rotation.waiting.isEmpty { tellWanted(rotation, now: now) }
            rotation.tidy(now: now)
        }
    }

    private func tellWanted(_ rotation: ServiceRotation, now: UInt64) {
        guard rotation.hold != nil, !rotation.isServing, holds.mayTell(rotation.name, now: now) else { return }
        ports.wanted(rotation.name)
    }
}
