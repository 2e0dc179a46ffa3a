"""A PostgreSQL server for tests, where its programs are installed."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from ports import own_port

PASSWORD = "a-password"
FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "C:/Program Files/PostgreSQL", "/opt/homebrew/opt", "/usr/local/opt")


def _program(name):
    found = shutil.which(name)
    if found:
        return found
    places = sorted(path for folder in FOLDERS if Path(folder).is_dir() for path in Path(folder).glob(f"*/bin/{name}*"))
    return next((str(path) for path in reversed(places) if path.stem == name), None)


@contextlib.contextmanager
def server(encoding="UTF8"):
    """Run a server of its own on a free port of the loopback; gives its address. Skips where that is not possible, and says why."""
    pytest.importorskip("psycopg", reason="psycopg, the driver for PostgreSQL, is not installed")
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL is not installed (no initdb and pg_ctl)")
    # Not below tmp_path, which nobody else may enter: as root the server must belong to somebody else.
    folder = tempfile.mkdtemp(prefix="coursekit-postgresql-")
    as_whom = []
    try:
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            as_whom = _unprivileged(folder, secret)
        data, log = str(Path(folder) / "data"), str(Path(folder) / "log")
        _run([*as_whom, initdb, "-D", data, "-U", "course", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", encoding, "--locale=C",
              "--no-sync"], folder)
        port = own_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += "" if os.name == "nt" else " -c unix_socket_directories="
        _run([*as_whom, pg_ctl, "-D", data, "-l", log, "-w", "-o", options, "start"], folder)
        try:
            yield f"postgresql://course:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _run([*as_whom, pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder, secret):
    """The words that run a command as somebody who is not root, to whom the folder then belongs."""
    import pwd
    runuser = shutil.which("runuser")
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in ("postgres", "nobody") if name in names), None)
    if not runuser or not user:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser with a user postgres or nobody")
    for path in (folder, secret):
        shutil.chown(path, user)
    return [runuser, "-u", user, "--"]


def _run(command, folder):
    # Output goes to a file: a server that outlives the command would keep a pipe open.
    with open(Path(folder) / "output", "w+b") as output:
        code = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60).returncode
        output.seek(0)
        assert code == 0, output.read().decode("utf-8", "replace")
