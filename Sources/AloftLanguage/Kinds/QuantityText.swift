import AloftModel

/// Numbers with a unit, as the file spells them. Pure text to value; the caller adds the place.
enum QuantityText {
    struct Unit: Sendable {
        let name: String
        let factor: Int
    }

    static let durationUnits = [
        Unit(name: "ms", factor: 1), Unit(name: "s", factor: 1000), Unit(name: "m", factor: 60_000),
        Unit(name: "h", factor: 3_600_000), Unit(name: "d", factor: 86_400_000),
        Unit(name: "y", factor: 365 * 86_400_000),
    ]

    static let sizeUnits = [
        Unit(name: "B", factor: 1), Unit(name: "KiB", factor: 1 << 10), Unit(name: "MiB", factor: 1 << 20),
        Unit(name: "GiB", factor: 1 << 30), Unit(name: "TiB", factor: 1 << 40), Unit(name: "KB", factor: 1000),
        Unit(name: "MB", factor: 1_000_000), Unit(name: "GB", factor: 1_000_000_000),
    ]

    /// `30s`; the unit of a bare number is guessed as `usual` for the hint.
    static func duration(_ text: String, key: String, usual: String) -> Result<Duration, Complaint> {
        quantity(text, key: key, units: durationUnits, usual: usual, type: "duration").map { .milliseconds($0) }
    }

    /// `512MiB`.
    static func size(_ text: String, key: String, usual: String) -> Result<ByteSize, Complaint> {
        quantity(text, key: key, units: sizeUnits, usual: usual, type: "size").map { ByteSize(bytes: $0) }
    }

    /// `70%`, `0.5%`: at most two decimals.
    static func percent(_ text: String, key: String) -> Result<Percent, Complaint> {
        guard text.hasSuffix("%") else {
            guard let number = Decimal(text) else {
                return .failure(Complaint("is not a percentage", hint: "write for example `20%`"))
            }
            let isShare = text.contains(".") && number.whole == 0
            guard let points = number.scaled(by: isShare ? 10_000 : 100) else {
                return .failure(Complaint("is not a percentage"))
            }
            return .failure(Complaint("has no unit; write `\(Percent(basisPoints: points))`"))
        }
        guard let points = Decimal(String(text.dropLast()))?.scaled(by: 100) else {
            return .failure(
                Complaint("is not a percentage", hint: "write for example `20%` or `0.25%`; two decimals at most"))
        }
        return .success(Percent(basisPoints: points))
    }

    /// `2`, `1.5`, `250m`.
    static func cpu(_ text: String) -> Result<CPUQuantity, Complaint> {
        let isMilli = text.hasSuffix("m")
        let number = Decimal(isMilli ? String(text.dropLast()) : text)
        guard let millicores = number?.scaled(by: isMilli ? 1 : 1000) else {
            return .failure(
                Complaint("is not a number of cores", hint: "write cores, `2` or `1.5`, or thousandths of one, `250m`"))
        }
        return .success(CPUQuantity(millicores: millicores))
    }

    private static func quantity(
        _ text: String, key: String, units: [Unit], usual: String, type: String
    ) -> Result<Int, Complaint> {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let rest = String(text.dropFirst(number.count))
        guard let decimal = Decimal(String(number)) else {
            let example = type == "size" ? "`512MiB`" : "`30s`"
            return .failure(Complaint("is not a \(type)", hint: "write a number and its unit, for example \(example)"))
        }
        guard !rest.isEmpty else {
            let factor = units.first { $0.name == usual }?.factor ?? 1
            let whole = text.contains(".") ? decimal.scaled(by: factor) : nil
            return .failure(
                Complaint("has no unit; write `\(whole.map { spelled($0, units: units, type: type) } ?? text + usual)`")
            )
        }
        guard let unit = units.first(where: { $0.name == rest }) else {
            return .failure(unknownUnit(rest, number: String(number), units: units, type: type, text: text))
        }
        guard let value = decimal.scaled(by: unit.factor) else {
            return .failure(Complaint("is too large, or finer than a \(type) can be"))
        }
        guard !number.contains(".") else {
            return .failure(Complaint("is not a whole number; write `\(spelled(value, units: units, type: type))`"))
        }
        return .success(value)
    }

    private static func unknownUnit(
        _ rest: String, number: String, units: [Unit], type: String, text: String
    ) -> Complaint {
        if type == "duration", let total = compound(text) {
            return Complaint("has more than one unit; write `\(spelled(total, units: units, type: type))`")
        }
        let names = units.map(\.name)
        let bare = rest.trimmingSpaces
        let lowered = bare.lowercased()
        let meant =
            names.contains(bare) ? bare : synonyms[type]?[lowered] ?? names.first { $0.lowercased() == lowered }
        if let meant {
            let factor = units.first { $0.name == meant }?.factor ?? 1
            let whole = number.contains(".") ? Decimal(number)?.scaled(by: factor) : nil
            let proposed = whole.map { spelled($0, units: units, type: type) } ?? number + meant
            return Complaint("has no unit `\(rest.shortened)`; write `\(proposed)`")
        }
        return Complaint(
            "has no unit that Aloft knows",
            hint: "a \(type) is a whole number and one of \(names.joined(separator: ", "))")
    }

    /// `1m30s`, added up, in milliseconds.
    private static func compound(_ text: String) -> Int? {
        var total = 0
        var rest = text[...]
        var parts = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(number.count)
            let name = rest.prefix { !$0.isNumber }
            rest = rest.dropFirst(name.count)
            guard let unit = durationUnits.first(where: { $0.name == name }),
                let value = Decimal(String(number))?.scaled(by: unit.factor)
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(value)
            guard !overflow else { return nil }
            total = sum
            parts += 1
        }
        return parts > 1 ? total : nil
    }

    private static func spelled(_ value: Int, units: [Unit], type: String) -> String {
        type == "size" ? ByteSize(bytes: value).description : Duration.milliseconds(value).quantity
    }

    /// What people write who know other tools.
    private static let synonyms: [String: [String: String]] = [
        "duration": [
            "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m",
            "minutes": "m",
            "hour": "h", "hours": "h", "hr": "h", "day": "d", "days": "d", "year": "y", "years": "y", "msec": "ms",
            "millis": "ms",
        ],
        "size": [
            "b": "B", "byte": "B", "bytes": "B", "k": "KiB", "ki": "KiB", "kb": "KB", "m": "MiB", "mi": "MiB",
            "mb": "MB", "g": "GiB", "gi": "GiB", "gb": "GB", "t": "TiB", "ti": "TiB",
        ],
    ]
}

/// A number as decimal digits with an optional fraction; exact, no floating point.
struct Decimal {
    let whole: Int
    /// Digits after the point.
    private let fraction: [Int]

    /// Digits only: no sign, no exponent, no spaces, no leading or trailing point.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let whole = Int(parts[0])
        else { return nil }
        self.whole = whole
        fraction = parts.count == 2 ? parts[1].utf8.map { Int($0) - 0x30 } : []
    }

    /// Times `factor`; nil where that is no whole number or too large.
    func scaled(by factor: Int) -> Int? {
        let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
        guard !overflow, fraction.count <= 12 else { return nil }
        var numerator = 0
        var denominator = 1
        for digit in fraction {
            numerator = numerator * 10 + digit
            denominator *= 10
        }
        let (scaled, tooLarge) = numerator.multipliedReportingOverflow(by: factor)
        guard !tooLarge, scaled % denominator == 0 else { return nil }
        let (sum, sumOverflow) = product.addingReportingOverflow(scaled / denominator)
        return sumOverflow ? nil : sum
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(drop { $0 == " " }) }
}
