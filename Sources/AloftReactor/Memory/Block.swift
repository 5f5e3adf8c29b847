import Glibc

/// A piece of pooled memory with a header of its own at its beginning, so that a queue of blocks needs nothing beside it.
///
/// It is an address and no more: whoever holds one gives it back to the pool it came from, exactly once.
struct Block {
    /// What stands at the beginning of each piece of memory.
    struct Header {
        var next: Block?
        /// Bytes from `start` up to `end` count, behind the header.
        var start: Int
        var end: Int
        /// Bytes behind the header.
        var capacity: Int
        /// Index of the pool's size, -1 for memory that is freed instead of kept.
        var size: Int
        /// What is sent instead of bytes.
        var file: FileRange?
    }

    static let headerSize = 80

    let header: UnsafeMutablePointer<Header>

    /// Where its bytes begin, counted or not.
    var base: UnsafeMutableRawPointer { UnsafeMutableRawPointer(header) + Self.headerSize }
    var first: UnsafeMutableRawPointer { base + header.pointee.start }
    var count: Int { header.pointee.end &- header.pointee.start }
    var room: Int { header.pointee.capacity &- header.pointee.end }

    /// Copies `count` bytes behind those it has; there must be room.
    func append(_ bytes: UnsafeRawPointer, _ count: Int) {
        precondition(count <= room, "a block was filled past its end")
        memcpy(base + header.pointee.end, bytes, count)
        header.pointee.end &+= count
    }
}

/// A part of an open file that waits to be sent; holds the file open.
struct FileRange {
    let file: Unmanaged<AnyObject>
    let descriptor: Int32
    var offset: off_t
    var remaining: Int
}

/// The memory of one loop: free lists of a few sizes, all of which goes back to the system when it is not needed.
///
/// A connection takes a block when bytes have to wait and gives it back when they have gone, so an idle one owns none.
/// What lies free is bounded twice: by `freeLimit` bytes, and by `trim`, which frees what no moment since the last
/// `trim` had a use for.
struct BlockPool {
    /// Bytes with the header. A request's head fits the first, a TLS record the second, a whole read the last but for
    /// its header; anything larger is made and freed.
    static let sizes: [3 of Int] = [4 << 10, 18 << 10, 64 << 10]

    private struct Free {
        var first: Block?
        var count = 0
        /// Fewest that lay free since the last `trim`.
        var leastCount = 0
    }

    private var free: [3 of Free] = [Free(), Free(), Free()]
    private let freeLimit: Int
    /// Bytes in blocks that were taken and not given back.
    private(set) var usedBytes = 0
    /// Bytes in blocks that lie free.
    private(set) var freeBytes = 0

    /// - Parameter freeLimit: Bytes that may lie free.
    init(freeLimit: Int = 4 << 20) {
        precondition(MemoryLayout<Block.Header>.size <= Block.headerSize)
        self.freeLimit = freeLimit
    }

    /// An empty block with room for at least `count` bytes.
    mutating func take(_ count: Int) -> Block {
        let wanted = count + Block.headerSize
        var size = 0
        while size < Self.sizes.count, Self.sizes[size] < wanted { size &+= 1 }
        guard size < Self.sizes.count else {
            usedBytes &+= wanted
            return Self.make(wanted, size: -1)
        }
        let bytes = Self.sizes[size]
        usedBytes &+= bytes
        guard let block = free[size].first else { return Self.make(bytes, size: size) }
        free[size].first = block.header.pointee.next
        free[size].count &-= 1
        if free[size].count < free[size].leastCount { free[size].leastCount = free[size].count }
        freeBytes &-= bytes
        block.header.pointee.next = nil
        block.header.pointee.start = 0
        block.header.pointee.end = 0
        return block
    }

    private static func make(_ bytes: Int, size: Int) -> Block {
        guard let memory = malloc(bytes) else { fatalError("there is no memory for \(bytes) bytes of a connection") }
        let header = memory.bindMemory(to: Block.Header.self, capacity: 1)
        header.initialize(
            to: Block.Header(
                next: nil, start: 0, end: 0, capacity: bytes - Block.headerSize, size: size, file: nil))
        return Block(header: header)
    }

    mutating func give(_ block: Block) {
        let bytes = block.header.pointee.capacity + Block.headerSize
        usedBytes &-= bytes
        if let range = block.header.pointee.file {
            range.file.release()
            block.header.pointee.file = nil
        }
        let size = block.header.pointee.size
        guard size >= 0, freeBytes + bytes <= freeLimit else {
            Glibc.free(block.header)
            return
        }
        freeBytes &+= bytes
        block.header.pointee.next = free[size].first
        free[size].first = block
        free[size].count &+= 1
    }

    /// Frees what lay free all the time since the last call; called by the loop once a second.
    mutating func trim() {
        for size in free.indices { cut(size, to: free[size].count - free[size].leastCount) }
    }

    /// Frees everything that lies free.
    mutating func empty() {
        for size in free.indices { cut(size, to: 0) }
    }

    private mutating func cut(_ size: Int, to target: Int) {
        while free[size].count > target, let block = free[size].first {
            free[size].first = block.header.pointee.next
            free[size].count -= 1
            freeBytes -= block.header.pointee.capacity + Block.headerSize
            Glibc.free(block.header)
        }
        free[size].leastCount = free[size].count
    }
}
