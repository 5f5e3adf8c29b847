import CodecInvariants

/// libFuzzer's entry: any violated invariant is a crash, and so is any access outside the bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    if let violation = Invariants.violation(UnsafeRawBufferPointer(start: bytes, count: count)) {
        fatalError(violation)
    }
    return 0
}
