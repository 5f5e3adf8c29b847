/// What a loop counts; a copy is read by work submitted to it.
package struct LoopMetrics: Sendable, Hashable {
    /// Connections that are open or being opened.
    package internal(set) var connections = 0
    package internal(set) var accepted: UInt64 = 0
    package internal(set) var dialled: UInt64 = 0
    /// Bytes of connections, without what TLS adds.
    package internal(set) var bytesIn: UInt64 = 0
    package internal(set) var bytesOut: UInt64 = 0
    /// Times the loop woke, and events of connections and listening sockets that woke it.
    package internal(set) var wakeups: UInt64 = 0
    package internal(set) var events: UInt64 = 0
    /// Bytes in memory that wait until their peers take them.
    package internal(set) var queuedBytes = 0
    /// Connections cut because their owner wrote past the limit of the queue.
    package internal(set) var overflows: UInt64 = 0
    /// Times that accepting paused for want of descriptors or memory.
    package internal(set) var shortages: UInt64 = 0
    package internal(set) var handshakes: UInt64 = 0
    package internal(set) var handshakeFailures: UInt64 = 0
    /// Loop lag, in nanoseconds: how long turns took, which is how long an event may have waited for its handler. Sum
    /// over all turns, and the longest one.
    package internal(set) var lagSum: UInt64 = 0
    package internal(set) var lagMost: UInt64 = 0

    @inline(__always)
    mutating func tookTurn(nanoseconds: UInt64) {
        lagSum &+= nanoseconds
        if nanoseconds > lagMost { lagMost = nanoseconds }
    }
}

extension Loop {
    /// The counts so far; the longest lag begins anew.
    package func takeMetrics() -> LoopMetrics {
        defer { metrics.lagMost = 0 }
        return metrics
    }
}
