import AloftModel

extension Kind where Value == Duration {
    /// `30s`. `usual` is the unit that a bare number most likely had.
    static func duration(_ range: ClosedRange<Duration>, usual: String = "s") -> Kind {
        let limits = "\(range.lowerBound.quantity) to \(range.upperBound.quantity)"
        let form = ScalarForm(
            type: "duration", plural: "durations", limits: limits,
            json: .string(pattern: "^[0-9]+(ms|s|m|h|d|y)$"))
        return .scalar(
            form, spell: { .bare($0.quantity) },
            parse: { scalar, reader in
                QuantityText.duration(scalar.text, key: reader.key, usual: usual)
                    .limited(to: range, limits: limits)
            })
    }
}

extension Kind where Value == ByteSize {
    static func size(_ range: ClosedRange<ByteSize>, usual: String = "MiB") -> Kind {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        let form = ScalarForm(
            type: "size", plural: "sizes", limits: limits,
            json: .string(pattern: "^[0-9]+(B|KiB|MiB|GiB|TiB|KB|MB|GB)$"))
        return .scalar(
            form, spell: { .bare($0.description) },
            parse: { scalar, reader in
                QuantityText.size(scalar.text, key: reader.key, usual: usual).limited(to: range, limits: limits)
            })
    }
}

extension Kind where Value == Percent {
    static func percent(_ range: ClosedRange<Percent>) -> Kind {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        let form = ScalarForm(
            type: "percentage", plural: "percentages", limits: limits,
            json: .string(pattern: "^[0-9]+(\\.[0-9]{1,2})?%$"))
        return .scalar(
            form, spell: { .bare($0.description) },
            parse: { scalar, reader in
                QuantityText.percent(scalar.text, key: reader.key).limited(to: range, limits: limits)
            })
    }
}

extension Kind where Value == CPUQuantity {
    static func cpu(_ range: ClosedRange<CPUQuantity>) -> Kind {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        let form = ScalarForm(
            type: "number of cores", plural: "numbers of cores", limits: limits,
            json: .numberOrString(pattern: "^([0-9]+m|[0-9]+(\\.[0-9]{1,3})?)$"))
        return .scalar(
            form, spell: { .bare($0.description) },
            parse: { scalar, _ in
                QuantityText.cpu(scalar.text).limited(to: range, limits: limits)
            })
    }
}

extension Kind where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Kind {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        let form = ScalarForm(type: "whole number", plural: "whole numbers", limits: limits, json: .integer(range))
        return .scalar(
            form, spell: { .bare(String($0)) },
            parse: { scalar, _ in
                WholeNumber.read(scalar).limited(to: range, limits: limits)
            })
    }
}

/// Decimal digits and nothing else: no sign, no `1_000`, no `0x10`, no leading zero, which YAML 1.1 takes for octal.
enum WholeNumber {
    static func read(_ scalar: Node.Scalar) -> Result<Int, Complaint> {
        let text = scalar.text
        let isDigits = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isDigits else { return .failure(complaint(about: text)) }
        guard text == "0" || !text.hasPrefix("0") else {
            let trimmed = text.drop { $0 == "0" }
            return .failure(
                Complaint("begins with 0, which some read as octal; write `\(trimmed.isEmpty ? "0" : String(trimmed))`")
            )
        }
        guard let value = Int(text) else { return .failure(Complaint("is too large")) }
        guard scalar.style == .plain else { return .failure(Complaint("is text; write \(text) without quotes")) }
        return .success(value)
    }

    private static func complaint(about text: String) -> Complaint {
        let plain = text.filter { $0 != "_" && $0 != "," }
        if plain != text, let value = Int(plain) { return Complaint("is not a whole number; write `\(value)`") }
        if let radix = [("0x", 16), ("0o", 8), ("0b", 2)].first(where: { text.lowercased().hasPrefix($0.0) }),
            let value = Int(text.dropFirst(2), radix: radix.1)
        {
            return Complaint("is not decimal; write `\(value)`")
        }
        if let decimal = Decimal(text), let whole = decimal.scaled(by: 1) {
            return Complaint("is not a whole number; write `\(whole)`")
        }
        return Complaint("is not a whole number")
    }
}

extension Kind where Value == Bool {
    static var boolean: Kind {
        let form = ScalarForm(type: "boolean", plural: "booleans", limits: nil, json: .boolean)
        return .scalar(
            form, spell: { .bare($0 ? "true" : "false") },
            parse: { scalar, _ in
                switch (scalar.text, scalar.style) {
                case ("true", .plain): return .success(true)
                case ("false", .plain): return .success(false)
                default: break
                }
                let meant =
                    switch scalar.text.lowercased() {
                    case "true", "yes", "on", "y", "1": "true"
                    case "false", "no", "off", "n", "0": "false"
                    default: ""
                    }
                if scalar.style != .plain, meant == scalar.text {
                    return .failure(Complaint("is text; write \(meant) without quotes"))
                }
                guard !meant.isEmpty else { return .failure(Complaint("is not a boolean; write `true` or `false`")) }
                return .failure(Complaint("is not a boolean; write `\(meant)`"))
            })
    }

    /// A key whose presence says it all.
    static var flag: Kind {
        let form = Form.choice([.init(value: "true", meaning: "the only value; leave the key out otherwise")])
        let boolean = Kind<Bool>.boolean
        return Kind(form, spell: boolean.spell) { node, reader in
            guard let value = boolean.read(node, &reader) else { return nil }
            guard value else {
                reader.error(node, "`\(reader.key): false` says nothing", hint: "leave the key out")
                return nil
            }
            return true
        }
    }
}

extension Result where Success: Comparable, Failure == Complaint {
    func limited(to range: ClosedRange<Success>, limits: String) -> Result {
        flatMap { value in
            if value < range.lowerBound { return .failure(Complaint("is too small", hint: "allowed is \(limits)")) }
            if value > range.upperBound { return .failure(Complaint("is too large", hint: "allowed is \(limits)")) }
            return .success(value)
        }
    }
}
