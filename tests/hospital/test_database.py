"""The database that a learner queries: read-only, robust, one sentence for each mistake."""

import sqlite3
import threading

import pytest

from coursekit.hospital import hospital, schema
from coursekit.hospital.database import DatabaseSaysNo


@pytest.fixture(scope="module", params=["memory", "file"])
def pacs(request):
    return hospital(7, "tiny").pacs if request.param == "memory" else hospital().pacs


def test_a_query_gives_a_frame(pacs):
    frame = pacs.sql("SELECT aet, port FROM ae WHERE aet = 'HV_PACS'")
    assert frame.columns.tolist() == ["aet", "port"]
    assert frame.values.tolist() == [["HV_PACS", 11112]]
    assert pacs.sql("SELECT pk FROM ae WHERE 0").columns.tolist() == ["pk"]


@pytest.mark.parametrize("statement, says", [
    ("SELECT * FROM studdy", "no table studdy. Did you mean study?"),
    ("SELECT acession FROM study", "no column acession. Did you mean accession?"),
    ("SELECT series_uid FROM study", "series has one"),
    ("SELECT pk FROM study JOIN series ON study.pk = study_pk", "More than one table has a column pk"),
    ("SELEC * FROM study", "'SELEC'"),
    ("SELECT (1", "ends too early"),
    ("SELECT 'open", "is a quote still open"),
    ("SELECT 1; SELECT 2", "more than one statement"),
    ("SELECT * FROM series WHERE modality = \u2018CT\u2019", "typographic quotes"),
    ("SELECT\u00a0pid FROM patient", "non-breaking or invisible blanks"),
    ("   ", "empty"),
    ("-- nothing", "returns no rows"),
    ("SELECT count(*) FROM series a, series b WHERE a.pk + b.pk < 0 UNION SELECT nofunction(1)", "no such function"),
])
def test_a_wrong_statement_gets_one_sentence(pacs, statement, says):
    with pytest.raises(DatabaseSaysNo) as caught:
        pacs.sql(statement)
    assert says in str(caught.value)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_statement_is_text(pacs):
    with pytest.raises(DatabaseSaysNo, match="must be text"):
        pacs.sql(42)


@pytest.mark.parametrize("statement", [
    "DELETE FROM study", "UPDATE study SET deleted = 1", "INSERT INTO issuer VALUES (9, 'x', 'y')", "DROP TABLE file",
    "CREATE TABLE mine (a)", "CREATE TEMP TABLE mine (a)", "PRAGMA query_only = OFF", "PRAGMA journal_mode = DELETE",
    "ATTACH ':memory:' AS other", "VACUUM", "REINDEX", "BEGIN", "ALTER TABLE study ADD COLUMN x",
    "WITH x AS (SELECT 1) DELETE FROM study", "INSERT INTO study (pk) SELECT 1 RETURNING pk",
])
def test_nothing_changes_the_data(pacs, statement):
    before = pacs.sql("SELECT count(*), sum(deleted) FROM study").values.tolist()
    with pytest.raises(DatabaseSaysNo, match="read-only"):
        pacs.sql(statement)
    assert pacs.sql("SELECT count(*), sum(deleted) FROM study").values.tolist() == before
    assert pacs.sql("SELECT name FROM sqlite_master WHERE name = 'mine'").empty


def test_a_statement_without_end_is_stopped(pacs):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with pytest.raises(DatabaseSaysNo, match="took too long"):
        pacs.rows(endless, seconds=0.3)


def test_too_many_rows_are_refused(pacs):
    with pytest.raises(DatabaseSaysNo, match="more than 10 rows"):
        pacs.rows("SELECT pk FROM ae", most=10)
    assert len(pacs.rows("SELECT pk FROM ae", most=26)[1]) == 26


def test_a_connection_is_new_and_reads_only(pacs):
    one, other = pacs.connect(), pacs.connect()
    assert one is not other
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        one.execute("DELETE FROM study")
    one.close()
    assert other.execute("SELECT count(*) FROM ae").fetchone() == (26,)
    other.close()


def test_no_connection_can_reach_the_data_of_another(pacs):
    rogue = pacs.connect()
    rogue.execute("PRAGMA query_only = OFF")
    try:
        rogue.execute("DELETE FROM ae")
    except sqlite3.OperationalError:
        pass
    rogue.close()
    assert len(pacs.sql("SELECT * FROM ae")) == 26


def test_threads(pacs):
    found = []

    def ask():
        connection = pacs.connect()
        found.append(connection.execute("SELECT count(*) FROM ae").fetchone()[0])
        connection.close()
        found.append(len(pacs.sql("SELECT * FROM ae")))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [26] * 16


def test_a_learner_can_look_around(pacs):
    tables = pacs.tables()
    assert tables.columns.tolist() == ["table", "rows", "meaning"]
    assert tables["table"].tolist() == [table.name for table in schema.TABLES]
    assert (tables["rows"] > 0).all()
    columns = pacs.columns("study")
    found = pacs.sql("PRAGMA table_info(study)")
    assert columns["column"].tolist() == found["name"].tolist()
    assert columns["type"].tolist() == found["type"].tolist()
    with pytest.raises(DatabaseSaysNo, match="Did you mean study"):
        pacs.columns("studies")


def test_indexes_serve_the_usual_questions(pacs):
    for where in ("created_utc > '2025'", "accession = 'x'", "study_uid = 'x'", "patient_pk = 1"):
        plan = pacs.sql(f"EXPLAIN QUERY PLAN SELECT * FROM study WHERE {where}")
        assert "USING INDEX" in plan["detail"][0], where
    # The day of the exam has no index, as in many an archive: a question by it reads all rows.
    for where in ("date(created_utc) = '2025-04-06'", "study_dt_local > '2025'"):
        plan = pacs.sql(f"EXPLAIN QUERY PLAN SELECT * FROM study WHERE {where}")
        assert "SCAN" in plan["detail"][0], where
