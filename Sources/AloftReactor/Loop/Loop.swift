import AloftSystem
import CAloftReactor
import Glibc

/// One thread's event loop: descriptors, deadlines, and the memory that its connections share.
///
/// Not Sendable: it and all that hangs on it is touched on its own thread only, where `LoopHandle` hands it to the work
/// that others submit. Nothing above this module names epoll.
package final class Loop {
    /// Bytes that one read takes at most.
    static let inputSize = 128 << 10
    /// Events taken from the kernel at once.
    static let batch = 256
    /// Reads, writes or splices of one connection in a turn, in each direction; then the others have theirs.
    static let budget = 2
    /// Pipes that are kept for the next `splice`.
    static let mostPipes = 32

    package let handle: LoopHandle
    /// Monotonic nanoseconds (CLOCK_MONOTONIC) at which this turn began.
    package internal(set) final var now: UInt64
    package internal(set) final var metrics = LoopMetrics()

    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    /// Where each read goes; what an owner is lent lies here until it returns.
    final let input: UnsafeMutableRawPointer
    /// Where bytes are put together or read from files before they go through TLS.
    final let scratch: UnsafeMutableRawPointer
    final let pieces: UnsafeMutablePointer<iovec>
    static let mostPieces = 16
    static let scratchSize = 32 << 10

    final var slab = Slab<Watched>()
    final var pool = BlockPool()
    final var wheel: TimerWheel
    final var ready = ReadyList()
    final var closed = ClosedList()
    final var pipes: [SplicePipe] = []
    /// Those that gave their connection to another owner in this turn and may still be running.
    final var formerOwners: [Unmanaged<StreamOwner>] = []
    private var housekeeping: LoopTimer?
    private var keepsHouse = false
    private var isStopping = false

    /// Takes over what `handle` has opened; on the thread that will run it.
    init(_ handle: LoopHandle) {
        self.handle = handle
        epoll = handle.epoll.number
        now = aloft_monotonic()
        wheel = TimerWheel(now: now)
        events = .allocate(capacity: Self.batch)
        input = .allocate(byteCount: Self.inputSize, alignment: 64)
        scratch = .allocate(byteCount: Self.scratchSize, alignment: 64)
        pieces = .allocate(capacity: Self.mostPieces)
        pipes.reserveCapacity(Self.mostPipes)
    }

    deinit {
        events.deallocate()
        input.deallocate()
        scratch.deallocate()
        pieces.deallocate()
        wheel.deallocate()
    }

    /// What is alive now, for metrics and for tests that look for leaks.
    package var usage: LoopUsage {
        LoopUsage(
            slots: slab.count, memoryUsed: pool.usedBytes, memoryFree: pool.freeBytes, pipes: pipes.count)
    }

    /// Runs until it is told to stop; then everything is closed.
    func run() {
        let timer = LoopTimer(self) { [unowned self] _ in housekeep() }
        housekeeping = timer
        while !isStopping { turn() }
        housekeeping = nil
        closeAll()
        // Work that came with the end still runs: somebody may wait for it. What it opened is closed again.
        while handle.finish() {
            handle.runSubmitted(on: self)
            closeAll()
        }
        for pipe in pipes { pipe.close() }
        pipes = []
        pool.empty()
        slab.deallocate()
    }

    /// Closes everything, and what owners open when they hear of it.
    private func closeAll() {
        while slab.count > 0 {
            var listed = ready.takeAll()
            while listed.popFirst() != nil {}
            slab.visit { $0.stop() }
            endTurn()
        }
    }

    func requestStop() { isStopping = true }

    private func turn() {
        let count = wait()
        let begin = aloft_monotonic()
        now = begin
        metrics.wakeups &+= 1
        var index = 0
        while index < count {
            let event = events[index]
            if event.data.u64 == LoopHandle.token {
                handle.runSubmitted(on: self)
            } else if let watched = slab.find(event.data.u64) {
                metrics.events &+= 1
                watched._withUnsafeGuaranteedRef { $0.handle(event.events) }
            }
            index &+= 1
        }
        var listed = ready.takeAll()
        while let next = listed.popFirst() {
            next._withUnsafeGuaranteedRef { $0.resume() }
        }
        while let due = wheel.next(now: now) {
            due._withUnsafeGuaranteedRef { $0.expire(now: now) }
        }
        endTurn()
        metrics.tookTurn(nanoseconds: aloft_monotonic() &- begin)
    }

    /// Frees what was closed; owners that hear of it may close more.
    private func endTurn() {
        if !closed.isEmpty { buryClosed() }
        while let former = formerOwners.popLast() { former.release() }
        if !keepsHouse, pool.freeBytes > 0 || !pipes.isEmpty { keepHouse() }
    }

    private func wait() -> Int {
        let milliseconds: Int32 =
            ready.isEmpty && closed.isEmpty ? wheel.milliseconds(after: aloft_monotonic()) ?? -1 : 0
        let count = aloft_epoll_wait(epoll, events, Int32(Self.batch), milliseconds)
        // Signals are blocked on this thread; a debugger interrupts all the same.
        precondition(count >= 0 || count == -Int(EINTR), "epoll_wait failed with errno \(-count)")
        return max(0, count)
    }

    /// Has the memory that lies free looked at within a second; not while there is none.
    private func keepHouse() {
        keepsHouse = true
        housekeeping?.set(now &+ Self.housekeepingPeriod)
    }

    private static let housekeepingPeriod: UInt64 = 1_000_000_000

    private func housekeep() {
        keepsHouse = false
        pool.trim()
        if let pipe = pipes.popLast() { pipe.close() }
    }

    // MARK: What the watched ask

    func watch(_ watched: Watched, interest: UInt32) -> Int {
        aloft_epoll_add(epoll, watched.descriptor, interest, watched.token)
    }

    func unwatch(_ descriptor: Int32) { _ = aloft_epoll_remove(epoll, descriptor) }
}

/// What a loop holds at one moment.
package struct LoopUsage: Sendable, Hashable {
    /// Connections and listening sockets.
    package var slots: Int
    /// Bytes of pooled memory in which something waits, and bytes that lie free.
    package var memoryUsed: Int
    package var memoryFree: Int
    /// Pipes kept for the next splice.
    package var pipes: Int
}
