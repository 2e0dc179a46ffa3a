"""The committed default edition: written, described, verified and opened.

An edition is a folder with ``pacs.sqlite`` and ``datapackage.json``, a Data Package (datapackage.org) that gives the
size and SHA-256 of the file and a digest of each table's content. The file's bytes depend on the release of SQLite
that wrote it, the content does not.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
from pathlib import Path

from coursekit import shipped
from coursekit.errors import CourseError
from coursekit.hospital import schema
from coursekit.hospital.database import Database, content_digest, open_file, write

SEED, STUDIES = 0, 60_000
DATABASE, DESCRIPTOR = "pacs.sqlite", "datapackage.json"
REMEDY = "see what is wrong with 'coursekit dataset verify', or make it anew with 'coursekit dataset build'"


class DamagedEdition(CourseError):
    """The files of the default edition are missing or not what they were."""


def default_folder():
    """The folder of the default edition: a Path."""
    return shipped.datasets() / "default"


def build(folder, progress=None):
    """Write the default edition into `folder`, which is created if need be.

    Files appear only when they are complete. `progress`, if given, is called with (done, total, text). Takes some
    seconds. Raises OSError when the folder cannot be written.
    """
    from coursekit.hospital.records import archive
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as room:
        made = Path(room) / DATABASE
        write_file(made, archive(SEED, STUDIES).tables(), progress)
        text = json.dumps(describe(made), indent=2, ensure_ascii=False) + "\n"
        description = Path(room) / DESCRIPTOR
        description.write_text(text, encoding="utf-8", newline="\n")
        os.replace(made, folder / DATABASE)
        os.replace(description, folder / DESCRIPTOR)


def write_file(path, tables, progress=None):
    """Write `tables` into a new database file."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        write(connection, tables, progress)
    finally:
        connection.close()


def describe(database):
    """The Data Package descriptor of a database file: a dict."""
    connection = open_file(database)
    try:
        tables = [{"name": table.name, "description": table.meaning,
                   "rows": connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0],
                   "content": "sha256:" + content_digest(connection, table.name)} for table in schema.TABLES]
    finally:
        connection.close()
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "coursekit-default", "title": "Harbour Vale General Hospital: the default edition",
        "description": schema.INVENTED + " Made by coursekit.hospital.edition.build; what the columns mean is in "
                                         "datasets/data_dictionary.md.",
        "resources": [{
            "name": "pacs", "title": "The PACS database", "path": DATABASE, "format": "sqlite",
            "mediatype": "application/vnd.sqlite3", "bytes": database.stat().st_size,
            "hash": "sha256:" + file_hash(database), "coursekit:tables": tables,
        }],
    }


def file_hash(path):
    """SHA-256 of a file: 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_descriptor(folder):
    """What the descriptor of `folder` says of the database: a dict of bytes, hash, content (table -> digest).

    Raises ValueError saying what is wrong with the descriptor.
    """
    path = Path(folder) / DESCRIPTOR
    try:
        resource = json.loads(path.read_text(encoding="utf-8"))["resources"][0]
        said = {"bytes": resource["bytes"], "hash": resource["hash"],
                "content": {table["name"]: table["content"] for table in resource["coursekit:tables"]}}
    except FileNotFoundError:
        raise ValueError(f"{path} is missing.") from None
    except (OSError, ValueError, LookupError, TypeError):
        raise ValueError(f"{path} cannot be read as the descriptor of an edition.") from None
    return said


def file_problem(path, resource):
    """What is wrong with the database file as a whole: a sentence, or None."""
    if not path.is_file():
        return f"{path} is missing."
    size = path.stat().st_size
    if size != resource["bytes"]:
        return f"{path} has {size} bytes; {DESCRIPTOR} says {resource['bytes']}."
    if "sha256:" + file_hash(path) != resource["hash"]:
        return f"{path} has been changed: its SHA-256 is not the one in {DESCRIPTOR}."
    return None


def verify(folder):
    """Compare the edition in `folder` with its descriptor: file, tables, rows, content.

    Returns a list of sentences, each naming the file; empty when all is well.
    """
    path = Path(folder) / DATABASE
    try:
        resource = read_descriptor(folder)
    except ValueError as error:
        return [str(error)]
    problem = file_problem(path, resource)
    problems = [problem] if problem else []
    if not path.is_file():
        return problems
    try:
        connection = open_file(path)
        try:
            for table in schema.TABLES:
                if "sha256:" + content_digest(connection, table.name) != resource["content"].get(table.name):
                    problems.append(f"{path}: the rows of table {table.name} are not those that {DESCRIPTOR} describes.")
        finally:
            connection.close()
    except sqlite3.Error as error:
        problems.append(f"{path} cannot be read as a database: {error}.")
    return problems


_checked = set()


def open_default():
    """The database of the default edition; its file is checked once in a process.

    Raises DamagedEdition when files are missing or changed.
    """
    folder = default_folder()
    path = folder / DATABASE
    if path not in _checked:
        try:
            problem = file_problem(path, read_descriptor(folder))
        except ValueError as error:
            problem = str(error)
        if problem:
            raise DamagedEdition(f"The course's data are damaged: {problem.rstrip('.')}; {REMEDY}.")
        _checked.add(path)
    return Database(path=path)
