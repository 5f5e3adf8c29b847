import AloftModel

/// `services.*.restart` and `stop`.
enum LifecycleKeys {
    static let restart = Section<RestartSpec>("restart", [policy.member, backoff.member]) { fields, _ in
        RestartSpec(policy: fields[policy], backoff: fields[backoff])
    }

    static let policy = Key<RestartSpec, RestartSpec.Policy>.standard(
        "policy",
        .choice([
            ("always", .always, "whenever it ends"), ("onFailure", .onFailure, "unless it ends with exit code 0"),
            ("never", .never, "stays ended"),
        ]),
        "always", "When a replica that ended is started again.", example: "onFailure"
    ) { $0.policy }

    static let backoff = Key<RestartSpec, RestartSpec.Backoff>.standard(
        "backoff", backoffSection.kind, "{}",
        "How long to wait before a restart: doubling, so that a broken app costs little.",
        example: "{initial: 2s}"
    ) { $0.backoff }

    static let backoffSection = Section<RestartSpec.Backoff>(
        "backoff", [initial.member, maximum.member, resetAfter.member]
    ) { fields, reader in
        let (first, last) = (fields[initial], fields[maximum])
        if first > last {
            reader.problems.error(
                fields.span(maximum), "`max: \(last.quantity)` is less than `initial: \(first.quantity)`",
                hint: "the wait doubles from `initial` up to `max`")
        }
        return RestartSpec.Backoff(initial: first, max: last, resetAfter: fields[resetAfter])
    }

    static let initial = Key<RestartSpec.Backoff, Duration>.standard(
        "initial", .duration(.milliseconds(10)...(.seconds(3600))), "1s", "The first wait.", example: "2s"
    ) { $0.initial }

    static let maximum = Key<RestartSpec.Backoff, Duration>.standard(
        "max", .duration(.milliseconds(10)...(.seconds(86400))), "5m", "The longest wait.", example: "1m"
    ) { $0.max }

    static let resetAfter = Key<RestartSpec.Backoff, Duration>.standard(
        "resetAfter", .duration(.seconds(1)...(.seconds(86400))), "10m",
        "A replica that stayed ready for so long begins again with the first wait.", example: "2m"
    ) { $0.resetAfter }

    static let stop = Section<StopSpec>("stop", [drain.member, grace.member, signal.member]) { fields, _ in
        StopSpec(drain: fields[drain], grace: fields[grace], signal: fields[signal])
    }

    static let drain = Key<StopSpec, Duration>.standard(
        "drain", .duration(.zero...(.seconds(86400))), "30s",
        "How long requests under way may take to end, once no new ones come.", example: "10s"
    ) { $0.drain }

    static let grace = Key<StopSpec, Duration>.standard(
        "grace", .duration(.zero...(.seconds(3600))), "15s", "From the signal to SIGKILL.", example: "5s",
        synonyms: ["gracePeriod", "terminationGracePeriodSeconds", "stop_grace_period"]
    ) { $0.grace }

    static let signal = Key<StopSpec, StopSpec.Signal>.standard(
        "signal", .signal, "TERM", "The signal that asks the replica to end.", example: "QUIT",
        synonyms: ["stopSignal", "stop_signal", "killSignal", "KillSignal"]
    ) { $0.signal }
}
