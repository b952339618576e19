internal import NIOCore

// The library's own functions for this lose the type of an error.

extension [UInt8] {
    func withRawBytes<Value, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Value) throws(E) -> Value {
        try withUnsafeBufferPointer { bytes throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}

extension ByteBuffer {
    func withRawBytes<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        let result = withUnsafeReadableBytes { bytes -> Result<Void, E> in
            do throws(E) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
