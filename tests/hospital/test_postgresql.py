"""The hospital's tables on a real PostgreSQL: loaded once, read-only, one sentence for each mistake."""

import subprocess
import sys
import time

import postgres
import pytest

from coursekit.hospital import hospital, postgresql, schema
from coursekit.hospital.database import DatabaseSaysNo


@pytest.fixture(scope="module")
def address():
    with postgres.server() as where:
        yield where


@pytest.fixture(scope="module")
def pacs(address):
    return postgresql.Server(address).database(hospital(7, "tiny"))


def _alter(address, *statements):
    import psycopg
    with psycopg.connect(address) as connection:
        for statement in statements:
            connection.execute(statement)


def test_every_table_holds_the_same(pacs):
    sqlite = hospital(7, "tiny").pacs
    for table in schema.TABLES:
        key = table.columns[0].name
        assert pacs.rows(f"SELECT * FROM {table.name} ORDER BY {key}") == sqlite.rows(f"SELECT * FROM {table.name} ORDER BY {key}")
    assert pacs.tables().equals(sqlite.tables())
    sizes = pacs.columns("series").set_index("column")["type"]
    assert (sizes["size_bytes"], sizes["study_pk"], sizes["modality"]) == ("BIGINT", "INTEGER", "TEXT")


def test_values_come_as_sqlite_gives_them(pacs):
    columns, rows = pacs.rows("SELECT SUM(size_bytes) AS Bytes, 1.50, '2025-03-01'::timestamp, date '2025-03-01', NULL, 1 = 1 FROM ae, file "
                              "WHERE ae.pk = 1")
    assert columns[0] == "bytes"                        # PostgreSQL folds names to lower case
    assert type(rows[0][0]) is int and rows[0][1:] == (1.5, "2025-03-01 00:00:00", "2025-03-01", None, True)
    assert pacs.rows("SELECT pk FROM ae WHERE 1 = 0") == (["pk"], [])
    assert pacs.rows("SELECT '100 %' AS a, pid FROM patient WHERE pid LIKE '%4%' LIMIT 1")[1][0][0] == "100 %"


@pytest.mark.parametrize("statement", [
    "DROP TABLE file", "DELETE FROM study", "UPDATE study SET deleted = 1", "INSERT INTO issuer VALUES (9, 'x', 'y')", "TRUNCATE file",
    "CREATE TABLE mine (a int)", "SELECT * INTO mine FROM study", "COPY study TO '/tmp/copied'", "COPY study FROM '/etc/passwd'",
    "COPY (SELECT 1) TO PROGRAM 'true'", "DO $$ BEGIN DELETE FROM study; END $$", "SET default_transaction_read_only = off",
    "BEGIN", "COMMIT", "VACUUM", "CALL nothing()", "SHOW data_directory", "LOCK TABLE study", "SELECT * FROM study FOR UPDATE",
    "WITH gone AS (DELETE FROM study RETURNING pk) SELECT * FROM gone", "WITH x AS (SELECT 1) DELETE FROM study",
    "EXPLAIN ANALYZE DELETE FROM study", "/* a word */ DELETE FROM study",
])
def test_nothing_changes_the_data(pacs, statement):
    _refused(pacs, statement, "read-only")


@pytest.mark.parametrize("statement", [
    "SELECT pg_sleep(60)", "SELECT pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')", "SELECT pg_ls_dir('.')",
    "SELECT set_config('transaction_read_only', 'off', false)", "SELECT pg_terminate_backend(1)", 'SELECT "pg_sleep" (60)',
    "EXPLAIN ANALYZE SELECT pg_sleep(60)",
])
def test_no_function_reaches_beyond_the_tables(pacs, statement):
    _refused(pacs, statement, "reaches beyond")


@pytest.mark.parametrize("statement", [
    "SELECT 1; DROP TABLE study", "SELECT 1; COMMIT; DELETE FROM study", "SELECT 1; SELECT 2", "EXPLAIN SELECT 1; DROP TABLE study",
])
def test_a_second_statement_is_not_run(pacs, statement):
    _refused(pacs, statement, "more than one statement")


def _refused(pacs, statement, says):
    before = pacs.rows("SELECT count(*), sum(deleted) FROM study")
    begun = time.monotonic()
    with pytest.raises(DatabaseSaysNo, match=says):
        pacs.rows(statement)
    assert time.monotonic() - begun < 30                # the longest would take 60
    assert pacs.rows("SELECT count(*), sum(deleted) FROM study") == before
    assert pacs.rows("SELECT * FROM information_schema.tables WHERE table_name = 'mine'")[1] == []


def test_a_superuser_asks_as_somebody_who_may_only_read(pacs):
    assert pacs.rows("SELECT current_setting('is_superuser'), current_user")[1] == [("off", "pg_read_all_data")]


def test_a_sequence_is_not_advanced(pacs):
    with pytest.raises(DatabaseSaysNo, match="no table x"):
        pacs.rows("SELECT nextval('x')")


@pytest.mark.parametrize("statement, says", [
    ("SELECT * FROM studdy", "no table studdy. Did you mean study?"),
    ("SELECT acession FROM study", "no column acession. Did you mean accession?"),
    ("SELECT series_uid FROM study", "series has one"),
    ("SELECT pk FROM study JOIN series ON study.pk = study_pk", "More than one table has a column pk"),
    ("SELECT patient.name FROM study", "FROM has no table patient"),
    ("SELECT study.pk FROM study s", "FROM has no table study"),
    ("SELEC * FROM study", "'SELEC'"),
    ("SELECT *\nFROM study\nWHERE AND deleted = 0", "'AND'; look at that word and the one before it. (Line 3 "),
    ("SELECT (1", "ends too early"),
    ("SELECT 'open", "is a quote still open"),
    ("SELECT * FROM series WHERE modality = \u2018CT\u2019", "typographic quotes"),
    ("   ", "empty"), ("-- nothing", "returns no rows"),
    ("SELECT strftime('%Y-%m', created_utc) FROM study", "to_char"),
    ("SELECT date('now', '-1 month')", "INTERVAL"),
    ("SELECT julianday(created_utc) FROM study", "EXTRACT"),
    ("SELECT group_concat(modality) FROM series", "string_agg"),
    ("SELECT ifnull(accession, '') FROM study", "coalesce"),
    ("SELECT nofunction(1)", "no function nofunction"),
    ("SELECT SUM(deleted = 1) FROM study", "FILTER"),
    ("SELECT status, pk FROM study GROUP BY status", "The column pk is neither in GROUP BY nor inside an aggregate"),
    ("SELECT pk FROM study WHERE COUNT(*) > 1", "HAVING"),
    ("SELECT pk FROM study WHERE created_utc >= 2025-03-01", "(text >= integer)"),
    ("SELECT pk FROM study WHERE accession = 5", "(text = integer)"),
    ("SELECT pk FROM study WHERE deleted", "types do not fit"),
    ("SELECT 'a'::int", "types do not fit"),
    ("SELECT pk FROM study WHERE status = \"READ\"", "text stands in single ones"),
    ("SELECT 1 / 0", "NULLIF"),
    ("SELECT pk FROM study WHERE pk = (SELECT pk FROM study)", "more than one row"),
    ("SELECT sql FROM sqlite_master", "information_schema"),
    ("EXPLAIN QUERY PLAN SELECT 1", "EXPLAIN alone"),
])
def test_a_wrong_statement_gets_one_sentence(pacs, statement, says):
    with pytest.raises(DatabaseSaysNo) as caught:
        pacs.sql(statement)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_statement_is_stopped(pacs):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with pytest.raises(DatabaseSaysNo, match="took too long"):
        pacs.rows(endless, seconds=0.3)
    with pytest.raises(DatabaseSaysNo, match="more than 10 rows"):
        pacs.rows("SELECT pk FROM ae", most=10)


def test_what_one_statement_did_reaches_no_other(pacs):
    pacs.rows("SELECT pg_backend_pid()")
    one, other = (pacs.rows("SELECT pg_backend_pid(), current_setting('transaction_read_only')")[1][0] for _ in range(2))
    assert one[0] != other[0] and one[1] == "on"


def test_the_plan_tells_an_index_from_a_whole_table(address):
    pacs = postgresql.Server(address).database(hospital())      # in a small table PostgreSQL rightly reads all of it
    assert pacs.scanned("SELECT pk FROM study WHERE created_utc >= '2025-04-06' AND created_utc < '2025-04-07'") == ""
    assert pacs.scanned("SELECT s.pk FROM study s WHERE substr(s.created_utc, 1, 10) = '2025-04-06'") == "study"
    assert "Index" in pacs.sql("EXPLAIN SELECT pk FROM study WHERE accession = 'A2503300017'").to_string()


def test_the_second_opening_is_quick(address, pacs):
    told = []
    begun = time.perf_counter()
    postgresql.Server(address, lambda *step: told.append(step)).database(hospital(7, "tiny"))
    assert told == [] and time.perf_counter() - begun < 10         # 30 ms on an idle machine


@pytest.mark.parametrize("damage", [
    "COMMENT ON SCHEMA {0} IS 'coursekit of last year 14000'", "COMMENT ON SCHEMA {0} IS NULL", "DROP TABLE {0}.file",
    "DELETE FROM {0}.file WHERE pk = 1", "DROP SCHEMA {0} CASCADE; CREATE SCHEMA {0}",
])
def test_a_half_or_old_edition_is_made_again(address, damage):
    edition, told = hospital(8, 1000), []
    server = postgresql.Server(address)
    expected = server.database(edition).rows("SELECT * FROM file ORDER BY pk")
    _alter(address, *damage.format("coursekit_8_1000").split("; "))
    pacs = postgresql.Server(address, lambda *step: told.append(step)).database(edition)
    assert pacs.rows("SELECT * FROM file ORDER BY pk") == expected
    assert told[0][0] == 0 and told[-1][0] == told[-1][1] > 0


def test_a_failed_load_leaves_nothing(address, monkeypatch):
    monkeypatch.setattr(postgresql, "add_keys", lambda: ["ALTER TABLE study ADD FOREIGN KEY (nothing) REFERENCES patient(pk)"])
    with pytest.raises(postgresql.NoServer, match="nothing was kept"):
        postgresql.Server(address).database(hospital(9, 1000))
    monkeypatch.undo()
    assert postgresql.Server(address).database(hospital(9, 1000)).rows("SELECT count(*) FROM ae")[1][0][0] > 0


def test_another_account_reads_and_may_not_load(address, pacs):
    _alter(address, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
    guest = postgresql.Server(address.replace(f"course:{postgres.PASSWORD}", "guest:guest"))
    with pytest.raises(postgresql.NoServer, match="GRANT CREATE"):
        guest.database(hospital(10, 1000))


@pytest.mark.parametrize("change, says", [
    ((postgres.PASSWORD, "wrong"), "name or the password"), (("course:", "nobody:"), "name or the password"),
    (("/postgres", "/nothing"), "no database of the name"), (("127.0.0.1", "no-host.invalid"), "No PostgreSQL server answers"),
    (("postgresql://", "postgresql:/"), "no address"), (("127.0.0.1:", "127.0.0.1:x"), "no address"),
])
def test_a_wrong_address_gets_one_sentence(address, change, says):
    wrong = change[1].join(address.rsplit(change[0], 1))
    with pytest.raises(postgresql.NoServer) as caught:
        postgresql.Server(wrong)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert postgres.PASSWORD not in str(caught.value)


def test_no_server_gets_one_sentence(address):
    with pytest.raises(postgresql.NoServer, match="No PostgreSQL server answers"):
        postgresql.Server("postgresql://course:x@127.0.0.1:1/postgres")


def test_without_the_driver_the_package_loads_and_says_what_to_install():
    code = ("import sys; sys.modules['psycopg'] = None\n"
            "from coursekit.hospital import postgresql\n"
            "try: postgresql.Server('postgresql://localhost/x')\n"
            "except postgresql.NoServer as error: print(error)")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "coursekit[postgresql]"' in ran.stdout, ran.stderr
