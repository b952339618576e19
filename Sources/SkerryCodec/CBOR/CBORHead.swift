/// The head of a CBOR data item: major type and argument, in the shortest form (RFC 8949 section 3).
enum CBORHead {
    static func bytes(major: UInt8, argument: UInt64) -> [UInt8] {
        let top = major << 5
        func tail(_ count: Int) -> [UInt8] { (0..<count).reversed().map { UInt8(truncatingIfNeeded: argument >> UInt64(8 * $0)) } }
        switch argument {
        case 0..<24: return [top | UInt8(argument)]
        case 0...0xff: return [top | 24] + tail(1)
        case 0...0xffff: return [top | 25] + tail(2)
        case 0...0xffff_ffff: return [top | 26] + tail(4)
        default: return [top | 27] + tail(8)
        }
    }
}
