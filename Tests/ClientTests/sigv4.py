"""A small S3 client that signs by itself, for what the SDKs do not send over plain HTTP and for what they never send.

Signature Version 4 as in "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference; its worked examples are in
`test_sigv4_client.py`. Sends exactly the path it is given, so that no library can tidy a key on the way.
"""

import dataclasses
import datetime
import hashlib
import hmac
import http.client
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def escape(text, safe=""):
    """Percent-encodes all but the unreserved characters."""
    return urllib.parse.quote(text if isinstance(text, bytes) else text.encode(), safe=safe + "-_.~")


def path_of(bucket, key=None):
    """Path-style path of a key, which stays raw but for its encoding: `//` and `..` are kept."""
    return f"/{escape(bucket)}" + ("" if key is None else "/" + escape(key, safe="/"))


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@dataclasses.dataclass
class Signer:
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def scope(self, moment):
        return f"{moment:%Y%m%d}/{self.region}/s3/aws4_request"

    def key(self, moment):
        key = ("AWS4" + self.secret_key).encode()
        for part in self.scope(moment).split("/"):
            key = _mac(key, part)
        return key

    def sign(self, moment, kind, *lines):
        text = "\n".join([kind, f"{moment:%Y%m%dT%H%M%SZ}", self.scope(moment), *lines])
        return _mac(self.key(moment), text).hex()

    def authorize(self, method, path, query, headers, payload, moment):
        """Adds the signing headers to `headers` in place and returns the signature. `query` is a list of raw pairs."""
        headers["x-amz-date"] = f"{moment:%Y%m%dT%H%M%SZ}"
        headers["x-amz-content-sha256"] = payload
        lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
        signed = ";".join(sorted(lowered))
        canonical = "\n".join(
            [method, path, encode_query(query), *(f"{name}:{lowered[name]}" for name in sorted(lowered)), "", signed, payload]
        )
        signature = self.sign(moment, ALGORITHM, hashlib.sha256(canonical.encode()).hexdigest())
        headers["Authorization"] = (
            f"{ALGORITHM} Credential={self.access_key}/{self.scope(moment)},SignedHeaders={signed},Signature={signature}"
        )
        return signature

    def chunks(self, body, size, seed, moment, trailers=()):
        """`body` in signed chunks of `size` bytes, the empty last one included, and the signed trailers if there are any."""
        previous, out = seed, []
        for start in range(0, len(body) + size, size):
            chunk = body[start : start + size] if start < len(body) else b""
            previous = self.sign(moment, ALGORITHM + "-PAYLOAD", previous, EMPTY, hashlib.sha256(chunk).hexdigest())
            out.append(f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + (b"\r\n" if chunk else b""))
            if not chunk:
                break
        if trailers:
            text = "".join(f"{name}:{value}\n" for name, value in trailers)
            last = self.sign(moment, ALGORITHM + "-TRAILER", previous, hashlib.sha256(text.encode()).hexdigest())
            out += [f"{name}:{value}\r\n".encode() for name, value in trailers]
            out.append(f"x-amz-trailer-signature:{last}\r\n".encode())
        return b"".join(out) + b"\r\n"


def unsigned_chunks(body, size, trailers=()):
    """`body` in unsigned chunks followed by its trailers."""
    out = [f"{len(body[i : i + size]):x}\r\n".encode() + body[i : i + size] + b"\r\n" for i in range(0, len(body), size)]
    return b"".join(out) + b"0\r\n" + b"".join(f"{name}:{value}\r\n".encode() for name, value in trailers) + b"\r\n"


def encode_query(query):
    return "&".join(sorted(f"{escape(name)}={escape(value)}" for name, value in query))


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def code(self):
        """The S3 error code in the body, or None."""
        start = self.body.find(b"<Code>")
        return self.body[start + 6 : self.body.index(b"</Code>", start)].decode() if start >= 0 else None


class RawClient:
    """One keep-alive connection; not for several threads at once."""

    def __init__(self, host, port, signer, timeout=60):
        self.host, self.port, self.signer, self.timeout = host, port, signer, timeout
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def send(self, method, path, query=(), headers=None, body=b"", payload=None, moment=None):
        """Signs and sends one request. `payload` is the `x-amz-content-sha256` to claim; the true hash when it is None."""
        moment = moment or datetime.datetime.now(datetime.timezone.utc)
        headers = {"Host": f"{self.host}:{self.port}", **(headers or {})}
        self.signer.authorize(method, path, query, headers, payload or hashlib.sha256(body).hexdigest(), moment)
        return self.exchange(method, path, query, headers, body)

    def send_streaming(self, method, path, body, payload, *, size=65_536, trailers=(), headers=None, spoil=None, query=()):
        """Sends `body` aws-chunked in the way that `payload` names; `spoil` may change the framed bytes before they go."""
        moment = datetime.datetime.now(datetime.timezone.utc)
        headers = {
            "Host": f"{self.host}:{self.port}",
            "Content-Encoding": "aws-chunked",
            "x-amz-decoded-content-length": str(len(body)),
            **({"x-amz-trailer": ",".join(name for name, _ in trailers)} if trailers else {}),
            **(headers or {}),
        }
        seed = self.signer.authorize(method, path, query, headers, payload, moment)
        if payload == UNSIGNED_TRAILER:
            framed = unsigned_chunks(body, size, trailers)
        else:
            framed = self.signer.chunks(body, size, seed, moment, trailers)
        return self.exchange(method, path, query, headers, spoil(framed) if spoil else framed)

    def exchange(self, method, path, query, headers, body):
        """Sends as it is and reads the answer. The connection is dropped on any error."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        target = path + ("?" + encode_query(query) if query else "")
        try:
            self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                self.connection.putheader(name, value)
            if body or method in ("PUT", "POST"):
                self.connection.putheader("Content-Length", str(len(body)))
            self.connection.endheaders()
            if body:
                try:
                    self.connection.send(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused early: the answer may be there to read all the same
            response = self.connection.getresponse()
            answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.will_close:
            self.close()
        return answer


def signed_put(raw, bucket, key, length, extra=None):
    """The head of a PUT with an unsigned payload, ready for a bare socket."""
    headers = {"Host": f"{raw.host}:{raw.port}", "Content-Length": str(length), **(extra or {})}
    raw.signer.authorize("PUT", f"/{bucket}/{key}", [], headers, UNSIGNED, datetime.datetime.now(datetime.timezone.utc))
    lines = [f"PUT /{bucket}/{key} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def receive_until(connection, mark):
    """Everything received up to and including the piece in which `mark` was found."""
    data = b""
    while mark not in data:
        more = connection.recv(65_536)
        assert more, f"closed after {data!r}"
        data += more
    return data
