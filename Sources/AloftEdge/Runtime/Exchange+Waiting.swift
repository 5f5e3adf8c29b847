import AloftModel

/// A request that waits for a first replica: its body unread, its client watched.
extension Exchange {
    var isWaiting: Bool { place != nil }

    /// Whether it could still be sent, and its client still listens.
    ///
    /// A client that has ended its half looks like one that is gone; it is not waited for.
    var mayWait: Bool { aside == nil && isReplayable && outgoing != nil && !client.isInputClosed }

    func wait(in place: HoldGate.Place, until deadline: UInt64) {
        self.place = place
        wasHeld = true
        // No attempt was made.
        attempts -= 1
        rotation?.budget.takeBack()
        client.deadline = deadline
        client.setReading(false)
    }

    /// A replica has come.
    func goOn() {
        guard leavePlace() else { return }
        client.setReading(true)
        attempt(avoiding: nil)
    }

    /// It has waited for as long as it may.
    func waitedTooLong() {
        rotation?.heldExpired &+= 1
        dismiss()
    }

    func dismiss() {
        _ = leavePlace()
        fail(503, .noReplica, Self.noReplicaMessage)
    }

    /// False when it was not waiting.
    func leavePlace() -> Bool {
        guard let place = place.take() else { return false }
        loop.unhold(self, from: place)
        return true
    }

    static let noReplicaMessage = "No replica of the application is ready to answer. Try again in a moment."
}
