"""What every edition holds, on many seeds: an archive that is consistent except where dirt was planted."""

import collections

import numpy as np
import pytest

from coursekit.hospital import clock, hospital, names, story
from coursekit.hospital.catalogue import PROCEDURES, SOP_CLASSES, STORAGE

SEEDS = range(24)


@pytest.fixture(scope="module", params=SEEDS)
def h(request):
    return hospital(request.param, "tiny")


@pytest.fixture(scope="module")
def ask(h):
    connection = h.pacs.connect()

    def run(statement, *values):
        return connection.execute(statement, values).fetchall()

    yield run
    connection.close()


@pytest.fixture(scope="module")
def one(ask):
    return lambda statement, *values: ask(statement, *values)[0][0]


# --- counting the CTs of March

CT = "('\\' || mods_in_study || '\\') LIKE '%\\CT\\%'"
MARCH = "created_utc >= '2025-03-01' AND created_utc < '2025-04-01'"
RIGHT = f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND {CT} AND {MARCH}"
CONFUSIONS = {
    "study date": f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND {CT}"
                  " AND study_dt_local >= '2025-03-01' AND study_dt_local < '2025-04-01'",
    "equals CT": f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND mods_in_study = 'CT' AND {MARCH}",
    "begins with CT": f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND mods_in_study LIKE 'CT%' AND {MARCH}",
    "contains CT": f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND mods_in_study LIKE '%CT%' AND {MARCH}",
    "without PET/CT": RIGHT + " AND mods_in_study NOT LIKE '%PT%'",
    "between": f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND {CT}"
               " AND created_utc BETWEEN '2025-03-01' AND '2025-03-31'",
    "local month": f"SELECT count(*) FROM study WHERE deleted = 0 AND n_series > 0 AND {CT}"
                   " AND created_utc >= '2025-02-28 23:00:00' AND created_utc < '2025-03-31 22:00:00'",
    "deleted too": RIGHT.replace("deleted = 0 AND ", ""),
    "without images too": RIGHT.replace("n_series > 0 AND ", ""),
    "both too": RIGHT.replace("deleted = 0 AND n_series > 0 AND ", ""),
    "arrival of series": "SELECT count(DISTINCT study.pk) FROM study JOIN series ON study_pk = study.pk WHERE deleted = 0 AND "
                         "series.modality = 'CT' AND series.created_utc >= '2025-03-01' AND series.created_utc < '2025-04-01'",
    "series": "SELECT count(*) FROM study JOIN series ON study_pk = study.pk WHERE deleted = 0 AND series.modality = 'CT'"
              " AND study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'",
}


def test_every_confusion_changes_the_count(one):
    right = one(RIGHT)
    counts = {name: one(statement) for name, statement in CONFUSIONS.items()}
    assert right > 40
    assert right not in counts.values(), counts
    # the numbers planted: 3 deleted, 4 without images, 5 arrivals less 4 at the edges, 1 whose last series came in March
    assert counts["deleted too"] - right == 3
    assert counts["without images too"] - right == 4
    assert right - counts["local month"] == 1
    assert counts["arrival of series"] - right == 1
    # asked of the series instead of the column, the right answer is the same
    assert right == one("SELECT count(DISTINCT study.pk) FROM study JOIN series ON study_pk = study.pk WHERE deleted = 0"
                        " AND series.modality = 'CT' AND study.created_utc >= '2025-03-01' AND study.created_utc < '2025-04-01'")


def test_exams_arrive_in_another_month_than_they_were_made(one):
    assert one(f"SELECT count(*) FROM study WHERE {CT} AND created_utc BETWEEN '2025-03-15' AND '2025-03-17'"
               " AND study_dt_local BETWEEN '2015' AND '2023'") >= 15
    assert one("SELECT count(*) FROM study WHERE created_utc LIKE '2025-02-28 23:%'") >= 3
    assert one("SELECT count(*) FROM study WHERE created_utc > '2025-03-31 22' AND created_utc < '2025-04-01'") >= 5
    assert one(f"SELECT count(*) FROM study WHERE {CT} AND created_utc LIKE '2025-03-31 %' AND created_utc < '2025-03-31 21'") >= 4
    assert one(f"SELECT count(*) FROM study WHERE {CT} AND study_dt_local LIKE '2025-02-28 %' AND created_utc LIKE '2025-03-01 %'") >= 3
    assert one(f"SELECT count(*) FROM study WHERE {CT} AND study_dt_local LIKE '2025-03-31 %' AND created_utc LIKE '2025-04-01 %'") >= 3


def test_the_last_days_tell_the_day_of_the_exam_from_that_of_arrival(one):
    yesterday = "BETWEEN '2025-04-06' AND '2025-04-07'"
    assert one(f"SELECT count(*) FROM study WHERE created_utc {yesterday} AND study_dt_local < '2025-04-06'") >= 2
    assert one(f"SELECT count(*) FROM study WHERE study_dt_local {yesterday} AND created_utc > '2025-04-07'") >= 2
    assert one(f"SELECT count(*) FROM study WHERE created_utc {yesterday} AND deleted = 1") >= 1
    for status in ("SCHEDULED", "CANCELLED"):
        assert one("SELECT count(*) FROM orders WHERE scheduled_local BETWEEN '2025-03-31' AND '2025-04-05' AND status = ?"
                   " AND NOT EXISTS (SELECT 1 FROM study WHERE study.accession = orders.accession)", status) >= 4


def test_months_of_exam_and_of_arrival_differ_for_other_modalities(one):
    for month, modality in (("2024-02", "MR"), ("2024-05", "MR"), ("2024-08", "MR"), ("2025-02", "MR"),
                            ("2025-02", "US"), ("2025-02", "MG")):
        assert one("SELECT count(*) FROM study WHERE substr(study_dt_local, 1, 7) = ? AND substr(created_utc, 1, 7) > ?"
                   " AND deleted = 0 AND mods_in_study LIKE ?", month, month, f"%{modality}%") >= 1, (month, modality)


def test_modalities_in_study_have_every_form(ask):
    found = {row[0] for row in ask("SELECT DISTINCT mods_in_study FROM study WHERE created_utc >= '2025-03-01'"
                                   " AND created_utc < '2025-04-01' AND deleted = 0")}
    assert {"CT", "CT\\SR", "SR\\CT", "CT\\SR\\OT", "PT\\CT\\SR", "SR\\CT\\PT", "OCT", "IVOCT"} <= found


def test_modalities_in_study_are_those_of_the_series(ask):
    series = collections.defaultdict(set)
    for study, modality in ask("SELECT study_pk, modality FROM series"):
        series[study].add(modality)
    for pk, mods, count in ask("SELECT pk, mods_in_study, n_series FROM study"):
        listed = mods.split("\\")
        assert len(listed) == len(set(listed))
        assert set(listed) == series[pk] if count else pk not in series


# --- the archive is consistent

def test_counts_and_sizes_add_up(ask):
    assert ask("""SELECT study.pk FROM study LEFT JOIN (SELECT study_pk, count(*) AS n, sum(n_instances) AS i,
                         sum(size_bytes) AS b FROM series GROUP BY study_pk) ON study_pk = study.pk
                  WHERE n_series <> ifnull(n, 0) OR study.n_instances <> ifnull(i, 0)
                     OR study.size_bytes <> ifnull(b, 0)""") == []
    assert ask("""SELECT series.pk FROM series JOIN instance ON series_pk = series.pk
                  GROUP BY series.pk HAVING count(*) <> n_instances""") == []


def test_keys_count_the_rows_in_order_of_time(ask):
    for table, column in (("patient", "created_utc"), ("visit", "admitted_local"), ("orders", "ordered_utc"),
                          ("study", "created_utc")):
        rows = ask(f"SELECT pk, {column} FROM {table} ORDER BY pk")
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        if table != "visit":                                       # the wall clock goes back once a year
            assert [row[1] for row in rows] == sorted(row[1] for row in rows), table


def test_references_hold(ask):
    for table, column, target in (
            ("patient", "issuer_pk", "issuer"), ("patient", "merged_into", "patient"), ("visit", "patient_pk", "patient"),
            ("orders", "patient_pk", "patient"), ("orders", "visit_pk", "visit"), ("orders", "issuer_pk", "issuer"),
            ("study", "patient_pk", "patient"), ("study", "issuer_pk", "issuer"), ("instance", "series_pk", "series"),
            ("file", "instance_pk", "instance"), ("file", "filesystem_pk", "filesystem")):
        assert ask(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
                   f" AND {column} NOT IN (SELECT pk FROM {target})") == [], (table, column)
    assert ask("SELECT station_aet FROM orders WHERE station_aet NOT IN (SELECT aet FROM ae)") == []
    assert ask("SELECT station_aet FROM series WHERE station_aet NOT LIKE 'ECC_%'"
               " AND station_aet NOT IN (SELECT aet FROM ae)") == []
    assert ask("SELECT orders.pk FROM orders JOIN visit ON visit.pk = visit_pk"
               " WHERE orders.patient_pk <> visit.patient_pk") == []


def test_identifiers_are_unique_and_legal(ask):
    for table, column in (("study", "study_uid"), ("series", "series_uid"), ("instance", "sop_uid"), ("orders", "study_uid"),
                          ("orders", "accession || ' ' || issuer_pk"), ("orders", "placer_number"), ("visit", "visit_number")):
        values = [row[0] for row in ask(f"SELECT {column} FROM {table}")]
        assert len(values) == len(set(values)), (table, column)
        if column.endswith("uid"):
            for value in values:
                assert value.startswith("2.999.") and len(value) <= 64
                assert all(part == "0" or part[0] != "0" for part in value.split("."))
    assert ask("SELECT pid, count(*) FROM patient GROUP BY pid, issuer_pk HAVING count(*) > 1") == []
    assert ask("SELECT accession FROM study WHERE length(accession) > 16") == []


def test_an_order_of_eastcliff_has_the_number_of_a_study_here(ask):
    pairs = ask("SELECT orders.issuer_pk, study.issuer_pk, orders.status, substr(scheduled_local, 1, 7) FROM orders JOIN study"
                " USING (accession) WHERE orders.issuer_pk <> study.issuer_pk AND scheduled_local > '2025-03-30'")
    assert (2, 1, "SCHEDULED", "2025-04") in pairs


def test_times_are_possible(one, h):
    now = "2025-04-07 05:30:00"
    for table, column in (("patient", "created_utc"), ("patient", "updated_utc"), ("orders", "ordered_utc"),
                          ("study", "created_utc"), ("study", "exam_complete_utc"), ("series", "created_utc"),
                          ("instance", "created_utc")):
        assert one(f"SELECT max({column}) FROM {table}") <= now, (table, column)
    assert one("SELECT min(study_dt_local) FROM study") > "2015"
    assert one("SELECT count(*) FROM study WHERE study_dt_local < '2021' AND issuer_pk <> 2") == 0
    assert one("SELECT count(*) FROM patient WHERE updated_utc < created_utc") == 0
    assert one("SELECT count(*) FROM study JOIN patient ON patient.pk = patient_pk WHERE study.created_utc < patient.created_utc") == 0
    assert one("SELECT count(*) FROM study JOIN patient ON patient.pk = patient_pk WHERE study_dt_local < birth_date"
               " AND patient.issuer_pk = 1") == 0
    assert one("SELECT count(*) FROM series JOIN study ON study.pk = study_pk WHERE series.created_utc < study.created_utc") == 0
    # arrival follows the exam by the clock of the device
    assert one("SELECT count(*) FROM study WHERE created_utc <= datetime(study_dt_local, '-' || substr(tz_offset, 3, 1) || ' hours')") == 0


def test_offsets_are_those_of_the_wall_clock_except_for_one_scanner(ask, h):
    behind = set(h.truth["planted"]["study by a clock one hour behind"])
    for pk, local, offset in ask("SELECT pk, study_dt_local, tz_offset FROM study"):
        utc = clock.seconds(local) - 3600 * int(offset[1:3])
        right = int(clock.offset(utc)) == 3600 * int(offset[1:3])
        assert right == (pk not in behind), pk
    assert behind
    titles = ask(f"SELECT DISTINCT station_aet FROM series WHERE modality = 'CT' AND study_pk IN ({','.join(map(str, behind))})")
    assert titles == [("CTER01",)]


def test_only_that_scanner_worked_in_the_hour_that_was_skipped(ask, h):
    in_hole = ask("SELECT pk FROM study WHERE study_dt_local >= '2025-03-30 02' AND study_dt_local < '2025-03-30 03'")
    assert (h.truth["case_17"]["study_pk"],) in in_hole
    assert {pk for pk, in in_hole} <= set(h.truth["planted"]["study by a clock one hour behind"])


def test_the_scanner_has_its_new_title_from_the_day_of_the_upgrade(ask):
    assert ask("SELECT pk FROM series WHERE station_aet = 'CTER01' AND created_utc < '2025-03-29 13'") == []
    late = ask("SELECT series.pk FROM series JOIN study ON study.pk = study_pk WHERE station_aet = 'CT_ER' AND series.modality = 'CT'"
               " AND study_dt_local >= '2025-03-29 14:00:00'")
    assert late == []


def test_modalities_and_codes(ask):
    assert {row[0] for row in ask("SELECT DISTINCT modality FROM series")} <= {
        "CR", "DX", "CT", "US", "MG", "MR", "XA", "RF", "NM", "PT", "IVUS", "IVOCT", "OCT", "IO", "PX", "XC", "SR", "PR", "KO", "OT"}
    assert {row[0] for row in ask("SELECT DISTINCT sop_class_uid FROM instance")} <= {STORAGE + code for code in SOP_CLASSES.values()}
    allowed = {"study.status": {"UNVERIFIED", "VERIFIED", "READ"}, "visit.class": {"E", "I", "O"},
               "orders.status": {"SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELLED"},
               "orders.priority": {"STAT", "URGENT", "ROUTINE"}, "file.status": {"OK", "MISSING"},
               "filesystem.tier": {"ONLINE", "NEARLINE", "OFFLINE"}, "study.deleted": {0, 1},
               "patient.sex": {"F", "M", "O", None}, "series.laterality": {"R", "L", None}}
    for name, values in allowed.items():
        table, column = name.split(".")
        assert {row[0] for row in ask(f"SELECT DISTINCT {column} FROM {table}")} == values, name


def test_people_fit_their_exams(ask):
    assert ask("SELECT study.pk FROM study JOIN patient ON patient.pk = patient_pk WHERE description LIKE 'MG %' AND sex = 'M'") == []
    ages = [row[0] for row in ask("SELECT substr(study_dt_local, 1, 4) - substr(birth_date, 1, 4) FROM study"
                                  " JOIN patient ON patient.pk = patient_pk WHERE description = 'US OBSTETRIC' AND birth_date NOT NULL")]
    assert ages and min(ages) >= 17 and max(ages) <= 46


def test_names_are_searchable(ask):
    for name, norm in ask("SELECT name, name_norm FROM patient"):
        assert norm == names.search_form(name)
        assert norm == norm.upper() and norm.isascii()


def test_instance_records_are_those_of_the_last_days(ask):
    for created, status in ask("SELECT DISTINCT study.created_utc, study.status FROM instance JOIN series ON series.pk = series_pk"
                               " JOIN study ON study.pk = study_pk"):
        assert created > "2025-04-05 05:30:00" or status == "UNVERIFIED" and created > "2025-03-28"


# --- dirt

def test_every_kind_of_dirt_is_there(h):
    planted = h.truth["planted"]
    least = collections.defaultdict(lambda: 2, {
        "merge chain": 2, "deleted study": 7, "study of a merged patient": 9, "accession number of an order of Eastcliff": 1,
        "number of a transfer": 1, "month ended between its series": 1})
    assert [name for name, keys in planted.items() if len(keys) < least[name]] == []


def test_studies_and_orders_that_miss_each_other(one, ask, h):
    assert one("SELECT count(*) FROM orders WHERE accession NOT IN (SELECT accession FROM study)") == 0      # NULL
    assert one("SELECT count(*) FROM orders WHERE NOT EXISTS (SELECT 1 FROM study WHERE study.accession = orders.accession)") > 20
    assert one("SELECT count(*) FROM study WHERE accession IS NULL") > 20
    assert one("SELECT count(*) FROM orders WHERE status = 'CANCELLED'") >= 8
    assert one("SELECT count(*) FROM orders WHERE status = 'SCHEDULED' AND scheduled_local < '2025-04-06'") >= 10
    assert one("SELECT count(*) FROM orders WHERE status = 'SCHEDULED' AND scheduled_local > '2025-04-07 07:30'") >= 10
    assert one("SELECT count(*) FROM study WHERE accession IS NOT NULL AND exam_complete_utc IS NULL AND issuer_pk = 1") >= 5
    truth = h.truth["study_order"]
    chosen = {**dict(zip(truth["study_pk"], truth["order_pk"])), **h.truth["worklist_choice"]}
    assert len(chosen) > 1000
    for study, order in chosen.items():
        if order is None:
            continue
        same = ask("SELECT study.study_uid = orders.study_uid FROM study, orders WHERE study.pk = ? AND orders.pk = ?", study, order)
        assert same == [(int(study not in h.truth["planted"]["study UID not the planned one"]),)]


def test_accession_numbers_collide_and_are_cut(ask, one, h):
    twice = ask("SELECT accession FROM study WHERE accession NOT NULL GROUP BY accession HAVING count(DISTINCT issuer_pk) > 1")
    assert len(twice) >= 3
    cut = h.truth["planted"]["accession number cut to 16 characters"]
    order_of = dict(zip(h.truth["study_order"]["study_pk"], h.truth["study_order"]["order_pk"]))
    for study in cut:
        short = one("SELECT accession FROM study WHERE pk = ?", study)
        long = one("SELECT accession FROM orders WHERE pk = ?", order_of[study])
        assert len(short) == 16 < len(long) and long.startswith(short)
    # two studies of one order
    assert len(ask("SELECT accession FROM study WHERE issuer_pk = 1 GROUP BY accession HAVING count(*) > 1")) >= 2


def test_merged_patients_and_chains(one, ask, h):
    assert one("SELECT count(*) FROM patient WHERE merged_into IS NOT NULL") >= 9
    for first, middle, last in h.truth["planted"]["merge chain"]:
        assert ask("SELECT merged_into FROM patient WHERE pk IN (?, ?) ORDER BY merged_into = ?", first, middle, last) == [
            (middle,), (last,)]
        assert one("SELECT merged_into FROM patient WHERE pk = ?", last) is None
    assert one("SELECT count(*) FROM study JOIN patient ON patient.pk = patient_pk WHERE merged_into IS NOT NULL") >= 9


def test_identifiers_differ_by_a_slip(one, h):
    for record, person in h.truth["typed_for"].items():
        wrong, right = one("SELECT pid FROM patient WHERE pk = ?", record), one("SELECT pid FROM patient WHERE pk = ?", person)
        assert wrong.replace("O", "0") == right or sorted(wrong) == sorted(right) and wrong != right
    assert one("SELECT count(*) FROM patient WHERE pid LIKE 'HV1%O%'") >= 3


def test_twins_and_namesakes(ask, one, h):
    for pair in h.truth["planted"]["twins"]:
        births = ask("SELECT birth_date, substr(name_norm, 1, instr(name_norm, '^')) FROM patient WHERE pk IN (?, ?)", *pair)
        assert len(births) == 2 and births[0] == births[1]
    assert one("SELECT count(*) FROM (SELECT name_norm FROM patient GROUP BY name_norm HAVING count(DISTINCT birth_date) > 1)") > 3


def test_names_as_received(one):
    assert one("SELECT count(*) FROM patient WHERE name = lower(name)") >= 3
    assert one("SELECT count(*) FROM patient WHERE name LIKE '%^^^'") >= 3
    assert one("SELECT count(*) FROM patient WHERE name LIKE '%, %'") >= 3
    assert one("SELECT count(*) FROM patient WHERE name LIKE '% '") >= 3
    assert one("SELECT count(DISTINCT name_norm) FROM patient WHERE name LIKE '%=%'") == len(names.OTHER_SCRIPTS)
    assert one("SELECT count(*) FROM patient WHERE name GLOB '*[ÅØÖÜÉÑ]*'") >= 1


def test_body_parts_vary(ask):
    found = {row[0] for row in ask("SELECT DISTINCT body_part FROM series WHERE modality IN ('CR', 'DX', 'CT')")}
    assert {"CHEST", "THORAX", "PORT CXR", None} <= found


def test_stored_files_have_gaps(one, ask, h):
    planted = h.truth["planted"]
    no_file = [row[0] for row in ask("SELECT pk FROM instance WHERE pk NOT IN"
                                     " (SELECT instance_pk FROM file WHERE filesystem_pk = 1) ORDER BY pk")]
    assert no_file == planted["instance without file"]
    missing = ask("SELECT instance_pk FROM file WHERE status = 'MISSING' ORDER BY 1")
    assert [row[0] for row in missing] == planted["instance whose file is missing"]
    short = ask("""SELECT instance_pk FROM file JOIN instance ON instance.pk = instance_pk JOIN series ON series.pk = series_pk
                   WHERE file.size_bytes <> series.size_bytes / series.n_instances ORDER BY 1""")
    assert [row[0] for row in short] == planted["instance whose file is too short"]
    assert one("SELECT count(*) FROM instance WHERE rejected_code NOT NULL") == len(planted["rejected instance"])
    assert one("SELECT count(*) FROM file WHERE length(sha256) <> 64") == 0
    assert one("SELECT count(*) FROM (SELECT 1 FROM file GROUP BY instance_pk HAVING count(*) = 2)") > 10


def test_series_without_study_and_studies_without_series(one, ask, h):
    orphans = ask("SELECT pk FROM series WHERE study_pk NOT IN (SELECT pk FROM study) ORDER BY pk")
    empty = ask("SELECT pk FROM study WHERE pk NOT IN (SELECT study_pk FROM series) ORDER BY pk")
    assert [row[0] for row in orphans] == h.truth["planted"]["orphan series"]
    assert [row[0] for row in empty] == h.truth["planted"]["study without images"]


def test_unread_and_unverified(one, ask, h):
    assert [row[0] for row in ask("SELECT pk FROM study WHERE status = 'UNVERIFIED' ORDER BY pk")] == h.truth["planted"]["unverified study"]
    assert one("SELECT count(*) FROM study WHERE status = 'VERIFIED' AND created_utc < '2025-04-01' AND n_series > 0") >= 6


# --- Case 17

def test_wrong_entries_of_the_worklist(one, ask, h):
    truth, planted = h.truth, h.truth["planted"]
    fulfils = dict(zip(truth["study_order"]["study_pk"], truth["study_order"]["order_pk"]))
    parts = "SELECT DISTINCT body_part FROM series WHERE study_pk = ? AND body_part IS NOT NULL AND modality = 'DX'"
    for study in planted["wrong order"] + planted["wrong patient"]:
        chosen = truth["worklist_choice"][study]
        asked, filed = (ask("SELECT body_part, procedure_code, patient_pk, status FROM orders WHERE pk = ?", order)[0]
                        for order in (fulfils[study], chosen))
        assert ask(parts, study) == [(objects_part(asked[1]),)] != [(objects_part(filed[1]),)]
        assert ask("SELECT accession, study_uid, patient_pk FROM study WHERE pk = ?", study) == ask(
            "SELECT accession, study_uid, patient_pk FROM orders WHERE pk = ?", chosen)
        other_person = study in planted["wrong patient"]
        assert (asked[2] != filed[2]) == other_person
        assert (asked[3], filed[3]) == ("SCHEDULED" if other_person else "COMPLETED", "COMPLETED")
    # who came next had no entry left
    assert len(planted["wrong patient"]) == len(planted["order taken for another patient"]) >= 2
    for first, second in zip(planted["wrong patient"], planted["order taken for another patient"]):
        assert truth["worklist_choice"][first] == fulfils[second] and truth["worklist_choice"][second] is None
        assert ask("SELECT accession, status FROM study WHERE pk = ?", second)[0][0] is None
        assert one("SELECT count(DISTINCT patient_pk) FROM study WHERE pk IN (?, ?)", first, second) == 1


def objects_part(code):
    return next(procedure.body_part for procedure in PROCEDURES if procedure.code == code)


def test_two_orders_of_one_study(one, ask, h):
    assert len(h.truth["also_did"]) >= 2
    for study, second in h.truth["also_did"].items():
        accession, patient, code, station, start, status = ask(
            "SELECT accession, patient_pk, procedure_code, station_aet, scheduled_local, status FROM orders WHERE pk = ?", second)[0]
        assert (code, status) == ("CTAP", "COMPLETED") and one("SELECT count(*) FROM study WHERE accession = ?", accession) == 0
        assert ask("SELECT patient_pk, procedure_code, station_aet, scheduled_local FROM orders WHERE accession = "
                   "(SELECT accession FROM study WHERE pk = ?)", study) == [(patient, "CTCH", station, start)]


def test_two_images_with_one_uid(ask, h):
    different = ask("SELECT instance_pk FROM file GROUP BY instance_pk HAVING count(DISTINCT sha256) > 1 ORDER BY 1")
    assert [key for key, in different] == h.truth["planted"]["two images with one SOP Instance UID"] != []
    assert ask("SELECT count(*) FROM file GROUP BY instance_pk HAVING count(*) > 1 AND count(DISTINCT sha256) = 1") != []


def test_the_baby_is_born_before_anything_is_done(one, h):
    baby = h.truth["people"]["P6 baby"]["patient_pk"]
    admitted = one("SELECT min(admitted_local) FROM visit WHERE patient_pk = ?", baby)
    assert one("SELECT birth_date FROM patient WHERE pk = ?", baby) == admitted[:10] == "2025-04-02"
    assert admitted < clock.text(clock.to_local(np.array([clock.seconds(
        one("SELECT ordered_utc FROM orders WHERE patient_pk = ?", baby))])))[0]


def test_case_17(one, ask, h):
    case = h.truth["case_17"]
    study = dict(zip(("pid", "name", "accession", "status", "dt", "tz", "created", "mods", "uid"), ask(
        "SELECT pid, name, accession, status, study_dt_local, tz_offset, study.created_utc, mods_in_study, study_uid"
        " FROM study JOIN patient ON patient.pk = patient_pk WHERE study.pk = ?", case["study_pk"])[0]))
    assert study == {"pid": case["typed_id"], "name": case["typed_name"], "accession": None, "status": "UNVERIFIED",
                     "dt": "2025-03-30 02:41:03", "tz": "+0100", "created": case["received_utc"], "mods": "CT\\SR",
                     "uid": case["study_uid"]}
    order = ask("SELECT pid, accession, status, ordered_utc, orders.study_uid, orders.pk FROM orders"
                " JOIN patient ON patient.pk = patient_pk WHERE accession = ?", case["accession"])
    assert order == [(case["temporary_id"], case["accession"], "SCHEDULED", "2025-03-30 01:22:10", case["planned_study_uid"],
                      case["order_pk"])]
    assert one("SELECT count(*) FROM study WHERE accession = ? OR study_uid = ?", case["accession"], case["planned_study_uid"]) == 0
    assert case["typed_id"].replace("O", "0") == case["patient_id"] != case["typed_id"]
    assert ask("SELECT name FROM patient WHERE pid = ?", case["patient_id"]) == [(case["patient_name"],)]
    # the archive refused the merge
    assert ask("SELECT name, merged_into FROM patient WHERE pid = ?", case["temporary_id"]) == [(case["temporary_name"], None)]
    assert ask("SELECT DISTINCT station_aet FROM series WHERE study_pk = ? AND modality = 'CT'", case["study_pk"]) == [("CTER01",)]
    assert one("SELECT count(*) FROM instance JOIN series ON series.pk = series_pk WHERE study_pk = ?", case["study_pk"]) > 20
    # the ticket leads to one study: the family's name, the night, no accession number
    family = case["patient_name"].split("^")[0]
    assert ask("SELECT study.pk FROM study JOIN patient ON patient.pk = patient_pk WHERE name_norm LIKE ? AND accession IS NULL"
               " AND study_dt_local BETWEEN '2025-03-29' AND '2025-03-31'", family + "%") == [(case["study_pk"],)]
    assert one("SELECT count(*) FROM study JOIN patient ON patient.pk = patient_pk WHERE name_norm LIKE ? AND mods_in_study LIKE '%CT%'"
               " AND study_dt_local BETWEEN '2025-03-29' AND '2025-03-31'", family + "%") == 2
    assert case["ordered_utc"] < case["first_image_utc"] < case["received_utc"] < case["merge_refused_utc"] < case["partner_asked_utc"]
    # by the naive local times the image is older than its order
    assert study["dt"] < clock.text(clock.to_local([clock.seconds(case["ordered_utc"])]))[0]


def test_the_story_of_edition_0_is_the_one_the_course_prints():
    case = hospital(0, "tiny").truth["case_17"]
    expected = {"patient_id": "HV100234", "patient_name": "VANDERMEER^ANNA^ELISE", "birth_date": "1961-08-17", "sex": "F",
                "typed_id": "HV10O234", "typed_name": "VANDERMEER^ANA", "temporary_id": "HVTMP0077",
                "temporary_name": "UNKNOWN^FEMALE-77", "accession": "A2503300017", "planned_study_uid": "2.999.200.7.25033017",
                "study_uid": "2.999.100.41.20250330.1", "ordered_utc": "2025-03-30 01:22:10",
                "first_image_utc": "2025-03-30 01:41:03", "merge_refused_utc": "2025-03-30 05:05:00",
                "partner_asked_utc": "2025-03-30 07:10:00", "station_aet": "CTER01"}
    assert {key: case[key] for key in expected} == expected
    tables = hospital(0, "tiny").tables["patient"]
    for name in ("BRANDT^ILSE", "OKAFOR^DANIEL", "NGUYEN^LINH", "NGUYEN^LINH^T", "SILVA^MARCO", "KOLB^PETRA", "HADDAD^YUSUF",
                 "LINDQVIST^ERIK", "OYELARAN^TEMI", "ROSSI^GIULIA", "BABY BOY^ROSSI"):
        assert name in set(tables["name"])
    assert "EC-88120" in set(tables["pid"])


def test_other_editions_tell_it_of_others():
    told = [hospital(seed, "tiny").truth["case_17"] for seed in SEEDS]
    assert len({case["patient_id"] for case in told}) > 20
    assert len({case["patient_name"] for case in told}) > 15
    assert {case["ordered_utc"] for case in told} == {"2025-03-30 01:22:10"}


# --- the shape of the work

def test_volumes_have_the_shape_of_a_hospital():
    counts = hospital().pacs.sql("SELECT substr(mods_in_study, 1, 2) AS m, count(*) AS n FROM study GROUP BY 1").set_index("m")["n"]
    assert counts["DX"] + counts["CR"] > 0.4 * 60_000 > counts.max()
    hours = hospital().pacs.sql("""SELECT class, substr(study_dt_local, 12, 2) + 0 AS h, count(*) AS n FROM study
        JOIN orders USING (accession) JOIN visit ON visit.pk = visit_pk GROUP BY 1, 2""")
    night = hours[hours.h.between(1, 4)].groupby("class").n.sum()
    assert night["E"] > 800 and "O" not in night
    days = hospital().pacs.sql("SELECT strftime('%w', study_dt_local) + 0 AS d, count(*) AS n FROM study GROUP BY 1").set_index("d")["n"]
    assert days[0] < 0.7 * days[2]
    years = hospital().pacs.sql("SELECT substr(study_dt_local, 1, 4) AS y, count(*) AS n FROM study GROUP BY 1").set_index("y")["n"]
    assert years["2021"] < years["2022"] < years["2023"] < years["2024"]


def test_patients_have_priors():
    per = hospital().pacs.sql("SELECT count(*) AS n FROM study GROUP BY patient_pk")["n"]
    assert per.median() >= 2 and 8 < per.max() < 60


def test_the_catalogue_and_the_story_agree():
    assert {procedure.who for procedure in PROCEDURES} == {"any", "women over 40", "women of 18 to 45", "men over 45"}
    assert all(code in {procedure.code for procedure in PROCEDURES} for _, code, _, _ in story.EXAMS)
