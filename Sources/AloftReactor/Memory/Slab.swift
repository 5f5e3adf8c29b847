/// The slots of a loop: each registered descriptor has one, and its number with a generation is what epoll gives back.
///
/// Each slot holds its object alive. A token names one use of a slot: once that has ended it finds nothing, however late
/// an event comes. Late ones do come: while a process is being made, its copy of a closed descriptor keeps the
/// registration alive until exec, and epoll reports it in any later batch (epoll(7), questions and answers).
struct Slab<Object: AnyObject> {
    private struct Slot {
        var object: Unmanaged<Object>?
        /// Odd while in use, so that no token is ever 0 and none names a free slot.
        var generation: UInt32
        var nextFree: UInt32
    }

    private static var none: UInt32 { .max }

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 0
    private var used = 0
    private var free: UInt32
    /// Slots in use.
    private(set) var count = 0

    init() {
        slots = UnsafeMutablePointer<Slot>.allocate(capacity: 0)
        free = Self.none
    }

    /// Ends every use and gives the memory back; the slab is unusable then.
    mutating func deallocate() {
        for index in 0..<used { slots[index].object?.release() }
        slots.deinitialize(count: used)
        slots.deallocate()
        (used, capacity, count) = (0, 0, 0)
    }

    /// Takes a slot, which keeps `object` alive until `remove`.
    mutating func insert(_ object: Object) -> UInt64 {
        count &+= 1
        if free != Self.none {
            let index = free
            let slot = slots + Int(index)
            free = slot.pointee.nextFree
            slot.pointee.object = Unmanaged.passRetained(object)
            slot.pointee.generation &+= 1
            return Self.token(index, slot.pointee.generation)
        }
        if used == capacity { grow() }
        let index = UInt32(used)
        (slots + used).initialize(
            to: Slot(object: Unmanaged.passRetained(object), generation: 1, nextFree: Self.none))
        used &+= 1
        return Self.token(index, 1)
    }

    private static func token(_ index: UInt32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index)
    }

    /// Doubles the room. It never shrinks: 16 bytes for each connection of the busiest moment.
    private mutating func grow() {
        let wanted = max(64, capacity * 2)
        let larger = UnsafeMutablePointer<Slot>.allocate(capacity: wanted)
        larger.moveInitialize(from: slots, count: used)
        slots.deallocate()
        (slots, capacity) = (larger, wanted)
    }

    /// The object of a token, or nil when that use has ended.
    @inline(__always)
    func find(_ token: UInt64) -> Unmanaged<Object>? {
        let index = Int(truncatingIfNeeded: token & 0xFFFF_FFFF)
        guard index < used, slots[index].generation == UInt32(truncatingIfNeeded: token >> 32) else { return nil }
        return slots[index].object
    }

    /// Frees the slot of a token and lets go of its object; false when it was free already.
    @discardableResult
    mutating func remove(_ token: UInt64) -> Bool {
        guard let object = find(token) else { return false }
        let index = UInt32(truncatingIfNeeded: token)
        let slot = slots + Int(index)
        slot.pointee.object = nil
        slot.pointee.generation &+= 1
        slot.pointee.nextFree = free
        free = index
        count &-= 1
        object.release()
        return true
    }

    /// Calls `body` for each object in use, in no order; `body` may not insert or remove.
    func visit(_ body: (Object) -> Void) {
        for index in 0..<used {
            if let object = slots[index].object { object._withUnsafeGuaranteedRef(body) }
        }
    }
}
