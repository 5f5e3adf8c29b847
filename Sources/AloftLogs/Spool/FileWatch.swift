import AloftSystem
import Glibc

/// Tells which files were written to, by inotify(7); where that is not to be had, nothing, and the caller looks itself.
struct FileWatch {
    private let inotify: Descriptor?
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    init() {
        let number = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        inotify = number >= 0 ? Descriptor(owning: number) : nil
    }

    /// For poll(2).
    var number: Int32 { inotify?.number ?? -1 }

    /// Begins to watch a file; nil where the system's limit of watches is reached.
    func add(_ path: String) -> Int32? {
        guard let inotify else { return nil }
        let watch = inotify_add_watch(inotify.number, path, UInt32(IN_MODIFY))
        return watch >= 0 ? watch : nil
    }

    func remove(_ watch: Int32) {
        // Fails only for a file that is gone, whose watch went with it.
        if let inotify { inotify_rm_watch(inotify.number, watch) }
    }

    enum Change: Sendable, Hashable {
        case file(Int32)
        /// Too much happened at once: any file may have changed.
        case any
    }

    /// What has changed since the last call; does not wait.
    mutating func changes() -> [Change] {
        guard let inotify else { return [] }
        var changes: [Change] = []
        while true {
            let count = retrying { read(inotify.number, &buffer, buffer.count) }
            guard count > 0 else { return changes }
            buffer.withUnsafeBytes { bytes in
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= count {
                    let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let isOverflow = event.mask & UInt32(IN_Q_OVERFLOW) != 0
                    changes.append(isOverflow ? .any : .file(event.wd))
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
    }
}
