/// Finds small numbers by byte strings, without making a `String` of what is looked up.
///
/// Open addressing with linear probing, at most half full; keys are compared byte by byte after their hashes agree, so
/// a chosen collision costs time linear in the number of configured keys and never a wrong answer.
struct ByteTable: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        var start: Int32 = -1
        var count: Int32 = 0
        var value: Int32 = 0
    }

    private var slots: [Slot] = []
    private var keys: [UInt8] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// The value of `key`, set to `fresh` if there was none.
    mutating func value(of key: [UInt8], orInsert fresh: Int) -> Int {
        var hash = ByteHash()
        for byte in key { hash.add(byte) }
        if let found = key.withUnsafeBytes({ find($0, hash: hash.value) }) { return found }
        if (count + 1) * 2 > slots.count { grow() }
        insert(
            Slot(hash: hash.value, start: Int32(keys.count), count: Int32(key.count), value: Int32(fresh)))
        keys.append(contentsOf: key)
        count += 1
        return fresh
    }

    /// The value of the key that consists of `bytes`, whose hash the caller has already computed.
    @inline(__always)
    func find(_ bytes: UnsafeRawBufferPointer, hash: UInt64) -> Int? {
        guard count > 0 else { return nil }
        let mask = slots.count &- 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].start >= 0 {
            if slots[index].hash == hash, equals(slots[index], bytes) { return Int(slots[index].value) }
            index = (index &+ 1) & mask
        }
        return nil
    }

    private func equals(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard Int(slot.count) == bytes.count else { return false }
        return keys.withUnsafeBytes { keys in
            for offset in 0..<bytes.count where keys[Int(slot.start) &+ offset] != bytes[offset] { return false }
            return true
        }
    }

    private mutating func insert(_ slot: Slot) {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: slot.hash) & mask
        while slots[index].start >= 0 { index = (index + 1) & mask }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: max(8, old.count * 2))
        for slot in old where slot.start >= 0 { insert(slot) }
    }
}

/// FNV-1a over 64 bits, fed byte by byte so that every prefix of a path is hashed on the way.
struct ByteHash: Sendable {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    @inline(__always)
    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
}
