import HTTPTypes

/// The header fields that a signature is about, found in one pass over the header.
struct SecurityFields {
    var authorization: HTTPField?
    var amzDate: HTTPField?
    var date: HTTPField?
    var contentSHA256: HTTPField?
    var securityToken: HTTPField?

    init(_ fields: HTTPFields) {
        for field in fields {
            let name = field.name.canonicalName
            // The length rules out nearly every field before a name is compared.
            switch name.utf8.count {
            case 4 where name == "date": date = field
            case 10 where name == "x-amz-date": amzDate = field
            case 13 where name == "authorization": authorization = field
            case 20 where name == "x-amz-content-sha256": contentSHA256 = field
            case 20 where name == "x-amz-security-token": securityToken = field
            default: break
            }
        }
    }
}

extension HTTPField {
    /// The value as sent, without white space around it.
    var bytes: ArraySlice<UInt8> {
        withUnsafeBytesOfValue { Array($0) }[...].trimmed
    }
}

extension ArraySlice<UInt8> {
    /// Without white space at either end.
    var trimmed: ArraySlice<UInt8> {
        var slice = drop { $0.isWhiteSpace }
        while let last = slice.last, last.isWhiteSpace { slice.removeLast() }
        return slice
    }
}

extension UInt8 {
    /// Space, or a control character from tab to carriage return: what signers take for white space.
    var isWhiteSpace: Bool { self == UInt8(ascii: " ") || (UInt8(ascii: "\t")...UInt8(ascii: "\r")).contains(self) }
}
