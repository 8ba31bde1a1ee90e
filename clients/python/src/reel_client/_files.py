"""What is uploaded, and where a download goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from .errors import FileChangedError, UnexpectedAnswerError

PIECE_BYTES = 256 * 1024
ProgressCallback = Callable[[int, int], None]
"""Called with the bytes that were transferred and all bytes; of a download without a known length, 0 for all."""


class Source:
    """A file, or bytes in memory. Several parts may be read at the same time."""

    def __init__(self, content: str | os.PathLike[str] | bytes) -> None:
        self._data = content if isinstance(content, bytes) else None
        self.path = None if isinstance(content, bytes) else Path(content)
        self.size, self.modified_ns = self._state()

    def _state(self) -> tuple[int, int]:
        if self.path is None:
            return len(self._data or b""), 0
        state = self.path.stat()
        return state.st_size, state.st_mtime_ns

    def require_unchanged(self) -> None:
        """Raises `FileChangedError` when the file is not as it was: its parts would be of two versions."""
        if self._state() != (self.size, self.modified_ns):
            raise FileChangedError("The file has changed during its upload.")

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """A part in pieces.

        Raises `FileChangedError` when the file has become shorter.
        """
        if self._data is not None or self.path is None:
            yield (self._data or b"")[offset : offset + length]
            return
        with self.path.open("rb") as file:
            file.seek(offset)
            while length > 0:
                piece = file.read(min(length, PIECE_BYTES))
                if not piece:
                    raise FileChangedError("The file has become shorter during its upload.")
                length -= len(piece)
                yield piece


class UploadProgress:
    """Adds up what the parts of an upload have sent. The sum that is reported never goes down, although a part
    that fails is sent again. The callback may be called from several threads, one at a time.
    """

    def __init__(self, total: int, callback: ProgressCallback | None, done: int = 0) -> None:
        self._total = total
        self._callback = callback
        self._done = done
        self._sent: dict[int, int] = {}
        self._reported = -1
        self._lock = Lock()

    def part(self, number: int) -> Callable[[int], None]:
        """Takes the bytes that one part has sent so far."""

        def sent(count: int) -> None:
            with self._lock:
                self._sent[number] = count
                self._report()

        return sent

    def _report(self) -> None:
        sent = min(self._done + sum(self._sent.values()), self._total)
        if self._callback and sent > self._reported:
            self._reported = sent
            self._callback(sent, self._total)


class FileSink:
    """Writes a download beside its target, and moves it there when it is whole. A download that broke off goes on
    where it was, if the storage still has the same file.
    """

    def __init__(self, target: str | os.PathLike[str], callback: ProgressCallback | None) -> None:
        self.target = Path(target)
        self.partial = self.target.with_name(self.target.name + ".part")
        self._callback = callback
        self._file: BinaryIO | None = None
        self._etag: str | None = None
        self._total = 0
        self.received = 0

    def request_headers(self) -> dict[str, str]:
        """Asks only for what is missing."""
        # Encoded content has other lengths and ranges than the file.
        headers = {"accept-encoding": "identity"}
        if self.received and self._etag:
            headers |= {"range": f"bytes={self.received}-", "if-range": self._etag}
        return headers

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer begins: the rest (206) or the whole file (200)."""
        self.close()
        rest = int(headers.get("content-length", 0))
        if status == 206:
            if not headers.get("content-range", "").startswith(f"bytes {self.received}-"):
                raise UnexpectedAnswerError("The storage sends another part of the file than it was asked for.")
            self._file = self.partial.open("ab")
        else:
            self.received = 0
            self._file = self.partial.open("wb")
        self._etag = headers.get("etag")
        self._total = self.received + rest if rest else 0

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        assert self._file is not None, "begin() comes first"
        self._file.write(piece)
        self.received += len(piece)
        if self._callback:
            self._callback(self.received, self._total)

    def finish(self) -> Path:
        """The file is whole."""
        self.close()
        self.partial.replace(self.target)
        return self.target

    def discard(self) -> None:
        """Removes what has arrived."""
        self.close()
        self.partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file; what has arrived stays."""
        if self._file:
            self._file.close()
            self._file = None
