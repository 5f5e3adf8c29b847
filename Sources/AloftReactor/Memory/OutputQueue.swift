import Glibc

/// What a connection has still to send: bytes in blocks, and parts of files between them, in their order.
///
/// It holds memory and no opinion: marks and limits are the transport's.
struct OutputQueue {
    /// Bytes of a new block at least, so that small pieces share one.
    private static let leastBlock = 4 << 10 - Block.headerSize
    /// Bytes of a block at most: what is sent frees its memory soon.
    private static let mostBlock = 64 << 10 - Block.headerSize

    private(set) var first: Block?
    private var last: Block?
    /// Bytes in memory; those of files do not count.
    private(set) var count = 0
    private(set) var files = 0

    var isEmpty: Bool { first == nil }

    /// Copies bytes to the end.
    mutating func append(_ bytes: UnsafeRawPointer, _ count: Int, _ pool: inout BlockPool) {
        var from = bytes
        var left = count
        if let last, last.header.pointee.file == nil {
            let fits = min(last.room, left)
            last.append(from, fits)
            from += fits
            left &-= fits
        }
        while left > 0 {
            let block = pool.take(max(Self.leastBlock, min(left, Self.mostBlock)))
            let fits = min(block.room, left)
            block.append(from, fits)
            link(block)
            from += fits
            left &-= fits
        }
        self.count &+= count
    }

    /// Puts a part of a file at the end and holds the file open until it is sent or dropped.
    mutating func append(_ file: AnyObject, descriptor: Int32, offset: off_t, count: Int, _ pool: inout BlockPool) {
        let block = pool.take(0)
        block.header.pointee.file = FileRange(
            file: Unmanaged.passRetained(file), descriptor: descriptor, offset: offset, remaining: count)
        link(block)
        files += 1
    }

    private mutating func link(_ block: Block) {
        if let last { last.header.pointee.next = block } else { first = block }
        last = block
    }

    /// Drops bytes from the front, which lie in memory.
    mutating func drop(_ dropped: Int, _ pool: inout BlockPool) {
        var left = dropped
        while left > 0, let block = first {
            let here = min(left, block.count)
            block.header.pointee.start &+= here
            left &-= here
            if block.count == 0 { dropFirst(&pool) }
        }
        count &-= dropped &- left
    }

    /// Drops the part of a file at the front.
    mutating func dropFile(_ pool: inout BlockPool) {
        guard let block = first, block.header.pointee.file != nil else { return }
        files -= 1
        dropFirst(&pool)
    }

    private mutating func dropFirst(_ pool: inout BlockPool) {
        guard let block = first else { return }
        first = block.header.pointee.next
        if first == nil { last = nil }
        pool.give(block)
    }

    /// Drops everything.
    mutating func clear(_ pool: inout BlockPool) {
        while first != nil { dropFirst(&pool) }
        count = 0
        files = 0
    }

    /// Fills `pieces` with what stands at the front, up to a file; returns how many of them and how many bytes.
    func gather(_ pieces: UnsafeMutablePointer<iovec>, upTo limit: Int) -> (pieces: Int, bytes: Int) {
        var used = 0
        var bytes = 0
        var next = first
        while let block = next, used < limit, block.header.pointee.file == nil {
            pieces[used] = iovec(iov_base: block.first, iov_len: block.count)
            bytes &+= block.count
            used &+= 1
            next = block.header.pointee.next
        }
        return (used, bytes)
    }
}
