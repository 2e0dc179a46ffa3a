"""The hospital as a notebook opens it: editions, clocks, determinism, the committed files."""

import datetime
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import zoneinfo
from pathlib import Path

import numpy as np
import pytest

from coursekit import shipped
from coursekit.errors import CourseError
from coursekit.hospital import clock, database, edition, hospital, records, schema, world
from coursekit.hospital.database import content_digest
from coursekit.hospital.draws import Draws

# Content of the tiny editions, table by table: the same on every system and with every release of NumPy.
TINY = {
    0: "333cb02fa86b057e98e73d6c1201ba0d34e438bedfa9afbf492c15b571f2f312",
    7: "2548e55c6338606adadb2148e457158921028166c9d8451702e4d615ea338205",
}


def digest(database):
    connection = database.connect()
    parts = [content_digest(connection, table.name) for table in schema.TABLES]
    connection.close()
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@pytest.mark.parametrize("seed", TINY)
def test_content_is_the_same_everywhere(seed):
    assert digest(hospital(seed, "tiny").pacs) == TINY[seed]


def test_another_seed_has_other_content():
    assert digest(hospital(7, "tiny").pacs) != digest(hospital(8, "tiny").pacs)


def test_an_edition_is_made_once():
    assert hospital(7, "tiny") is hospital(seed=7, scale=2000)
    assert hospital() is hospital(0, "default") is hospital(0, 60_000)
    assert hospital(7, "tiny") is not hospital(8, "tiny")


@pytest.mark.parametrize("seed, scale", [(-1, "tiny"), (1.5, "tiny"), ("0", "tiny"), (True, "tiny"),
                                         (0, "huge"), (0, 999), (0, True), (0, 2000.0), (0, None)])
def test_what_is_no_edition_is_refused(seed, scale):
    with pytest.raises(ValueError, match="is not") as caught:
        hospital(seed, scale)
    assert isinstance(caught.value, CourseError)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_clock_is_the_same_for_every_seed(seed):
    h = hospital(seed, "tiny")
    assert h.now == datetime.datetime(2025, 4, 7, 7, 30)
    assert h.today == datetime.date(2025, 4, 7)
    assert h.name == "Harbour Vale General Hospital"
    about = dict(h.tables["about"].itertuples(index=False, name=None))
    assert about["now_utc"] == "2025-04-07 05:30:00"
    assert "invented" in about["notice"]


def test_scales():
    assert (hospital(7, "tiny").scale, hospital(7, "tiny").studies) == ("tiny", 2000)
    assert (hospital().scale, hospital().studies) == ("default", 60_000)
    assert len(hospital(7, 1234).tables["study"]) == 1234


def test_tables_are_copies_and_named_by_the_schema():
    tables = hospital(7, "tiny").tables
    assert list(tables) == [table.name for table in schema.TABLES]
    before = tables["study"].status[0]
    taken = tables["study"]
    taken.loc[0, "status"] = "LOST"
    assert tables["study"].status[0] == before
    with pytest.raises(KeyError) as caught:
        tables["studies"]
    assert str(caught.value).startswith("There is no table 'studies'; there are about, issuer,")


def test_importing_loads_neither_numpy_nor_pandas():
    code = "import sys, coursekit.hospital; print('numpy' in sys.modules, 'pandas' in sys.modules, 'sqlite3' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         cwd=Path(shipped.PACKAGE).parent)
    assert ran.stdout.split() == ["False"] * 3


# --- clocks and draws

def test_offsets_agree_with_zoneinfo():
    try:
        zone = zoneinfo.ZoneInfo(world.TIME_ZONE)
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("no time zone database here")
    edges = [int(change) + shift for change in clock.changes() for shift in (-1, 0, 1)]
    instants = edges + list(range(clock.seconds("2015-01-01"), clock.seconds("2026-01-01"), 86400 * 3 + 3571))
    expected = [int(datetime.datetime.fromtimestamp(when, zone).utcoffset().total_seconds()) for when in instants]
    assert clock.offset(np.array(instants)).tolist() == expected


def test_the_wall_clock_and_back():
    utc = np.arange(clock.seconds("2025-03-29"), clock.seconds("2025-04-01"), 61)
    assert (clock.to_utc(clock.to_local(utc)) == utc).all()
    hole = np.array([clock.seconds("2025-03-30 02:30:00")])
    assert clock.text(clock.to_local(clock.to_utc(hole))) == ["2025-03-30 03:30:00"]
    twice = np.array([clock.seconds("2024-10-27 02:30:00")])
    assert clock.text(clock.to_utc(twice)) == ["2024-10-27 00:30:00"]


def test_text_of_times():
    assert clock.text([0, clock.NEVER, 1743298930]) == ["1970-01-01 00:00:00", None, "2025-03-30 01:42:10"]
    assert clock.text([]) == []


def test_draws_keep_to_their_bounds_and_their_stream():
    draws = Draws(3, "a room")
    assert draws.raw(2).tolist() == Draws(3, "a room").raw(2).tolist()
    assert draws.raw(2).tolist() != Draws(3, "another").raw(2).tolist()
    assert set(draws.below(3, 1000).tolist()) == {0, 1, 2}
    assert set(draws.between(-1, 1, 1000).tolist()) == {-1, 0, 1}
    assert np.bincount(draws.choose((1, 0, 9), 1000), minlength=3)[1] == 0
    picked = draws.sample(np.arange(50, 60), 10)
    assert picked.tolist() == list(range(50, 60))
    with pytest.raises(ValueError, match="only 3 candidates"):
        draws.sample(np.arange(3), 4)


# --- the committed files

def test_the_committed_edition_is_what_the_code_makes(tmp_path):
    said = []
    edition.build(tmp_path, lambda done, total, text: said.append((done, total, text)))
    committed = edition.read_descriptor(edition.default_folder())
    rebuilt = edition.read_descriptor(tmp_path)
    assert committed["content"] == rebuilt["content"] and len(committed["content"]) == len(schema.TABLES)
    assert edition.verify(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datapackage.json", "pacs.sqlite"]
    assert said[0][0] == 0 and said[-1][0] == said[-1][1] and said == sorted(said, key=lambda step: step[0])


def test_the_committed_edition_is_whole():
    assert edition.verify(edition.default_folder()) == []
    assert len(hospital().pacs.sql("SELECT pk FROM study")) == 60_000


def test_every_table_and_column_is_described():
    dictionary = schema.dictionary({table.name: ["cpas-06"] for table in schema.TABLES})
    for table in schema.TABLES:
        assert table.meaning.endswith(".")
        assert schema.INVENTED in dictionary
        for column in table.columns:
            assert column.meaning and f"| {column.name} |" in dictionary


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the default edition that `hospital()` would open."""
    folder = tmp_path / "with spaces & 100% #odd" / "default"
    shutil.copytree(edition.default_folder(), folder)
    monkeypatch.setattr(edition, "default_folder", lambda: folder)
    return folder


def test_an_edition_opens_from_an_odd_path(copied):
    assert len(edition.open_default().sql("SELECT pk FROM study LIMIT 3")) == 3


@pytest.mark.parametrize("damage, says", [
    (lambda folder: (folder / "pacs.sqlite").unlink(), "missing"),
    (lambda folder: (folder / "datapackage.json").unlink(), "missing"),
    (lambda folder: (folder / "datapackage.json").write_text("{", encoding="utf-8"), "cannot be read"),
    (lambda folder: (folder / "pacs.sqlite").write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "bytes"),
], ids=["no database", "no descriptor", "broken descriptor", "pointer file"])
def test_damage_is_noticed(copied, damage, says):
    damage(copied)
    problems = edition.verify(copied)
    assert problems and says in problems[0] and str(copied) in problems[0]
    with pytest.raises(edition.DamagedEdition, match="coursekit dataset build") as caught:
        edition.open_default()
    assert isinstance(caught.value, CourseError)


def test_a_changed_byte_and_a_changed_row_are_noticed(copied):
    path = copied / "pacs.sqlite"
    at = path.read_bytes().index(b"CT HEAD")
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"CT HAND")
    problems = edition.verify(copied)
    assert any("SHA-256" in problem for problem in problems)
    assert any("table orders" in problem or "table study" in problem for problem in problems)
    with pytest.raises(edition.DamagedEdition, match="changed"):
        edition.open_default()


def test_the_descriptor_is_a_data_package(copied):
    package = json.loads((copied / "datapackage.json").read_text(encoding="utf-8"))
    assert package["name"] == "coursekit-default" and "invented" in package["description"]
    resource, = package["resources"]
    assert resource["path"] == "pacs.sqlite" and resource["hash"].startswith("sha256:")
    assert sum(table["rows"] for table in resource["coursekit:tables"]) > 250_000


def test_a_failed_build_leaves_what_was_there(copied, monkeypatch):
    before = edition.file_hash(copied / "pacs.sqlite")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(edition, "describe", fail)
    with pytest.raises(OSError):
        edition.build(copied)
    assert edition.file_hash(copied / "pacs.sqlite") == before
    assert sorted(path.name for path in copied.iterdir()) == ["datapackage.json", "pacs.sqlite"]


def test_a_large_edition_is_made_of_parts_that_fit_together(monkeypatch):
    """What is planned part by part is one archive: keys lead where they should, and no number comes twice."""
    monkeypatch.setattr(records, "LARGEST", 3_000)
    made = records.archive(5, 10_000)
    assert type(made) is records.LargeArchive
    connection = sqlite3.connect(":memory:", isolation_level=None)
    heard = []
    database.write(connection, made.tables(), lambda done, total, text: heard.append((done, total)))

    def count(query):
        return connection.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]

    assert count("SELECT DISTINCT study_uid FROM study") == 10_000 and not connection.execute("PRAGMA foreign_key_check").fetchall()
    for table, number in (("patient", "pid, issuer_pk"), ("orders", "study_uid"), ("orders", "placer_number"), ("visit", "visit_number"),
                          ("series", "series_uid"), ("orders", "accession, issuer_pk")):
        assert count(f"SELECT 1 FROM {table} GROUP BY {number} HAVING count(*) > 1") == 0, number
    assert count("SELECT study.pk FROM study JOIN series ON study_pk = study.pk GROUP BY study.pk HAVING count(*) <> n_series") == 0
    assert count("SELECT 1 FROM visit JOIN orders ON visit_pk = visit.pk WHERE orders.patient_pk <> visit.patient_pk") == 0
    assert 15 <= count("SELECT 1 FROM series WHERE study_pk NOT IN (SELECT pk FROM study)") <= 30            # the orphans of each part
    assert all(done <= total for done, total in heard) and made.truth()["case_17"]["study_pk"] <= 3_000
    connection.close()
