public import HTTPTypes

/// `Content-Encoding` and the `aws-chunked` in it.
///
/// `aws-chunked` describes how the body travels, not what is stored; a stored object must not claim it
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, "Content-Encoding").
public enum ContentCodings {
    /// The value to store: every coding but `aws-chunked`, in order; nil when none is left.
    ///
    /// A value without `aws-chunked` comes back as it was sent.
    public static func stored(_ value: String) -> String? {
        let codings = value.split(separator: ",").map { $0.trimmingSpaces }
        guard codings.contains(where: isAWSChunked) else { return value }
        let kept = codings.filter { !$0.isEmpty && !isAWSChunked($0) }
        return kept.isEmpty ? nil : kept.joined(separator: ",")
    }

    /// The value to store for a request, nil when there is none.
    public static func stored(_ fields: HTTPFields) -> String? {
        fields[.contentEncoding].flatMap(stored)
    }

    /// Whether a request says that its body is aws-chunked.
    static func containsAWSChunked(_ fields: HTTPFields) -> Bool {
        fields[values: .contentEncoding].contains { $0.split(separator: ",").contains { isAWSChunked($0.trimmingSpaces) } }
    }

    private static func isAWSChunked(_ coding: Substring) -> Bool { coding.lowercased() == "aws-chunked" }
}

extension Substring {
    /// Without spaces and tabs at either end.
    var trimmingSpaces: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
