extension ByteSink {
    /// Appends ASCII or other text that needs no escapes.
    @usableFromInline
    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends the decimal digits of `value`.
    @inlinable @inline(__always)
    mutating func append(decimal value: UInt64) {
        reserve(20)
        if value < 10 {
            base.storeBytes(of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value), toByteOffset: length, as: UInt8.self)
            length &+= 1
        } else {
            appendLong(decimal: value)
        }
    }

    @usableFromInline
    mutating func appendLong(decimal value: UInt64) {
        var digits = 1
        var bound: UInt64 = 10
        while digits < 20, value >= bound {
            digits &+= 1
            bound = digits < 20 ? bound &* 10 : 0
        }
        var rest = value
        var place = length &+ digits
        length = place
        repeat {
            place &-= 1
            let quotient = rest / 10
            base.storeBytes(of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10), toByteOffset: place, as: UInt8.self)
            rest = quotient
        } while rest != 0
    }

    /// Appends a JSON string: quotes, escapes where RFC 8259 demands them, everything else as it is.
    @inlinable
    mutating func append(jsonString utf8: UnsafeRawBufferPointer) {
        let count = utf8.count
        // Room for the string without escapes, its quotes, and a word stored beyond the end.
        reserve(count &+ 10)
        base.storeBytes(of: UInt8(ascii: "\""), toByteOffset: length, as: UInt8.self)
        length &+= 1
        if let start = utf8.baseAddress {
            var index = 0
            while index &+ 8 <= count {
                let word = start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                base.storeBytes(of: word, toByteOffset: length, as: UInt64.self)
                let special = JSONScan.special(UInt64(littleEndian: word))
                if special == 0 {
                    index &+= 8
                    length &+= 8
                } else {
                    let clean = special.trailingZeroBitCount &>> 3
                    length &+= clean
                    index &+= clean
                    appendEscape(start.load(fromByteOffset: index, as: UInt8.self), room: count &- index &+ 10)
                    index &+= 1
                }
            }
            while index < count {
                let byte = start.load(fromByteOffset: index, as: UInt8.self)
                if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    appendEscape(byte, room: count &- index &+ 10)
                } else {
                    base.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
                    length &+= 1
                }
                index &+= 1
            }
        }
        base.storeBytes(of: UInt8(ascii: "\""), toByteOffset: length, as: UInt8.self)
        length &+= 1
    }

    /// Appends the escape of one byte, and makes room for it and `room` more.
    @inline(never) @usableFromInline
    mutating func appendEscape(_ byte: UInt8, room: Int) {
        reserve(room + 6)
        let escape = JSONText.escaped([byte])
        escape.withUnsafeBytes { append($0) }
    }
}
