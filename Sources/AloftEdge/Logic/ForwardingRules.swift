import AloftHTTP
import AloftModel

/// What of a request's fields is for the edge alone, and in which fields it tells applications of the client.
///
/// Names are compared as CGI, WSGI and Rack read them: letters in either case, and every mark for a `-`, so that
/// `X_Real_IP` is no way around `X-Real-IP`.
final class ForwardingRules: Sendable {
    let writesXForwarded: Bool
    let writesStandard: Bool
    /// Whose word about their own client is believed.
    let trusted: TrustedNetworks
    /// For the first letter of a name, the second letters with which `removes` may know it, each as a bit; letters
    /// modulo 32. All that a field of no interest costs.
    ///
    /// SAFETY: written in `init` alone, and freed with the object.
    nonisolated(unsafe) let gate: UnsafeMutablePointer<UInt32>
    private let names: ByteTable
    /// Beginnings of names, with their last `-`.
    private let beginnings: ByteTable

    /// What becomes of a field.
    private enum Fate: Int, Sendable {
        /// Only a trusted proxy may send it.
        case guarded
        /// Nobody may.
        case removed
        case kept
        /// `Max-Forwards`, written anew where it counts.
        case counted
    }

    /// Added to a fate where the name has no mark but `-`: another spelling of it is then no proxy's.
    private static let plain = 8
    /// Bytes of a name that are looked at; no name of the file is longer.
    private static let longest = 128

    init(_ spec: ForwardingSpec, trusted: TrustedNetworks) {
        self.trusted = trusted
        writesXForwarded = spec.family != .standard
        writesStandard = spec.family != .xForwarded
        var names = ByteTable()
        var beginnings = ByteTable()
        gate = .allocate(capacity: 32)
        gate.initialize(repeating: 0, count: 32)
        for (name, fate) in Self.fates(spec) {
            let isBeginning = name.hasSuffix("*")
            let key = (isBeginning ? name.dropLast() : name[...]).utf8.map(Self.folded)
            guard !key.isEmpty, key.count <= Self.longest else { continue }
            let isPlain = name.utf8.allSatisfy { Self.folded($0) != Self.dash || $0 == Self.dash || $0 == 0x2A }
            let value = fate.rawValue + (isPlain ? Self.plain : 0)
            if isBeginning {
                _ = beginnings.value(of: key, orInsert: value)
            } else {
                _ = names.value(of: key, orInsert: value)
            }
            Self.open(gate, key[0], key.count > 1 ? key[1] : UInt8(ascii: ":"))
        }
        self.names = names
        self.beginnings = beginnings
    }

    /// The first of a name stands.
    private static func fates(_ spec: ForwardingSpec) -> [(String, Fate)] {
        [("X-Aloft-Mirror", .removed), ("Max-Forwards", .counted)] + spec.keep.map { ($0, .kept) }
            + (spec.remove + ForwardingSpec.guarded).map { name in
                (name, ForwardingSpec.never.contains(name.lowercased()) ? .removed : .guarded)
            }
    }

    deinit { gate.deallocate() }

    /// Whether a name that begins so must be asked of `removes`.
    @inline(__always)
    static func mayRemove(_ gate: UnsafeMutablePointer<UInt32>, _ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        (gate[Int(bytes[start] & 31)] &>> UInt32(bytes[start &+ 1] & 31)) & 1 != 0
    }

    /// Whether a field does not reach the application.
    @inline(never)
    func removes(_ name: ByteRange, _ bytes: UnsafeRawBufferPointer, isTrusted: Bool, method: Method) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: Self.longest, alignment: 1) { folded in
            let count = min(name.count, Self.longest)
            var hash = ByteHash()
            var found: Int?
            var isImitation = false
            for offset in 0..<count {
                let byte = bytes[name.lowerBound &+ offset]
                let letter = Self.folded(byte)
                folded[offset] = letter
                hash.add(letter)
                guard letter == Self.dash else { continue }
                if byte != Self.dash { isImitation = true }
                let beginning = UnsafeRawBufferPointer(rebasing: folded[...offset])
                if let value = beginnings.find(beginning, hash: hash.value) { found = value }
            }
            if count == name.count {
                let whole = UnsafeRawBufferPointer(rebasing: folded[..<count])
                if let value = names.find(whole, hash: hash.value) { found = value }
            }
            guard let found, let fate = Fate(rawValue: found & ~Self.plain) else { return false }
            switch fate {
            case .guarded: return !isTrusted || (isImitation && found & Self.plain != 0)
            case .removed: return true
            case .kept: return false
            case .counted: return method == .options || method == .trace
            }
        }
    }

    /// Whether only a trusted proxy may send a field of this name, be it passed on or written anew.
    func isGuarded(_ name: String) -> Bool {
        if ForwardingSpec.written.contains(name.lowercased()) { return true }
        return Array(name.utf8).withUnsafeBytes { bytes in
            removes(ByteRange(0, bytes.count), bytes, isTrusted: false, method: .get)
        }
    }

    private static let dash = UInt8(ascii: "-")

    /// Letters in lower case, digits, and `-` for everything else.
    @inline(__always)
    private static func folded(_ byte: UInt8) -> UInt8 {
        let letter = byte | 0x20
        if letter &- 0x61 < 26 { return letter }
        return byte &- 0x30 < 10 ? byte : dash
    }

    /// Lets names pass that begin with two letters as `folded` gives them.
    private static func open(_ gate: UnsafeMutablePointer<UInt32>, _ first: UInt8, _ second: UInt8) {
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        for one in first == dash ? marks : [first] {
            for other in second == dash ? marks : [second] { gate[Int(one & 31)] |= 1 << UInt32(other & 31) }
        }
    }
}
