"""The signing client itself, against the worked example of the S3 API reference, "Signature Calculations for the Authorization Header:
Transferring Payload in Multiple Chunks"."""

import datetime

import sigv4

MOMENT = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
SIGNER = sigv4.Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_the_seed_and_chunk_signatures_are_those_of_the_reference():
    headers = {
        "Host": "s3.amazonaws.com",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "Content-Length": "66824",
    }
    seed = SIGNER.authorize("PUT", "/examplebucket/chunkObject.txt", [], headers, sigv4.STREAMING, MOMENT)
    assert seed == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

    framed = SIGNER.chunks(b"a" * 66560, 65536, seed, MOMENT)
    assert len(framed) == 66824
    assert framed.startswith(b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n")
    assert b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" in framed
    assert framed.endswith(b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n")


def test_unsigned_chunks_end_with_their_trailers():
    framed = sigv4.unsigned_chunks(b"abcdef", 4, [("x-amz-checksum-crc32", "AAAAAA==")])
    assert framed == b"4\r\nabcd\r\n2\r\nef\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"


def test_paths_keep_slashes_and_dots():
    assert sigv4.path_of("b", "a//b/../c+d e%é") == "/b/a//b/../c%2Bd%20e%25%C3%A9"
