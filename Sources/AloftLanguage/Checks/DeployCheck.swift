import AloftModel

/// What keys of one `deploy` say of one another.
struct DeployCheck {
    private let fields: Fields
    private let strategy: DeploySpec.Strategy

    init(_ fields: Fields) {
        self.fields = fields
        strategy = fields[DeployKeys.strategy]
    }

    func report(to reader: inout Reader) {
        reportForeign(DeployKeys.rolling, .rolling, &reader)
        reportForeign(DeployKeys.blueGreen, .blueGreen, &reader)
        reportForeign(DeployKeys.steps, .canary, &reader)
        reportForeign(DeployKeys.canary, .canary, &reader)
        if strategy == .canary {
            if fields.has(DeployKeys.steps) {
                reportSteps(fields[DeployKeys.steps] ?? [], &reader)
            } else {
                reader.problems.error(
                    fields.span(DeployKeys.strategy), "`strategy: canary` needs `steps`: how its share grows",
                    hint: "write for example `steps: [{weight: 5%, for: 2m}, {weight: 50%, for: 5m}]`")
            }
        }
        reportAnalysis(&reader)
    }

    /// A key of another strategy changes nothing; an environment that chooses another one leaves the file's keys behind.
    private func reportForeign<Value>(
        _ key: Key<DeploySpec, Value>, _ own: DeploySpec.Strategy, _ reader: inout Reader
    ) {
        guard strategy != own, fields.has(key) else { return }
        if let chosen = fields.layer(DeployKeys.strategy), let given = fields.layer(key), chosen > given { return }
        fields.report(key, idle: "with `strategy: \(strategy.rawValue)`", &reader)
    }

    private func reportSteps(_ steps: [Placed<CanarySpec.Step>], _ reader: inout Reader) {
        var last: Percent?
        for step in steps {
            guard case .weight(let weight, _) = step.item, step.isSound else { continue }
            defer { last = weight }
            guard let last, weight <= last else { continue }
            let node = step.node?[CanaryKeys.weight.name] ?? step.node
            let message =
                weight == Percent(100) && last == weight
                ? "the steps reach 100% twice" : "`weight: \(weight)` does not grow: the step before has \(last)"
            reader.problems.error(
                node?.span ?? fields.span, message, hint: "each step is sent more than the one before, or waits")
        }
        if !steps.contains(where: { if case .weight = $0.item { true } else { false } }), !steps.isEmpty {
            reader.problems.error(
                fields.span(DeployKeys.steps), "no step sends the canary any traffic",
                hint: "write for example `{weight: 5%, for: 2m}` before the approval")
        }
    }

    private func reportAnalysis(_ reader: inout Reader) {
        guard let analysis = fields[DeployKeys.analysis], let node = fields.node(DeployKeys.analysis) else { return }
        if strategy == .recreate, analysis.comparedToStable != nil {
            reader.problems.error(
                node[AnalysisKeys.comparedToStable.name]?.span ?? node.span,
                "`comparedToStable` has nothing to compare with: `strategy: recreate` ends the release before it",
                hint: "write `maxErrorRate` or `maxLatency`")
        }
        guard let probes = analysis.probeRequests, strategy == .canary else { return }
        let needed = Double(analysis.minRequests) / probes.rate.perSecond
        let times = (fields[DeployKeys.steps] ?? []).compactMap { step -> Duration? in
            if case .weight(_, let time) = step.item { time } else { nil }
        }
        guard let longest = times.max(), needed > Double(longest.milliseconds) / 1000 else { return }
        reader.problems.warning(
            node[AnalysisKeys.probeRequests.name]?.span ?? node.span,
            "`rate: \(probes.rate)` takes longer than any step to make `minRequests: \(analysis.minRequests)`",
            hint: "a higher `rate`, or fewer `minRequests`")
    }
}

extension Fields {
    /// Says which items of a list of names stand in it twice.
    func reportRepeated<Owner, Value>(_ key: Key<Owner, Value>, _ reader: inout Reader) {
        var seen: Set<String> = []
        for item in node(key)?.items ?? [] {
            guard let text = item.scalar?.text, !seen.insert(text).inserted else { continue }
            reader.problems.error(item.span, "`\(text.shortened)` is listed twice", hint: "remove one")
        }
    }
}
