import AloftHTTP
import AloftModel

/// What the requests of one service may say of the release they go to: a forced one, or who their user is.
///
/// All of it comes from clients. Values are compared or hashed where they stand, never copied and never passed on in
/// another form; one that is malformed or longer than `longestKey` counts as absent.
final class ReleaseWishes: Sendable {
    private enum Key {
        case address
        case header([UInt8])
        case cookie([UInt8])
    }

    /// Longer keys, bytes, are not worth the time.
    static let longestKey = 4096

    /// Lower case.
    private let forceHeader: [UInt8]?
    private let forceCookie: [UInt8]?
    private let sticky: Key?
    /// Of the service's name, so that the first users of one service's canary are not those of every other's.
    private let salt: UInt64

    /// Nil for a service that asks nothing of its requests.
    init?(_ service: EdgeService) {
        guard service.sticky != nil || service.forceHeader != nil || service.forceCookie != nil else { return nil }
        forceHeader = service.forceHeader.map { $0.utf8.map(HostName.lowercased) }
        forceCookie = service.forceCookie.map { Array($0.utf8) }
        sticky = service.sticky.map { key in
            switch key {
            case .address: .address
            case .header(let name): .header(name.utf8.map(HostName.lowercased))
            case .cookie(let name): .cookie(Array(name.utf8))
            }
        }
        var hash = ByteHash()
        for byte in service.name.utf8 { hash.add(byte) }
        salt = hash.value
    }

    /// `bytes` is what `head` was parsed from; `client` is asked only where the address counts.
    func lane(
        _ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, client: () -> PeerAddress
    ) -> Lane {
        if let forceHeader, let value = Self.header(forceHeader, head, bytes), let lane = Self.forced(value, bytes) {
            return lane
        }
        if let forceCookie, let value = Self.cookie(forceCookie, head, bytes), let lane = Self.forced(value, bytes) {
            return lane
        }
        guard let sticky else { return .any }
        switch sticky {
        case .address: break
        case .header(let name):
            if let value = Self.header(name, head, bytes), let slot = slot(value, bytes) { return .slot(slot) }
        case .cookie(let name):
            if let value = Self.cookie(name, head, bytes), let slot = slot(value, bytes) { return .slot(slot) }
        }
        return .slot(Self.slot(client().hash ^ salt))
    }

    private static func forced(_ value: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> Lane? {
        let range = ByteRange(value.lowerBound, value.upperBound)
        if bytes.equals(range, "canary") { return .canary }
        return bytes.equals(range, "stable") ? .stable : nil
    }

    private func slot(_ value: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> UInt16? {
        guard !value.isEmpty, value.count <= Self.longestKey else { return nil }
        var hash = ByteHash()
        for index in value { hash.add(bytes[index]) }
        return Self.slot(hash.value ^ salt)
    }

    /// Even over 0..<10 000.
    private static func slot(_ hash: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: ((PeerAddress.mix(hash) >> 32) &* 10_000) >> 32)
    }

    // MARK: Where the values stand

    /// The value of the field; nil where there is none, or more than one, which could be read two ways.
    private static func header(
        _ name: [UInt8], _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        var found: Range<Int>?
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            guard equals(field.name, name, bytes) else { continue }
            guard found == nil else { return nil }
            found = field.value.lowerBound..<field.value.upperBound
        }
        return found
    }

    private static func equals(_ range: ByteRange, _ lower: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard range.count == lower.count else { return false }
        for offset in 0..<lower.count
        where HostName.lowercased(bytes[range.lowerBound &+ offset]) != lower[offset] {
            return false
        }
        return true
    }

    /// The value of the first cookie of this name.
    private static func cookie(
        _ name: [UInt8], _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            guard bytes.equalsIgnoringCase(field.name, "cookie") else { continue }
            let line = field.value.lowerBound..<field.value.upperBound
            if let value = CookieText.value(of: name, in: bytes, line) { return value }
        }
        return nil
    }
}

/// The Cookie field: `name=value; other="value"` (RFC 6265 §4.2.1).
enum CookieText {
    /// Where the value of the first pair of this name stands, without quotes; nil also for a value that holds a byte
    /// which no cookie may hold.
    static func value(of name: [UInt8], in bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Range<Int>? {
        var start = line.lowerBound
        while start < line.upperBound {
            var end = start
            while end < line.upperBound, bytes[end] != UInt8(ascii: ";") { end += 1 }
            if let value = pair(name, bytes, start..<end) { return sound(value, bytes) }
            start = end + 1
        }
        return nil
    }

    private static func pair(_ name: [UInt8], _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int>? {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        guard !name.isEmpty, end - start > name.count, bytes[start + name.count] == UInt8(ascii: "=") else {
            return nil
        }
        for offset in 0..<name.count where bytes[start + offset] != name[offset] { return nil }
        return (start + name.count + 1)..<end
    }

    private static func sound(_ value: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var value = value
        let quote = UInt8(ascii: "\"")
        if value.count >= 2, bytes[value.lowerBound] == quote, bytes[value.upperBound - 1] == quote {
            value = (value.lowerBound + 1)..<(value.upperBound - 1)
        }
        for index in value {
            switch bytes[index] {
            case 0x21, 0x23...0x2b, 0x2d...0x3a, 0x3c...0x5b, 0x5d...0x7e: continue
            default: return nil
            }
        }
        return value
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
