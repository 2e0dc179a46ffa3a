"""What learners ask in lesson cpas-06 beyond the solutions and wrong ways, on the default edition of the hospital."""

from types import SimpleNamespace

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons.cpas_06_sql_statistics import CASES, lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
MARCH = "deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01'"


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(), lambda: [hospital(201, "tiny")])


@pytest.mark.parametrize(("name", "sql", "label"), [
    ("StudiesInTheArchive", "59786", "unreadable"),
    ("StudiesInTheArchive", "SELECT COUNT(*) FROM study WHERE deleted = 0 AND status = 'READ'", "only_read"),
    ("StudiesInTheArchive", "SELECT COUNT(*) FROM study JOIN patient ON patient.pk = patient_pk WHERE deleted = 0 AND merged_into IS NULL",
     "without_merged_patients"),
    ("CtExamsAddedLastMonth", f"SELECT COUNT(*) FROM study WHERE {MARCH} AND mods_in_study LIKE '%CT%' AND mods_in_study NOT LIKE '%PT%'",
     "like_ct_without_pt"),
    ("CtExamsAddedLastMonth", f"SELECT COUNT(*) FROM study WHERE {MARCH} AND mods_in_study LIKE 'CT%' AND mods_in_study NOT LIKE '%PT%'",
     "case"),
    ("CtExamsAddedLastMonth", f"SELECT COUNT(*) FROM study WHERE {MARCH} AND pk IN (SELECT study_pk FROM series WHERE modality LIKE '%CT%') "
     "AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')", "modality_of_the_series_like_ct"),
    ("MrExamsByMonth", "SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS n FROM study WHERE deleted = 0", "not_grouped"),
    ("OrdersWithoutStudy", EXERCISES["OrdersWithoutStudy"].solution().replace("<> 'CANCELLED'", "NOT IN ('CANCELLED', 'COMPLETED')"),
     "only_scheduled"),
    ("StoragePerModality", "SELECT series.modality, SUM(series.size_bytes) / 1e9 AS gigabytes FROM series JOIN study ON study.pk = series.study_pk "
     "WHERE series.created_utc >= '2024-01-01' AND series.created_utc < '2025-01-01' GROUP BY series.modality", "sizes_of_studies"),
    *(("StoragePerModality", f"SELECT {columns} WHERE {table}.created_utc >= '2024-01-01' AND {table}.created_utc < '2025-01-01' GROUP BY 1", label)
      for columns, table, label in (
        ("modality, ROUND(SUM(size_bytes) / 1e9, 1) || ' GB' FROM series", "series", "unit_in_the_number"),
        ("mods_in_study, ROUND(SUM(size_bytes) / 1e9, 1) FROM study", "study", "of_whole_studies"),
        ("modality, ROUND(SUM(series.size_bytes) / 1e9, 1) FROM series JOIN study ON study.pk = study_pk", "study", "sizes_of_studies"),
    )),
    ("FastEnough", "SELECT study_uid, created_utc FROM study WHERE created_utc >= '2021-01-01' AND substr(created_utc, 1, 10) = '2025-04-06' "
     "AND deleted = 0", "wide range"),
    ("FastEnough", "SELECT study_uid, created_utc FROM study WHERE created_utc > '' AND created_utc LIKE '2025-04-06%' AND deleted = 0", "wide range"),
    ("FastEnough", "SELECT study_uid, created_utc FROM study WHERE created_utc LIKE '2025-04-06%' AND deleted = 0", "full scan"),
    ("FastEnough", "SELECT study_uid, created_utc FROM study WHERE created_utc >= '2025-04-06' AND substr(created_utc, 1, 10) = '2025-04-06' "
     "AND deleted = 0", "wide range"),
    ("FastEnough", "SELECT study_uid, created_utc FROM study WHERE pk IN (SELECT pk FROM study WHERE created_utc BETWEEN '2025-04-06' AND "
     "'2025-04-06 23:59:59') AND deleted = 0 ORDER BY created_utc", "correct"),
    ("TheMondayReport", EXERCISES["TheMondayReport"].solution().replace(" AS unread", " AS nunread"), "column names"),
    ("TheMondayReport", EXERCISES["TheMondayReport"].solution().replace(" AS added", ""), "column names"),
    ("TheMondayReport", EXERCISES["TheMondayReport"].solution().replace("<> 'READ'", "= 'UNVERIFIED'"), "unread_verified"),
    ("TheMondayReport", EXERCISES["TheMondayReport"].solution().replace("END)", "ELSE 0 END)"), "else_zero"),
])
def test_queries_as_learners_write_them(editions, name, sql, label):
    verdict = EXERCISES[name].judge((sql,), editions)
    assert verdict.label == label, verdict
    assert verdict.correct == (label == "correct")


def test_a_modality_in_small_letters_is_told_as_such(editions):
    sql = EXERCISES["CtExamsAddedLastMonth"].solution().replace("'CT'", "'ct'")
    assert "`'ct'` is not `'CT'`" in EXERCISES["CtExamsAddedLastMonth"].judge((sql,), editions).message


def test_not_exists_is_right_and_not_in_for_each_order_too_slow(editions):
    orders = ("SELECT accession FROM orders WHERE status <> 'CANCELLED' AND scheduled_local >= '2025-03-30' AND scheduled_local < '2025-04-07' "
              "AND {} FROM study WHERE study.issuer_pk = orders.issuer_pk{})")
    right = orders.format("NOT EXISTS (SELECT 1", " AND study.accession = orders.accession")
    assert EXERCISES["OrdersWithoutStudy"].judge((right,), editions).correct
    slow = EXERCISES["OrdersWithoutStudy"].judge((orders.format("accession NOT IN (SELECT accession", ""),), editions)
    assert not slow.correct and "LEFT JOIN" in slow.message, slow


def test_what_is_no_study_s_uid_is_told_what_it_is(editions):
    exercise = EXERCISES["TheMissingStudy"]
    for given in ("59586", 59586):
        assert "column `study_uid`" in exercise.judge((given,), editions).message
    right = exercise.computed(exercise.solution, editions.own)
    found = editions.own.pacs.sql(f"SELECT series_uid FROM series JOIN study ON study.pk = study_pk WHERE study_uid = '{right}'").series_uid
    assert {exercise.judge((uid,), editions).label for uid in (found.iloc[0], found.iloc[-1])} <= {"of_its_series", "of_its_last_series"}


def test_a_join_with_series_is_not_blamed_where_there_is_none(editions):
    verdict = EXERCISES["StudiesInTheArchive"].judge(("SELECT COUNT(*) FROM study JOIN visit ON visit.patient_pk = study.patient_pk",), editions)
    assert verdict.outcome is Outcome.NOT_YET and "per series" not in verdict.message


def test_a_uid_may_have_its_name_before_it(editions):
    exercise = EXERCISES["TheMissingStudy"]
    right = exercise.computed(exercise.solution, editions.own)
    for written in (right, f"Study Instance UID: {right}", f"study_uid = {right}", f"UID {right}", f" '{right}' ", f"Study Instance UID (0020,000D): {right}"):
        assert exercise.judge((written,), editions).correct, written
    assert exercise.judge(("Study Instance UID",), editions).label == "unreadable"


@pytest.mark.parametrize(("rows", "label"), [(1, "counted_the_one_record"), (2, "of_the_ticket_s_birth_date"), (3, "people_for_rows")])
def test_other_counts_of_the_patient_s_rows(editions, rows, label):
    assert EXERCISES["TheDangerousUpdate"].judge(("C", rows), editions).label == label


CT, PT, MR = (f"pk {how} (SELECT study_pk FROM series WHERE modality = '{modality}')"
              for how, modality in (("IN", "CT"), ("NOT IN", "PT"), ("IN", "MR")))
YEAR = "study_dt_local >= '2024-01-01' AND study_dt_local < '2025-01-01'"
DAY = "created_utc >= '2025-04-06' AND created_utc < '2025-04-07'"
JOINED = "study JOIN series ON series.study_pk = study.pk"
ORDERS = EXERCISES["OrdersWithoutStudy"].solution()
REPORT = " ".join(EXERCISES["TheMondayReport"].solution().split())
ADDED = "study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'"


def march(*conditions):
    return f"SELECT COUNT(*) FROM study WHERE deleted = 0 AND {' AND '.join(conditions)}"


def months(*conditions, month="substr(study_dt_local, 1, 7)", count="COUNT(*)", table="study"):
    return f"SELECT {month}, {count} FROM {table} WHERE deleted = 0 AND {' AND '.join(conditions)} GROUP BY 1"


def arrivals(*conditions):
    return f"SELECT study_uid, created_utc FROM study WHERE deleted = 0 AND {' AND '.join(conditions)}"


def storage(condition, gigabytes="SUM(size_bytes) / 1e9"):
    return f"SELECT modality, {gigabytes} AS gigabytes FROM series WHERE {condition} GROUP BY modality"


@pytest.mark.parametrize(("name", "sql", "about"), [
    ("StudiesInTheArchive", "SELECT COUNT(*) FROM study WHERE deleted = 0 AND pk <= 60000", "higher keys"),
    ("StudiesInTheArchive", "SELECT COUNT(accession) FROM study WHERE deleted = 0", "without an accession number"),
    ("CtExamsAddedLastMonth", f"SELECT COUNT(DISTINCT study.pk) FROM {JOINED} WHERE deleted = 0 AND modality = 'CT' AND study.{PT} AND "
     "study.created_utc LIKE '2025-03%' AND accession IS NOT NULL", "without an accession number"),
    ("CtExamsAddedLastMonth", f"SELECT COUNT(*) FROM study JOIN patient p ON p.pk = patient_pk WHERE merged_into IS NULL AND deleted = 0 AND "
     f"study.created_utc LIKE '2025-03%' AND study.{CT} AND study.{PT}", "merged into another"),
    *(("CtExamsAddedLastMonth", march(*conditions), about) for *conditions, about in (
        (MARCH, CT, "pk NOT IN (SELECT study_pk FROM series WHERE modality LIKE 'P%')", "`PR` is not `PT`"),
        (MARCH, CT, "pk NOT IN (SELECT study_pk FROM series WHERE station_aet = 'PETCT1')", "not the device"),
        (MARCH, CT, "pk NOT IN (SELECT study_pk FROM series WHERE modality IN ('PT', 'NM'))", "SPECT/CT"),
        (MARCH, CT, PT, "status = 'READ'", "unverified"),
        (MARCH, CT, PT, "exam_complete_utc IS NOT NULL", "`exam_complete_utc`"),
        ("created_utc >= '2025-03-01' AND created_utc <= '2025-03-31 23:59'", CT, PT, "last second of March"),
        ("created_utc >= '2025-03-01 00:05' AND created_utc < '2025-04-01'", CT, PT, "first second of March"),
        ("created_utc >= '2025-03-01' AND created_utc < '2025-04-01 00:30'", CT, PT, "first second of April"),
        ("datetime(created_utc, 'localtime') LIKE '2025-03%'", CT, PT, "time zone of the computer"),
    )),
    ("MrExamsByMonth", months("modality = 'MR'", YEAR, "status = 'READ'", count="COUNT(DISTINCT study.pk)", table=JOINED), "unverified"),
    *(("MrExamsByMonth", months(*conditions), about) for *conditions, about in (
        (YEAR, "mods_in_study LIKE 'MR%'", "n_series > 0", "`KO\\MR`"),
        ("created_utc >= '2024-01-01' AND created_utc < '2025-01-01'", MR, "imported in March 2025"),
        (YEAR, MR, "created_utc < '2025-03-01'", "imported in March 2025"),
        ("study_dt_local >= '2024-01-01 07:00' AND study_dt_local < '2025-01-01'", MR, "00:20 on the first"),
        ("study_dt_local >= '2024-01-01' AND study_dt_local < '2024-12-31 18:00'", MR, "last evening of 2024"),
        (YEAR, "pk IN (SELECT study_pk FROM series WHERE station_aet IN ('MR1', 'PETMR1'))", "not the device"),
    )),
    ("MrExamsByMonth", months(YEAR, MR, month="substr(datetime(study_dt_local, '-' || substr(tz_offset, 2, 2) || ' hours'), 1, 7)"),
     "00:20 on the first"),
    ("MrExamsByMonth", months(YEAR, MR, month="LEFT(study_dt_local, 7)"), "SQLite has no `LEFT"),
    *(("OrdersWithoutStudy", ORDERS.replace(right, wrong), about) for right, wrong, about in (
        ("'2025-04-07'", "'2025-04-06 11:00'", "late in the evening"),
        (">= '2025-03-30'", ">= '2025-03-30 02:00'", "as 30 March begins"),
        (">= '2025-03-30'", ">= '2025-03-29 23:00'", "evening of 29 March"),
        ("'2025-04-07'", "'2025-04-07 02:00'", "soon after midnight"),
        ("WHERE", "JOIN patient p ON p.pk = orders.patient_pk AND p.merged_into IS NULL WHERE", "merged into another"),
        ("WHERE study.pk IS NULL", "LEFT JOIN series r ON r.study_pk = study.pk WHERE r.pk IS NULL", "empty shell"),
        ("= orders.issuer_pk", "= orders.issuer_pk AND study.n_series > 0", "empty shell"),
        ("<> 'CANCELLED'", "IN ('SCHEDULED', 'IN PROGRESS')", "called complete"),
        ("WHERE", "JOIN visit ON visit.pk = orders.visit_pk WHERE", "without a visit"),
    )),
    *(("StoragePerModality", storage(*parts), about) for *parts, about in (
        ("created_utc >= '2023-12-31 23:00' AND created_utc < '2024-12-31 23:00'", "last minutes of 2024"),
        ("created_utc BETWEEN '2024-01-01' AND '2024-12-31'", "two in the afternoon"),
        ("created_utc LIKE '2024%'", "SUM(ROUND(size_bytes / 1e9, 1))", "three hundred small series"),
        ("created_utc LIKE '2024%'", "printf('%.1f GB', SUM(size_bytes) / 1e9)", "the unit behind the numbers"),
    )),
    *(("FastEnough", arrivals(*conditions), about) for *conditions, about in (
        (DAY, "status <> 'UNVERIFIED'", "unverified"), (DAY, "accession IS NOT NULL", "accession number"), (DAY, "issuer_pk = 1", "Eastcliff"),
        (DAY, "n_series > 0", "without any series"), ("created_utc >= '2025-04-06' AND created_utc < '2025-04-06 23:00'", "last hour"),
        ("created_utc >= '2025-03-25' AND created_utc LIKE '2025-04-06%'", "in a year"),
        ("created_utc >= '2025-04-06T00:00:00' AND created_utc < '2025-04-07T00:00:00'", "`T`"),
        ("date(created_utc) = date('now', '-1 day')", "clock"),
    )),
    *(("TheMondayReport", REPORT.replace(right, wrong), about) for right, wrong, about in (
        (f"{ADDED} AND study_dt_local <", "study.created_utc >= '2025-03-01' AND study_dt_local <", "or in April"),
        ("AND study_dt_local < '2025-03-01' ", "AND NOT (study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01') ", "nor before"),
        ("AND study_dt_local < '2025-03-01' ", "AND study_dt_local < '2025-03-01 01:00:00' ", "not older"),
        ("CASE WHEN study_dt_local >= '2025-03-01' AND", "CASE WHEN study_dt_local >= '2025-03-01 03:00' AND", "00:15 on 1 March"),
        ("WHERE deleted = 0", "WHERE deleted = 0 AND study.created_utc >= '2025-03-01'", "28 February"),
        ("THEN study.pk", "THEN accession", "without an accession number"),
        ("AND study_dt_local < '2025-04-01' THEN", "AND study_dt_local < '2025-04-01' AND study.created_utc < '2025-04-01' THEN",
         "or in the CASE of `performed`"),
    )),
])
def test_what_is_right_here_by_chance_is_told_by_the_case_that_it_misses(editions, name, sql, about):
    verdict = EXERCISES[name].judge((sql,), editions)
    assert not verdict.correct and about in verdict.message, verdict


@pytest.mark.parametrize(("name", "sql"), [
    ("StudiesInTheArchive", "SELECT SUM(1 - deleted) FROM study"),
    ("CtExamsAddedLastMonth", march("strftime('%Y-%m', created_utc) = '2025-03'", CT, PT)),
    ("MrExamsByMonth", months("study_dt_local LIKE '2024%'", "modality = 'MR'", count="COUNT(DISTINCT study.pk)", table=JOINED)),
    ("OrdersWithoutStudy", "SELECT accession FROM orders WHERE status <> 'CANCELLED' AND date(scheduled_local) BETWEEN '2025-03-30' AND '2025-04-06' "
     "AND (accession, issuer_pk) NOT IN (SELECT accession, issuer_pk FROM study WHERE accession IS NOT NULL AND issuer_pk IS NOT NULL)"),
    ("StoragePerModality", storage("created_utc LIKE '2024%'", "printf('%.1f', SUM(size_bytes) / 1e9)")),
    ("FastEnough", arrivals("created_utc GLOB '2025-04-06*'")),
    ("TheMondayReport", REPORT.replace(ADDED, "study.created_utc LIKE '2025-03%'")),
])
def test_other_right_forms_hold_in_every_case(editions, name, sql):
    verdict = EXERCISES[name].judge((sql,), editions)
    assert verdict.correct, verdict


@pytest.mark.parametrize("name", CASES)
def test_all_cases_fit_into_one_archive(editions, name):
    """As a learner's query on a PostgreSQL server meets them."""
    elsewhere = Editions(editions.own, lambda: [], lambda hospital: SimpleNamespace(pacs=hospital.pacs))
    assert EXERCISES[name].judge((EXERCISES[name].solution(),), elsewhere).correct
    some = EXERCISES[name].solution().replace("FROM study", "FROM (SELECT * FROM study WHERE accession IS NOT NULL) AS study")
    if some != EXERCISES[name].solution():
        assert not EXERCISES[name].judge((some,), elsewhere).correct


@pytest.mark.parametrize(("given", "says"), [
    ('pacs.sql("SELECT COUNT(*) FROM study WHERE deleted = 0")', "the whole call"),
    ('"SELECT COUNT(*) FROM study WHERE deleted = 0"', "quotes of its own"),
    ("SELECT\u00a0COUNT(*) FROM study WHERE deleted = 0", "non-breaking"),
])
def test_a_query_in_a_strange_wrapping_is_told_so(editions, given, says):
    assert says in EXERCISES["StudiesInTheArchive"].judge((given,), editions).message


def test_another_study_of_the_scanner_is_told_by_its_row(editions):
    exercise = EXERCISES["TheMissingStudy"]
    studies = editions.own.pacs.rows("SELECT DISTINCT study_uid, study_dt_local FROM study JOIN series ON study_pk = study.pk "
                                     "WHERE station_aet = 'CTER01' AND study_dt_local LIKE '2025-03-29%'")[1]
    assert studies
    for found, began in studies:
        assert began in exercise.judge((found,), editions).message
    right = exercise.computed(exercise.solution, editions.own)
    instance = editions.own.pacs.rows("SELECT sop_uid FROM instance JOIN series ON series.pk = series_pk JOIN study ON study.pk = study_pk "
                                      f"WHERE study_uid = '{right}'")[1][0][0]
    assert "SOP Instance UID" in exercise.judge((instance,), editions).message
