"""What the writers of the crash test were told, and what a store may show after it: the model and its judgement.

A key has a settled value, the last one acknowledged or seen, and at most one write whose answer never came. After a crash the store
shows one of the two, whole; what it shows is settled from then on, since a write may not come and go. On a versioned bucket every
acknowledged version stays as well.
"""

import dataclasses
import hashlib


@dataclasses.dataclass(frozen=True)
class Value:
    """What a key holds. The ETag is the one that S3 defines, so that a listing can be judged without reading bodies."""

    sha256: str
    size: int
    etag: str

    @classmethod
    def of(cls, body, etag=None):
        return cls(hashlib.sha256(body).hexdigest(), len(body), etag or f'"{hashlib.md5(body).hexdigest()}"')


#: A key that is not there.
ABSENT = None


@dataclasses.dataclass
class Key:
    settled: Value | None = ABSENT
    #: Values that an unanswered write may have left; empty when every write was answered.
    open: list = dataclasses.field(default_factory=list)
    #: Acknowledged versions, id to value; only on a versioned bucket.
    versions: dict = dataclasses.field(default_factory=dict)
    touched: bool = False

    def begin(self, value):
        self.open, self.touched = [value], True

    def acknowledged(self, value, version=None):
        self.settled, self.open = value, []
        if version is not None and value is not ABSENT:
            self.versions[version] = value

    def refused(self):
        self.open = []

    def seen(self, size, etag):
        """Judges what a listing shows; None, None where it shows nothing. Returns a complaint or None, and settles the key."""
        candidates = [self.settled, *self.open]
        for value in candidates:
            if (value is ABSENT and size is None) or (value is not ABSENT and (value.size, value.etag) == (size, etag)):
                self.settled, self.open = value, []
                return None
        shown = "nothing" if size is None else f"{size} bytes with ETag {etag}"
        return f"shows {shown}, but {self.settled} was acknowledged and {self.open} open"

    def seen_versions(self, shown):
        """Judges the versions that a listing shows, id to (size, ETag), before `seen`. Adopts one whose answer never came."""
        complaints = [f"version {version} is lost" for version in self.versions if version not in shown]
        for version, (size, etag) in shown.items():
            known = self.versions.get(version)
            allowed = [known] if known else [value for value in self.open if value is not ABSENT]
            match = next((value for value in allowed if (value.size, value.etag) == (size, etag)), None)
            if match is None:
                complaints.append(f"version {version} of {size} bytes with ETag {etag} is nobody's")
            else:
                self.versions[version] = match
        return complaints
