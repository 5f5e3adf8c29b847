import AloftSystem
import Glibc

/// Wakes a thread that waits in poll(2).
struct WakePipe: Sendable {
    private let ends: (read: Descriptor, write: Descriptor)?

    init() {
        var numbers: [Int32] = [-1, -1]
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        guard socketpair(AF_UNIX, Int32(kind), 0, &numbers) == 0 else {
            ends = nil
            return
        }
        ends = (Descriptor(owning: numbers[0]), Descriptor(owning: numbers[1]))
    }

    var isUsable: Bool { ends != nil }

    func wake() {
        // A full pipe wakes as well.
        if let ends { _ = write(ends.write.number, [1], 1) }
    }

    /// Waits until woken (true), or another descriptor can be read, or the time is over.
    @discardableResult
    func wait(or other: Int32, for time: Duration) -> Bool {
        guard let ends else { return false }
        var polled = [
            pollfd(fd: ends.read.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = Int32(clamping: (time.nanoseconds + 999_999) / 1_000_000)
        // A signal ends the wait early, which does no harm.
        return poll(&polled, 2, milliseconds) > 0 && polled[0].revents != 0
    }

    func clear() {
        guard let ends else { return }
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(ends.read.number, &bytes, bytes.count) > 0 {}
    }
}
