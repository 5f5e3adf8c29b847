/// What a loop watches: one descriptor with one slot and one deadline. Connections and listening sockets are such.
///
/// It lives from `register` to the end of the turn in which it was closed; DESIGN.md says what follows from that.
package class Watched: TimerNode {
    package final let loop: Loop
    /// -1 once closed.
    final var descriptor: Int32
    /// Names its slot to epoll; 0 while it has none.
    fileprivate(set) final var token: UInt64 = 0
    /// Next in the loop's ready list or among those that were closed.
    fileprivate final var nextReady: Unmanaged<Watched>?
    fileprivate final var nextClosed: Unmanaged<Watched>?
    fileprivate final var isListed = false
    fileprivate final var isClosing = false

    init(_ loop: Loop, _ descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
    }

    /// epoll reports `events`.
    func handle(_ events: UInt32) {}

    /// Its turn in the ready list has come.
    func resume() {}

    /// Closes at once; the loop is stopping.
    func stop() {}

    /// The last call, at the end of the turn: gives back what it holds.
    func retire() {}
}

/// Those whose turn comes without an event: what a budget has cut short, and what an owner asked for.
struct ReadyList {
    private var first: Unmanaged<Watched>?
    private var last: Unmanaged<Watched>?

    var isEmpty: Bool { first == nil }

    /// Puts one at the end, once.
    mutating func append(_ watched: Watched) {
        guard !watched.isListed else { return }
        watched.isListed = true
        watched.nextReady = nil
        let own = Unmanaged.passUnretained(watched)
        if let last { last._withUnsafeGuaranteedRef { $0.nextReady = own } } else { first = own }
        last = own
    }

    mutating func popFirst() -> Unmanaged<Watched>? {
        guard let watched = first else { return nil }
        watched._withUnsafeGuaranteedRef {
            first = $0.nextReady
            $0.isListed = false
        }
        if first == nil { last = nil }
        return watched
    }

    /// Takes the whole list, so that what is put on it meanwhile waits for the next turn.
    mutating func takeAll() -> ReadyList {
        defer { self = ReadyList() }
        return self
    }
}

/// Those that were closed in this turn and are freed at its end.
struct ClosedList {
    private var first: Unmanaged<Watched>?

    var isEmpty: Bool { first == nil }

    mutating func append(_ watched: Watched) {
        guard !watched.isClosing else { return }
        watched.isClosing = true
        watched.nextClosed = first
        first = Unmanaged.passUnretained(watched)
    }

    mutating func popFirst() -> Unmanaged<Watched>? {
        guard let watched = first else { return nil }
        watched._withUnsafeGuaranteedRef { first = $0.nextClosed }
        return watched
    }

    mutating func takeAll() -> ClosedList {
        defer { self = ClosedList() }
        return self
    }
}

extension Loop {
    /// Gives `watched` a slot, which keeps it alive until it is closed, and registers its descriptor.
    ///
    /// - Returns: 0 or a negative errno; ENOSPC is the limit of `/proc/sys/fs/epoll/max_user_watches`.
    func register(_ watched: Watched, interest: UInt32) -> Int {
        if watched.token == 0 { watched.token = slab.insert(watched) }
        return watch(watched, interest: interest)
    }

    /// Gives a slot to one that has no descriptor, so that it ends as the others do.
    func enlist(_ watched: Watched) { watched.token = slab.insert(watched) }

    /// Frees what was closed in this turn, but for those that are still listed as ready, whose turn is the next one.
    ///
    /// What is closed meanwhile, such as a connection that an owner dials at once and that is refused at once, waits for
    /// the next turn too: so a storm of retries starves nobody.
    func buryClosed() {
        var list = closed.takeAll()
        while let next = list.popFirst() {
            next._withUnsafeGuaranteedRef { watched in
                watched.isClosing = false
                if watched.isListed { return closed.append(watched) }
                wheel.remove(watched)
                watched.retire()
                slab.remove(watched.token)
            }
        }
    }
}
