"""What learners ask in lesson cpas-06 beyond the solutions and wrong ways, on the default edition of the hospital."""

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons.cpas_06_sql_statistics import lesson

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
     "like_ct_without_pt"),
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
     "AND deleted = 0", "correct"),
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
