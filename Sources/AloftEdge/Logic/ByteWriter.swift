import AloftHTTP
import NIOCore

/// Writes into memory whose size was reckoned beforehand; the caller owes a bound that holds.
struct ByteWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    init(_ target: UnsafeMutableRawBufferPointer) {
        precondition(target.count > 0)
        base = target.baseAddress.unsafelyUnwrapped
        capacity = target.count
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        put(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }

    @inline(__always)
    mutating func put(_ source: UnsafeRawPointer, _ length: Int) {
        precondition(length <= capacity &- count, "the bound of this head was reckoned too small")
        (base + count).copyMemory(from: source, byteCount: length)
        count &+= length
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) {
        put(bytes.baseAddress.unsafelyUnwrapped + start, end &- start)
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) {
        put(bytes, range.lowerBound, range.upperBound)
    }

    mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            put(start, source.count)
        }
    }

    /// A number of up to 20 digits.
    mutating func put(decimal value: Int) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = UInt64(value.magnitude)
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest > 0
            put(UnsafeRawPointer(digits.baseAddress.unsafelyUnwrapped + start), 20 - start)
        }
    }

    /// 16 hexadecimal digits.
    mutating func put(hexadecimal value: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { digits in
            var rest = value
            for index in stride(from: 15, through: 0, by: -1) {
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                digits[index] = digit < 10 ? 48 + digit : 87 + digit
                rest >>= 4
            }
            put(UnsafeRawPointer(digits.baseAddress.unsafelyUnwrapped), 16)
        }
    }
}

extension ByteBuffer {
    /// Appends what `body` writes, which is at most `bound` bytes.
    @inline(__always)
    mutating func write(atMost bound: Int, _ body: (inout ByteWriter) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
            var writer = ByteWriter(target)
            body(&writer)
            return writer.count
        }
    }
}
