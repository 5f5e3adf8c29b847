import AloftModel

/// What metrics asked for lately: the memory of the stabilisation windows.
///
/// Times are monotonic; they may be negative where they were loaded from before this process began.
struct Recommendations: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var at: Duration
        /// What counts for scaling up: what is surely needed. Nil where nothing was measured at all.
        var up: Int?
        /// What counts for scaling down: never less than the number at the time while a metric was missing.
        var down: Int
    }

    private(set) var entries: [Entry] = []

    /// Windows are kept in that many parts at least; a change may come later by one part, never sooner.
    static let parts = 240

    /// Begins anew: until a window has passed, the number counts as what was asked for.
    ///
    /// As the HPA does, so that nothing moves on its first measurement.
    mutating func restart(with number: Int, at now: Duration) {
        entries = [Entry(at: now, up: number, down: number)]
    }

    /// Forgets what is older than the window; true where nothing is left, as after a long pause.
    mutating func prune(window: Duration, now: Duration) -> Bool {
        entries.removeAll { $0.at <= now - window || $0.at > now }
        return entries.isEmpty
    }

    mutating func add(_ entry: Entry, window: Duration) {
        let part = window / Self.parts
        if entries.count >= 2, entry.at - entries[entries.count - 2].at <= part, let last = entries.popLast() {
            let ups = [last.up, entry.up].compactMap(\.self)
            entries.append(Entry(at: entry.at, up: ups.min(), down: max(last.down, entry.down)))
        } else {
            entries.append(entry)
        }
    }

    /// The smallest number asked for within the window.
    func up(window: Duration, now: Duration) -> Int? {
        within(window, now).compactMap(\.up).min()
    }

    /// The largest number asked for within the window.
    func down(window: Duration, now: Duration) -> Int? {
        within(window, now).map(\.down).max()
    }

    mutating func restore(_ entries: [Entry]) { self.entries = Array(entries.suffix(Self.parts * 2)) }

    /// The last one always counts, also in a window of no length.
    private func within(_ window: Duration, _ now: Duration) -> [Entry] {
        let recent = entries.filter { $0.at > now - window }
        return recent.isEmpty ? entries.suffix(1) : recent
    }
}
