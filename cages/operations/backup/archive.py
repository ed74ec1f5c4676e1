"""The file of a backup: a tar archive that is written and read from its beginning to its end.

    manifest.json       what the database held, and the versions
    database/000001 …   the output of pg_dump in its custom format, in parts
    end.json            size and SHA-256 of all parts together

Without its last member a file is not whole. By hand, `tar -xOf FILE --wildcards 'database/*'`
gives what pg_restore reads.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from cages.operations.backup.errors import BackupError

MANIFEST, PART, END = "manifest.json", "database/{:06}", "end.json"
PART_BYTES = 8 * 1024 * 1024
# Everything in it is small: versions, and one line for each table.
JSON_LIMIT = 1024 * 1024
NOT_WHOLE = "This backup is not whole: it ends before its last part. Take another one."
NO_BACKUP = "This file is no backup of Neurocage."


def parts_of(stream: IO[bytes]) -> Iterator[bytes]:
    """What is in the stream, in parts of PART_BYTES; the last one is shorter."""
    while part := stream.read(PART_BYTES):
        yield part


def write(out: IO[bytes], manifest: dict[str, Any], parts: Iterable[bytes]) -> int:
    """Write a backup; returns its size in bytes."""
    digest, size = hashlib.sha256(), 0
    with tarfile.open(fileobj=out, mode="w|") as tar:
        _add(tar, MANIFEST, _packed(manifest))
        for number, part in enumerate(parts, 1):
            _add(tar, PART.format(number), part)
            digest.update(part)
            size += len(part)
        _add(tar, END, _packed({"bytes": size, "sha256": digest.hexdigest()}))
        members = tar.offset
    # Two empty blocks, and then up to a full record.
    return -(-(members + 2 * tarfile.BLOCKSIZE) // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def _packed(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, indent=1).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


class Reader:
    """A backup that is read once. Only at the end of its parts is it known to be whole."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._members = iter(tar)
        self._tar = tar
        self.manifest = self._json(self._next(), MANIFEST)

    def parts(self) -> Iterator[bytes]:
        """Yields the parts of pg_dump's output. Raises BackupError where the file is not whole."""
        digest, size, number = hashlib.sha256(), 0, 1
        while (member := self._next()).name == PART.format(number):
            if member.size > PART_BYTES:
                raise BackupError(NO_BACKUP)
            part = self._content(member)
            digest.update(part)
            size, number = size + len(part), number + 1
            yield part
        if self._json(member, END) != {"bytes": size, "sha256": digest.hexdigest()}:
            raise BackupError(
                "This backup is damaged: it is not what was written. Use another one."
            )

    def _next(self) -> tarfile.TarInfo:
        try:
            member = next(self._members, None)
        except tarfile.ReadError:
            raise BackupError(NOT_WHOLE) from None
        if member is None:
            raise BackupError(NOT_WHOLE)
        return member

    def _json(self, member: tarfile.TarInfo, name: str) -> dict[str, Any]:
        if member.name != name or member.size > JSON_LIMIT:
            raise BackupError(NO_BACKUP)
        try:
            found = json.loads(self._content(member))
        except ValueError:
            raise BackupError(NO_BACKUP) from None
        if not isinstance(found, dict):
            raise BackupError(NO_BACKUP)
        return found

    def _content(self, member: tarfile.TarInfo) -> bytes:
        file = self._tar.extractfile(member)
        if file is None:
            raise BackupError(NO_BACKUP)
        try:
            content = file.read()
        except tarfile.ReadError:
            raise BackupError(NOT_WHOLE) from None
        if len(content) != member.size:
            raise BackupError(NOT_WHOLE)
        return content


@contextmanager
def reading(file: IO[bytes]) -> Iterator[Reader]:
    """Read a backup from a file or a pipe. Raises BackupError where it is none."""
    try:
        tar = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115 (closed below)
    except tarfile.TarError:
        raise BackupError(NO_BACKUP) from None
    with tar:
        yield Reader(tar)
