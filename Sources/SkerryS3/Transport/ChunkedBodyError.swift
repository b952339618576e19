/// Why an aws-chunked body is refused. The upload fails as a whole; nothing of it was visible.
public enum ChunkedBodyError: Error, Sendable, Equatable {
    /// `x-amz-decoded-content-length` is not there. `MissingContentLength`, 411.
    case missingDecodedLength
    /// It is no number. `InvalidArgument`, 400.
    case invalidDecodedLength(String)
    /// `x-amz-trailer` names something other than `x-amz-checksum-*`. `InvalidRequest`, 400: "The value specified in the x-amz-trailer header is
    /// not supported".
    case unsupportedTrailer(String)
    /// A chunk's head line is none: no size, no signature where one is due, too long. `IncompleteBody`, 400 (S3 has no nearer code);
    /// `offset` in the encoded body, for the log.
    case malformedChunkHead(offset: UInt64)
    /// No CRLF behind a chunk's bytes. `IncompleteBody`, 400.
    case malformedChunkEnd(offset: UInt64)
    /// A signed chunk above ``ChunkedBodyDecoder/signedChunkSizeMaximum``. `InvalidChunkSizeError`, 400.
    case chunkTooLarge(size: UInt64)
    /// The chunks hold more or fewer bytes than `x-amz-decoded-content-length`. `IncompleteBody`, 400.
    case lengthMismatch(declared: UInt64, received: UInt64)
    /// The body ended before its last chunk was whole. `IncompleteBody`, 400.
    case truncated
    /// Bytes behind the end. `IncompleteBody`, 400.
    case extraBytes(offset: UInt64)
    /// The trailer is no list of `name:value` lines, names something twice or something not announced in `x-amz-trailer`, lacks what was
    /// announced or, where signed, its signature. `MalformedTrailerError`, 400.
    case malformedTrailer(String)
    /// A chunk or the trailer is not signed as it should be. `SignatureDoesNotMatch`, 403.
    case signature(SignatureError)
}
