"""What learners give in lesson cpas-05 beyond the solutions and wrong ways, and the databases that it hands out."""

import copy
import random
import sqlite3

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.hospital.database import explain
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


def test_a_patient_by_way_of_the_visit_is_told(editions):
    for query in (
        "SELECT o.accession, p.pid, p.name, v.location FROM orders o LEFT JOIN visit v ON v.pk = o.visit_pk "
        "LEFT JOIN patient p ON p.pk = v.patient_pk WHERE o.ordered_utc >= '2025-04-04'",
        "SELECT o.accession, p.pid, p.name, v.location FROM orders o LEFT JOIN visit v ON v.pk = o.visit_pk "
        "LEFT JOIN patient AS p ON v.patient_pk = p.pk WHERE o.ordered_utc >= '2025-04-05'",
    ):
        assert EXERCISES["TheWardList"].judge((query,), editions).label == "patient_through_the_visit", query


@pytest.mark.parametrize("column", [
    "COALESCE(visit.location, '')", "COALESCE(visit.location, '') AS location", "IFNULL(visit.location, '')",
])
def test_an_empty_location_may_be_an_empty_text(editions, column):
    query = EXERCISES["TheWardList"].solution().replace("visit.location", column)
    assert EXERCISES["TheWardList"].judge((query,), editions).correct


@pytest.mark.parametrize(("old", "new", "label"), [
    ("'2025-04-04'", "'04-04-2025'", "date_form"),
    ("'2025-04-04'", "'2025-4-4'", "date_form"),
    ("'2025-04-04'", "2025-04-04", "date_without_quotes"),
    ("'2025-04-04'", "'2025-04-03 22:00:00'", "by_the_hospitals_clock"),
    ("visit.location\n", "COALESCE(visit.location, 'outside') AS location\n", "own_word"),
])
def test_dates_and_words_that_do_not_fit_are_named(old, new, label):
    own = Editions(hospital(0), lambda: [hospital(201, "tiny")])
    query = EXERCISES["TheWardList"].solution()
    assert old in query
    verdict = EXERCISES["TheWardList"].judge((query.replace(old, new),), own)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


@pytest.mark.parametrize(("old", "new", "label"), [
    ("'2025-04-04'\n", "'2025-04-04' AND orders.status <> 'CANCELLED'\n", "cancelled_left_out"),
    ("patient.pk = orders.patient_pk", "patient.pk = COALESCE((SELECT merged_into FROM patient q WHERE q.pk = orders.patient_pk), "
                                       "orders.patient_pk)", "survivor_in_place"),
    ("orders.ordered_utc", "orders.scheduled_local", "when_it_is_scheduled"),
    (">= '2025-04-04'", "> '2025-04-05'", "after_that_day"),
    (">= '2025-04-04'", "LIKE '2025-04-04%'", "that_day_alone"),
    ("patient.pk = orders.patient_pk", "patient.pk = orders.pk", "key_to_key"),
    ("visit.pk = orders.visit_pk", "orders.pk = visit.pk", "key_to_key"),
    (">= '2025-04-04'", ">= '2026-04-04'", "empty"),
])
def test_orders_that_are_not_asked_or_left_out_are_named(editions, old, new, label):
    query = EXERCISES["TheWardList"].solution()
    assert old in query
    verdict = EXERCISES["TheWardList"].judge((query.replace(old, new),), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and "= NULL" not in verdict.message, verdict


def test_the_orphans_are_counted_in_any_way(editions):
    number = _right("SeriesWithoutAStudy", editions)[1]
    frame = editions.own.pacs.sql("SELECT COUNT(*) FROM series WHERE study_pk NOT IN (SELECT pk FROM study)")
    for given in (("e)", number), ("E", str(number)), ("E", [number]), ("E", frame), ("E", frame.iloc[0, 0])):
        assert EXERCISES["SeriesWithoutAStudy"].judge(given, editions).correct, given
    assert EXERCISES["SeriesWithoutAStudy"].judge(("B", number), editions).label == "deleted_by_users"
    assert EXERCISES["SeriesWithoutAStudy"].judge(("E", 0), editions).label == "none_at_all"
    assert EXERCISES["SeriesWithoutAStudy"].judge(("C", number), editions).label == "studies_removed"


@pytest.mark.parametrize("seed", range(10))
def test_no_study_was_removed_and_the_orphans_hold_keys_that_never_existed(seed):
    pacs = hospital(seed, "tiny").pacs
    count, lowest, highest = pacs.rows("SELECT COUNT(*), MIN(pk), MAX(pk) FROM study")[1][0]
    assert (lowest, highest) == (1, count)
    orphans = pacs.rows("SELECT pk, study_pk FROM series WHERE study_pk NOT IN (SELECT pk FROM study)")[1]
    last = pacs.rows("SELECT MAX(pk) FROM series")[1][0][0]
    assert min(study for _, study in orphans) > highest
    assert [pk for pk, _ in sorted(orphans)] == list(range(last - len(orphans) + 1, last + 1))


def test_labels_and_events_may_be_written_in_short(editions):
    labels = _right("WhatIsRefused", editions)
    for given in (set(labels), ", ".join(labels), [label.upper() for label in labels], [int(label[1:]) for label in labels]):
        assert EXERCISES["WhatIsRefused"].judge((given,), editions).correct, given
    events = _right("LostCorrections", editions)
    edits = _input("edits", editions)
    for given in (tuple(events), " ".join(events), [int(event[1:]) for event in events], edits[edits["event"].isin(events)]["event"]):
        assert EXERCISES["LostCorrections"].judge((given,), editions).correct, given
    assert EXERCISES["LostCorrections"].judge((events[:-1],), editions).label in ("missing", "only_the_one_before", "only_the_same_field")


def test_each_statement_that_goes_through_gets_its_reason(editions):
    exercise, statements, right = EXERCISES["WhatIsRefused"], _input("statements", editions), _right("WhatIsRefused", editions)
    says = {"DELETE FROM study": "REFERENCES", "UPDATE series": "series.study_pk", "= NULL": "NOT NULL", "SET accession = '": "UNIQUE"}
    for label, statement in statements.items():
        if label in right:
            verdict = exercise.judge(([one for one in right if one != label],), editions)
            assert verdict.outcome is Outcome.NOT_YET and (verdict.label == "parents_may_go" or "not all" in verdict.message), verdict
            continue
        word = next(word for sign, word in says.items() if sign in statement)
        for given in ([label], [*right[1:], label]):
            verdict = exercise.judge((given,), editions)
            assert verdict.outcome is Outcome.NOT_YET and word in verdict.message and "goes through" in verdict.message, verdict
        assert "no statement" in exercise.judge(([*right, "s44"],), editions).message


@pytest.mark.parametrize("seed", range(10))
def test_the_eds_accession_number_is_lost_to_a_save_of_another_field(seed):
    own = hospital(seed, "tiny")
    edits = lesson.input_of("edits", own)
    numbers = edits[edits["field"] == "accession"]
    assert list(numbers["who"]) == ["ED desk"]
    assert numbers["event"].iloc[0] in EXERCISES["LostCorrections"].computed(EXERCISES["LostCorrections"].solution, own)


def test_each_event_too_many_or_too_few_gets_its_reason(editions):
    exercise, edits, right = EXERCISES["LostCorrections"], _input("edits", editions), _right("LostCorrections", editions)
    seen = set()
    for row in edits.to_dict("records"):
        if row["event"] in right:
            verdict = exercise.judge(([one for one in right if one != row["event"]],), editions)
            assert verdict.label in exercise.wrong_ways or "not all" in verdict.message or verdict.label in (
                "only_the_one_before", "only_the_same_field"), verdict
            continue
        verdict = exercise.judge(([*right, row["event"]],), editions)
        assert verdict.outcome is Outcome.NOT_YET and verdict.label == "extra", verdict
        seen.add(next(word for word in ("is no save", "nobody saved", "opened the form *after*") if word in verdict.message))
    assert len(seen) == 3
    assert "no event" in exercise.judge(([*right, "e99"],), editions).message


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

    short = _right("WhereEachColumnBelongs", editions)
    rows = [{"column": column, "key": key} for column, key in short.items()]
    for given in (short, list(short.items()), pandas.DataFrame(rows), [list(pair) for pair in short.items()], pandas.Series(short)):
        assert EXERCISES["WhereEachColumnBelongs"].judge((given,), editions).correct, given
    by_key = {}
    for row in rows:
        by_key.setdefault(row["key"], []).append(row["column"])
    assert EXERCISES["WhereEachColumnBelongs"].judge((by_key,), editions).correct
    assert EXERCISES["WhereEachColumnBelongs"].judge(({**by_key, "pid": "name"},), editions).outcome is Outcome.NOT_YET
    assert EXERCISES["WhereEachColumnBelongs"].judge(({**short, "sex": "name"},), editions).label == "value"
    for given, says in (
        ({**short, "sex": "name"}, "`sex`: `name` is no key"),
        ({**short, "location": "name + birth_date"}, "`location`: `name + birth_date` is no key"),
        ({**short, "location": "accession"}, "*directly*"),
        ({**short, "birth_date": "accession"}, "`birth_date`"),
        ({**short, "name": "station_aet"}, "`depends(ris_list, \"station_aet\", \"name\")`"),
        ({"name": "pid"}, "7 of the eight"),
        ({column: key for column, key in short.items() if column != "sex"}, "1 of the eight columns has no key yet"),
        (list(short), "or a dictionary from each column to its key"),
        ({**short, "pid": "pid"}, "none of the eight"),
        ([*short.items(), ("sex", "accession")], "two keys"),
    ):
        verdict = EXERCISES["WhereEachColumnBelongs"].judge((given,), editions)
        assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, (given, verdict)


@pytest.mark.parametrize("seed", range(10))
def test_no_column_of_the_flat_list_depends_on_two_of_the_small_keys(seed):
    rows = lesson.input_of("ris_list", hospital(seed, "tiny"))

    def depends(a, b):
        return len(rows[[a]].drop_duplicates()) == len(rows[[a, b]].drop_duplicates())

    assert rows["accession"].is_unique
    home = EXERCISES["WhereEachColumnBelongs"].solution()
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
    try:
        db.execute("UPDATE study SET patient_pk = ? WHERE pk = ?", (patient[0], study[0]))
        db.execute("INSERT INTO correction VALUES (NULL, ?, ?)", study)
    except sqlite3.Error:
        db.rollback()
        raise
    db.commit()
    return True


def _python_begins(db, study_uid, pid):
    db.isolation_level = "DEFERRED"
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
        db.commit()
    finally:
        db.rollback()


def _with_block(db, study_uid, pid):
    try:
        with db:
            db.execute("BEGIN")
            db.execute("INSERT INTO correction (was_patient_pk, study_pk) "
                       f"SELECT patient_pk, pk FROM study WHERE study_uid = '{study_uid}'")
            db.execute(f"UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{pid}') WHERE study_uid = '{study_uid}'")
    except Exception:
        print("refused")


@pytest.mark.parametrize("function", [_commit_method, _with_block, _python_begins])
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


def _looks_first(db, study_uid, pid):
    if db.execute("SELECT 1 FROM correction JOIN study ON study.pk = study_pk WHERE study_uid = ?", (study_uid,)).fetchall():
        return
    study = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,)).fetchall()
    patient = db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchall()
    if not study or not patient:
        return
    yield_to = [("INSERT INTO correction (study_pk, was_patient_pk) VALUES (?, ?)", study[0]),
                ("UPDATE study SET patient_pk = ? WHERE pk = ?", (patient[0][0], study[0][0]))]
    for statement, values in yield_to:
        db.execute(statement, values)


def _looks_first_and_swallows(db, study_uid, pid):
    try:
        _looks_first(db, study_uid, pid)
    except sqlite3.Error:
        pass


def _looks_first_then_begins(db, study_uid, pid):
    db.execute("BEGIN")
    _looks_first(db, study_uid, pid)
    db.execute("COMMIT")


def _repairs_by_hand(db, study_uid, pid):
    noted = None
    try:
        noted = db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?",
                           (study_uid,)).lastrowid
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
    except sqlite3.Error:
        if noted:
            db.execute("DELETE FROM correction WHERE pk = ?", (noted,))


def _pid_as_key(db, study_uid, pid, caught=True):
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
        db.execute("UPDATE study SET patient_pk = ? WHERE study_uid = ?", (pid, study_uid))
        db.execute("COMMIT")
    except sqlite3.Error:
        if not caught:
            raise
        db.execute("ROLLBACK")


def _notes_the_new_one(db, study_uid, pid):
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT study.pk, patient.pk FROM study, patient "
                   "WHERE study_uid = ? AND pid = ?", (study_uid, pid))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
        db.execute("COMMIT")
    except sqlite3.Error:
        db.execute("ROLLBACK")


def _columns_forgotten(db, study_uid, pid):
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
        db.execute("COMMIT")
    except:  # noqa: E722
        db.execute("ROLLBACK")


def _first_of_nothing(db, study_uid, pid):
    db.execute("BEGIN")
    study = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,)).fetchall()[0]
    patient = db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchall()[0][0]
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) VALUES (?, ?)", study)
        db.execute("UPDATE study SET patient_pk = ? WHERE pk = ?", (patient, study[0]))
        db.execute("COMMIT")
    except sqlite3.Error:
        db.execute("ROLLBACK")


def _only_broken_rules(db, study_uid, pid):
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
        db.execute("COMMIT")
    except sqlite3.IntegrityError:
        db.execute("ROLLBACK")


def _update_first_commits_anyway(db, study_uid, pid):
    db.execute("BEGIN")
    try:
        was = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,)).fetchone()
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) VALUES (?, ?)", was)
        db.execute("COMMIT")
    except Exception:
        db.execute("COMMIT")


def test_a_message_about_a_function_quotes_no_line_of_the_course(editions):
    verdict = EXERCISES["FileUnder"].judge((lambda db, study_uid: study_uid,), editions)
    assert "TypeError" in verdict.message and "in its line" not in verdict.message, verdict


@pytest.mark.parametrize(("function", "label", "says"), [
    (_only_broken_rules, "refused", "full"),
    (_only_broken_rules, "refused", "`sqlite3.IntegrityError` alone"),
    (_update_first_commits_anyway, "committed_all_the_same", "There is a BEGIN"),
    (_looks_first, "looked_up_first", "half a correction"),
    (_looks_first_and_swallows, "looked_up_first", "nobody can look up"),
    (_looks_first_then_begins, "refused", "except sqlite3.Error"),
    (_repairs_by_hand, "no_transaction", "power fails"),
    (_pid_as_key, "pid_as_key", "another column"),
    (lambda db, study_uid, pid: _pid_as_key(db, study_uid, pid, caught=False), "refused", "another column"),
    (_notes_the_new_one, "noted_too_late", "you put in the patient with this `pid`"),
    (_columns_forgotten, "nothing_done", "does not name its columns"),
    (_first_of_nothing, "empty", "no such study or no such patient"),
    (_no_except, "refused", "except sqlite3.Error"),
    (_commit_in_any_case, "committed_all_the_same", "There is a BEGIN"),
    (_rules_switched_off, "rules", "orphans"),
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
        assert {case[0].refuses for case in cases} == {"", "the UPDATE of study", "the INSERT into correction"}
        for statement, word in (("UPDATE study SET description = 'X'", "UPDATE"), ("INSERT INTO correction VALUES (NULL, 9, 1)", "INSERT")):
            full = next(case[0] for case in copy.deepcopy(cases) if word in case[0].refuses)
            full.execute("BEGIN")
            with pytest.raises(sqlite3.OperationalError, match="full"):
                full.execute(statement)
            assert full.in_transaction


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
    ("CREATE INDEX i ON study(date(study_dt_local))", "by_a_computed_day", "computation"),
    ("CREATE INDEX i ON study(patient_pk, study_dt_local)", "in_second_place", "second place"),
    ("CREATE INDEX i ON study(study_dt_local) WHERE study_dt_local BETWEEN '2025-04-06' AND '2025-04-07'", "scan", "still reads more"),
    ("CREATE INDEX i ON study(study_dt_local, deleted) WHERE study_dt_local >= '2025-04-06'", "for_one_day", "every day"),
    ("CREATE INDEX i ON study(status)", "scan", "still reads more"),
    ("CREATE INDEX i ON study(study_dt_local) WHERE deleted = 1", "scan", "still reads more"),
    ("CREATE INDEX i ON series(created_utc)", "scan", "still reads more"),
    ("CREATE UNIQUE INDEX i ON study(study_dt_local)", "unreadable", "Leave out UNIQUE"),
    ("CREATE INDEX IF NOT EXISTS study_created ON study(study_dt_local)", "unreadable", "another name"),
    ("CREATE INDEX study_created ON study(study_dt_local)", "unreadable", "already exists"),
    ("CREATE INDEX i ON study(study_date)", "unreadable", "study_date"),
    ("CREATE INDEX i ON study(study_dt_local); DROP TABLE study", "unreadable", "one statement"),
    ("CREATE INDEX ON study(study_dt_local)", "unreadable", "no name"),
    ("DROP TABLE study", "unreadable", "begins with CREATE INDEX"),
    ("study_dt_local", "unreadable", "begins with CREATE INDEX"),
])
def test_other_indexes_are_told_apart(editions, statement, label, says):
    verdict = EXERCISES["AnIndexForTheDay"].judge((statement,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict
    assert not verdict.message.endswith("..")


@pytest.mark.parametrize(("name", "number", "says"), [
    ("HowManyQueries", 396, "deleted"), ("HowManyQueries", 400, "day by day"), ("HowManyQueries", 349, "last day"),
    ("HowManyQueries", 808, "per series"), ("HowManyQueries", 809, "per series"), ("HowManyQueries", 8, "once per day"),
    ("HowManyQueries", 392, "created_utc"), ("HowManyQueries", 391, "too many or too few"),
    ("AfterTheRestore", 1724, "from_utc"), ("AfterTheRestore", 1150, "behind the gap"), ("AfterTheRestore", 571, "lost piece alone"),
    ("AfterTheRestore", 2256, "bring back"), ("AfterTheRestore", 2351, "clock"), ("AfterTheRestore", 1719, "too many or too few"),
])
def test_likely_numbers_are_explained(name, number, says):
    verdict = EXERCISES[name].judge((number,), Editions(hospital(0)))
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message and "round" not in verdict.message, verdict


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
    "SELECT 'instance without file' AS problem, sop_uid AS uid FROM instance WHERE pk NOT IN good "
    "UNION ALL SELECT 'study without series', study_uid FROM study WHERE pk NOT IN (SELECT study_pk FROM series) "
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


IN_THE_ON = "AND file.status = 'OK'\n            WHERE file.pk IS NULL"
NO_SERIES = "LEFT JOIN series ON series.study_pk = study.pk\n            WHERE series.pk IS NULL"


@pytest.mark.parametrize(("old", "new", "label", "says"), [
    (IN_THE_ON, "WHERE file.pk IS NULL OR file.status = 'MISSING'", "any_missing_copy", "two copies"),
    (IN_THE_ON, "WHERE file.pk IS NULL OR file.status <> 'OK'", "any_missing_copy", "two copies"),
    ("AND file.status = 'OK'\n", "AND file.status = 'MISSING'\n", "without_a_missing_copy", "in order"),
    ("WHERE file.pk IS NULL", "WHERE file.pk IS NULL AND rejected_code IS NULL", "rejected_left_out", "ejected"),
    ("WHERE series.pk IS NULL", "WHERE series.pk IS NULL AND deleted = 0", "deleted_left_out", "eleted studies"),
    ("WHERE series.pk IS NULL", "WHERE n_series = 0", "by_the_counter", "counter"),
    (NO_SERIES, "WHERE n_series = 0", "by_the_counter", "counter"),
    ("WHERE series.pk IS NULL", "WHERE series.pk IS NULL AND n_series = 0", "by_counter_and_rows", "counter"),
    ("'study without series'", "'studies without series'", "problem", "none of the three texts"),
    ("LEFT JOIN study", "JOIN study", "joined", "plain JOIN"),
    (IN_THE_ON, "WHERE file.status = 'OK' AND file.pk IS NULL", "condition_in_where", "never true at once"),
    (IN_THE_ON, "GROUP BY instance.sop_uid HAVING COUNT(CASE WHEN file.status = 'OK' THEN 1 END) = 0", "by_uid", "no rule makes it so"),
])
def test_checks_that_only_fit_the_hospitals_are_refused(editions, old, new, label, says):
    query = EXERCISES["TheNightlyCheck"].solution()
    assert old in query
    verdict = EXERCISES["TheNightlyCheck"].judge((query.replace(old, new),), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_two_mistakes_in_the_check_are_answered_one_by_one_and_a_part_left_out_is_named(editions):
    exercise = EXERCISES["TheNightlyCheck"]
    query = exercise.solution()
    both = query.replace("WHERE series.pk IS NULL", "WHERE series.pk IS NULL AND deleted = 0").replace("AND file.status = 'OK'", "")
    verdict = exercise.judge((both,), editions)
    assert verdict.label == "deleted_left_out" and "In the part `study without series`" in verdict.message, verdict
    parts = query.split("UNION ALL")
    assert exercise.judge(("UNION ALL".join([parts[0], parts[2]]),), editions).label == "no_studies"
    assert exercise.judge(("UNION ALL".join(parts[1:]).replace("'study without series', study.study_uid",
                                                               "'study without series' AS problem, study.study_uid AS uid"),),
                          editions).label == "no_series"


def test_the_check_has_the_columns_that_are_asked(editions):
    right = EXERCISES["TheNightlyCheck"].solution()
    verdict = EXERCISES["TheNightlyCheck"].judge((right.replace("AS problem", "AS uid2"),), editions)
    assert verdict.label == "column names" and "`problem`" in verdict.message
    assert EXERCISES["TheNightlyCheck"].judge((right.replace("AS problem", "AS Problem"),), editions).correct


def test_refused_statements_as_true_and_false(editions):
    right = _right("WhatIsRefused", editions)
    marked = {f"s{number}": f"s{number}" in right for number in range(1, 11)}
    assert EXERCISES["WhatIsRefused"].judge((marked,), editions).correct


def test_two_texts_that_changed_places_are_told(editions):
    query = EXERCISES["TheNightlyCheck"].solution()
    first, second = "'series without study'", "'study without series'"
    verdict = EXERCISES["TheNightlyCheck"].judge((query.replace(first, "@").replace(second, first).replace("@", second),), editions)
    assert verdict.label == "swapped" and "changed places" in verdict.message, verdict


@pytest.mark.parametrize("hours", [-2, 2])
def test_the_clock_of_the_hospital_is_told_in_both_directions(hours):
    own = hospital(0)
    to_utc = EXERCISES["AfterTheRestore"].computed(lambda log_files: log_files["to_utc"], own)
    gap = list(lesson.input_of("log_files", own)["sequence"].diff()).index(2) - 1
    number, = own.pacs.rows(
        f"SELECT COUNT(*) FROM instance WHERE created_utc >= datetime('{to_utc.iloc[gap]}', '{hours:+d} hours')")[1][0]
    verdict = EXERCISES["AfterTheRestore"].judge((number,), Editions(own))
    assert verdict.label == "told" and "clock" in verdict.message, verdict


def test_a_not_exists_is_right_and_when_it_takes_too_long_is_told_what_to_write(editions, monkeypatch):
    exercise = EXERCISES["TheNightlyCheck"]
    query = exercise.solution().split("LEFT JOIN file")[0] + (
        "WHERE NOT EXISTS (SELECT 1 FROM file WHERE instance_pk = instance.pk AND status = 'OK')")
    assert exercise.judge((query,), editions).correct

    def too_slow(sql, hospital):
        raise CourseError(explain("interrupted"))

    monkeypatch.setattr(exercise.answer, "_carried_out", too_slow)
    verdict = exercise.judge((query,), editions)
    assert verdict.label == "exists" and "NOT IN" in verdict.message, verdict


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


THE_PARTS = dict(zip("ABC", EXERCISES["TheNightlyCheck"].solution().split("UNION ALL")))
FOUND_BY_ID = """
    SELECT 'instance without file', instance.sop_uid FROM instance LEFT JOIN file ON file.instance_pk = instance.pk
"""


@pytest.mark.parametrize(("part", "more", "says"), [
    ("A", "AND series.study_pk > (SELECT MAX(pk) FROM study)", "lies among the keys"),
    ("A", "AND series.n_instances > 0", "empty besides"),
    ("A", "AND series.pk NOT IN (SELECT series_pk FROM instance)", "does hold instances"),
    ("A", "AND series.pk IN (SELECT series_pk FROM instance)", "some are missing"),
    ("A", "GROUP BY series.study_pk", "one lost study"),
    ("A", "AND series.created_utc >= '2021-01-01'", "of years ago"),
    ("B", "AND study.patient_pk NOT IN (SELECT pk FROM patient WHERE merged_into IS NOT NULL)", "merged into another"),
    ("B", "AND study.created_utc < '2025-04-07'", "this morning"),
    ("C", "AND instance.series_pk IN (SELECT pk FROM series WHERE study_pk IN (SELECT pk FROM study))", "both breaks"),
    ("C", "AND instance.series_pk NOT IN (SELECT series.pk FROM series JOIN study ON study.pk = study_pk WHERE deleted = 1)",
     "deleted study"),
    ("C", "AND instance.created_utc < '2025-04-07 05:00:00'", "this morning"),
])
def test_a_check_with_a_condition_too_many_misses_a_case_that_is_named(editions, part, more, says):
    query = "UNION ALL".join(text + (f" {more} " if name == part else "") for name, text in THE_PARTS.items())
    verdict = EXERCISES["TheNightlyCheck"].judge((query,), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message and "partner" not in verdict.message, verdict


@pytest.mark.parametrize(("old", "new", "says"), [
    (THE_PARTS["A"], "SELECT 'series without study' AS problem, series_uid AS uid FROM series "
                     "WHERE study_pk > (SELECT MAX(pk) FROM study) ", "lies among the keys"),
    (THE_PARTS["C"], FOUND_BY_ID + "WHERE instance.pk NOT IN (SELECT instance_pk FROM file WHERE status = 'OK')", "more than once"),
    (THE_PARTS["C"], FOUND_BY_ID + "GROUP BY instance.pk HAVING COUNT(file.pk) = 0 OR (COUNT(file.pk) = 1 AND SUM(file.status = 'OK') = 0)",
     "both MISSING"),
    ("file.status = 'OK'", "file.status = 'OK' AND file.filesystem_pk = 1", "nearline or on tape"),
    ("series.study_pk = study.pk", "series.study_pk = study.pk AND series.n_instances > 0", "one series is empty"),
    (THE_PARTS["A"], f"SELECT * FROM ({THE_PARTS['A']} LIMIT 15) ", "a number of rows"),
])
def test_checks_that_miss_what_the_hospitals_do_not_have_are_told_the_case(editions, old, new, says):
    query = EXERCISES["TheNightlyCheck"].solution()
    assert old in query
    verdict = EXERCISES["TheNightlyCheck"].judge((query.replace(old, new),), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


@pytest.mark.parametrize(("old", "new", "says"), [
    ("'2025-04-04'\n", "'2025-04-04' GROUP BY orders.accession\n", "two hospitals use"),
    ("SELECT orders", "SELECT DISTINCT orders", ""),
    ("'2025-04-04'\n", "'2025-04-04' AND orders.issuer_pk = 1\n", "another hospital gave"),
    (">= '2025-04-04'", "BETWEEN '2025-04-04' AND '2025-04-08'", "no last day"),
    ("patient.pk = orders.patient_pk", "patient.pk = COALESCE((SELECT patient_pk FROM study WHERE study.study_uid = orders.study_uid), "
                                       "orders.patient_pk)", "filed under another patient"),
    ("patient.pk = orders.patient_pk", "patient.pk = COALESCE((SELECT patient_pk FROM study WHERE study.accession = orders.accession), "
                                       "orders.patient_pk)", "filed under another patient"),
    ("'2025-04-04'\n", "'2025-04-04' AND patient.pid NOT LIKE 'HVTMP%'\n", "temporary number"),
])
def test_ward_lists_that_miss_a_rare_order_are_told_which(editions, old, new, says):
    query = EXERCISES["TheWardList"].solution()
    assert old in query
    verdict = EXERCISES["TheWardList"].judge((query.replace(old, new),), editions)
    if not says:
        assert verdict.correct  # two orders of one number are two rows all the same: their patients differ
        return
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_limit_is_told_even_where_it_cuts_nothing_off(editions):
    verdict = EXERCISES["TheWardList"].judge((EXERCISES["TheWardList"].solution() + " LIMIT 400",), editions)
    assert verdict.label == "limit", verdict


@pytest.mark.parametrize("column", ["CASE WHEN visit.discharged_local IS NULL THEN visit.location END AS location",
                                    "CASE WHEN visit.discharged_local IS NULL THEN visit.location ELSE '' END AS location"])
def test_a_location_left_empty_where_the_visit_is_over_is_named(column):
    own = Editions(hospital(0), lambda: [hospital(201, "tiny")])
    verdict = EXERCISES["TheWardList"].judge((EXERCISES["TheWardList"].solution().replace("visit.location", column),), own)
    assert verdict.label == "finished_visits", verdict


NOTED = "correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study"


def _filed(insert="WHERE study_uid = ?", update="WHERE study_uid = ?", patient="pid = ?", sets="", first="", into=NOTED, between="",
           at_the_end="COMMIT"):
    """A file_under with some of its parts changed."""
    def file_under(db, study_uid, pid):
        if first:
            db.execute(first)
        db.execute("BEGIN")
        try:
            db.execute(f"INSERT {'' if into.startswith('OR ') else 'INTO '}{into} {insert}", (study_uid,))
            if between:
                db.execute(between)
            db.execute(f"UPDATE study SET {sets} patient_pk = (SELECT pk FROM patient WHERE {patient}) {update}", (pid, study_uid))
            db.execute(at_the_end)
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
    return file_under


@pytest.mark.parametrize(("function", "label", "says"), [
    (_filed(insert="WHERE study_uid LIKE ? || '%'", update="WHERE study_uid LIKE ? || '%'"), "study", "another patient"),
    (_filed(update="WHERE study_uid LIKE ? || '%'"), "study", "another patient"),
    (_filed(patient="pid LIKE ? || '%'"), "touched", "no patient has this `pid`"),
    (_filed(first="PRAGMA foreign_keys = OFF"), "rules", "makes orphans"),
    (_filed(into="correction SELECT (SELECT COUNT(*) + 1 FROM correction), pk, patient_pk FROM study"), "nothing_done", "`pk`"),
    (_filed(into="correction SELECT pk, pk, patient_pk FROM study"), "untouched", "nothing stood in the way"),
    (_filed(between="CREATE TABLE IF NOT EXISTS zz (a)"), "more", "something else"),
    (_filed(sets="description = 'MOVED',"), "more", "another column of `study`"),
    (_filed(into=f"OR IGNORE INTO {NOTED}"), "touched", "a correction already"),
    (_filed(into=f"OR REPLACE INTO {NOTED}"), "touched", "a correction already"),
    (_filed(between="COMMIT", at_the_end="SELECT 1"), "commit_too_early", "COMMIT comes after both"),
    (_filed(at_the_end="ROLLBACK"), "nothing_done", "Nothing is changed"),
])
def test_functions_that_file_too_much_or_nothing_are_told_so(editions, function, label, says):
    verdict = EXERCISES["FileUnder"].judge((function,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_a_rollback_in_any_case_without_an_except_changes_nothing(editions):
    def file_under(db, study_uid, pid):
        db.execute("BEGIN")
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
        db.execute("ROLLBACK")

    verdict = EXERCISES["FileUnder"].judge((file_under,), editions)
    assert verdict.label == "untouched" and "Nothing is changed for good" in verdict.message, verdict


def _raises_before(db, study_uid, pid):
    if db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchone() is None:
        raise ValueError("no such patient")
    EXERCISES["FileUnder"].solution(db, study_uid, pid)


def _raises_after(db, study_uid, pid):
    _, was = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,)).fetchone()
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, ? FROM study WHERE study_uid = ?", (was, study_uid))
        db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) WHERE study_uid = ?", (pid, study_uid))
    except sqlite3.Error:
        db.execute("ROLLBACK")
        raise ValueError("not moved") from None
    db.execute("COMMIT")


@pytest.mark.parametrize("function", [_raises_before, _raises_after])
def test_an_error_of_any_name_may_leave_the_function_when_all_is_as_before(editions, function):
    verdict = EXERCISES["FileUnder"].judge((function,), editions)
    assert verdict.correct, verdict


def test_an_error_that_leaves_a_transaction_open_is_told_with_it(editions):
    def file_under(db, study_uid, pid):
        db.execute("BEGIN")
        if db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchone() is None:
            raise ValueError("no such patient")
        db.execute("COMMIT")
        EXERCISES["FileUnder"].solution(db, study_uid, pid)

    verdict = EXERCISES["FileUnder"].judge((file_under,), editions)
    assert verdict.label == "error" and "no such patient" in verdict.message and "still open" in verdict.message, verdict


@pytest.mark.parametrize("columns", ["study_dt_local, accession", "study_dt_local, patient_pk, description", "study_dt_local, created_utc, "
                                     "mods_in_study, exam_complete_utc, issuer_pk"])
def test_a_unique_index_that_would_keep_a_study_out_is_refused(editions, columns):
    verdict = EXERCISES["AnIndexForTheDay"].judge((f"CREATE UNIQUE INDEX day ON study({columns})",), editions)
    assert verdict.label == "unreadable" and "in all columns" in verdict.message, verdict
    assert EXERCISES["AnIndexForTheDay"].judge(("CREATE UNIQUE INDEX day ON study(study_dt_local, study_uid)",), editions).correct


def test_rows_in_place_of_their_number_or_events(editions):
    import pandas

    rows = pandas.DataFrame({"pk": range(15)})
    for name, given in (("SeriesWithoutAStudy", ("E", rows)), ("AfterTheRestore", (rows,)), ("HowManyQueries", (list(range(5)),))):
        verdict = EXERCISES[name].judge(given, editions)
        assert verdict.outcome is Outcome.NOT_YET and "len(...)" in verdict.message, verdict
    edits = _input("edits", editions)
    assert EXERCISES["LostCorrections"].judge((edits[edits["event"].isin(_right("LostCorrections", editions))],), editions).correct


def test_searches_patient_by_patient_and_what_is_known_again_are_explained():
    own = hospital(0)
    patients, studies = own.pacs.rows("SELECT COUNT(DISTINCT patient_pk), COUNT(*) FROM study WHERE study_dt_local >= '2025-03-31' "
                                      "AND study_dt_local < '2025-04-07' AND deleted = 0")[1][0]
    for number, says in ((1 + patients, "patient by patient"), (1 + patients + studies, "patient by patient"), (2, "one study")):
        verdict = EXERCISES["HowManyQueries"].judge((number,), Editions(own))
        assert verdict.label == "told" and says in verdict.message, verdict
    known = own.pacs.rows("SELECT COUNT(*) FROM instance")[1][0][0] - EXERCISES["AfterTheRestore"].computed(
        EXERCISES["AfterTheRestore"].solution, own)
    assert "does know" in EXERCISES["AfterTheRestore"].judge((known,), Editions(own)).message
