/// Lets one task through at a time, in order of arrival, with a limit on how many may wait.
///
/// An actor alone would let a second reload begin while the first one waits for a listener.
actor Turnstile {
    static let limit = 64

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Runs `body` alone. Throws `failed` where too many wait.
    func alone<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws(ControlFailure) {
        guard isTaken else {
            isTaken = true
            return
        }
        guard waiting.count < Self.limit else {
            throw ControlFailure(
                .failed, "\(Self.limit) requests wait already", hint: "try again once they are answered")
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
