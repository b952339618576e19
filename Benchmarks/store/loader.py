"""Runs wrk with `load.lua`, and makes the presigned paths it reads."""

import dataclasses
import datetime
import hashlib
import hmac
import pathlib
import random
import re
import signal
import subprocess
import time

import boto3
import botocore.config

import sigv4

LUA = pathlib.Path(__file__).with_name("load.lua")
EXPIRES = 3600


class Failed(Exception):
    """A figure could not be measured; says why."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What one run of wrk reports."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float

    @property
    def rate(self):
        """Requests per second."""
        return self.requests / self.seconds


class Presigner:
    """Presigned paths by the hundred thousand: the signing key is derived once and the canonical request is filled in.

    What it makes is compared with botocore's own at the first path of each set, so that speed is the only difference.
    """

    def __init__(self, endpoint, access_key, secret_key, region):
        self.host = endpoint.removeprefix("http://")
        self.endpoint, self.access_key, self.secret_key, self.region = endpoint, access_key, secret_key, region
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region,
            config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        self.signer = sigv4.Signer(access_key, secret_key, region)

    def paths(self, method, bucket, keys):
        """One path with its query for each key; keys need no escaping."""
        moment = datetime.datetime.now(datetime.timezone.utc)
        scope, stamp = self.signer.scope(moment), f"{moment:%Y%m%dT%H%M%SZ}"
        key = self.signer.key(moment)
        query = sigv4.encode_query([
            ("X-Amz-Algorithm", sigv4.ALGORITHM), ("X-Amz-Credential", f"{self.access_key}/{scope}"), ("X-Amz-Date", stamp),
            ("X-Amz-Expires", str(EXPIRES)), ("X-Amz-SignedHeaders", "host"),
        ])
        tail = f"\n{query}\nhost:{self.host}\n\nhost\n{sigv4.UNSIGNED}"
        prefix = f"{sigv4.ALGORITHM}\n{stamp}\n{scope}\n"
        out = []
        for name in keys:
            path = f"/{bucket}/{name}"
            digest = hashlib.sha256(f"{method}\n{path}{tail}".encode()).hexdigest()
            signature = hmac.digest(key, (prefix + digest).encode(), "sha256").hex()
            out.append(f"{path}?{query}&X-Amz-Signature={signature}")
        self._compare(method, bucket, keys, out, moment)
        return out

    def _compare(self, method, bucket, keys, paths, moment):
        name = {"GET": "get_object", "PUT": "put_object"}[method]
        # botocore stamps with its own clock: a second's difference between the two is only excused when it is there.
        theirs = self.client.generate_presigned_url(name, {"Bucket": bucket, "Key": keys[0]}, ExpiresIn=EXPIRES, HttpMethod=method)
        stamp = re.search(r"X-Amz-Date=(\w+)", theirs).group(1)
        if stamp == f"{moment:%Y%m%dT%H%M%SZ}":
            mine = dict(pair.split("=") for pair in paths[0].split("?")[1].split("&"))
            if mine != dict(pair.split("=") for pair in theirs.split("?")[1].split("&")):
                raise Failed(f"our presigned URL is not botocore's: {paths[0]} and {theirs}")


def write_paths(file, paths):
    file.write_text("\n".join(paths) + "\n")
    return file


def write_noise(file, size, seed=1):
    import random

    file.write_bytes(random.Random(seed).randbytes(size))
    return file


def run(endpoint, method, paths, *, connections, seconds, body=None, counter=0, drain=False):
    """One run of wrk; every answer must be a success.

    `drain`: ends as soon as every path was sent once and answered, instead of failing when they run out; counts each path once.
    """
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(LUA), endpoint, "--", method, str(paths),
        *([str(body), str(counter)] if body else []),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    began, exhausted = time.perf_counter(), None
    for line in process.stderr:
        if line.strip() == "exhausted":
            exhausted = time.perf_counter() - began
            if drain:
                _end(process)
    output = process.stdout.read()
    process.wait()
    found = re.search(r"^result (.*)$", output, re.MULTILINE)
    if not found:
        raise Failed(f"wrk said nothing: {output}")
    values = {name: int(value) for name, value in (pair.split("=") for pair in found.group(1).split())}
    bad = {name: values[name] for name in ("connect", "read", "write", "timeout", "status") if values[name]}
    if bad:
        raise Failed(f"{method} at {endpoint}: {bad} of {values['requests']} requests were not answered with success")
    if exhausted and not drain:
        raise Failed(f"{method} at {endpoint}: there were not enough new keys for {seconds} s")
    if exhausted:
        with open(paths) as lines:
            values["requests"], values["microseconds"] = sum(1 for _ in lines), exhausted * 1e6
    return Load(values["requests"], values["microseconds"] / 1e6, values["bytes"], values["p50"] / 1000, values["p99"] / 1000)


def _end(process):
    """Ends wrk when what is in flight has been answered: each connection has then sent the repeated path at least once."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
