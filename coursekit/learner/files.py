"""Files that are never half written and never overwrite what they should not, on every operating system."""

import errno
import os
import secrets
import time
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".coursekit-temporary-"  # how the names of files that are still being written begin


def reason(error: OSError) -> str:
    """Why the operating system refused, in words for a person."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if error.errno == errno.EROFS:
        return "the disk can only be read"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "it may not be written, or another program has it open"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return "a file stands where a folder is needed"
    return error.strerror or str(error)


def write_temporary(folder: Path, content: bytes) -> Path:
    """Write a new file in the folder, safely on the disk, under a name that only we use.

    Raises OSError, and leaves nothing behind then.
    """
    path = folder / (TEMPORARY + secrets.token_hex(8))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def rename_to_new(source: Path, target: Path) -> None:
    """Rename a file to a name that must be free. Raises FileExistsError when it is not, or another OSError."""
    if os.name == "nt":
        os.rename(source, target)  # Windows refuses an existing target; POSIX would replace it
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: nearly as good, but for the moment between look and leap
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.rename(source, target)
    else:
        os.unlink(source)


def create(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, whole or not at all. Raises FileExistsError or another OSError."""
    temporary = write_temporary(path.parent, content)
    try:
        rename_to_new(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace(path: Path, content: bytes) -> None:
    """Write a file of our own, whole or not at all, over the one that is there. Raises OSError."""
    temporary = write_temporary(path.parent, content)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, seconds: float):
    """Hold the lock file at `path` while the body runs, among all processes and threads.

    Yields "held"; or "busy" when others held it for longer than `seconds`; or "impossible" when the file can't be made
    or its file system knows no locks. It never raises by itself.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield "impossible"
        return
    try:
        state = _lock(handle, time.monotonic() + seconds)
        try:
            yield state
        finally:
            if state == "held":
                _unlock(handle)
    finally:
        os.close(handle)


def _lock(handle, deadline):
    while True:
        try:
            _try_lock(handle)
            return "held"
        except (BlockingIOError, PermissionError):  # so POSIX and Windows say that another holds it
            if time.monotonic() > deadline:
                return "busy"
            time.sleep(0.01)
        except OSError:
            return "impossible"


if os.name == "nt":
    import msvcrt

    def _try_lock(handle):
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle):
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(handle):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle):
        fcntl.flock(handle, fcntl.LOCK_UN)
