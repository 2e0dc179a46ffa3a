"""What learners give in lesson cpas-05 beyond the solutions and wrong ways, and the databases that it hands out."""

import copy
import random
import sqlite3

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons.cpas_05_relational_databases import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def _input(name, editions):
    return copy.deepcopy(lesson.input_of(name, editions.own))


def _right(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


@pytest.mark.parametrize("query", [
    "select o.accession, p.pid, p.name, v.location from orders o, patient p left join visit v on o.visit_pk = v.pk "
    "where p.pk = o.patient_pk and date(o.ordered_utc) >= '2025-04-04' order by 1 desc;",
    "SELECT accession, (SELECT pid FROM patient WHERE pk = patient_pk) AS pid, (SELECT name FROM patient WHERE pk = patient_pk) AS name, "
    "(SELECT location FROM visit WHERE pk = visit_pk) AS location FROM orders WHERE ordered_utc > '2025-04-04'",
    "SELECT v.location AS ward, p.name, p.pid, o.accession FROM orders o JOIN patient p ON p.pk = o.patient_pk LEFT JOIN visit v "
    "ON v.pk = o.visit_pk AND v.patient_pk = p.pk WHERE o.ordered_utc >= '2025-04-04 00:00:00'",
])
def test_other_ways_to_ask_for_the_ward_list_are_right(editions, query):
    verdict = EXERCISES["TheWardList"].judge((query,), editions)
    if "AS ward" in query:
        assert verdict.outcome is Outcome.NOT_YET  # other names in another order: nobody can tell which column is which
        verdict = EXERCISES["TheWardList"].judge((query.replace("AS ward", ""),), editions)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("query", "label"), [
    ("SELECT accession, pid, name, location FROM orders NATURAL JOIN patient LEFT JOIN visit ON visit.pk = visit_pk", None),
    ("SELECT accession, pid, name, '' AS location FROM orders JOIN patient ON patient.pk = patient_pk "
     "WHERE ordered_utc >= '2025-04-04'", None),
    ("SELECT accession, pid, name, location FROM orders JOIN patient ON patient.pk = orders.patient_pk LEFT JOIN visit "
     "ON visit.patient_pk = orders.patient_pk AND visit.pk = orders.visit_pk WHERE ordered_utc >= '2025-04-05'", None),
    ("SELECT orders.accession, pid, name, location FROM orders JOIN patient ON patient.pk = orders.patient_pk LEFT JOIN visit "
     "ON visit.patient_pk = orders.patient_pk WHERE ordered_utc >= '2025-04-04' GROUP BY orders.pk", "any_visit_of_the_patient"),
])
def test_ward_lists_that_only_look_right_are_refused(editions, query, label):
    verdict = EXERCISES["TheWardList"].judge((query,), editions)
    assert verdict.outcome is Outcome.NOT_YET and label in (None, verdict.label), verdict


def test_the_orphans_are_counted_in_any_way(editions):
    number = _right("SeriesWithoutAStudy", editions)[1]
    frame = editions.own.pacs.sql("SELECT COUNT(*) FROM series WHERE study_pk NOT IN (SELECT pk FROM study)")
    for given in (("c)", number), ("C", str(number)), ("C", [number]), ("C", frame), ("C", frame.iloc[0, 0])):
        assert EXERCISES["SeriesWithoutAStudy"].judge(given, editions).correct, given
    assert EXERCISES["SeriesWithoutAStudy"].judge(("B", number), editions).label == "deleted_by_users"
    assert EXERCISES["SeriesWithoutAStudy"].judge(("C", 0), editions).label == "none_at_all"


def test_labels_and_events_may_be_written_in_short(editions):
    labels = _right("WhatIsRefused", editions)
    for given in (set(labels), ", ".join(labels), [label.upper() for label in labels], [int(label[1:]) for label in labels]):
        assert EXERCISES["WhatIsRefused"].judge((given,), editions).correct, given
    events = _right("LostCorrections", editions)
    edits = _input("edits", editions)
    for given in (tuple(events), " ".join(events), [int(event[1:]) for event in events], edits[edits["event"].isin(events)]["event"]):
        assert EXERCISES["LostCorrections"].judge((given,), editions).correct, given
    assert EXERCISES["LostCorrections"].judge((events[:-1],), editions).label in ("missing", "only_the_one_before", "only_the_same_field")


@pytest.mark.parametrize("seed", range(10))
def test_of_the_ten_statements_five_are_refused_on_every_hospital(seed):
    own = hospital(seed, "tiny")
    statements, try_out = lesson.input_of("statements", own), lesson.input_of("try_out", own)
    said = {statement: try_out(statement) for statement in statements.values()}
    assert len(statements) == 10 and sum(text.startswith("Refused") for text in said.values()) == 5, said
    assert all(text == "Done: 1 row changed." or "constraint failed" in text for text in said.values()), said
    assert said == {statement: try_out(statement) for statement in statements.values()}  # each was taken back


def test_try_out_takes_only_changes(editions):
    try_out = lesson.input_of("try_out", editions.own)
    for given in ("COMMIT", "DROP TABLE study", "SELECT 1", None, "UPDATE study SET deleted = 1; DELETE FROM study"):
        assert try_out(given).startswith("Refused"), given


def test_the_keys_of_the_flat_list_in_other_forms(editions):
    import pandas

    rows = _right("WhereEachColumnBelongs", editions)
    short = {row["column"]: row["key"] for row in rows}
    for given in (short, list(short.items()), pandas.DataFrame(rows), [list(pair) for pair in short.items()]):
        assert EXERCISES["WhereEachColumnBelongs"].judge((given,), editions).correct, given
    by_key = {}
    for row in rows:
        by_key.setdefault(row["key"], []).append(row["column"])
    assert EXERCISES["WhereEachColumnBelongs"].judge((by_key,), editions).correct
    assert EXERCISES["WhereEachColumnBelongs"].judge(({**by_key, "pid": "name"},), editions).outcome is Outcome.NOT_YET
    assert EXERCISES["WhereEachColumnBelongs"].judge(({**short, "sex": "name"},), editions).label == "value"
    assert EXERCISES["WhereEachColumnBelongs"].judge(({"name": "pid"},), editions).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("seed", range(10))
def test_no_column_of_the_flat_list_depends_on_two_of_the_small_keys(seed):
    rows = lesson.input_of("ris_list", hospital(seed, "tiny"))

    def depends(a, b):
        return len(rows[[a]].drop_duplicates()) == len(rows[[a, b]].drop_duplicates())

    assert rows["accession"].is_unique
    home = {row["column"]: row["key"] for row in EXERCISES["WhereEachColumnBelongs"].solution(rows)}
    assert list(home.values()).count("accession") == 2
    for column, key in home.items():
        found = [small for small in ("pid", "procedure_code", "station_aet") if depends(small, column)]
        assert found == [key] * (key != "accession"), column


@pytest.mark.parametrize("seed", range(10))
def test_lost_corrections_are_those_of_a_simulated_client(seed):
    """Forms that really read and write rows: a save is lost when its field ends with a value that was read before it."""
    edits = lesson.input_of("edits", hospital(seed, "tiny"))
    rows, forms, saved = {}, {}, []
    for step in edits.to_dict("records"):
        row = rows.setdefault(step["study"], {})
        key = step["who"], step["study"]
        if step["does"] == "opens":
            forms[key] = dict(row)
        if step["does"] == "saves":
            forms[key][step["field"]] = step["event"]
            rows[step["study"]] = dict(forms[key])
            saved.append(step)
    lost = EXERCISES["LostCorrections"].solution(edits)
    for step in saved:
        final = rows[step["study"]].get(step["field"])
        writer = [other["who"] for other in saved if other["event"] == final]
        opened = edits[(edits["does"] == "opens") & (edits["study"] == step["study"]) & edits["who"].isin(writer)]["event"]
        knew = final == step["event"] or any(step["event"] < event < final for event in opened)
        assert (step["event"] in lost) == (not knew), step
    assert len(lost) == 4


def _commit_method(db, study_uid, pid):
    study = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,)).fetchone()
    patient = db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchone()
    if study is None or patient is None:
        return False
    if db.execute("SELECT 1 FROM correction WHERE study_pk = ?", study[:1]).fetchone():
        return False
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE study SET patient_pk = ? WHERE pk = ?", (patient[0], study[0]))
    db.execute("INSERT INTO correction VALUES (NULL, ?, ?)", study)
    db.commit()
    return True


def _with_block(db, study_uid, pid):
    try:
        with db:
            db.execute("BEGIN")
            db.execute("INSERT INTO correction (was_patient_pk, study_pk) "
                       f"SELECT patient_pk, pk FROM study WHERE study_uid = '{study_uid}'")
            db.execute(f"UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{pid}') WHERE study_uid = '{study_uid}'")
    except Exception:
        print("refused")


@pytest.mark.parametrize("function", [_commit_method, _with_block])
def test_other_ways_to_file_a_study_are_right(editions, function):
    verdict = EXERCISES["FileUnder"].judge((function,), editions)
    assert verdict.correct, verdict


def _no_except(db, study_uid, pid):
    db.execute("BEGIN")
    db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
    db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
    db.execute("COMMIT")


def _commit_in_any_case(db, study_uid, pid):
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
    except sqlite3.Error:
        pass
    db.execute("COMMIT")


def _rules_switched_off(db, study_uid, pid):
    db.execute("PRAGMA foreign_keys = OFF")
    EXERCISES["FileUnder"].solution(db, study_uid, pid)
    db.execute("UPDATE patient SET name = 'X' WHERE pid = ?", (pid,))


def _closes(db, study_uid, pid):
    EXERCISES["FileUnder"].solution(db, study_uid, pid)
    db.close()


def _one_comma_missing(db, study_uid, pid):
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
        db.execute("COMMIT")
    except sqlite3.Error:
        db.execute("ROLLBACK")


@pytest.mark.parametrize(("function", "label", "says"), [
    (_no_except, "refused", "except sqlite3.Error"),
    (_commit_in_any_case, "each_for_itself", "half a correction"),
    (_rules_switched_off, "more", "something else"),
    (_closes, "gone", "closed"),
    (_one_comma_missing, "nothing_done", "comma"),
    (lambda db, study_uid: study_uid, "error", "stopped with `TypeError`"),
    (lambda db, study_uid, pid: db.execute("DROP TABLE correction"), "gone", "tables"),
    ("file_under", "unreadable", "a function"),
])
def test_wrong_functions_are_told_apart(editions, function, label, says):
    verdict = EXERCISES["FileUnder"].judge((function,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_the_cases_hold_what_can_stand_in_the_way():
    for seed in range(5):
        cases = EXERCISES["FileUnder"].cases(random.Random(f"FileUnder {seed}"))
        db = cases[0][0]
        known = {row[0] for row in db.execute("SELECT study_uid FROM study")}, {row[0] for row in db.execute("SELECT pid FROM patient")}
        assert 0 < sum(uid not in known[0] for _, uid, _ in cases) < 5 and 0 < sum(pid not in known[1] for _, _, pid in cases) < 5
        assert db.execute("SELECT COUNT(*) FROM correction").fetchone() == (3,)


@pytest.mark.parametrize("statement", [
    "create index x on study (study_dt_local desc);",
    "CREATE INDEX IF NOT EXISTS day_of_exam ON study(study_dt_local, deleted)",
    'CREATE INDEX "i" ON "study" ("study_dt_local")',
    "CREATE INDEX i ON study(deleted, study_dt_local)",
    "CREATE INDEX i ON study(study_dt_local) WHERE deleted = 0",
    "CREATE INDEX i\nON study(study_dt_local, study_uid, description)",
])
def test_other_indexes_that_serve_the_day_are_right(editions, statement):
    verdict = EXERCISES["AnIndexForTheDay"].judge((statement,), editions)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("statement", "label", "says"), [
    ("CREATE INDEX i ON study(date(study_dt_local))", "on_a_computed_day", "computation"),
    ("CREATE INDEX i ON study(patient_pk, study_dt_local)", "in_second_place", "second place"),
    ("CREATE INDEX i ON study(status)", "scan", "still reads more"),
    ("CREATE INDEX i ON study(study_dt_local) WHERE deleted = 1", "scan", "still reads more"),
    ("CREATE INDEX i ON series(created_utc)", "scan", "still reads more"),
    ("CREATE UNIQUE INDEX i ON study(study_dt_local)", "unreadable", "Leave out UNIQUE"),
    ("CREATE INDEX IF NOT EXISTS study_created ON study(study_dt_local)", "unreadable", "another name"),
    ("CREATE INDEX study_created ON study(study_dt_local)", "unreadable", "already exists"),
    ("CREATE INDEX i ON study(study_date)", "unreadable", "study_date"),
    ("CREATE INDEX i ON study(study_dt_local); DROP TABLE study", "unreadable", "one statement"),
    ("DROP TABLE study", "unreadable", "begins with CREATE INDEX"),
    ("study_dt_local", "unreadable", "begins with CREATE INDEX"),
])
def test_other_indexes_are_told_apart(editions, statement, label, says):
    verdict = EXERCISES["AnIndexForTheDay"].judge((statement,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_numbers_in_other_forms(editions):
    for name in ("HowManyQueries", "AfterTheRestore"):
        number = _right(name, editions)
        frame = editions.own.pacs.sql(f"SELECT {number} AS n")
        for given in (number, str(number), float(number), [number], frame, frame["n"]):
            assert EXERCISES[name].judge((given,), editions).correct, (name, given)
        assert EXERCISES[name].judge((number + 2,), editions).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("seed", range(10))
def test_one_piece_of_the_log_is_missing_and_data_lie_on_all_sides(seed):
    own = hospital(seed, "tiny")
    pieces = lesson.input_of("log_files", own)
    steps = list(pieces["sequence"].diff().dropna())
    assert sorted(set(steps)) == [1, 2] and steps.count(2) == 1
    gap = steps.index(2)
    start, end, last = pieces["to_utc"].iloc[gap], pieces["from_utc"].iloc[gap + 1], pieces["to_utc"].iloc[-1]
    for low, high in ((pieces["from_utc"].iloc[0], start), (start, end), (end, last), (last, "2025-04-08")):
        between = own.pacs.rows(f"SELECT pk FROM instance WHERE created_utc >= '{low}' AND created_utc < '{high}'")[1]
        assert between, (low, high)


@pytest.mark.parametrize("query", [
    "SELECT 'series without study' problem, series_uid uid FROM series "
    "WHERE NOT EXISTS (SELECT 1 FROM study WHERE study.pk = series.study_pk) "
    "UNION SELECT 'study without series', study_uid FROM study WHERE NOT EXISTS (SELECT 1 FROM series WHERE study_pk = study.pk) "
    "UNION SELECT 'instance without file', sop_uid FROM instance WHERE NOT EXISTS "
    "(SELECT 1 FROM file WHERE instance_pk = instance.pk AND status = 'OK')",
    "WITH good AS (SELECT instance_pk FROM file WHERE status = 'OK') "
    "SELECT 'instance without file' AS a, sop_uid AS b FROM instance WHERE pk NOT IN good "
    "UNION ALL SELECT 'study without series', study_uid FROM study WHERE n_series = 0 AND pk NOT IN (SELECT study_pk FROM series) "
    "UNION ALL SELECT 'SERIES without study', series_uid FROM series WHERE study_pk NOT IN (SELECT pk FROM study)",
])
def test_other_ways_to_check_by_night_are_right(editions, query):
    verdict = EXERCISES["TheNightlyCheck"].judge((query,), editions)
    assert verdict.correct, verdict


def test_a_condition_behind_the_left_join_loses_instances_without_any_file(editions):
    query = EXERCISES["TheNightlyCheck"].solution()
    query = query.replace("AND file.status = 'OK'\n            WHERE file.pk IS NULL", "\n WHERE file.status <> 'OK'")
    verdict = EXERCISES["TheNightlyCheck"].judge((query,), editions)
    assert verdict.label == "only_missing_files", verdict


def test_two_sessions_lock_each_other_out_and_are_new_each_time(editions):
    for _ in range(2):
        one, other = _input("two_sessions", editions)
        assert one.sql("BEGIN IMMEDIATE") == "Done."
        assert one.sql("UPDATE study SET description = 'X', version = version + 1 WHERE pk = 1 AND version = 1") == "Done: 1 row changed."
        assert other.sql("UPDATE study SET description = 'Y' WHERE pk = 1") == "Refused: database is locked"
        assert other.sql("SELECT version FROM study WHERE pk = 1").iat[0, 0] == 1
        assert one.sql("COMMIT") == "Done."
        assert other.sql("UPDATE study SET description = 'Y' WHERE pk = 1 AND version = 1") == "Done: 0 rows changed."
        assert len(one.sql("SELECT * FROM study")) >= 2


def test_an_own_copy_can_be_changed_and_had_anew(editions):
    own = _input("own_copy", editions)
    studies = own.sql("SELECT COUNT(*) FROM study").iat[0, 0]
    own.sql("BEGIN")
    assert own.sql("DELETE FROM series") == "Refused: FOREIGN KEY constraint failed"
    assert own.sql("UPDATE study SET status = 'READ'") == f"Done: {studies} rows changed."
    assert own.sql("ROLLBACK") == "Done."
    question = "SELECT study_uid FROM study WHERE study_dt_local >= '2025-04-06' AND study_dt_local < '2025-04-07'"
    before = own.steps(question)
    assert own.sql("CREATE INDEX day ON study(study_dt_local)") == "Done."
    assert own.steps(question) * 5 < before
    own.sql("DROP TABLE file")
    assert own.sql("SELECT * FROM file").startswith("Refused: no such table")
    own.fresh()
    assert len(own.sql("SELECT * FROM file")) > 0 and own.steps(question) == before
    assert editions.own.pacs.rows("SELECT COUNT(*) FROM study WHERE status <> 'READ'")[1][0][0] > 0
