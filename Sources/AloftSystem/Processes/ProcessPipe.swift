import CAloftSystem
import Glibc
import Synchronization

/// A pipe that a process prints to and that is read at the reader's pace: a process that prints faster waits.
///
/// `OutputPipe` is for what may be thrown away; this is for what somebody wants to see, however much it is.
package final class ProcessPipe: Sendable {
    private let readingEnd: Descriptor
    private let writingEnd: Mutex<Descriptor?>

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard aloft_pipe(&ends) == 0 else { throw SystemError("make a pipe") }
        readingEnd = Descriptor(owning: ends[0])
        writingEnd = Mutex(Descriptor(owning: ends[1]))
        guard aloft_set_nonblocking(ends[0]) == 0 else { throw SystemError("make a pipe") }
    }

    /// What the process gets as its output; valid until `closeWritingEnd`.
    package var descriptor: Int32 { writingEnd.withLock { $0?.number ?? -1 } }

    /// To be called once the process has its own copy.
    package func closeWritingEnd() { writingEnd.withLock { $0 = nil } }

    /// The next bytes; empty once nobody has the writing end any more. For one reader at a time.
    ///
    /// - Throws: With `ETIMEDOUT` where the task is cancelled.
    package func next(upTo limit: Int) async throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            let count = retrying { read(readingEnd.number, &buffer, limit) }
            if count >= 0 { return Array(buffer[..<count]) }
            guard errno == EAGAIN else { throw SystemError("read from a pipe") }
            guard try await Readiness().wait(for: readingEnd, writing: false) else {
                throw SystemError("read from a pipe", code: ETIMEDOUT)
            }
        }
    }
}
