"""Exercises of `cpas_06_sql_statistics`: a missing study, last month's CT exams, and the Monday report."""

import re
import zlib
from datetime import datetime, timedelta
from functools import cache, partial
from typing import NamedTuple

from coursekit.checking import Choice, Lesson, Number, Outcome, Query, Table, Text
from coursekit.checking.reading import Unreadable
from coursekit.checking.verdict import Verdict
from coursekit.errors import CourseError
from coursekit.hospital import schema
from coursekit.hospital.database import Database
from coursekit.standards.dicom import uid

lesson = Lesson(
    "cpas-06",
    title="Statistics from the PACS database",
    version=1,
    minutes=120,
    objectives=[
        "find a study that nobody can find, by asking the PACS database",
        "count exams without counting series, deleted studies or the wrong day",
        "hand in a monthly report whose numbers will stand",
    ],
    covers=[
        "Query a PACS database using basic SQL queries to find a missing study",
        "Query a PACS database for statistics such as all CT exams added to the database during the past month",
    ],
    needs=["start"],
)


COUNTED_OVER_SERIES = (r"^(?!.*\bdistinct\b)(?!.*group\s+by\s+(study\.)?(pk|study_pk)\b)(?=.*\bcount\b)"
                       r".*(\bjoin\s+series\b|\bfrom\s+series(\s+(as\s+)?\w+)?\s+join\b)")
CLOCK = re.compile(r"'localtime'|'now'|\bcurrent_(date|time|timestamp)\b|\bnow\s*\(", re.IGNORECASE)
GUESSED = "Look at this first."  # so begins what a sign in the query's text says


class Tried(Query):
    """A Query that is tried on small archives as well, in each of which one case occurs, and that tells the first case that it misses."""

    def read(self, given):
        """The SQL text."""
        sql = super().read(given)
        if re.match(r"\s*\w+\.sql\s*\(", sql):
            raise Unreadable("This is the whole call, as text. Leave out `pacs.sql(` and the bracket at the end: the query alone is the "
                             "answer.")
        if re.fullmatch(r"\s*(\"+|'+)\s*(select|with)\b.*\1\s*", sql, re.IGNORECASE | re.DOTALL):
            raise Unreadable("Your text has quotes of its own around the query. Leave out the inner ones.")
        return sql

    def judge(self, exercise, given, editions):
        """As for every Query; then case by case, before a guess is made by a sign in its text."""
        verdict = super().judge(exercise, given, editions)
        if exercise.name not in CASES or verdict.label == "unreadable":
            return verdict
        sql = self.read(*given)
        if verdict.label == "refused":
            return self._dialect(sql) or verdict
        if CLOCK.search(sql):
            return Verdict(Outcome.NOT_YET, "Your query asks the clock or the time zone of the computer that it runs on (`'now'`, "
                           "`'localtime'`), so it gives other numbers on another computer, or tomorrow. Write the dates that are asked.",
                           "clock")
        told = verdict.label in {way.__name__ for way in exercise.wrong_ways} and not verdict.message.startswith(GUESSED)
        if told or verdict.label in ("missing column", "extra column", "column names", "full scan", "wide range"):
            return verdict
        if not verdict.correct and re.search(r"'\d{4}-\d\d-\d\dT", sql):
            return Verdict(Outcome.NOT_YET, "Between day and time the columns have a blank, and yours is a `T`, which sorts after it: "
                           "`'2025-04-06T00:00:00'` comes after every time of that day. Write the bare day, or a blank.", "T")
        if editions.asked(editions.own) is not editions.own:
            return self._all_at_once(exercise, sql, editions) or verdict if verdict.correct else verdict
        return self._case(exercise, sql, verdict) or verdict

    def _dialect(self, sql):
        """The Verdict on a function that other databases have, or None."""
        if re.search(r"\bleft\s*\(", sql, re.IGNORECASE):
            return Verdict(Outcome.NOT_YET, "SQLite has no `LEFT(text, 7)`, which SQL Server and others have: `substr(text, 1, 7)` cuts "
                           "the same seven characters.", "refused")
        return None

    def _case(self, exercise, sql, verdict):
        """The Verdict on the first case that the query misses; None when there is none, or when ordinary exams are not right either."""
        begin = "On your hospital's database the result is right, but not everywhere. Think of" if verdict.correct else "Think of"
        try:
            if self._differs(exercise, sql, _archive(exercise.name)):
                return Verdict(Outcome.NOT_YET, "On your hospital's database the result is right, but on a small one, with a few ordinary "
                               "exams, it is not. Your query may hold something that is only true here, such as a key or a number of rows.",
                               "only here") if verdict.correct else None
            missed = self._missed(exercise, sql)
            if missed is not None:
                guess = next((way for way in exercise.wrong_ways if way.__name__ == verdict.label), None)
                if guess and self._missed(exercise, exercise.computed(guess, _archive(exercise.name))) == missed:
                    return None                                 # what the sign says is so: it misses the same case
                return Verdict(Outcome.NOT_YET, f"{begin} {CASES[exercise.name][missed].what}", "case")
        except CourseError as refused:
            return Verdict(Outcome.NOT_YET, f"On a small database the query stops: {refused}", "refused")
        return self._wide(exercise, sql) if verdict.correct and self.uses_index else None

    def _all_at_once(self, exercise, sql, editions):
        """On another server, which would have to load each archive: all cases in one."""
        archive = _archive(exercise.name, *range(len(CASES[exercise.name])))
        try:
            got = self._carried_out(sql, editions.asked(archive))
        except CourseError as refused:
            return Verdict(Outcome.NOT_YET, f"On a small database the query stops: {refused}", "refused")
        difference = self.result.difference(*self._aligned(got, self._reference(exercise, exercise.solution, archive)))
        return difference and Verdict(Outcome.NOT_YET, "On your hospital's database the result is right, but on a small one, in which rare "
                                      f"cases occur, it is not. There: {difference.message}", "case")

    def _wide(self, exercise, sql):
        """The Verdict on a range that is narrow only because the archive ends soon after it, or None."""
        archive = _long_archive()
        visited, enough = (archive.pacs.visited(text) for text in (sql, exercise.computed(exercise.solution, archive)))
        if visited <= 3 * enough + 200:
            return None
        return Verdict(Outcome.NOT_YET, "The result is right, and an index is used. But the range on the bare column is wider than the "
                       "day, or has no end, and another condition throws the rest away again: in a year the query reads a year's arrivals "
                       "each minute. Let the range begin and end where the question does.", "wide range")

    def _missed(self, exercise, sql):
        """The number of the first case for which the query is not right, or None."""
        return next((number for number in range(len(CASES[exercise.name]))
                     if self._differs(exercise, sql, _archive(exercise.name, number))), None)

    def _differs(self, exercise, sql, archive):
        right = self._reference(exercise, exercise.solution, archive)
        return self.result.difference(*self._aligned(self._carried_out(sql, archive), right)) is not None


@lesson.input
def pacs(hospital):
    """The PACS database."""
    return hospital.pacs


@lesson.input
def ticket(hospital):
    """What the neurosurgery clinic told the service desk."""
    case = hospital.truth["case_17"]
    family, given = case["patient_name"].split("^")[:2]
    return {
        "from": "Neurosurgery clinic",
        "received": "2025-04-07 07:24",
        "patient_id": case["patient_id"],
        "family_name": family,
        "given_name": given,
        "birth_date": case["birth_date"],
        "accession": case["accession"],
        "text": "CT of the head in the night of Saturday to Sunday, 30 March, in the ED. The ED's letter tells the result; the images are "
                "not to be found.",
    }


@lesson.exercise
class StudiesInTheArchive:
    """How many studies does the archive show to its users? A study that was deleted by a user stays in the table with
    `deleted = 1` and is shown to nobody.

    Write a query that gives one row with one column, `studies`."""

    answer = Tried("query", database="pacs", result=Table())
    praise = "One row of `study` is one study, and one condition is enough: nothing is counted twice, and nothing is lost."

    def solution():
        return """
            SELECT COUNT(*) AS studies
            FROM study
            WHERE deleted = 0
        """

    def with_deleted():
        return "SELECT COUNT(*) AS studies FROM study"

    def series_instead():
        return "SELECT COUNT(*) AS studies FROM series"

    def joined_to_series():
        return "SELECT COUNT(*) AS studies FROM study JOIN series ON series.study_pk = study.pk WHERE study.deleted = 0"

    def with_series_only():
        return (
            "SELECT COUNT(DISTINCT study.pk) AS studies FROM study JOIN series ON series.study_pk = study.pk "
            "WHERE study.deleted = 0"
        )

    def only_read():
        return "SELECT COUNT(*) AS studies FROM study WHERE deleted = 0 AND status = 'READ'"

    def without_merged_patients():
        return ("SELECT COUNT(*) AS studies FROM study JOIN patient ON patient.pk = study.patient_pk WHERE deleted = 0 AND merged_into IS "
                "NULL")

    def only_deleted():
        return "SELECT COUNT(*) AS studies FROM study WHERE deleted = 1"

    wrong_ways = {
        with_deleted: "You counted the deleted studies too. Nobody sees them: the row stays, with `deleted = 1`.",
        series_instead: "You counted series. A study has several series (PS3.3 section 7.3, the DICOM information model).",
        joined_to_series: "The join makes one row per series, so a study with five series counts five times. Ask the table `study` "
        "alone.",
        with_series_only: "You counted only the studies that have series. A study may have none: a join silently drops it.",
        only_read: "Those are the studies that have been read. Users see the others too: only `deleted` hides a study.",
        without_merged_patients: "You left out the studies of patient records that were merged into another. A merge hides the record; "
        "its studies stay visible. The question has one condition, and `study` alone can answer it.",
        only_deleted: "Those are the deleted ones. Turn the condition round.",
    }
    signs = {r"\bjoin\s+series\b|\bfrom\s+series\b.*\bjoin\b": joined_to_series}
    hints = [
        "One row of the table `study` is one study. You need no other table.",
        "The condition comes after the table: `SELECT ... FROM study WHERE ...`.",
        "Count with `COUNT(*)`, keep only rows whose `deleted` is 0, and name the column with `AS studies`.",
    ]

    class on_orthanc:
        """How many studies does this Orthanc hold? In its index a study is a row of `Resources` with `resourceType = 2`. What is deleted
        there is gone, so no condition is needed for that.

        One row, one column, `studies`."""

        praise = "One row of `Resources` is one patient, study, series or instance; the type tells which."

        def solution():
            return "SELECT COUNT(*) AS studies FROM Resources WHERE resourceType = 2"

        def all_levels():
            return "SELECT COUNT(*) AS studies FROM Resources"

        def patients():
            return "SELECT COUNT(*) AS studies FROM Resources WHERE resourceType = 1"

        def series():
            return "SELECT COUNT(*) AS studies FROM Resources WHERE resourceType = 3"

        def instances():
            return "SELECT COUNT(*) AS studies FROM Resources WHERE resourceType = 4"

        wrong_ways = {
            all_levels: "You counted patients, studies, series and instances together: all four levels are in this one table.",
            patients: "Those are patients. In the index the types begin with 1.",
            series: "Those are series, one level further down.",
            instances: "Those are instances, the single objects.",
        }
        hints = [
            "`pacs.columns(\"Resources\")` tells what the types mean.",
            "One table and one condition are enough.",
            "`SELECT COUNT(*) AS studies FROM Resources WHERE ...`, with the type of a study.",
        ]


@lesson.exercise
class CtExamsAddedLastMonth:
    """The request of the day: **how many CT exams were added to the archive during the past month, March 2025?**

    The department's rules of counting: a CT exam is a study, not deleted, with at least one series of modality `CT`. A
    PET/CT (which also has a series of modality `PT`) is counted by nuclear medicine and not here. Added is when the archive
    received it, `created_utc`; and the board has agreed to take the month in UTC, so that nobody argues about summer time. (A SPECT/CT,
    with series of `NM` and `CT`, counts by the letter of this rule; the two departments will have to talk about it.)

    One row, one column, `studies`."""

    answer = Tried("query", database="pacs", result=Table())
    points = 3
    praise = "From midnight on the first, up to but without midnight on the first of the next month: that catches every second."

    def solution():
        return """
            SELECT COUNT(*) AS studies
            FROM study
            WHERE deleted = 0
              AND created_utc >= '2025-03-01'
              AND created_utc < '2025-04-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def by_study_date():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def by_arrival_of_series():
        return """
            SELECT COUNT(DISTINCT study_pk) AS studies FROM series JOIN study ON study.pk = series.study_pk
            WHERE deleted = 0 AND modality = 'CT'
              AND series.created_utc >= '2025-03-01' AND series.created_utc < '2025-04-01'
              AND study_pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def between_two_days():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc BETWEEN '2025-03-01' AND '2025-03-31'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def modality_equals_ct():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01' AND mods_in_study = 'CT'
        """

    def modality_like_ct():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01' AND mods_in_study LIKE '%CT%'
        """

    def modality_of_the_series_like_ct():
        return CtExamsAddedLastMonth.solution().replace("modality = 'CT'", "modality LIKE '%CT%'")

    def with_pet_ct():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
        """

    def once_per_series():
        return """
            SELECT COUNT(*) AS studies FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
              AND series.modality = 'CT'
              AND study.pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def with_deleted():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE created_utc >= '2025-03-01' AND created_utc < '2025-04-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def with_empty_shells():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01'
              AND mods_in_study LIKE '%CT%' AND mods_in_study NOT LIKE '%OCT%' AND mods_in_study NOT LIKE '%PT%'
        """

    def like_ct_without_pt():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01'
              AND mods_in_study LIKE '%CT%' AND mods_in_study NOT LIKE '%PT%'
        """

    def month_by_local_time():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-02-28 23:00:00' AND created_utc < '2025-03-31 22:00:00'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def keys_of_series():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01' AND created_utc < '2025-04-01'
              AND pk IN (SELECT pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT pk FROM series WHERE modality = 'PT')
        """

    def without_an_end():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2025-03-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def dates_not_understood():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= 2025-03-01 AND created_utc < 2025-04-01
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    def all_months():
        return """
            SELECT COUNT(*) AS studies FROM study
            WHERE deleted = 0
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'CT')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
        """

    wrong_ways = {
        by_study_date: "You went by the day of the exam. The question asks when the study reached the archive: priors imported from "
        "Eastcliff in March were performed years before, and an exam of the last evening may arrive on the first.",
        by_arrival_of_series: "You took the time at which a *series* arrived. An exam was added when its first object came; one whose "
        "last series followed after midnight would belong to two months. The table `study` has a `created_utc` of its own.",
        between_two_days: "`BETWEEN '2025-03-01' AND '2025-03-31'`, like `<= '2025-03-31'`, ends at midnight at the *beginning* of the "
        "31st: a text with a time sorts after the bare date. The whole last day is lost.",
        modality_equals_ct: "`mods_in_study = 'CT'` misses every CT with a dose report or a captured screen, such as `CT\\SR`. The "
        "column holds several values (Modalities in Study (0008,0061) is multi-valued).",
        modality_like_ct: "`LIKE '%CT%'` finds the letters anywhere: `PT\\CT` is a PET/CT and `IVOCT` is no CT at all; and a few studies "
        "say CT without having any series. Ask the table `series` for the exact modality.",
        modality_of_the_series_like_ct: "The table is the right one, but `LIKE '%CT%'` finds the letters anywhere: series of `OCT` and "
        "`IVOCT`, optical coherence tomography, are among them. In `series` each row holds one modality: compare it with `=`.",
        with_pet_ct: "You counted the PET/CTs too. By the department's rule a study with a `PT` series belongs to nuclear medicine.",
        once_per_series: "The join gives one row per CT series: a CT with a scout, a thin and a thick series counts three times. "
        "Count studies.",
        with_deleted: "Deleted studies are in your count. The rule says: not deleted.",
        all_months: "Your count covers all months. Which two conditions on `created_utc` keep March?",
        with_empty_shells: "Patterns on `mods_in_study`, even careful ones, find a few empty shells besides: studies that say CT and have "
        "no series. Ask the table `series`, where each modality has a row of its own.",
        like_ct_without_pt: "The PET/CTs are out. But `'%CT%'` also finds `OCT` and `IVOCT`, which are no CT, and a few studies that say "
        "CT without having any series. Ask the table `series` for the exact modality.",
        month_by_local_time: "You took the month by the clock of the hospital. The board has agreed on UTC: from midnight UTC of the "
        "first.",
        keys_of_series: "`pk` of `series` is the key of a series. Compared with the key of a study it hits some other study by chance. A "
        "series tells its study in `study_pk`.",
        without_an_end: "The end is missing: what came in since the first of April is counted too.",
        dates_not_understood: "Nothing is found. There are two usual causes. A date stands in quotes, with the year first, as the "
        "column has it: `'2025-03-01'`. And between quotes upper and lower case matter: `'ct'` is not `'CT'`.",
    }
    signs = {
        r"study_dt_local": by_study_date,
        r"series\.created_utc": by_arrival_of_series,
        r"between|<=\s*'2025-03-31'|<\s*'2025-03-31'": between_two_days,
        r"[<>]=?\s*\d|'\d\d?[-./]\d\d?[-./]\d{4}'": dates_not_understood,
        r"\bmodality\s+like\s+'%?CT": modality_of_the_series_like_ct,
        r"mods_in_study\s*=\s*'CT'(?!.*\bor\b)": modality_equals_ct,
        r"mods_in_study\s+like\s+'%CT%'(?!.*not like)": modality_like_ct,
        r"mods_in_study\s+like\s+'%?CT%'(?!.*OCT)": like_ct_without_pt,
        r"mods_in_study\s+like\s+'%?CT%'": with_empty_shells,
        r"select\s+pk\s+from\s+series": keys_of_series,
        COUNTED_OVER_SERIES: once_per_series,
    }
    hints = [
        "Which column says when the archive received the study? Not the one with the day of the exam.",
        "Which studies have a CT series? `pk IN (SELECT study_pk FROM series WHERE modality = 'CT')` asks exactly that.",
        "A month is `>=` its first day and `<` the first day of the next month.",
        "Five conditions, joined by AND: not deleted, from the first of March, before the first of April, with a CT series, "
        "without a PT series (`pk NOT IN (...)`).",
    ]

    class on_orthanc:
        """How many CT exams **performed** in March 2025 does this Orthanc hold? (When an object arrived is no help here: all came a moment
        ago.) A CT exam is, as before, a study with at least one series of modality `CT` and none of modality `PT`.

        In `MainDicomTags` each attribute is a row of its own, with the two halves of its tag in decimal: Study Date (0008,0020) belongs to
        the study, Modality (0008,0060) to the series, and `parentId` leads from the series to the study.

        One row, one column, `studies`."""

        praise = "A table with a row for each attribute holds any attribute, and every question needs one join more."

        def solution():
            return """
                SELECT COUNT(*) AS studies
                FROM Resources AS study
                JOIN MainDicomTags AS day ON day.id = study.internalId AND day.tagGroup = 8 AND day.tagElement = 32
                WHERE study.resourceType = 2
                  AND day.value >= '20250301'
                  AND day.value < '20250401'
                  AND study.internalId IN (SELECT series.parentId
                                           FROM Resources AS series
                                           JOIN MainDicomTags AS tag ON tag.id = series.internalId
                                           WHERE tag.tagGroup = 8 AND tag.tagElement = 96 AND tag.value = 'CT')
                  AND study.internalId NOT IN (SELECT series.parentId
                                               FROM Resources AS series
                                               JOIN MainDicomTags AS tag ON tag.id = series.internalId
                                               WHERE tag.tagGroup = 8 AND tag.tagElement = 96 AND tag.value = 'PT')
            """

        def nothing_found():
            return _in_orthanc("COUNT(*) AS studies", "2025-03-01", "2025-04-01", "CT", without="PT")

        def with_pet_ct():
            return _in_orthanc("COUNT(*) AS studies", "20250301", "20250401", "CT")

        def all_months():
            return _in_orthanc("COUNT(*) AS studies", "0", "9", "CT", without="PT")

        def without_the_last_day():
            return _in_orthanc("COUNT(*) AS studies", "20250301", "20250331", "CT", without="PT")

        def every_modality():
            return _in_orthanc("COUNT(*) AS studies", "20250301", "20250401", "%")

        def once_per_series():
            return """
                SELECT COUNT(*) AS studies FROM Resources AS series
                JOIN MainDicomTags AS day ON day.id = series.parentId AND day.tagGroup = 8 AND day.tagElement = 32
                JOIN MainDicomTags AS tag ON tag.id = series.internalId AND tag.tagGroup = 8 AND tag.tagElement = 96
                WHERE day.value >= '20250301' AND day.value < '20250401' AND tag.value = 'CT'
            """

        wrong_ways = {
            nothing_found: "Nothing is found. Two usual causes: the tag's halves are decimal here, so 0020 is 32 and 0060 is 96; and a "
            "date is as DICOM writes it, `20250301`, without hyphens.",
            with_pet_ct: "You counted the PET/CTs too. By the department's rule a study with a `PT` series belongs to nuclear medicine.",
            all_months: "Your count covers all months. Two conditions on the Study Date keep March.",
            without_the_last_day: "The 31st is missing: `<` the first day of the next month.",
            every_modality: "You counted the studies of all modalities. Which of them have a series whose Modality is CT?",
            once_per_series: "The join gives one row per CT series. Count studies.",
        }
        hints = [
            "Begin with the day: `Resources` joined with `MainDicomTags` on `id = internalId`, with tagGroup 8 and tagElement 32.",
            "Which studies have a CT series? Series are rows of `Resources` too; their `parentId` is the study, their Modality has "
            "tagElement 96.",
            "`internalId IN (SELECT series.parentId FROM Resources AS series JOIN MainDicomTags AS tag ON ... WHERE ...)`, and the same "
            "with NOT IN for PT.",
        ]


@lesson.exercise
class MrExamsByMonth:
    """Planning asks for the MR exams **performed** in each month of 2024: the day of the exam counts, by the hospital's clock
    (`study_dt_local`), not the day of arrival. An MR exam is a study, not deleted, with at least one series of modality `MR`
    (a PET/MR counts).

    Two columns: `month`, as `2024-01`, and `studies`; one row per month."""

    answer = Tried("query", database="pacs", result=Table(key=["month"]))
    points = 2
    praise = "`substr(study_dt_local, 1, 7)` cuts year and month out of the text, and GROUP BY makes one row of each."

    def solution():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies
            FROM study
            WHERE deleted = 0
              AND study_dt_local >= '2024-01-01'
              AND study_dt_local < '2025-01-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'MR')
            GROUP BY month
        """

    def by_arrival():
        return """
            SELECT substr(created_utc, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND created_utc >= '2024-01-01' AND created_utc < '2025-01-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'MR')
            GROUP BY month
        """

    def once_per_series():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND study_dt_local >= '2024-01-01' AND study_dt_local < '2025-01-01' AND series.modality = 'MR'
            GROUP BY month
        """

    def all_years():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND pk IN (SELECT study_pk FROM series WHERE modality = 'MR')
            GROUP BY month
        """

    def modality_equals_mr():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND study_dt_local >= '2024-01-01' AND study_dt_local < '2025-01-01' AND mods_in_study = 'MR'
            GROUP BY month
        """

    def without_pet_mr():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND study_dt_local >= '2024-01-01' AND study_dt_local < '2025-01-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'MR')
              AND pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
            GROUP BY month
        """

    def modality_like_mr():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND study_dt_local >= '2024-01-01' AND study_dt_local < '2025-01-01' AND mods_in_study LIKE '%MR%'
            GROUP BY month
        """

    def with_deleted():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE study_dt_local >= '2024-01-01' AND study_dt_local < '2025-01-01'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'MR')
            GROUP BY month
        """

    def month_without_year():
        return MrExamsByMonth.solution().replace("substr(study_dt_local, 1, 7)", "substr(study_dt_local, 6, 2)")

    def by_day():
        return MrExamsByMonth.solution().replace("substr(study_dt_local, 1, 7)", "substr(study_dt_local, 1, 10)")

    def not_grouped():
        return MrExamsByMonth.solution().replace("GROUP BY month", "")

    def without_the_last_day():
        return """
            SELECT substr(study_dt_local, 1, 7) AS month, COUNT(*) AS studies FROM study
            WHERE deleted = 0 AND study_dt_local BETWEEN '2024-01-01' AND '2024-12-31'
              AND pk IN (SELECT study_pk FROM series WHERE modality = 'MR')
            GROUP BY month
        """

    wrong_ways = {
        by_arrival: "You grouped by arrival. Planning wants to know how busy the scanner was: the day of the exam.",
        once_per_series: "An MR exam has many series, and the join counts each. Scanner slots are studies.",
        all_years: "Your table has months outside 2024 as well. Keep the rows of that year with a condition on the date.",
        modality_equals_mr: "`mods_in_study = 'MR'` misses each MR with another kind of series beside it, such as a screen capture "
        "or a presentation state, and the PET/MR.",
        modality_like_mr: "`LIKE '%MR%'` goes by the study's list of modalities; a few studies say MR without having any series. Ask the "
        "table `series`.",
        with_deleted: "Deleted studies are in your counts: keep only rows with `deleted = 0`.",
        without_the_last_day: "December has lost its last day: `BETWEEN ... AND '2024-12-31'`, like `<= '2024-12-31'`, ends as that day "
        "begins.",
        month_without_year: "`month` is asked with its year, as `2024-01`: the first seven characters of the date.",
        by_day: "Your rows are days. A month is the first seven characters of the date.",
        not_grouped: "One row came out, with the count of the whole year: COUNT makes one row of everything, until GROUP BY says of what "
        "to make rows.",
        without_pet_mr: "You left out the PET/MR. Here they count: a PET/MR occupies planning's MR slots as any other.",
    }
    signs = {
        r"^(?!.*group\s+by)": not_grouped,
        r"(substr|substring|strftime|date)\s*\([^()]*created_utc": by_arrival,
        r"between|<=\s*'2024-12-31'": without_the_last_day,
        r"mods_in_study\s*=": modality_equals_mr,
        r"(not\s+in|not\s+exists|except).*'PT'|<>\s*'PT'": without_pet_mr,
        r"mods_in_study\s+like\s+'%MR%'": modality_like_mr,
        COUNTED_OVER_SERIES: once_per_series,
    }
    hints = [
        "Which of the two date columns says when the exam took place?",
        "`substr(study_dt_local, 1, 7)` gives the first seven characters, `2024-01`.",
        "`SELECT substr(...) AS month, COUNT(*) AS studies FROM study WHERE ... GROUP BY month`, with the conditions of the last "
        "exercise changed for MR and for the year.",
    ]

    class on_orthanc:
        """The MR exams that were **performed** in each month of 2024, as far as this Orthanc holds them: studies with at least one series
        of modality `MR` (a PET/MR counts), by their Study Date (0008,0020), which is written `20240131` there.

        Two columns: `month`, as `2024-01`, and `studies`; one row per month that has any."""

        praise = "`||` puts texts together: the form of a date is the report's business, not the index's."

        def solution():
            return """
                SELECT substr(day.value, 1, 4) || '-' || substr(day.value, 5, 2) AS month, COUNT(*) AS studies
                FROM Resources AS study
                JOIN MainDicomTags AS day ON day.id = study.internalId AND day.tagGroup = 8 AND day.tagElement = 32
                WHERE study.resourceType = 2
                  AND day.value >= '20240101'
                  AND day.value < '20250101'
                  AND study.internalId IN (SELECT series.parentId
                                           FROM Resources AS series
                                           JOIN MainDicomTags AS tag ON tag.id = series.internalId
                                           WHERE tag.tagGroup = 8 AND tag.tagElement = 96 AND tag.value = 'MR')
                GROUP BY month
            """

        def no_hyphen():
            return _in_orthanc("substr(day.value, 1, 6) AS month, COUNT(*) AS studies", "20240101", "20250101", "MR") + " GROUP BY 1"

        def all_years():
            return _in_orthanc(f"{_MONTH}, COUNT(*) AS studies", "0", "9", "MR") + " GROUP BY 1"

        def without_pet_mr():
            return _in_orthanc(f"{_MONTH}, COUNT(*) AS studies", "20240101", "20250101", "MR", without="PT") + " GROUP BY 1"

        def every_modality():
            return _in_orthanc(f"{_MONTH}, COUNT(*) AS studies", "20240101", "20250101", "%") + " GROUP BY 1"

        def once_per_series():
            return f"""
                SELECT {_MONTH}, COUNT(*) AS studies FROM Resources AS series
                JOIN MainDicomTags AS day ON day.id = series.parentId AND day.tagGroup = 8 AND day.tagElement = 32
                JOIN MainDicomTags AS tag ON tag.id = series.internalId AND tag.tagGroup = 8 AND tag.tagElement = 96
                WHERE day.value >= '20240101' AND day.value < '20250101' AND tag.value = 'MR' GROUP BY 1
            """

        wrong_ways = {
            no_hyphen: "The numbers are right; the month is asked for as `2024-01`. Cut out year and month each, and put a `-` between "
            "them with `||`.",
            all_years: "Your table has months outside 2024 as well. Keep the rows of that year with two conditions on the Study Date.",
            without_pet_mr: "You left out the PET/MR. Here they count.",
            every_modality: "Those are the studies of all modalities. Keep those that have an MR series.",
            once_per_series: "An MR exam has many series, and the join counts each. Count studies.",
        }
        hints = [
            "It is the query of exercise 2 with another modality and another period, and with GROUP BY.",
            "`substr(day.value, 1, 4)` gives the year, `substr(day.value, 5, 2)` the month.",
            "`SELECT substr(...) || '-' || substr(...) AS month, COUNT(*) AS studies FROM ... GROUP BY month`.",
        ]


def _uid_alone(written):
    """A UID, with or without the name of what it identifies before it."""
    if re.fullmatch(r"\d{1,9}", str(written).strip()):
        raise ValueError("that is a number alone, as `pk` holds it to tell rows apart; asked is what stands in the column `study_uid`")
    if isinstance(written, str):
        written = re.sub(r"(?i)^\s*(study[\s_]*)?(instance[\s_]*)?uid\s*(\(0020,000d\))?\s*[:=]?\s*", "", written)
    return uid(written)


class OneStudy(Text):
    """A Study Instance UID, of which a wrong one is told whose it is, as far as the learner's own database knows it."""

    def judge(self, exercise, given, editions):
        """As for every Text; a UID of another study, or of an object, is looked up."""
        verdict = super().judge(exercise, given, editions)
        known = {way.__name__ for way in exercise.wrong_ways} | {"unreadable"}
        if verdict.outcome is not Outcome.NOT_YET or verdict.label in known or "." in exercise.name:
            return verdict
        written = re.sub(r"[^\d.]", "", str(_uid_alone(str(given[0]))))
        pacs = editions.own.pacs
        found = pacs.rows("SELECT DISTINCT study.study_dt_local, study.description, series.station_aet FROM study LEFT JOIN series ON "
                          f"series.study_pk = study.pk WHERE study.study_uid = '{written}' ORDER BY series.station_aet")[1]
        if found:
            began, what, station = found[0]
            return Verdict(Outcome.NOT_YET, f"That is another study: {what or 'without a description'}, begun at {began}, sent by "
                           f"{station or 'nobody'}. Compare device, night, name and birth date with the ticket's.", "another_study")
        for table, column, name in (("instance", "sop_uid", "a single object (SOP Instance UID)"), ("series", "series_uid", "a *series*")):
            if pacs.rows(f"SELECT 1 FROM {table} WHERE {column} = '{written}'")[1]:
                return Verdict(Outcome.NOT_YET, f"That is the UID of {name}. A study has a UID of its own: `study.study_uid`.",
                               "of_an_object")
        return verdict


@lesson.exercise
class TheMissingStudy:
    """Now the ticket. The clinic searched the PACS for the patient's ID and for the accession number, and found no CT of that
    night. Both searches are exact.

    **What is the Study Instance UID of the CT that they miss?** Find it with `pacs.sql("...")`, as often as you like, then write the
    UID between quotes. Whoever typed the patient at the scanner may have made mistakes, and a scanner's clock may be wrong. What nobody
    types for a patient: when the archive received the study (`created_utc`, by the archive's own clock), and which device sent a series
    (`series.station_aet`). The ED's CT sends straight to the archive, not by a router; it has been called `CTER01` since the afternoon of
    29 March (before, `CT_ER`)."""

    answer = OneStudy("study_uid", reading=_uid_alone)
    points = 3
    praise = (
        "The study is there: under a mistyped Patient ID, without accession number, unverified. Repairing it is a job of its own. "
        "Remember its UID: you will meet it again in other lessons."
    )

    def solution(pacs, ticket):
        found = pacs.sql(f"""
            SELECT DISTINCT study.study_uid, patient.pid, patient.name, patient.birth_date, study.study_dt_local, study.status
            FROM study
            JOIN patient ON patient.pk = study.patient_pk
            JOIN series ON series.study_pk = study.pk
            WHERE series.station_aet = 'CTER01'
              AND study.created_utc >= '2025-03-29 23:00'
              AND study.created_utc < '2025-03-30 06:00'
              AND patient.name_norm LIKE '{ticket["family_name"]}%'
        """)
        # one study is left; its pid differs from the ticket's by one character
        return found.study_uid[0]

    def the_planned_uid(pacs, ticket):
        return pacs.sql(f"SELECT study_uid FROM orders WHERE accession = '{ticket['accession']}'").study_uid[0]

    def of_a_namesake(pacs, ticket):
        return pacs.sql(f"""
            SELECT study.study_uid FROM study JOIN patient ON patient.pk = study.patient_pk
            WHERE patient.name_norm LIKE '{ticket["family_name"]}%' AND mods_in_study LIKE '%CT%'
              AND study.study_dt_local >= '2025-03-29' AND study.study_dt_local < '2025-03-31' AND study.accession IS NOT NULL
        """).study_uid[0]

    def of_the_other_namesake(pacs, ticket):
        return pacs.sql(f"""
            SELECT study.study_uid FROM study JOIN patient ON patient.pk = study.patient_pk
            WHERE patient.name_norm LIKE '{ticket["family_name"]}%' AND mods_in_study LIKE '%CT%'
              AND study.study_dt_local >= '2025-03-28' AND study.study_dt_local < '2025-03-29' AND study.accession IS NOT NULL
        """).study_uid[0]

    def of_another_patient(pacs, ticket):
        return pacs.sql(f"""
            SELECT study.study_uid FROM study
            JOIN patient ON patient.pk = study.patient_pk JOIN series ON series.study_pk = study.pk
            WHERE series.station_aet = 'CTER01' AND study.study_dt_local >= '2025-03-30' AND study.study_dt_local < '2025-03-31'
              AND patient.name_norm NOT LIKE '{ticket["family_name"]}%' ORDER BY study.study_dt_local
        """).study_uid[0]

    def of_the_last_patient(pacs, ticket):
        return pacs.sql(f"""
            SELECT study.study_uid FROM study
            JOIN patient ON patient.pk = study.patient_pk JOIN series ON series.study_pk = study.pk
            WHERE series.station_aet = 'CTER01' AND study.study_dt_local >= '2025-03-30' AND study.study_dt_local < '2025-03-31'
              AND patient.name_norm NOT LIKE '{ticket["family_name"]}%' ORDER BY study.study_dt_local DESC
        """).study_uid[0]

    def of_its_series(pacs, ticket):
        study = TheMissingStudy.solution(pacs, ticket)
        return pacs.sql(f"""
            SELECT series_uid FROM series JOIN study ON study.pk = series.study_pk WHERE study_uid = '{study}' ORDER BY series.pk
        """).series_uid[0]

    def of_its_last_series(pacs, ticket):
        study = TheMissingStudy.solution(pacs, ticket)
        return pacs.sql(f"""
            SELECT series_uid FROM series JOIN study ON study.pk = series.study_pk WHERE study_uid = '{study}' ORDER BY series.pk DESC
        """).series_uid[0]

    def an_earlier_ct(pacs, ticket):
        return pacs.sql(f"""
            SELECT study.study_uid FROM study JOIN patient ON patient.pk = study.patient_pk
            WHERE patient.pid = '{ticket["patient_id"]}' AND mods_in_study LIKE '%CT%' AND study.study_dt_local < '2025-03-01'
        """).study_uid[0]

    wrong_ways = {
        the_planned_uid: "That is the UID that the order planned. The scanner never got the order from the worklist, so it made up a UID "
        "of its own: look among the studies.",
        of_a_namesake: "That CT belongs to a namesake: compare the given name, the birth date and the accession number before you move "
        "anybody's images.",
        of_the_other_namesake: "That CT belongs to another patient of the same family name, examined two days earlier: compare given "
        "name, birth date and day before you move anybody's images.",
        of_another_patient: "That study is from the right scanner and the right day, but it belongs to another patient. Without a "
        "worklist, none of that scanner's CTs of the day has an accession number: compare name, birth date and time.",
        of_the_last_patient: "That study is from the right scanner, but from the evening, and it belongs to another patient. Compare "
        "name, birth date and time with the ticket's.",
        of_its_series: "That is the UID of a *series*. It is one of the right study; the study's own UID stands in `study.study_uid`.",
        of_its_last_series: "That is the UID of a *series*, and one of the right study. A study has a UID of its own: `study.study_uid`.",
        an_earlier_ct: "That is an earlier CT of the same patient. The clinic asks for the night of 30 March.",
    }
    hints = [
        "Search by what can't be mistyped at the console: when the archive received it, and the device that sent it.",
        "Join `study` with `patient` and with `series`, and keep the studies received on 30 March (`study.created_utc`) whose "
        "`series.station_aet` is `'CTER01'`. Show name, birth date, pid and time as well. (`SELECT DISTINCT` shows each study once, not "
        "once per series.)",
        "Several patients were scanned that day without a worklist, and none of their studies has an accession number. Look at the night, "
        "and compare name and birth date with the ticket's; then the `pid`, character by character.",
    ]

    class on_orthanc:
        """The ticket again, on this index: **what is the Study Instance UID of the CT that the clinic misses?** The device that sent a
        series is a row of `Metadata` with type 3, the AE title of the sender; Study Date is (0008,0020), Study Time (0008,0030), Patient's
        Name (0010,0010), Patient ID (0010,0020), Study Instance UID (0020,000D). At the level of the study, all of them are rows of
        `MainDicomTags`. Write the UID between quotes."""

        praise = "The sender's AE title is the archive's own note, not the technologist's: a search by it misses no typing error."

        def solution(pacs, ticket):
            found = pacs.sql(f"""
                SELECT DISTINCT uid.value AS study_uid, pid.value AS pid, name.value AS name, clock.value AS study_time
                FROM Resources AS series
                JOIN Metadata AS sender ON sender.id = series.internalId AND sender.type = 3
                JOIN MainDicomTags AS uid ON uid.id = series.parentId AND uid.tagGroup = 32 AND uid.tagElement = 13
                JOIN MainDicomTags AS pid ON pid.id = series.parentId AND pid.tagGroup = 16 AND pid.tagElement = 32
                JOIN MainDicomTags AS name ON name.id = series.parentId AND name.tagGroup = 16 AND name.tagElement = 16
                JOIN MainDicomTags AS day ON day.id = series.parentId AND day.tagGroup = 8 AND day.tagElement = 32
                JOIN MainDicomTags AS clock ON clock.id = series.parentId AND clock.tagGroup = 8 AND clock.tagElement = 48
                WHERE series.resourceType = 3
                  AND sender.value = 'CTER01'
                  AND day.value = '20250330'
                  AND clock.value < '060000'
                  AND name.value LIKE '{ticket["family_name"]}%'
            """)
            return found.study_uid[0]

        def of_another_patient(pacs, ticket):
            return _sent_by_the_er(pacs, f"name.value NOT LIKE '{ticket['family_name']}%'")[0]

        def of_the_last_patient(pacs, ticket):
            return _sent_by_the_er(pacs, f"name.value NOT LIKE '{ticket['family_name']}%'")[-1]

        def an_earlier_ct(pacs, ticket):
            return _studies_of(pacs, f"pid.value = '{ticket['patient_id']}' AND day.value < '20250301'")[0]

        def of_a_namesake(pacs, ticket):
            return _studies_of(pacs, f"name.value LIKE '{ticket['family_name']}%' AND day.value >= '20250329' AND day.value < '20250331' "
                                     "AND accession.value <> ''")[0]

        wrong_ways = {
            of_another_patient: "That study is from the right scanner and the right day, but it belongs to another patient. Compare name "
            "and time.",
            of_the_last_patient: "That study is from the right scanner, but from later that day, and it belongs to another patient. "
            "Compare name and time with the ticket's.",
            an_earlier_ct: "That is an earlier study of the same patient. The clinic asks for the night of 30 March.",
            of_a_namesake: "That study belongs to a namesake: compare the given name and the birth date with the ticket's.",
        }
        hints = [
            "Begin with the sender: `Metadata` with type 3 and value `'CTER01'`, and the series to which it belongs.",
            "Each attribute that you want to see is one more JOIN of `MainDicomTags`, on the study's key: `tag.id = series.parentId`.",
            "Keep the day `'20250330'` and look at name, Patient ID and time of what is left; then compare the ID with the ticket's, "
            "character by character.",
        ]


@lesson.exercise
class TheDangerousUpdate:
    """A colleague means well: "I have the password of the database. I'll put the right Patient ID into the table `patient`, for every
    record whose `name_norm` begins with the ticket's family name, and the study is found."

    First find out how many rows of `patient` that UPDATE would change, with a SELECT of the same condition
    (`name_norm LIKE '...%'`): that number is your evidence, `rows_hit`. Then choose what should be done."""

    answer = Choice(
        "what_to_do, rows_hit",
        options={
            "A": "Run the UPDATE: the family is the same, and the study must be found today.",
            "B": "Run the UPDATE with a narrower condition, inside a transaction, so that only the mistyped record changes.",
            "C": "Leave the database alone and correct the study with the PACS's own tool for unverified studies.",
            "D": "Delete the study and ask the emergency department to send it again.",
        },
        evidence=Number("rows_hit"),
    )
    points = 2
    praise = (
        "The PACS's own tool is made to keep the index, the objects (as they are stored, or as they are sent) and the audit trail in "
        "step. An UPDATE changes one of the three, and for other people's records as well."
    )

    def solution(pacs, ticket):
        found = pacs.sql(f"SELECT pid FROM patient WHERE name_norm LIKE '{ticket['family_name']}%'")
        return "C", len(found)

    def run_it(pacs, ticket):
        return "A", None

    def narrower(pacs, ticket):
        return "B", None

    def delete_it(pacs, ticket):
        return "D", None

    def counted_the_one_record(pacs, ticket):
        return "C", 1

    def of_the_ticket_s_birth_date(pacs, ticket):
        return "C", len(pacs.sql(f"SELECT pid FROM patient WHERE name_norm LIKE '{ticket['family_name']}%' "
                                 f"AND birth_date = '{ticket['birth_date']}'"))

    def people_for_rows(pacs, ticket):
        return "C", len(pacs.sql(f"SELECT DISTINCT birth_date FROM patient WHERE name_norm LIKE '{ticket['family_name']}%'"))

    def studies_for_records(pacs, ticket):
        return "C", len(pacs.sql("SELECT study.pk FROM study JOIN patient ON patient.pk = study.patient_pk "
                                 f"WHERE name_norm LIKE '{ticket['family_name']}%'"))

    wrong_ways = {
        of_the_ticket_s_birth_date: "The option is right. But those are the records with the ticket's birth date; the UPDATE has no such "
        "condition. Count what *its* condition hits.",
        people_for_rows: "The option is right. But that is how many different people they are. The UPDATE changes rows: count the rows.",
        studies_for_records: "The option is right. But those are studies. The UPDATE changes rows of `patient`: count these.",
        run_it: "Look at the rows that the condition hits: other people have the same family name. After the UPDATE their studies "
        "would be filed under this patient, which is dangerous and hard to undo.",
        narrower: "One right row is better than many wrong ones, and a transaction is good practice. But the DICOM objects keep the "
        "mistyped ID: the next re-send, rebuild or migration brings it back, and no audit trail tells who changed it (IHE Patient "
        "Information Reconciliation expects the archive to do this).",
        delete_it: "The images are sound; only their labels are wrong. Deleting evidence of a night in the ED, in the hope that the "
        "scanner still has it, is the one step that can't be undone.",
        counted_the_one_record: "That is the record you would like to change. Count the records that the *condition* hits: run the "
        "SELECT with `name_norm LIKE '...%'`.",
    }
    hints = [
        "Write the condition of the UPDATE into a SELECT and look at the rows before you decide anything.",
        "`SELECT pid, name, birth_date FROM patient WHERE name_norm LIKE 'NAME%'`, with the ticket's family name: how many rows, and "
        "are they one person?",
        "A patient's ID stands in the database *and* in the header of each image. Which of the options corrects both, and leaves a "
        "trace?",
    ]


@lesson.exercise
class OrdersWithoutStudy:
    """The case of the ticket may not be alone. **For which orders of the past days has no study arrived?**

    Take the orders scheduled from 30 March 2025 up to and including 6 April 2025 (`scheduled_local`), not cancelled, for which
    there is no study, deleted or not, with the same accession number from the same issuer (`issuer_pk`).

    One column: `accession`."""

    answer = Tried("query", database="pacs", result=Table(key=["accession"]))
    points = 3
    praise = "What is not there is asked by LEFT JOIN and `IS NULL`, or by NOT EXISTS: an inner join would have dropped just these orders."

    def solution():
        return """
            SELECT orders.accession
            FROM orders
            LEFT JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk
            WHERE study.pk IS NULL
              AND orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30'
              AND orders.scheduled_local < '2025-04-07'
        """

    def nothing_found():
        return """
            SELECT accession FROM orders
            WHERE accession NOT IN (SELECT accession FROM study) AND status <> 'CANCELLED'
              AND scheduled_local >= '2025-03-30' AND scheduled_local < '2025-04-07'
        """

    def with_study():
        return """
            SELECT orders.accession FROM orders
            JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk
            WHERE orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    def with_cancelled():
        return """
            SELECT orders.accession FROM orders
            LEFT JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk
            WHERE study.pk IS NULL
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    def without_the_dates():
        return """
            SELECT orders.accession FROM orders
            LEFT JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk
            WHERE study.pk IS NULL AND orders.status <> 'CANCELLED'
        """

    def without_the_last_day():
        return """
            SELECT orders.accession FROM orders
            LEFT JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk
            WHERE study.pk IS NULL AND orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-06'
        """

    def without_an_end():
        return OrdersWithoutStudy.solution().replace("AND orders.scheduled_local < '2025-04-07'", "")

    def by_time_of_ordering():
        return OrdersWithoutStudy.solution().replace("scheduled_local", "ordered_utc")

    def without_the_issuer():
        return """
            SELECT orders.accession FROM orders LEFT JOIN study ON study.accession = orders.accession
            WHERE study.pk IS NULL AND orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    def other_issuers_too():
        return """
            SELECT orders.accession FROM orders LEFT JOIN study ON study.accession = orders.accession
            WHERE (study.pk IS NULL OR study.issuer_pk <> orders.issuer_pk) AND orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    def by_planned_uid():
        return """
            SELECT orders.accession FROM orders LEFT JOIN study ON study.study_uid = orders.study_uid
            WHERE study.pk IS NULL AND orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    def only_scheduled():
        return """
            SELECT orders.accession FROM orders
            LEFT JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk
            WHERE study.pk IS NULL AND orders.status = 'SCHEDULED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    def without_deleted():
        return """
            SELECT orders.accession FROM orders
            LEFT JOIN study ON study.accession = orders.accession AND study.issuer_pk = orders.issuer_pk AND study.deleted = 0
            WHERE study.pk IS NULL AND orders.status <> 'CANCELLED'
              AND orders.scheduled_local >= '2025-03-30' AND orders.scheduled_local < '2025-04-07'
        """

    wrong_ways = {
        nothing_found: "Your result is empty, and that is no good news. Three usual causes: `NOT IN` a list that holds a NULL is never "
        "true, because the unknown value might be yours; `= NULL` is never true either (ask `IS NULL`); and an inner JOIN has already "
        "dropped the orders without a partner.",
        with_study: "Those are the orders whose study *has* arrived: an inner join keeps the pairs. You want the orders without a "
        "partner.",
        with_cancelled: "Cancelled orders are among them. No study is expected for those.",
        without_the_dates: "Your list covers all years. Only the days from 30 March to 6 April are asked.",
        without_the_last_day: "6 April is missing: it's asked for, up to its last minute.",
        without_the_issuer: "A study with the same number from another issuer passes for the order's. Some of these orders share "
        "their number with a study to which another issuer gave it, and which is another examination. An accession number counts "
        "together with its issuer, so the issuers of order and study have to be compared.",
        other_issuers_too: "The issuer belongs into the `ON` of the join. In the `WHERE` it comes too late: an order here that has its "
        "study, and whose number a study of another issuer has too, makes two pairs, and the pair with the other's is kept as if nothing "
        "had come.",
        only_scheduled: "By the question only the cancelled orders are out, and you left out more. An order may also be in progress, or "
        "be called complete, while no study has arrived.",
        without_an_end: "The end is missing: your list goes on into what is planned for the time to come, whose studies can't be there "
        "yet.",
        by_time_of_ordering: "You took the time at which it was ordered. An exam is expected when it's scheduled: `scheduled_local`.",
        by_planned_uid: "You compared Study Instance UIDs. An order only plans one; a scanner that does not get it makes up its own, as "
        "in the ticket. Compare accession number and issuer.",
        without_deleted: "You took a deleted study for one that never came. The question says: no study, deleted or not.",
    }
    signs = {
        r"=\s*null|not in\s*\(\s*select accession from study\s*\)": nothing_found,
        r"study_uid": by_planned_uid,
        r"between|<=\s*'2025-04-06'|<\s*'2025-04-06'": without_the_last_day,
        r"status\s*=\s*'SCHEDULED'|'COMPLETED'": only_scheduled,
        r"study\.deleted": without_deleted,
    }
    hints = [
        "A join keeps orders that have a study. Which kind of join keeps the others as well?",
        "After `orders LEFT JOIN study ON ...` an order without a study has NULL in every column of `study`.",
        "Join on accession and issuer, then keep the rows where `study.pk IS NULL`, that are not cancelled, from `>= '2025-03-30'` to "
        "`< '2025-04-07'`.",
    ]


@lesson.exercise
class StoragePerModality:
    """Storage planning: how many **decimal gigabytes** (1 GB is a thousand million bytes, `1e9`) did the archive receive in 2024, per
    modality? Count the bytes of each series (`series.size_bytes`) by the time at which the archive received the series
    (`series.created_utc`), for the series's own modality. Every series counts, also of studies deleted or removed since: it had to be
    stored.

    Two columns: `modality` and `gigabytes`; rounded to one decimal or not, as you like."""

    answer = Tried("query", database="pacs", result=Table(key=["modality"], tolerance=0.051))
    points = 2
    praise = "Dividing by 1e9 instead of 1000000000 keeps the decimals, and one table is enough when the question is about series."

    def solution():
        return """
            SELECT modality, SUM(size_bytes) / 1e9 AS gigabytes
            FROM series
            WHERE created_utc >= '2024-01-01'
              AND created_utc < '2025-01-01'
            GROUP BY modality
        """

    def binary_units():
        return """
            SELECT modality, SUM(size_bytes) / 1073741824.0 AS gigabytes FROM series
            WHERE created_utc >= '2024-01-01' AND created_utc < '2025-01-01' GROUP BY modality
        """

    def whole_gigabytes():
        return """
            SELECT modality, SUM(size_bytes) / 1000000000 AS gigabytes FROM series
            WHERE created_utc >= '2024-01-01' AND created_utc < '2025-01-01' GROUP BY modality
        """

    def sizes_of_studies():
        return """
            SELECT series.modality, SUM(study.size_bytes) / 1e9 AS gigabytes FROM series JOIN study ON study.pk = series.study_pk
            WHERE series.created_utc >= '2024-01-01' AND series.created_utc < '2025-01-01' GROUP BY series.modality
        """

    def megabytes():
        return """
            SELECT modality, SUM(size_bytes) / 1e6 AS gigabytes FROM series
            WHERE created_utc >= '2024-01-01' AND created_utc < '2025-01-01' GROUP BY modality
        """

    def all_years():
        return "SELECT modality, SUM(size_bytes) / 1e9 AS gigabytes FROM series GROUP BY modality"

    def plain_bytes():
        return """
            SELECT modality, SUM(size_bytes) AS gigabytes FROM series
            WHERE created_utc >= '2024-01-01' AND created_utc < '2025-01-01' GROUP BY modality
        """

    def rounded_to_whole_gigabytes():
        return StoragePerModality.solution().replace("SUM(size_bytes) / 1e9", "ROUND(SUM(size_bytes) / 1e9)")

    def unit_in_the_number():
        return StoragePerModality.solution().replace("SUM(size_bytes) / 1e9", "(SUM(size_bytes) / 1e9) || ' GB'")

    def of_whole_studies():
        return """
            SELECT mods_in_study AS modality, SUM(size_bytes) / 1e9 AS gigabytes FROM study
            WHERE created_utc >= '2024-01-01' AND created_utc < '2025-01-01' GROUP BY mods_in_study
        """

    def largest_series():
        return StoragePerModality.solution().replace("SUM", "MAX")

    def not_grouped():
        return StoragePerModality.solution().replace("GROUP BY modality", "")

    def mean_size():
        return """
            SELECT modality, AVG(size_bytes) / 1e9 AS gigabytes FROM series
            WHERE created_utc >= '2024-01-01' AND created_utc < '2025-01-01' GROUP BY modality
        """

    wrong_ways = {
        binary_units: "You divided by 1024 x 1024 x 1024: those are gibibytes (GiB), 7 % fewer than the decimal gigabytes that storage is "
        "sold and asked for in.",
        whole_gigabytes: "A whole number divided by a whole number stays whole in SQLite, as in SQL Server: the decimals were cut off. "
        "(Other databases keep them, some for some types only.) Divide by `1e9`.",
        rounded_to_whole_gigabytes: "You rounded to whole gigabytes. Round to one decimal, `ROUND(..., 1)`, or not at all.",
        unit_in_the_number: "You wrote the unit behind the numbers, which makes text of them. Asked is the number alone: the "
        "unit stands in the column's name.",
        of_whole_studies: "You asked the table `study`. There each row is a whole study: its `mods_in_study` names several modalities at "
        "once, and its `size_bytes` is that of all its series. Modality, size and arrival of each series stand in `series`.",
        largest_series: "That is the largest series of each modality. The question asks for all of them together: SUM.",
        not_grouped: "One row came out, with the sum of everything: GROUP BY says of what to make rows.",
        sizes_of_studies: "All that you need stands in `series`: `series.size_bytes`, and `series.created_utc` for the time, as asked. "
        "The study's own time is that of its first object, and its size would count once for each of its series. And a join "
        "with `study` loses series: those whose study is not in the table any more, and with `deleted = 0` those of "
        "deleted studies.",
        megabytes: "Those are megabytes: a gigabyte is a thousand of them.",
        all_years: "That is the sum over all years. Two conditions on `created_utc` keep 2024.",
        plain_bytes: "Those are bytes. A decimal gigabyte is a thousand million of them: divide.",
        mean_size: "That is the mean size of a series. The question asks for all of them together: SUM.",
    }
    signs = {
        r"^(?!.*group\s+by)": not_grouped,
        r"\|\||gb\s*'": unit_in_the_number,
        r"\bfrom\s+study\b(?!.*\bseries\b)": of_whole_studies,
        r"1024|1073741824": binary_units,
        r"/\s*1000000000\b(?!\.)": whole_gigabytes,
        r"\bjoin\s+study\b|\bfrom\s+study\b": sizes_of_studies,
        r"avg": mean_size,
    }
    hints = [
        "All three facts, modality, size and time of arrival, stand in the table `series`.",
        "`SUM(size_bytes)` adds up; `GROUP BY modality` makes a row of each modality.",
        "Divide the sum by `1e9`, a number with decimals, and name the column with `AS gigabytes`.",
    ]

    class on_orthanc:
        """How many **decimal kilobytes** (1 kB is a thousand bytes) do the DICOM objects take in this Orthanc, per modality? (These objects
        have next to no pixels.) Each object is a row of `AttachedFiles` with `fileType = 1`, which belongs to an instance; count
        `uncompressedSize`, by the Modality (0008,0060) of the instance's series.

        Two columns: `modality` and `kilobytes`; rounded to one decimal or not, as you like."""

        answer = Query("query", database="pacs", result=Table(key=["modality"], tolerance=0.051))
        praise = "Three tables, from the file by way of its instance to the series: the levels of DICOM, as they are."

        def solution():
            return """
                SELECT tag.value AS modality, SUM(file.uncompressedSize) / 1e3 AS kilobytes
                FROM AttachedFiles AS file
                JOIN Resources AS instance ON instance.internalId = file.id
                JOIN MainDicomTags AS tag ON tag.id = instance.parentId AND tag.tagGroup = 8 AND tag.tagElement = 96
                WHERE file.fileType = 1
                GROUP BY tag.value
            """

        def plain_bytes():
            return _sizes("SUM(file.uncompressedSize)")

        def binary_units():
            return _sizes("SUM(file.uncompressedSize) / 1024.0")

        def whole_kilobytes():
            return _sizes("SUM(file.uncompressedSize) / 1000")

        def megabytes():
            return _sizes("SUM(file.uncompressedSize) / 1e6")

        def mean_size():
            return _sizes("AVG(file.uncompressedSize) / 1e3")

        def how_many():
            return _sizes("COUNT(*)")

        wrong_ways = {
            plain_bytes: "Those are bytes. A decimal kilobyte is a thousand of them: divide.",
            binary_units: "You divided by 1024: those are kibibytes (KiB).",
            whole_kilobytes: "A whole number divided by a whole number stays whole in SQL: the decimals were cut off. Divide by `1e3`.",
            megabytes: "Those are megabytes: a kilobyte is a thousandth of them.",
            mean_size: "That is the mean size of an object. Asked is for all of them together: SUM.",
            how_many: "That is how many objects there are. Their sizes are asked for.",
        }
        hints = [
            "The file belongs to an instance, the Modality to its series: the way is `file.id`, `instance.internalId`, "
            "`instance.parentId`.",
            "`AttachedFiles JOIN Resources ON internalId = AttachedFiles.id JOIN MainDicomTags ON MainDicomTags.id = parentId AND ...`",
            "Add up `uncompressedSize`, divide by `1e3`, and group by the value of the tag with tagGroup 8 and tagElement 96.",
        ]


@lesson.exercise
class FastEnough:
    """The list of yesterday's arrivals is shown on a screen that asks every minute, so the query must not read the whole table each
    time. List the studies, not deleted, that the archive received on **6 April 2025** (UTC).

    Two columns: `study_uid` and `created_utc`. The column `created_utc` has an index; write the condition so that the database can
    use it, and so that it looks at no more rows than are asked, today and in a year. `pacs.sql("EXPLAIN QUERY PLAN SELECT ...")` shows
    what it will do: SEARCH uses an index, SCAN reads everything."""

    answer = Tried("query", database="pacs", result=Table(key=["study_uid"]), uses_index=True)
    points = 2
    praise = "A range on the bare column lets the index do the work. A function around the column would have made it useless."

    def solution():
        return """
            SELECT study_uid, created_utc
            FROM study
            WHERE created_utc >= '2025-04-06'
              AND created_utc < '2025-04-07'
              AND deleted = 0
        """

    def by_study_date():
        return """
            SELECT study_uid, created_utc FROM study
            WHERE study_dt_local >= '2025-04-06' AND study_dt_local < '2025-04-07' AND deleted = 0
        """

    def equals_the_day():
        return "SELECT study_uid, created_utc FROM study WHERE created_utc = '2025-04-06' AND deleted = 0"

    def with_deleted():
        return "SELECT study_uid, created_utc FROM study WHERE created_utc >= '2025-04-06' AND created_utc < '2025-04-07'"

    def all_since_then():
        return "SELECT study_uid, created_utc FROM study WHERE created_utc >= '2025-04-06' AND deleted = 0"

    wrong_ways = {
        by_study_date: "Those are the exams *performed* on that day by the scanner's clock. The screen shows arrivals.",
        equals_the_day: "Your result is empty. `created_utc` holds the day, a blank, and the time of day, as text: a bare day equals "
        "none of them, a `T` in place of the blank sorts after all of them, and a date without quotes or with the year last is no date at "
        "all. (And no other column tells the day of arrival.) Ask for a range of `created_utc` from one bare day to the next, in quotes.",
        with_deleted: "Deleted studies are in your list: keep only rows with `deleted = 0`.",
        all_since_then: "This goes on into the morning of the 7th. A day needs an end as well as a beginning.",
    }
    hints = [
        "You know the shape from the month: `>=` the beginning, `<` the beginning of what comes after.",
        "`date(created_utc) = ...` or `substr(created_utc, 1, 10) = ...` must compute a value for each row of the table: the index is of "
        "no use. (`LIKE '2025-04-06%'` reads the whole table here, too; some other databases can use an index for it.) Leave the column "
        "bare.",
        "Two conditions on `created_utc`, one with `>=` the 6th, one with `<` the day after, and `deleted = 0`.",
    ]


@lesson.exercise
class TheMondayReport:
    """The radiology manager's report for **March 2025**, as it's wanted every month. For each of the modalities `CT`, `MR`, `US` and `MG`
    one row; a study belongs to a modality when it has at least one series of it (a study may belong to several), and deleted studies don't
    count. That is another rule than in exercise 2: here a PET/CT counts under `CT`, too. Two rules, two numbers; write the rule
    beside the number. The columns:

    - `modality`
    - `performed`: studies whose exam was in March (`study_dt_local`)
    - `added`: studies that arrived in March (`created_utc`)
    - `older`: of those added in March, the ones whose exam was before March (imports and late arrivals)
    - `unread`: of those added in March, the ones whose status isn't `READ`

    `COUNT(DISTINCT CASE WHEN ... THEN study.pk END)` counts the studies that fulfil a condition, each once. The manager reads the
    columns by their names: give them with `AS`."""

    answer = Tried("query", database="pacs", result=Table(key=["modality"]), named=True)
    points = 4
    praise = "Four numbers per modality, each with its own rule, in one query. This one you can hand in."

    def solution():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND study_dt_local < '2025-03-01'
                                       THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND status <> 'READ'
                                       THEN study.pk END) AS unread
            FROM study
            JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0
              AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def once_per_series():
        return """
            SELECT series.modality,
                   SUM(study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01') AS performed,
                   SUM(study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01') AS added,
                   SUM(study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                       AND study_dt_local < '2025-03-01') AS older,
                   SUM(study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01' AND status <> 'READ') AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def with_deleted():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def without_the_last_day():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local BETWEEN '2025-03-01' AND '2025-03-31' THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc BETWEEN '2025-03-01' AND '2025-03-31' THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc BETWEEN '2025-03-01' AND '2025-03-31'
                                        AND study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study.created_utc BETWEEN '2025-03-01' AND '2025-03-31'
                                        AND status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def unread_of_the_exams():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def unread_of_the_performed():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                        AND status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def added_in_where():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT study.pk) AS added,
                   COUNT(DISTINCT CASE WHEN study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
              AND study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01' GROUP BY series.modality
        """

    def unread_verified():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND status = 'VERIFIED' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def older_of_any_month():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
            GROUP BY series.modality
        """

    def without_pet_ct():
        return """
            SELECT series.modality,
                   COUNT(DISTINCT CASE WHEN study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'
                                       THEN study.pk END) AS performed,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                       THEN study.pk END) AS added,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND study_dt_local < '2025-03-01' THEN study.pk END) AS older,
                   COUNT(DISTINCT CASE WHEN study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'
                                        AND status <> 'READ' THEN study.pk END) AS unread
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE deleted = 0 AND series.modality IN ('CT', 'MR', 'US', 'MG')
              AND study.pk NOT IN (SELECT study_pk FROM series WHERE modality = 'PT')
            GROUP BY series.modality
        """

    def arrival_of_the_series():
        return TheMondayReport.solution().replace("study.created_utc", "series.created_utc")

    def else_zero():
        return TheMondayReport.solution().replace("END)", "ELSE 0 END)")

    def performed_and_added_swapped():
        return TheMondayReport.solution().replace("AS performed", "AS x").replace("AS added", "AS performed").replace("AS x", "AS added")

    def older_than_its_arrival():
        return TheMondayReport.solution().replace("study_dt_local < '2025-03-01'", "study_dt_local < study.created_utc")

    wrong_ways = {
        arrival_of_the_series: "You took the time at which the *series* arrived. A study was added when its first object came: the table "
        "`study` has a `created_utc` of its own.",
        else_zero: "All your numbers are one too high, where any study does not fulfil the condition: `ELSE 0` gives those a value, and "
        "DISTINCT counts it as one more. Without ELSE they are NULL, which COUNT leaves out.",
        performed_and_added_swapped: "`performed` and `added` have changed places: the exam is `study_dt_local`, the arrival "
        "`created_utc`.",
        older_than_its_arrival: "`older` counts the studies that were performed before they arrived, which nearly all are. Asked are "
        "those performed before *March*.",
        once_per_series: "The numbers are those of series: the join gives one row per series. Count each study once, with `COUNT(DISTINCT "
        "... study.pk ...)`.",
        with_deleted: "Deleted studies are in the report. Keep `deleted = 0` for all four numbers.",
        without_the_last_day: "In at least one column the 31st is missing: `BETWEEN` a first and a last *day*, like `<=` the last day, "
        "ends at midnight as that day begins.",
        unread_of_the_exams: "`unread` counts the unread studies of all months. Only those added in March are asked.",
        unread_of_the_performed: "`unread` counts the unread ones of the studies *performed* in March. Asked are those *added* in March: "
        "an imported prior may be unread as well.",
        added_in_where: "`performed` also asks for the arrival, so that studies that were performed in March and arrived in April are "
        "lost. Does a condition on `created_utc` stand in WHERE, where it holds for all columns, or in the CASE of `performed`? What "
        "differs from column to column belongs in the CASE of its column alone.",
        without_pet_ct: "You left out the PET/CTs, as in exercise 2. Here they count, because they have a CT series.",
        unread_verified: "`unread` counts the studies of one status only. Neither VERIFIED nor UNVERIFIED studies have been read.",
        older_of_any_month: "`older` counts everything before March. Only those that *arrived* in March are asked: the imports and the "
        "late ones.",
    }
    signs = {
        r"=\s*'(UN)?VERIFIED'": unread_verified,
        r"between|<=\s*'2025-03-31'": without_the_last_day,
        r"where(?!.*(\bcase\b|\bselect\b)).*created_utc.*group": added_in_where,
        r"(not\s+in|not\s+exists|except).*'PT'|<>\s*'PT'": without_pet_ct,
    }
    hints = [
        "Begin with one number: `SELECT series.modality, COUNT(DISTINCT CASE WHEN ... THEN study.pk END) AS performed FROM study JOIN "
        "series ON ... GROUP BY series.modality`.",
        "`deleted = 0` and the four modalities hold for all columns: they belong in WHERE. What differs from column to column belongs "
        "in its CASE.",
        "`older` and `unread` have the two conditions of `added`, and one more each.",
    ]

    class on_orthanc:
        """A report on March 2025 from this index: for each of the modalities `CT`, `MR`, `US` and `MG` that occurs, what was **performed**
        in March (Study Date) and is held here. A PET/CT counts under `CT`, too. The columns:

        - `modality`
        - `studies`: studies with at least one series of the modality
        - `series`: their series of that modality
        - `instances`: the instances of these series"""

        praise = "One join from the instances upwards, and each level counted once with DISTINCT."

        def solution():
            return """
                SELECT modality.value AS modality,
                       COUNT(DISTINCT study.internalId) AS studies,
                       COUNT(DISTINCT series.internalId) AS series,
                       COUNT(DISTINCT instance.internalId) AS instances
                FROM Resources AS instance
                JOIN Resources AS series ON series.internalId = instance.parentId
                JOIN Resources AS study ON study.internalId = series.parentId
                JOIN MainDicomTags AS modality ON modality.id = series.internalId
                                              AND modality.tagGroup = 8 AND modality.tagElement = 96
                JOIN MainDicomTags AS day ON day.id = study.internalId AND day.tagGroup = 8 AND day.tagElement = 32
                WHERE instance.resourceType = 4
                  AND day.value >= '20250301'
                  AND day.value < '20250401'
                  AND modality.value IN ('CT', 'MR', 'US', 'MG')
                GROUP BY modality.value
            """

        def rows_counted():
            return _report("COUNT(*)", "COUNT(*)")

        def series_for_studies():
            return _report("COUNT(DISTINCT series.internalId)", "COUNT(DISTINCT series.internalId)")

        def all_months():
            return _report(period="")

        def without_the_last_day():
            return _report(period="day.value >= '20250301' AND day.value < '20250331' AND")

        def without_pet_ct():
            return _report(period="day.value >= '20250301' AND day.value < '20250401' AND study.internalId NOT IN (SELECT r.parentId FROM "
                                  "Resources AS r JOIN MainDicomTags AS t ON t.id = r.internalId WHERE t.value = 'PT') AND")

        wrong_ways = {
            rows_counted: "All three numbers are those of the instances: the join gives one row per instance. Count each level once, with "
            "`COUNT(DISTINCT ...)`.",
            series_for_studies: "`studies` holds the number of series. Count the key of the study, each once.",
            all_months: "The report covers all months. Two conditions on the Study Date keep March.",
            without_the_last_day: "The 31st is missing: `<` the first day of the next month.",
            without_pet_ct: "You left out the PET/CTs, as in exercise 2. Here they count, because they have a CT series.",
        }
        hints = [
            "Begin with the instances and go up twice: `Resources AS instance JOIN Resources AS series ON series.internalId = "
            "instance.parentId`, and so on.",
            "Then one JOIN of `MainDicomTags` for the Modality (at the series), and one for the Study Date (at the study).",
            "`COUNT(DISTINCT study.internalId)`, and the same for the series and the instances; GROUP BY the modality.",
        ]


_MONTH = "substr(day.value, 1, 4) || '-' || substr(day.value, 5, 2) AS month"


def _in_orthanc(columns, begin, end, modality, without=None):
    """A query on Orthanc's index: columns of the studies of a period that have a series of a modality, and none of another."""
    def having(value):
        return ("(SELECT r.parentId FROM Resources AS r JOIN MainDicomTags AS t ON t.id = r.internalId "
                f"WHERE t.tagGroup = 8 AND t.tagElement = 96 AND t.value LIKE '{value}')")
    query = (f"SELECT {columns} FROM Resources AS study JOIN MainDicomTags AS day ON day.id = study.internalId AND day.tagGroup = 8 AND "
             f"day.tagElement = 32 WHERE study.resourceType = 2 AND day.value >= '{begin}' AND day.value < '{end}' "
             f"AND study.internalId IN {having(modality)}")
    return query + (f" AND study.internalId NOT IN {having(without)}" if without else "")


def _studies_of(pacs, condition):
    """Study Instance UIDs in Orthanc's index, in order of time."""
    tags = {"uid": (32, 13), "pid": (16, 32), "name": (16, 16), "day": (8, 32), "clock": (8, 48), "accession": (8, 80)}
    joins = " ".join([f"JOIN MainDicomTags AS {name} ON {name}.id = study.internalId AND {name}.tagGroup = {group} AND "
                      f"{name}.tagElement = {element}" for name, (group, element) in tags.items()])
    return [uid for uid, *_ in pacs.rows(
        f"SELECT uid.value FROM Resources AS study {joins} WHERE study.resourceType = 2 AND {condition} "
        "ORDER BY day.value, clock.value")[1]]


def _sent_by_the_er(pacs, condition):
    return _studies_of(pacs, f"{condition} AND day.value = '20250330' AND study.internalId IN (SELECT r.parentId FROM Resources AS r "
                             "JOIN Metadata AS m ON m.id = r.internalId WHERE m.type = 3 AND m.value = 'CTER01')")


def _sizes(what):
    return (f"SELECT tag.value AS modality, {what} AS kilobytes FROM AttachedFiles AS file "
            "JOIN Resources AS instance ON instance.internalId = file.id "
            "JOIN MainDicomTags AS tag ON tag.id = instance.parentId AND tag.tagGroup = 8 AND tag.tagElement = 96 "
            "WHERE file.fileType = 1 GROUP BY tag.value")


def _report(studies="COUNT(DISTINCT study.internalId)", series="COUNT(DISTINCT series.internalId)",
            period="day.value >= '20250301' AND day.value < '20250401' AND"):
    return (f"SELECT modality.value AS modality, {studies} AS studies, {series} AS series, COUNT(*) AS instances "
            "FROM Resources AS instance JOIN Resources AS series ON series.internalId = instance.parentId "
            "JOIN Resources AS study ON study.internalId = series.parentId "
            "JOIN MainDicomTags AS modality ON modality.id = series.internalId AND modality.tagGroup = 8 AND modality.tagElement = 96 "
            "JOIN MainDicomTags AS day ON day.id = study.internalId AND day.tagGroup = 8 AND day.tagElement = 32 "
            f"WHERE instance.resourceType = 4 AND {period} modality.value IN ('CT', 'MR', 'US', 'MG') GROUP BY modality.value")


class Case(NamedTuple):
    """What may occur in an archive and does not in every one.

    what   : the case and what is right there, as it goes on after "Think of"
    exams  : of `_exam`
    orders : of `_order`
    """

    what: str
    exams: tuple = ()
    orders: tuple = ()


SENDERS = {"CT": "CT1", "SR": "CT1", "PR": "CT1", "MR": "MR1", "US": "US1", "MG": "MG1", "PT": "PETCT1"}


class Small:
    """A small archive, as an edition of the hospital: its `pacs` holds these exams and orders."""

    def __init__(self, seed, exams, orders=()):
        # A copy on another server is known by seed and number of studies, so the seed says what is in it, too.
        self.seed, self.studies = f"{seed}_{zlib.crc32(repr((exams, orders)).encode()):08x}", len(exams)
        rows = {name: [] for name in schema.BY_NAME}
        rows["issuer"] = [{"pk": 1, "name": "HVGH", "oid": "2.999.1.1"}, {"pk": 2, "name": "ECC", "oid": "2.999.1.2"}]
        devices = sorted({(aet, "CT" if aet == "CT1" else modality) for modality, aet in SENDERS.items()})
        rows["ae"] = [{"pk": pk, "aet": aet, "host": "10.0.0.1", "port": 104, "modality": modality, "description": modality}
                      for pk, (aet, modality) in enumerate(devices, 1)]
        patients = {1: None, 2: 1}
        for number, exam in enumerate(exams, 1):
            exam = dict(exam)
            pk, modalities, sender = exam.pop("pk", number), exam.pop("modalities"), exam.pop("sender", None)
            followed, size, lost = exam.pop("followed", exam["created_utc"]), exam.pop("size", 10 ** 9), exam.pop("lost", False)
            exam = {"pk": pk, "patient_pk": 100 + number, "study_uid": f"2.999.1.{number}", "accession": f"A24{number:04}"} | exam
            patients.setdefault(exam["patient_pk"], None)
            rows["series"] += [{"pk": 1000 * number + place, "study_pk": pk,
                                "series_uid": f"2.999.2.{number}.{place}", "series_no": place, "modality": modality,
                                "station_aet": sender or SENDERS.get(modality, "CT1"), "n_instances": 1, "size_bytes": size,
                                "created_utc": followed} for place, modality in enumerate(modalities, 1)]
            if not lost:
                rows["study"].append(exam)
        for number, order in enumerate(orders, 1):
            order = {"pk": number, "patient_pk": 200 + number, "placer_number": f"P{number}", "accession": f"A25{number:04}",
                     "study_uid": f"2.999.3.{number}"} | order
            patients.setdefault(order["patient_pk"], None)
            rows["orders"].append(order)
        rows["visit"] = [{"pk": 1, "patient_pk": 1, "visit_number": "V00000001", "class": "O", "location": "CLINIC",
                          "admitted_local": "2025-03-01 08:00:00"}]
        rows["patient"] = [{"pk": pk, "pid": f"HV{pk}", "issuer_pk": 1, "name": f"NAME^{pk}", "name_norm": f"NAME^{pk}",
                            "merged_into": into, "created_utc": "2020-01-01 08:00:00", "updated_utc": "2020-01-01 08:00:00"}
                           for pk, into in sorted(patients.items())]
        self.pacs = Database(tables=[
            (table.name, [{column.name: [row.get(column.name) for row in rows[table.name]] for column in table.columns}]
             if rows[table.name] else []) for table in schema.TABLES])


def _exam(arrived, began=None, modalities="CT", says=None, **also):
    """A study: when the archive received it, when it began by the scanner's clock, the modality of each of its series.

    says : what `mods_in_study` says, where that is not what the series are
    also : columns of `study` that are not as usual; `sender`, `followed` and `size`: station, arrival and bytes of its series;
           `lost`: the series are there, and the study's row is not
    """
    found, began = modalities.split(), began or arrived
    return {"created_utc": arrived, "study_dt_local": began, "modalities": found, "issuer_pk": 1,
            "tz_offset": "+0200" if "03-30" < began[5:] < "10-27" else "+0100",
            "description": f"{modalities[:2]} EXAM", "mods_in_study": says or "\\".join(dict.fromkeys(found)), "n_series": len(found),
            "n_instances": len(found), "size_bytes": len(found) * 10 ** 9, "status": "READ", "exam_complete_utc": arrived,
            "deleted": 0} | also


def _order(scheduled, **also):
    """An order: when it is scheduled, and its columns that are not as usual."""
    return {"issuer_pk": 1, "procedure_code": "CTHEAD", "procedure_desc": "CT HEAD", "modality": "CT", "priority": "ROUTINE", "visit_pk": 1,
            "ordered_utc": "2025-03-28 08:00:00", "scheduled_local": scheduled, "station_aet": "CT1", "status": "SCHEDULED"} | also


def _like_any_other(noun, arrived, modality, verdict):
    """Cases of exams that nothing in the question sets apart."""
    one = partial(_exam, arrived, modalities=modality)
    return [Case(f"{noun} {which}: {verdict}", exams) for which, exams in (
        ("without an accession number", (one(accession=None),)),
        ("that is still unverified", (one(status="UNVERIFIED"),)),
        ("that nobody has read yet", (one(status="VERIFIED"),)),
        ("of a patient record that was merged into another", (one(patient_pk=2),)),
        ("whose accession number Eastcliff assigned", (one(issuer_pk=2),)),
        ("that no device reported complete, so that `exam_complete_utc` is empty", (one(exam_complete_utc=None),)),
        ("without a study description", (one(description=None),)),
        ("which the archive got by way of a router, so that the router's name stands in `station_aet`", (one(sender="HV_ROUTER"),)),
        ("in an archive that has many more studies than yours, and so higher keys", (one(pk=700_001),)),
        ("beside another one of the same patient", (one(patient_pk=1), one(patient_pk=1))),
        ("beside another one under the same accession number", (one(accession="A1"), one(accession="A1"))),
    )]


COUNTS = "it counts like any other. The question names all its conditions, and this is none of them."
MARCH = "2025-03-12 10:30:00"

ORDINARY = {
    "StudiesInTheArchive": (_exam(MARCH), _exam(MARCH, modalities="MR")),
    "CtExamsAddedLastMonth": (_exam(MARCH), _exam(MARCH, modalities="MR")),
    "MrExamsByMonth": tuple(_exam(f"2024-{month:02}-12 10:30:00", modalities="MR") for month in range(1, 13)),
    "OrdersWithoutStudy": (_exam("2025-04-02 10:30:00", accession="A1"),),
    "StoragePerModality": (_exam("2024-05-02 10:30:00"), _exam("2024-05-02 10:30:00", modalities="MR")),
    "FastEnough": (_exam(MARCH), _exam("2025-04-06 10:30:00"), _exam("2025-04-06 11:30:00", modalities="MR")),
    "TheMondayReport": tuple(_exam(MARCH, modalities=modality) for modality in ("CT", "MR", "US", "MG")),
}
ORDERED = {"OrdersWithoutStudy": (_order("2025-04-02 10:00:00", accession="A1"), _order("2025-04-02 11:00:00", accession="A2"))}

CASES = {
    "StudiesInTheArchive": [
        Case("a study that was deleted: nobody sees it.", (_exam(MARCH, deleted=1),)),
        Case("a study without any series: it is shown, too.", (_exam(MARCH, modalities="", says="CT", n_series=0),)),
        Case("a study with several series: it is one study.", (_exam(MARCH, modalities="CT CT SR"),)),
        *_like_any_other("a study", MARCH, "CT", COUNTS),
    ],
    "CtExamsAddedLastMonth": [
        Case("a CT exam with three CT series: it is one exam.", (_exam(MARCH, modalities="CT CT CT"),)),
        Case("a CT exam with a dose report, a series of modality `SR`: it has a CT series, and "
             "counts.", (_exam(MARCH, modalities="CT SR"),)),
        Case("a CT exam whose list begins with another modality, such as `SR\\CT`: it counts.", (_exam(MARCH, modalities="SR CT"),)),
        Case("a CT exam with a presentation state, modality `PR`: it counts, for `PR` is not `PT`.", (_exam(MARCH, modalities="CT PR"),)),
        Case("a study that says CT and has no series: by the rule it needs at least "
             "one.", (_exam(MARCH, modalities="", says="CT", n_series=0),)),
        Case("optical coherence tomography, `OCT` or `IVOCT`: it is no "
             "CT.", (_exam(MARCH, modalities="OCT"), _exam(MARCH, modalities="IVOCT"))),
        Case("a PET/CT: its `PT` series makes it nuclear medicine's.", (_exam(MARCH, modalities="PT CT"),)),
        Case("a PET/CT of another scanner than yours: the modality `PT` makes it one, not the device.", (
            _exam(MARCH, modalities="CT PT", sender="CT1"),)),
        Case("a plain CT made on the PET/CT scanner: it has no `PT` series, and counts.", (_exam(MARCH, sender="PETCT1"),)),
        Case("a SPECT/CT, with series of `NM` and `CT`: by the rule as it is written it counts here.", (_exam(MARCH, modalities="NM CT"),)),
        Case("a CT exam that was deleted: it does not count.", (_exam(MARCH, deleted=1),)),
        Case("a CT exam of 2019 that was imported in March: it was added in March, and counts.", (_exam(MARCH, "2019-05-02 10:00:00"),)),
        Case("a CT exam that reached the archive in February: it does not count.", (_exam("2025-02-12 10:30:00"),)),
        Case("a CT exam that reached the archive in April: it does not count.", (_exam("2025-04-02 10:30:00"),)),
        Case("a CT exam that reached the archive on the 31st at two in the afternoon: it counts.", (_exam("2025-03-31 14:00:00"),)),
        Case("a CT exam whose last series followed in April: it was added when its first object came, which `study.created_utc` tells.", (
            _exam("2025-03-31 20:00:00", followed="2025-04-01 06:00:00"),)),
        Case("a CT exam that came in the very first second of March: it counts.", (_exam("2025-03-01 00:00:00"),)),
        Case("a CT exam that came in the last second of March: it counts.", (_exam("2025-03-31 23:59:59"),)),
        Case("a CT exam that came in the last second of February: it does not count.", (_exam("2025-02-28 23:59:59"),)),
        Case("a CT exam that came in the very first second of April: it does not count.", (_exam("2025-04-01 00:00:00"),)),
        *_like_any_other("a CT exam", MARCH, "CT", COUNTS),
    ],
    "MrExamsByMonth": [
        Case("an MR exam with three MR series: it is one exam.", (_exam("2024-05-02 10:30:00", modalities="MR MR MR"),)),
        Case("an MR exam with a presentation state, `MR\\PR`: it has an MR series, and "
             "counts.", (_exam("2024-05-02 10:30:00", modalities="MR PR"),)),
        Case("an MR exam whose list begins with another modality, such as `KO\\MR`: it counts.", (
            _exam("2024-05-02 10:30:00", modalities="KO MR"),)),
        Case("a PET/MR: it counts.", (_exam("2024-05-02 10:30:00", modalities="PT MR"),)),
        Case("a study that says MR and has no series: it needs at least one.", (
            _exam("2024-05-02 10:30:00", modalities="", says="MR", n_series=0),)),
        Case("a study that the PET/MR made without any MR series: the modality counts, not the device.", (
            _exam("2024-05-02 10:30:00", modalities="PT", sender="PETMR1"), _exam("2024-05-02 10:30:00", modalities="SR", sender="MR1"))),
        Case("a new MR scanner: the modality counts, not the names of your devices.", (
            _exam("2024-05-02 10:30:00", modalities="MR", sender="MR9"),)),
        Case("an MR exam that was deleted: it does not count.", (_exam("2024-05-02 10:30:00", modalities="MR", deleted=1),)),
        Case("an MR exam of June 2024 that was imported in March 2025: it was performed in 2024, and counts.", (
            _exam(MARCH, "2024-06-02 10:30:00", "MR"),)),
        Case("an MR exam of 2019 that was imported in 2024: it was not performed in 2024.", (
            _exam("2024-06-02 10:30:00", "2019-06-02 10:30:00", "MR"),)),
        Case("an MR exam of 31 December 2024, two in the afternoon: it counts.", (_exam("2024-12-31 14:00:00", modalities="MR"),)),
        Case("an MR exam of the last evening of 2024 that arrived after midnight: it was performed in December.", (
            _exam("2025-01-01 00:05:00", "2024-12-31 23:50:00", "MR"),)),
        Case("an MR exam of the last evening of 2023 that arrived after midnight: it was performed in 2023.", (
            _exam("2024-01-01 00:05:00", "2023-12-31 23:50:00", "MR"),)),
        Case("an MR exam that began at 00:20 on the first of a month, by the hospital's clock, which counts: in UTC it was still the day "
             "before.", (
            _exam("2024-02-01 00:10:00", "2024-02-01 00:20:00", "MR"), _exam("2023-12-31 23:55:00", "2024-01-01 00:20:00", "MR"))),
        Case("an MR exam that began in the last minute of 2024: it counts.", (_exam("2024-12-31 23:30:00", "2024-12-31 23:59:59", "MR"),)),
        Case("an MR exam that began as 2025 did, at midnight: it is none of "
             "2024.", (_exam("2024-12-31 23:30:00", "2025-01-01 00:00:00", "MR"),)),
        *_like_any_other("an MR exam", "2024-05-02 10:30:00", "MR", COUNTS),
    ],
    "OrdersWithoutStudy": [
        Case("an order that was cancelled: no study is expected.", orders=(_order("2025-04-03 10:00:00", status="CANCELLED"),)),
        Case("an order that is in progress or called complete, while no study has arrived: it is asked, for only cancelled ones are "
             "out.", orders=(
            _order("2025-04-03 10:00:00", status="COMPLETED"), _order("2025-04-03 11:00:00", status="IN PROGRESS"))),
        Case("an order for midnight, or twenty past, as 30 March begins: it is asked.", orders=(
            _order("2025-03-30 00:00:00"), _order("2025-03-30 00:20:00"))),
        Case("an order for half past two on 30 March, an hour that the clocks skipped: the text in the column is what counts.", orders=(
            _order("2025-03-30 02:30:00"),)),
        Case("an order for 6 April, late in the evening: it is asked, up to the last minute.", orders=(
            _order("2025-04-06 14:00:00"), _order("2025-04-06 23:40:00"))),
        Case("an order for the evening of 29 March: it is not asked. `scheduled_local` is the hospital's clock, as the question "
             "is.", orders=(
            _order("2025-03-29 23:30:00"),)),
        Case("an order for 7 April, soon after midnight: it is not asked.", orders=(
            _order("2025-04-07 00:00:00"), _order("2025-04-07 01:30:00"))),
        Case("an order that was placed weeks before its day: its day counts, `scheduled_local`.", orders=(
            _order("2025-04-03 10:00:00", ordered_utc="2025-02-01 10:00:00"),)),
        Case("an order of a patient record that was merged into another: it is asked like the others.", orders=(
            _order("2025-04-03 10:00:00", patient_pk=2),)),
        Case("an order without a visit, referred from outside: it is asked like the others.", orders=(
            _order("2025-04-03 10:00:00", visit_pk=None),)),
        Case("an order for another modality: it is asked like the others.", orders=(_order("2025-04-03 10:00:00", modality="MR"),)),
        Case("an order whose number Eastcliff assigned, without a study: it is asked like the others.", orders=(
            _order("2025-04-03 10:00:00", issuer_pk=2),)),
        Case("an archive in which some study has no accession number: that NULL makes every `NOT IN` a list with it untrue.", (
            _exam("2025-04-03 10:00:00", accession=None),), (_order("2025-04-03 10:00:00"),)),
        Case("an order whose number another issuer gave to a study, too: that study is another examination, and the order has none.", (
            _exam("2025-04-03 10:00:00", accession="A7", issuer_pk=2), _exam("2025-04-03 10:00:00", accession="A8")), (
            _order("2025-04-03 10:00:00", accession="A7"), _order("2025-04-03 10:00:00", accession="A8", issuer_pk=2))),
        Case("an order that has its study, while another issuer gave the same number to a second study: it is not asked.", (
            _exam("2025-04-03 10:00:00", accession="A7"), _exam("2025-04-03 10:00:00", accession="A7", issuer_pk=2)), (
            _order("2025-04-03 10:00:00", accession="A7"),)),
        Case("an order of Eastcliff's that has its study: it is not asked.", (_exam("2025-04-03 10:00:00", accession="A7", issuer_pk=2),), (
            _order("2025-04-03 10:00:00", accession="A7", issuer_pk=2),)),
        Case("an order whose number is the beginning of another study's: the numbers are not the same, and the order is asked.", (
            _exam("2025-04-03 10:00:00", accession="A71"),), (_order("2025-04-03 10:00:00", accession="A7"),)),
        Case("an order whose study was deleted: it had arrived, and the question says deleted or not.", (
            _exam("2025-04-03 10:00:00", accession="A7", deleted=1),), (_order("2025-04-03 10:00:00", accession="A7"),)),
        Case("an order whose study has no series, an empty shell: its row in `study` is there, and the order is not asked.", (
            _exam("2025-04-03 10:00:00", modalities="", says="CT", n_series=0, accession="A7"),), (
            _order("2025-04-03 10:00:00", accession="A7"),)),
        Case("an order whose study lies under another record of the patient: accession number and issuer are the same, so it has "
             "arrived.", (
            _exam("2025-04-03 10:00:00", accession="A7", patient_pk=1),), (_order("2025-04-03 10:00:00", accession="A7", patient_pk=2),)),
        Case("an order whose study is unverified, or has another status: it has arrived.", (
            _exam("2025-04-03 10:00:00", accession="A7", status="UNVERIFIED"),
            _exam("2025-04-03 10:00:00", accession="A8", status="VERIFIED")), (
            _order("2025-04-03 10:00:00", accession="A7"), _order("2025-04-03 10:00:00", accession="A8"))),
        Case("an order whose study was made days before or after its appointment: it has arrived.", (
            _exam("2025-03-27 10:00:00", accession="A7"), _exam("2025-04-07 04:00:00", accession="A8")), (
            _order("2025-03-31 10:00:00", accession="A7"), _order("2025-04-02 10:00:00", accession="A8"))),
    ],
    "StoragePerModality": [
        Case("a series of a study that was deleted: it had to be stored, and counts.", (_exam("2024-05-02 10:30:00", deleted=1),)),
        Case("a series whose study is not in the table any more: it had to be stored, and counts.", (
            _exam("2024-05-02 10:30:00", lost=True),)),
        Case("a study with series of two modalities: each series counts for its "
             "own.", (_exam("2024-05-02 10:30:00", modalities="PT CT CT"),)),
        Case("a series of 2024 whose study began to arrive in 2023: the series's own time counts.", (
            _exam("2023-12-31 20:00:00", followed="2024-01-01 06:00:00"),)),
        Case("a series that arrived in 2023: it does not count.", (_exam("2023-05-02 10:30:00"),)),
        Case("a series that arrived in 2025: it does not count.", (_exam("2025-02-02 10:30:00"),)),
        Case("a series that arrived on 31 December 2024 at two in the afternoon: a bare last day, as in `BETWEEN`, ends as that day "
             "begins.", (
            _exam("2024-12-31 14:00:00"),)),
        Case("a series that came in the last minutes of 2024, UTC: it "
             "counts.", (_exam("2024-12-31 20:30:00"), _exam("2024-12-31 23:59:59"))),
        Case("a series that came in the very first second of 2024, UTC: it counts.", (_exam("2024-01-01 00:00:00"),)),
        Case("a series that came half an hour before 2024, UTC: it does not count.", (_exam("2023-12-31 23:30:00"),)),
        Case("a series that came as 2025 began, UTC: it does not count.", (_exam("2025-01-01 00:00:00"),)),
        Case("three hundred small series: together they are much, if nothing is rounded or cut off before they are added up.", (
            _exam("2024-05-02 10:30:00", modalities=" ".join(["CT"] * 300), says="CT", size=940_000),
            _exam("2024-05-02 10:30:00", modalities=" ".join(["MR"] * 9), says="MR", size=40_000_000))),
        *_like_any_other("a series of a study", "2024-05-02 10:30:00", "CT", COUNTS),
    ],
    "FastEnough": [
        Case("a study that was deleted: it does not belong on the list.", (_exam("2025-04-06 12:00:00", deleted=1),)),
        Case("a study that arrived on the 5th, or the 7th: it does not belong on the list.", (
            _exam("2025-04-05 23:59:59"), _exam("2025-04-07 00:00:00"), _exam("2025-04-07 03:00:00"))),
        Case("a study that came in the first second of the day, UTC: it belongs on the list.", (_exam("2025-04-06 00:00:00"),)),
        Case("a study that came in the last hour of the day, UTC: it belongs on the list.", (
            _exam("2025-04-06 23:20:00"), _exam("2025-04-06 23:59:59"))),
        Case("a study of another day that arrived on the 6th, such as an import: it belongs on the list.", (
            _exam("2025-04-06 12:00:00", "2019-05-02 10:00:00"),)),
        Case("a study without any series, or with several: its row in `study` is one arrival.", (
            _exam("2025-04-06 12:00:00", modalities="", says="CT", n_series=0), _exam("2025-04-06 12:00:00", modalities="CT SR CT"))),
        *_like_any_other("a study", "2025-04-06 12:00:00", "CT",
                          "it belongs on the list. The question names all its conditions, and this is none of them."),
    ],
    "TheMondayReport": [
        Case("a study with several series of one modality: it is one study.", (_exam(MARCH, modalities="CT CT CT"),)),
        Case("a study with series of two modalities, such as a PET/CT, or CT with US: it belongs to each of them.", (
            _exam(MARCH, modalities="PT CT"), _exam(MARCH, modalities="CT US"), _exam(MARCH, modalities="SR CT"))),
        Case("a study that says CT and has no series, or is of `OCT`: it belongs to none of the four.", (
            _exam(MARCH, modalities="", says="CT", n_series=0), _exam(MARCH, modalities="OCT"))),
        Case("a study that was deleted: it does not count.", (_exam(MARCH, deleted=1),)),
        Case("an exam of 2019 that was imported in March: it is added and older.", (_exam(MARCH, "2019-05-02 10:00:00"),)),
        Case("such an import that nobody has read: it is unread as well.", (
            _exam(MARCH, "2019-05-02 10:00:00", status="VERIFIED"), _exam(MARCH, "2019-05-02 10:00:00", status="UNVERIFIED"))),
        Case("an exam of 2019 that was imported in February, or in April: it is in none of the four columns.", (
            _exam("2025-02-12 10:30:00", "2019-05-02 10:00:00"), _exam("2025-04-03 10:30:00", "2019-05-02 10:00:00"))),
        Case("an exam of 31 March, two in the afternoon: it is performed and added.", (_exam("2025-03-31 14:00:00"),)),
        Case("an exam of the evening of 31 March that arrived on 1 April, UTC: it is performed, and not added.", (
            _exam("2025-04-01 00:05:00", "2025-03-31 23:40:00", status="VERIFIED"),)),
        Case("an exam that began at 00:10 on 1 April, by the hospital's clock, and arrived on 31 March, UTC: it is added, and neither "
             "performed in March nor before.", (_exam("2025-03-31 22:20:00", "2025-04-01 00:10:00"),)),
        Case("an exam of the last evening of February that arrived on 1 March, UTC: it is added and older.", (
            _exam("2025-03-01 00:20:00", "2025-02-28 23:50:00"),)),
        Case("an exam that began at 00:15 on 1 March, by the hospital's clock, and arrived on 28 February, UTC: it is performed, and not "
             "added.", (
            _exam("2025-02-28 23:25:00", "2025-03-01 00:15:00"),)),
        Case("an exam that began at 00:15 on 1 March, by the hospital's clock, and arrived that day: it is performed and added, and not "
             "older.", (
            _exam("2025-03-01 00:20:00", "2025-03-01 00:15:00"),)),
        Case("a study that came in the first or last second of March, UTC: it is added.", (
            _exam("2025-03-01 00:00:00"), _exam("2025-03-31 23:59:59"))),
        Case("a study whose last series followed in April: it was added when its first object came, which `study.created_utc` tells.", (
            _exam("2025-03-31 20:00:00", followed="2025-04-01 06:00:00"),)),
        Case("an unread study of February, or of April: `unread` asks for those added in March.", (
            _exam("2025-02-12 10:30:00", status="VERIFIED"), _exam("2025-04-02 10:30:00", status="VERIFIED"))),
        *_like_any_other("a study", MARCH, "MR", "each column treats it by its own rule, and none of the rules asks for that."),
    ],
}


@cache
def _archive(name, *numbers):
    """The small archive of an exercise in which ordinary exams occur, and the cases with these numbers."""
    exams, orders = list(ORDINARY[name]), list(ORDERED.get(name, ()))
    for number in numbers:
        case = CASES[name][number]
        exams += [_of_case(number, one) for one in case.exams]
        orders += [_of_case(number, one) for one in case.orders]
    return Small(f"cpas06_{name}".casefold(), exams, orders)


def _of_case(number, one):
    """An exam or order whose accession number, if it was given one, is that of no other case."""
    return one | {"accession": f"C{number}{one['accession']}"} if one.get("accession") else one


@cache
def _long_archive():
    """One with a year of arrivals before 6 April 2025 and a year after it."""
    days = [datetime(2025, 4, 6, 10, 30) + timedelta(hours=6 * step) for step in range(-1460, 1460)]
    return Small("cpas06_long", [_exam(str(day)) for day in days])
