import AloftModel

extension Kind where Value == Rate {
    /// `1000/min`, `20/15m`, `5/s`.
    static var rate: Kind {
        let form = ScalarForm(
            type: "rate", plural: "rates", limits: "1 to 1000000000 in 1s to 1d",
            json: .string(pattern: "^[0-9]+/([0-9]+(s|m|h|d)|s|min|h|d)$"))
        return .scalar(form, spell: { .bare($0.description) }, parse: { scalar, _ in RateText.read(scalar.text) })
    }
}

/// So many in so long, as the file spells it.
enum RateText {
    private static let units: [String: Duration] = [
        "s": .seconds(1), "min": .seconds(60), "h": .seconds(3600), "d": .seconds(86_400),
    ]

    /// What people write who know other tools.
    private static let synonyms: [String: String] = [
        "m": "min", "minute": "min", "minutes": "min", "sec": "s", "second": "s", "seconds": "s", "hour": "h",
        "hr": "h", "day": "d",
    ]

    static func read(_ text: String) -> Result<Rate, Complaint> {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let count = Decimal(parts[0])?.scaled(by: 1) else {
            let isNumber = Decimal(text) != nil
            return .failure(
                isNumber
                    ? Complaint("does not say in how long; write `\(text)/s` or `\(text)/min`")
                    : Complaint("is not a rate", hint: "write so many in so long: `5/s`, `1000/min` or `20/15m`"))
        }
        return period(parts[1], count: parts[0]).flatMap { period in
            guard (1...1_000_000_000).contains(count) else {
                return .failure(Complaint("is out of range", hint: "the number is 1 to 1000000000"))
            }
            return .success(Rate(count, per: period))
        }
    }

    private static func period(_ text: String, count: String) -> Result<Duration, Complaint> {
        if let unit = units[text] { return .success(unit) }
        if let meant = synonyms[text.lowercased()] {
            return .failure(Complaint("has no unit `\(text.shortened)`; write `\(count)/\(meant)`"))
        }
        return QuantityText.duration(text, key: "", usual: "m")
            .mapError { _ in Complaint("is not a rate", hint: "write so many in so long: `5/s`, `1000/min`, `20/15m`") }
            .limited(to: .seconds(1)...(.seconds(86_400)), limits: "a time from 1s to 1d")
    }
}

/// How many times as much: `2x`, `1.5x`.
extension Kind where Value == Double {
    static func multiple(_ range: ClosedRange<Int>) -> Kind {
        let limits = "\(range.lowerBound)x to \(range.upperBound)x"
        let form = ScalarForm(
            type: "multiple", plural: "multiples", limits: limits, json: .string(pattern: "^[0-9]+(\\.[0-9]{1,2})?x$"))
        return .scalar(
            form, spell: { .bare(spelled($0)) },
            parse: { scalar, _ in
                let text = scalar.text
                guard text.hasSuffix("x"), let hundredths = Decimal(String(text.dropLast()))?.scaled(by: 100) else {
                    return .failure(complaint(about: text))
                }
                let bounds = range.lowerBound * 100...range.upperBound * 100
                return Result<Int, Complaint>.success(hundredths).limited(to: bounds, limits: limits)
                    .map { Double($0) / 100 }
            })
    }

    private static func complaint(about text: String) -> Complaint {
        if Decimal(text) != nil { return Complaint("has no unit; write `\(text)x`, so many times as much") }
        return Complaint("is not a multiple", hint: "write for example `2x` or `1.5x`; two decimals at most")
    }

    /// A number above 0, with at most three decimals.
    static var amount: Kind {
        let form = ScalarForm(
            type: "number", plural: "numbers", limits: "0.001 to 1000000000",
            json: .numberOrString(pattern: "^[0-9]+(\\.[0-9]{1,3})?$"))
        return .scalar(
            form, spell: { .bare(number($0, digits: 3)) },
            parse: { scalar, _ in
                guard let thousandths = Decimal(scalar.text)?.scaled(by: 1000) else {
                    return .failure(Complaint("is not a number", hint: "write for example `100` or `2.5`"))
                }
                return Result<Int, Complaint>.success(thousandths)
                    .limited(to: 1...1_000_000_000_000, limits: "0.001 to 1000000000").map { Double($0) / 1000 }
            })
    }

    private static func spelled(_ factor: Double) -> String { number(factor, digits: 2) + "x" }

    /// Without needless zeros: 1.5, 2.
    private static func number(_ value: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let total = Int((value * Double(scale)).rounded())
        var fraction = String(total % scale)
        fraction = String(repeating: "0", count: digits - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(total / scale)" + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}

extension Kind where Value == ReplicaCount {
    /// `2` replicas, or `25%` of those wanted.
    static var replicaCount: Kind {
        let count = Kind<Int>.integer(0...1000)
        let share = Kind<Percent>.percent(Percent(0)...Percent(100))
        return Kind(
            .either([count.form, share.form]), spell: { .bare($0.description) },
            read: { node, reader in
                guard node.scalar?.text.hasSuffix("%") ?? false else {
                    return count.read(node, &reader).map(ReplicaCount.count)
                }
                return share.read(node, &reader).map(ReplicaCount.share)
            })
    }
}
