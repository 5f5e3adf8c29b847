/// A file name pattern of gitignore(5): `*` and `?` stop at slashes, `**` crosses them, `[a-z]` is one byte.
///
/// Matching follows all readings at once, so it takes at most length × pattern steps: no pattern makes a walk hang.
struct GlobPattern: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case byte(UInt8)
        /// `?`, or a set; never a slash.
        case one(ByteSet)
        /// `*`: any number of bytes but slashes.
        case name
        /// `**` at the end, or in a pattern of names: any number of bytes.
        case anything
        /// `**/`: nothing, or any number of whole folders.
        case folders
    }

    private let parts: [Part]

    /// - Returns: Nil where no name can match: a set without its end, a backslash with nothing behind it.
    init?(_ text: ArraySlice<UInt8>) {
        var parts: [Part] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"):
                guard let literal = rest.popFirst() else { return nil }
                parts.append(.byte(literal))
            case UInt8(ascii: "?"): parts.append(.one(.all))
            case UInt8(ascii: "["):
                guard let set = ByteSet(&rest) else { return nil }
                parts.append(.one(set))
            case UInt8(ascii: "*"):
                let before = rest.startIndex - 2 >= text.startIndex ? text[rest.startIndex - 2] : UInt8(ascii: "/")
                var stars = 1
                while rest.first == UInt8(ascii: "*") {
                    rest.removeFirst()
                    stars += 1
                }
                let isWhole = stars > 1 && before == UInt8(ascii: "/")
                if isWhole, rest.isEmpty {
                    parts.append(.anything)
                } else if isWhole, rest.first == UInt8(ascii: "/") {
                    rest.removeFirst()
                    parts.append(.folders)
                } else {
                    parts.append(.name)
                }
            default: parts.append(.byte(byte))
            }
        }
        self.parts = parts
    }

    func matches(_ text: ArraySlice<UInt8>) -> Bool {
        // Which parts may come next; the last one stands for the end.
        var reached = [Bool](repeating: false, count: parts.count + 1)
        var next = reached
        reach(0, &reached)
        for byte in text {
            for index in next.indices { next[index] = false }
            var isAlive = false
            for (index, part) in parts.enumerated() where reached[index] {
                let isSlash = byte == UInt8(ascii: "/")
                switch part {
                case .byte(let literal): if byte == literal { reach(index + 1, &next) } else { continue }
                case .one(let set): if !isSlash, set.contains(byte) { reach(index + 1, &next) } else { continue }
                case .name: if !isSlash { reach(index, &next) } else { continue }
                case .anything: reach(index, &next)
                // Within a folder's name only that part is open; behind its slash the next one is, too.
                case .folders: if isSlash { reach(index, &next) } else { next[index] = true }
                }
                isAlive = true
            }
            guard isAlive else { return false }
            swap(&reached, &next)
        }
        return reached[parts.count]
    }

    /// Opens a part, and those behind it where it may be empty.
    private func reach(_ index: Int, _ open: inout [Bool]) {
        open[index] = true
        guard index < parts.count else { return }
        switch parts[index] {
        case .name, .anything, .folders: reach(index + 1, &open)
        case .byte, .one: break
        }
    }
}

/// Which bytes a `[…]` takes.
struct ByteSet: Sendable, Hashable {
    private var bits: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static let all = ByteSet(inverting: ByteSet())

    private init() {}

    private init(inverting other: ByteSet) {
        bits = (~other.bits.0, ~other.bits.1, ~other.bits.2, ~other.bits.3)
    }

    /// Reads what follows `[`, its end included.
    init?(_ rest: inout ArraySlice<UInt8>) {
        let isInverted = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isInverted { rest.removeFirst() }
        var set = ByteSet()
        var low: UInt8?
        var isFirst = true
        while true {
            guard var byte = rest.popFirst() else { return nil }
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            if byte == UInt8(ascii: "["), rest.first == UInt8(ascii: ":") {
                guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return nil }
                if end > rest.startIndex + 1, rest[end - 1] == UInt8(ascii: ":") {
                    let name = String(decoding: rest[(rest.startIndex + 1)..<(end - 1)], as: UTF8.self)
                    guard let isMember = Self.classes[name] else { return nil }
                    for member in UInt8(0)...127 where isMember(member) { set.insert(member) }
                    rest = rest[(end + 1)...]
                    low = nil
                    continue
                }
            }
            let isEnd = rest.isEmpty || rest.first == UInt8(ascii: "]")
            if byte == UInt8(ascii: "-"), let from = low, !isEnd {
                guard var to = rest.popFirst() else { return nil }
                if to == UInt8(ascii: "\\") {
                    guard let escaped = rest.popFirst() else { return nil }
                    to = escaped
                }
                if from <= to { for member in from...to { set.insert(member) } }
                low = nil
                continue
            }
            if byte == UInt8(ascii: "\\") {
                guard let escaped = rest.popFirst() else { return nil }
                byte = escaped
            }
            set.insert(byte)
            low = byte
        }
        self = isInverted ? ByteSet(inverting: set) : set
    }

    func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        return switch byte >> 6 {
        case 0: bits.0 & bit != 0
        case 1: bits.1 & bit != 0
        case 2: bits.2 & bit != 0
        default: bits.3 & bit != 0
        }
    }

    private mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: bits.0 |= bit
        case 1: bits.1 |= bit
        case 2: bits.2 |= bit
        default: bits.3 |= bit
        }
    }

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.bits == right.bits }

    func hash(into hasher: inout Hasher) {
        for word in [bits.0, bits.1, bits.2, bits.3] { hasher.combine(word) }
    }

    /// POSIX' names, of ASCII.
    private static let classes: [String: @Sendable (UInt8) -> Bool] = [
        "alpha": { isUpper($0) || isLower($0) }, "digit": isDigit, "upper": isUpper, "lower": isLower,
        "alnum": { isUpper($0) || isLower($0) || isDigit($0) },
        "blank": { $0 == 0x20 || $0 == 0x09 }, "space": { $0 == 0x20 || (0x09...0x0D).contains($0) },
        "cntrl": { $0 < 0x20 || $0 == 0x7F }, "print": { (0x20...0x7E).contains($0) },
        "graph": { (0x21...0x7E).contains($0) },
        "punct": { (0x21...0x7E).contains($0) && !isUpper($0) && !isLower($0) && !isDigit($0) },
        "xdigit": { isDigit($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) },
    ]

    @Sendable private static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
    @Sendable private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    @Sendable private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
