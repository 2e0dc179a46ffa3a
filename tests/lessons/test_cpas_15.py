"""What learners give in lesson cpas-15 beyond the solutions and wrong ways, and the lesson's answers reckoned another way."""

import datetime
import functools
import operator
import random

import numpy as np
import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.figures.storage import raid5, raid6
from coursekit.hospital import hospital
from coursekit.lessons.cpas_15_storage import lesson, month, protocol, raid_level, storage, stripe

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SEEDS = range(10)


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


def _right(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def _judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def test_the_disk_by_its_serial_number(editions):
    serial = _right("WhichDisk", editions)[1]
    for letter, label in (("a", serial.lower()), ("A)", f" {serial} "), (lesson.exercises[0].answer.options["A"], pandas.Series([serial]))):
        assert _judged("WhichDisk", editions, letter, label).correct
    slot = next(one.slot for one in editions.own.logs.disks if one.state == "failed")
    assert _judged("WhichDisk", editions, "A", slot).label == "the_slot"
    assert _judged("WhichDisk", editions, "A", f"slot {slot}").label == "the_slot"
    assert _judged("WhichDisk", editions, "A", f"S/N {serial}").correct
    assert _judged("WhichDisk", editions, "E", "none").label == "none"
    assert _judged("WhichDisk", editions, "B", serial).label == "the_suspect_first"
    assert _judged("WhichDisk", editions, "A", ...).outcome is Outcome.NOT_ANSWERED


def test_the_controllers_log_and_the_table_agree():
    for seed in SEEDS:
        logs = hospital(seed, "tiny").logs
        suspect = next(one for one in logs.disks if one.predictive_failure and one.state == "online")
        warned = next(text for _, _, text in logs.controller_log if "predictive failure, media errors" in text)
        assert int(warned.split()[-1]) + 1 == suspect.media_errors          # and one more, in the rebuild


def test_the_serial_number_as_read_over_the_phone(editions):
    serial = _right("WhichDisk", editions)[1]
    for given in (serial[-6:], int(serial[-6:]), f"HV8T {serial[-6:]}", f"slot 5, {serial}", f"Serial: {serial} (failed)", serial.lower()):
        assert _judged("WhichDisk", editions, "A", given).correct, given
    assert not _judged("WhichDisk", editions, "A", f"not {serial}").correct
    for given in (serial[-5:], serial[:-1], serial[-3:], "HV8T"):
        assert "on its label" in _judged("WhichDisk", editions, "A", given).message, given


@pytest.mark.parametrize("seed", SEEDS)
def test_each_other_disk_of_the_shelf_is_told_why_it_stays(seed):
    editions = Editions(hospital(seed, "tiny"))
    failed = _right("WhichDisk", editions)[1]
    told = {}
    for disk in editions.own.logs.disks:
        if disk.serial != failed:
            told[disk.slot] = _judged("WhichDisk", editions, "A", disk.serial).label
            assert _judged("WhichDisk", editions, "A", f"slot {disk.slot}").label == "another_slot"
    assert sorted(set(told.values())) == ["a_healthy_one", "label_of_the_spare", "label_of_the_suspect", "neighbour"]
    assert list(told.values()).count("a_healthy_one") == 8
    several = _judged("WhichDisk", editions, "A", " ".join(one.serial for one in editions.own.logs.disks if one.predictive_failure))
    assert "several disks" in several.message
    for given in ("none", "None", "no disk", "-"):
        assert _judged("WhichDisk", editions, "A", given).label == "nothing_out"


@pytest.mark.parametrize("seed", range(30))
def test_cases_of_a_lost_disk_hold_the_first_the_last_and_one_between(seed):
    cases = EXERCISES["LostDisk"].cases(random.Random(seed))
    places = {"first" if lost == 0 else "last" if lost == len(disks) - 1 else "between" for disks, lost in cases}
    assert places == {"first", "last", "between"}
    assert len(cases[0][0][0]) == 4 and len(cases[-1][0][0]) == 600


def test_other_ways_to_bring_a_disk_back(editions):
    def with_reduce(disks, lost):
        return functools.reduce(operator.xor, [disk for number, disk in enumerate(disks) if number != lost])

    def with_numpy(disks, lost):
        return np.bitwise_xor.reduce(np.delete(np.array(disks), lost, axis=0))

    def byte_by_byte(disks, lost):
        found = []
        for place in range(len(disks[0])):
            byte = 0
            for number, disk in enumerate(disks):
                if number != lost:
                    byte ^= int(disk[place])
            found.append(byte)
        return found

    def in_place(disks, lost):
        result = disks[lost]
        result[:] = 0
        for number in range(len(disks)):
            if number != lost:
                result ^= disks[number]
        return result.tobytes()

    for function in (with_reduce, with_numpy, byte_by_byte, in_place):
        assert _judged("LostDisk", editions, function).correct, function.__name__


@pytest.mark.parametrize(("function", "label", "says"), [
    (lambda disks, lost: functools.reduce(operator.xor, disks, np.zeros(len(disks[0]))), "zeros_as_decimals", "np.uint8"),
    (lambda disks, lost: functools.reduce(operator.ixor, disks, np.zeros(len(disks[0]))), "zeros_as_decimals", "decimal numbers"),
    (lambda disks, lost: disks[lost], "only_the_replacement", "`!=`"),
    (lambda disks, lost: disks[-1] if lost < len(disks) - 1 else disks[-2], "the_last_one_alone", "takes one more in"),
    (lambda disks, lost: disks[0] & disks[1], "value", "In this case the list holds 4 disks, numbers 0 to 3, and number"),
    (lambda disks, lost: functools.reduce(operator.xor, [disks[number] for number in range(5) if number != lost]), "error", "4 disks"),
    (lambda disks, lost: np.concatenate(disks), "value", "byte by byte"),
    (lambda disks, lost: sum(disk.astype(int) for disk in disks), "unreadable", "outside 0 to 255"),
    (lambda disks, lost: disks, "unreadable", "other than whole numbers"),
    (lambda disks, lost: disks.clear(), "unreadable", "Is a `return` missing?"),
    (lambda disks, lost: disks[lost] ^ disks[lost] ^ disks[lost - 1], "the_neighbour", "mirror"),
    (lambda disks, lost: 0 if lost == 0 else disks[0], "unreadable", "If `return` stands inside the loop"),
    (lambda disks, lost: disks[1] if lost == 0 else disks[0], "return_in_the_loop", "below the loop"),
    (lambda disks, lost: functools.reduce(operator.xor, disks, disks[0]), "all_disks_and_the_first_twice", "disk 0 twice"),
    (lambda disks, lost: functools.reduce(operator.xor, disks[1:]) ^ (disks[lost] if lost else 0), "without_the_first", "left out disk 0"),
])
def test_wrong_disks_are_told_apart(editions, function, label, says):
    verdict = _judged("LostDisk", editions, function)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lost_stripes_are_those_of_the_array(seed):
    h = hospital(seed, "tiny")
    pulled, bad = (lesson.input_of(name, h) for name in ("pulled_disk", "bad_blocks"))
    array = raid6(b"x" * 9000, 7).pull(pulled).damage(bad)
    assert sorted(EXERCISES["LostStripes"].computed(EXERCISES["LostStripes"].solution, h)) == array.lost
    assert len(set(bad)) == len(bad) == 11


def test_stripes_in_other_forms(editions):
    numbers = _right("LostStripes", editions)
    for given in (set(numbers), tuple(numbers[::-1]), np.array(numbers), ", ".join(map(str, numbers)), " ".join(map(str, numbers)),
                  [f"stripe {number}" for number in numbers], [str(number) for number in numbers], pandas.Series(numbers)):
        assert _judged("LostStripes", editions, given).correct, given
    first, second, third = numbers
    for given in (f"{first} {second} and {third}", f"stripes {first}, {second}, {third}", f"Stripes {first}, {second} and {third}",
                  f"stripe {first}, stripe {second}, stripe {third}", f"[{first}, {second}, {third}]"):
        assert _judged("LostStripes", editions, given).correct, given
    assert _judged("LostStripes", editions, "stripes").outcome is Outcome.NOT_YET
    assert _judged("LostStripes", editions, numbers[:2]).label == "missing"
    for nothing in ([], set(), pandas.Series([], dtype=int)):
        assert _judged("LostStripes", editions, nothing).label == "nothing_lost"
    for count in (len(numbers), [len(numbers)], "3"):
        verdict = _judged("LostStripes", editions, count)
        assert verdict.label == "how_many" and "asked is which" in verdict.message


@pytest.mark.parametrize("seed", SEEDS)
def test_the_array_of_the_notebook_knows_a_right_answer_from_a_wrong_one(seed):
    h = hospital(seed, "tiny")
    pulled, bad = (lesson.input_of(name, h) for name in ("pulled_disk", "bad_blocks"))
    array = raid6(b"x" * 9000, 7).pull(pulled).damage(bad)
    exercise = EXERCISES["LostStripes"]
    assert array.loses(exercise.computed(exercise.solution, h))
    assert not any(array.loses(exercise.computed(way, h)) for way in exercise.wrong_ways)


def test_the_risk_in_other_forms(editions):
    right = _right("RebuildRisk", editions)
    for given in (round(right), f"{right:.0f} percent",
                  f"{right:.0f} %", f"{right:.1f}%", np.float64(right), f"{right:.1f}".replace(".", ",")):
        assert _judged("RebuildRisk", editions, given).correct, given
    assert _judged("RebuildRisk", editions, round(right / 100, 2)).label == "as_a_fraction"
    assert not _judged("RebuildRisk", editions, right + 1.5).correct
    for given in (f"about {right:.0f}", f"about {right:.0f} %", f"~{right:.0f} %"):
        assert _judged("RebuildRisk", editions, given).correct, given
    for given in (f"{right:.0f} %, or {100 - right:.0f} %", f"{right:.0f} or {100 - right:.0f}"):
        assert "several numbers" in _judged("RebuildRisk", editions, given).message, given
    assert _judged("RebuildRisk", editions, 47).label == "harbour_vale"
    for given in (round(right, 1) - 0.5, round(right, 1) + 0.2):
        assert _judged("RebuildRisk", editions, given).label == "close", given


def test_capacity_in_other_forms(editions):
    def by_table(level, disks, spares, groups, disk_tb):
        members = disks - spares
        data = {"RAID 0": members, "RAID 1": 1, "RAID 10": members // 2, "RAID 5": members - 1, "RAID 6": members - 2,
                "RAID 50": members - groups, "RAID 60": members - 2 * groups}[level]
        return f"{data * disk_tb / 1.099511627776:.1f} TiB"

    def in_other_units(level, disks, spares, groups, disk_tb):
        return f"{float(by_table(level, disks, spares, groups, disk_tb).split()[0]) * 1.099511627776} TB"

    assert _judged("UsableCapacity", editions, by_table).correct
    assert _judged("UsableCapacity", editions, in_other_units).correct
    half = _judged("UsableCapacity", editions, lambda level, disks, spares, groups, disk_tb:
                   EXERCISES["UsableCapacity"].solution(level, disks, spares, groups, disk_tb) if level != "RAID 10" else 0)
    assert half.outcome is Outcome.NOT_YET and "18 of the 21 cases" in half.message


@pytest.mark.parametrize("seed", SEEDS)
def test_cases_of_capacity_hold_every_level_with_and_without_spares(seed):
    cases = EXERCISES["UsableCapacity"].cases(random.Random(seed))
    assert {(level, spares) for level, _, spares, _, _ in cases} == {
        (level, spares) for level in ("RAID 0", "RAID 1", "RAID 5", "RAID 6", "RAID 10", "RAID 50", "RAID 60") for spares in (0, 1)
    } | {(level, spares) for level, _, spares, _, _ in cases if spares in (3, 4)}
    for level in {case[0] for case in cases}:
        _, *found = zip(*[case for case in cases if case[0] == level])
        assert max(found[1]) in (3, 4) and max(found[3]) > 20 and any(size % 1 for size in found[3])
    assert [disks - spares for level, disks, spares, _, _ in cases if level == "RAID 1"] == [3, 2, 4]
    assert all(disks - spares > 4 for level, disks, spares, _, _ in cases if level == "RAID 10")
    for level, disks, spares, groups, _ in cases:
        assert (disks - spares) % {"RAID 10": 2, "RAID 50": groups, "RAID 60": groups}.get(level, 1) == 0


@pytest.mark.parametrize("wrong", [
    lambda level, disks, spares, groups, disk_tb: (level, disks, spares, groups, int(disk_tb)),
    lambda level, disks, spares, groups, disk_tb: (level, disks, spares, groups, min(disk_tb, 20)),
    lambda level, disks, spares, groups, disk_tb: (level, disks, min(spares, 2), groups, disk_tb),
])
@pytest.mark.parametrize("seed", range(3))
def test_capacity_that_is_wrong_for_ordinary_shelves_is_refused(seed, wrong):
    judged = _judged("UsableCapacity", Editions(hospital(seed, "tiny")), lambda *case: EXERCISES["UsableCapacity"].solution(*wrong(*case)))
    assert judged.outcome is Outcome.NOT_YET, judged


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("level", "data", "says"), [
    ("RAID 60", lambda members, groups: members - 2, "takes two disks off in all"),
    ("RAID 60", lambda members, groups: members - groups, "RAID 50. A group of RAID 60 is RAID 6"),
    ("RAID 50", lambda members, groups: members - 1, "takes one disk off in all"),
    ("RAID 50", lambda members, groups: members - 2 * groups, "RAID 60. A group of RAID 50 is RAID 5"),
    ("RAID 50", lambda members, groups: members, "parity is not taken off"),
    ("RAID 10", lambda members, groups: members - 1, "as in RAID 5"),
    ("RAID 6", lambda members, groups: members - 1, "RAID 6 has two parities"),
    ("RAID 5", lambda members, groups: members - 2, "RAID 5 has one parity"),
])
def test_a_mistake_at_one_level_is_told(seed, level, data, says):
    def other(given, disks, spares, groups, disk_tb):
        if given == level:
            return data(disks - spares, groups) * disk_tb * 1000**4 / 1024**4
        return EXERCISES["UsableCapacity"].solution(given, disks, spares, groups, disk_tb)

    def with_spares(given, disks, spares, groups, disk_tb):
        return EXERCISES["UsableCapacity"].solution(given, disks, 0 if given == level else spares, groups, disk_tb)

    editions = Editions(hospital(seed, "tiny"))
    verdict = _judged("UsableCapacity", editions, other)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict
    verdict = _judged("UsableCapacity", editions, with_spares)
    assert verdict.outcome is Outcome.NOT_YET and f"in {level} as at every level" in verdict.message, verdict


def test_operations_in_other_forms(editions):
    rows = [{**row, "disk_iops": int(row["disk_iops"])} for row in _right("WritePenalty", editions)]
    frame = pandas.DataFrame(rows)
    spelled = [(row["level"].replace("RAID ", "raid"), float(row["disk_iops"]), row["enough"] == "yes") for row in rows]
    for given in (rows[::-1], frame, frame.set_index("level"), spelled, frame.assign(level=["10", "5", "6"]),
                  frame.assign(level=["1+0", 5, 6]), {row["level"]: (row["disk_iops"], row["enough"]) for row in rows}):
        assert _judged("WritePenalty", editions, given).correct, given
    for write in ("{:,}", "{} IOPS", "{:,}/s", " {} "):
        assert _judged("WritePenalty", editions, frame.assign(disk_iops=[write.format(row["disk_iops"]) for row in rows])).correct, write
    assert _judged("WritePenalty", editions, frame.assign(disk_iops=[f"{row['disk_iops']:,}".replace(",", " ") for row in rows])).correct
    assert not _judged("WritePenalty", editions, frame.assign(disk_iops=[row["disk_iops"] / 1000 for row in rows])).correct
    assert _judged("WritePenalty", editions, frame.assign(minute="07:48", reads=1, writes=2)).correct
    one_wrong = [dict(row) for row in rows]
    one_wrong[2]["disk_iops"] = rows[1]["disk_iops"]
    assert _judged("WritePenalty", editions, one_wrong).label == "raid6_like_raid5"
    assert _judged("WritePenalty", editions, [{**row, "disk_iops": 60 * row["disk_iops"]} for row in rows]).label == "times_sixty"
    verdict = _judged("WritePenalty", editions, [(row["level"], row["disk_iops"]) for row in rows])
    assert "2 values each, where 3 are asked: `level`, `disk_iops`, `enough`" in verdict.message
    other = [dict(row) for row in rows]
    other[0]["enough"] = "perhaps"
    assert "`enough`" in _judged("WritePenalty", editions, other).message


@pytest.mark.parametrize("seed", SEEDS)
def test_one_wrong_row_of_operations_is_told_by_its_number(seed):
    editions = Editions(hospital(seed, "tiny"))
    exercise = EXERCISES["WritePenalty"]
    right = _right("WritePenalty", editions)
    wrong = exercise.computed(next(one for one in exercise.wrong_ways if one.__name__ == "one_operation_short"), editions.own)
    for place in (1, 2):
        verdict = _judged("WritePenalty", editions, [*right[:place], wrong[place], *right[place + 1:]])
        assert verdict.label == "one_operation_short" and "one operation too few" in verdict.message
    for way in ("penalty_on_reads", "the_average", "minute_with_most_requests", "two_minutes_mixed"):
        wrong = exercise.computed(next(one for one in exercise.wrong_ways if one.__name__ == way), editions.own)
        for place, level in enumerate(("RAID 10", "RAID 5", "RAID 6")):
            for enough in ("yes", "no"):
                rows = [dict(row) for row in right]
                rows[place] = {**wrong[place], "enough": enough}
                verdict = _judged("WritePenalty", editions, rows)
                assert verdict.label == way and verdict.message.startswith(f"In the row of `{level}`: "), verdict
    rows = [dict(row) for row in right]
    rows[1]["enough"] = "no" if rows[1]["enough"] == "yes" else "yes"
    verdict = _judged("WritePenalty", editions, rows)
    assert verdict.label == "enough_exchanged" and "Compare" in verdict.message and "`RAID 5`" in verdict.message
    rows = [{**row, "disk_iops": 1} for row in right]
    assert _judged("WritePenalty", editions, rows).label == "value"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_minute_with_most_requests_is_not_the_worst(seed):
    trace = lesson.input_of("io_trace", hospital(seed, "tiny"))
    for penalty in (2, 4, 6):
        assert (trace["reads"] + trace["writes"]).idxmax() != (trace["reads"] + penalty * trace["writes"]).idxmax()


def test_stores_in_other_forms(editions):
    rows = _right("WhichStore", editions)
    words = {"FC": "Fibre Channel", "iSCSI": "ISCSI", "NFS": "nfs v4", "SMB": "SMB/CIFS", "S3": "S3 over HTTPS", "local": "NVMe"}
    kinds = {"block": "SAN", "file": "NAS", "object": "Object store"}
    spelled = [{"workload": row["workload"].upper(), "storage": kinds[row["storage"]], "protocol": words[row["protocol"]]} for row in rows]
    by_name = {row["workload"]: (row["storage"], row["protocol"]) for row in rows}
    for given in (spelled, pandas.DataFrame(rows), rows[::-1], [tuple(row.values()) for row in rows], by_name):
        assert _judged("WhichStore", editions, given).correct, given


def test_what_can_not_go_together_is_told(editions):
    rows = {row["workload"]: dict(row) for row in _right("WhichStore", editions)}
    for workload, kind, way, label, says in (
        ("image cache", "block", "NFS", "clash", "`block` and `NFS` do not go together: NFS carries files."),
        ("image cache", "file", "iSCSI", "clash", "iSCSI carries blocks."),
        ("virtual machines", "file", "FC", "clash", "FC carries blocks."),
        ("VNA long-term copy", "block", "S3", "clash", "S3 carries objects."),
        ("PACS database", "block", "local", "clash", "in a server's own case"),
        ("VNA long-term copy", "file", "SMB", "archive_on_a_share", "retention lock"),
    ):
        given = {**rows, workload: {"workload": workload, "storage": kind, "protocol": way}}
        verdict = _judged("WhichStore", editions, list(given.values()))
        assert verdict.label == label and says in verdict.message, verdict
    frame = lesson.input_of("workloads", editions.own).merge(pandas.DataFrame(rows.values()), on="workload")
    assert "needs" in frame and _judged("WhichStore", editions, frame).correct


def test_each_misplaced_system_is_told_even_beside_others(editions):
    rows = {row["workload"]: dict(row) for row in _right("WhichStore", editions)}
    rows["PACS database"] |= {"storage": "file", "protocol": "SMB"}
    rows["router spool"] |= {"storage": "object", "protocol": "S3"}
    assert _judged("WhichStore", editions, list(rows.values())).label == "database_on_a_share"
    rows["PACS database"] = dict(next(row for row in _right("WhichStore", editions) if row["workload"] == "PACS database"))
    assert _judged("WhichStore", editions, list(rows.values())).label == "value"


def test_the_spool_and_the_cache_are_told_why(editions):
    rows = {row["workload"]: dict(row) for row in _right("WhichStore", editions)}
    for workload, answer, label, says in (
        ("router spool", ("file", "local"), "spool_is_files", "offers to the server"),
        ("router spool", ("NAS", "NFS"), "spool_on_an_export", ""),
        ("router spool", ("block", "iSCSI"), "spool_over_ethernet", ""),
        ("image cache", ("object", "S3"), "cache_as_objects", "file locks"),
        ("CD import", ("object", "S3"), "import_as_objects", "folder"),
        ("VNA long-term copy", ("block", "FC"), "archive_in_the_san", "retention lock"),
        ("off-site backup", ("file", "SMB"), "backup_on_a_share", "off site"),
    ):
        given = {**rows, workload: {"workload": workload, "storage": answer[0], "protocol": answer[1]}}
        verdict = _judged("WhichStore", editions, list(given.values()))
        assert verdict.label == label and says in verdict.message, verdict


@pytest.mark.parametrize(("given", "read"), [
    ("2026-08", "2026-08"), ("August 2026", "2026-08"), ("aug 2026", "2026-08"), ("08/2026", "2026-08"), ("2026-08-21", "2026-08"),
    ("21 August 2026", "2026-08"), ("August 21, 2026", "2026-08"), ("21.08.2026", "2026-08"), ("2026/8", "2026-08"),
    ("2026-08-21 00:00:00", "2026-08"), ("202608", "2026-08"), (202608, "2026-08"),
    (20260822, "2026-08"), ([2026, 8], "2026-08"), ((2026, 8, 22), "2026-08"), ("in August 2026", "2026-08"),
    ("2026-08-21T10:00", "2026-08"),
    ("the end of August 2026", "2026-08"), ("Saturday, 22 August 2026", "2026-08"), ("22nd of August 2026", "2026-08"),
])
def test_a_month_in_many_forms(given, read):
    assert month(given) == read


@pytest.mark.parametrize("given", [
    "2026-Q3", "2026", "soon", "13/2026", "08/21/2026", "August", "", "2026-00", "2026-08 or 2026-09", "2026-09 or 2026-08",
    "2026-08 2029-01", "2026-08 - 2026-10", "2026-08-99", "August or September 2026", "August 2026 or 2027", "August 2026, September 2026",
    "2026-02-30", "20269999", [2026, 8, 9, 10], ["2026-08", "2026-09"], "August 21 22 2026", "2026-08 to 2026-08"])
def test_what_is_no_month_is_refused(given):
    with pytest.raises(ValueError):
        month(given)


def test_the_month_as_date_and_as_text(editions):
    right = _right("WhenFull", editions)
    year, number = map(int, right.split("-"))
    day = datetime.date(year, number, 20)
    for given in (day, pandas.Timestamp(day), f"{day:%B %Y}", f"{day:%m/%Y}", [right]):
        assert _judged("WhenFull", editions, given).correct, given
    assert "quarter" in _judged("WhenFull", editions, "2026-Q3").message
    exercise = EXERCISES["WhenFull"]
    known = {exercise.computed(way, editions.own): way.__name__ for way in exercise.wrong_ways}
    for months in (-2, -1, 1, 2):
        near = pandas.Timestamp(day) + pandas.DateOffset(months=months)
        verdict = _judged("WhenFull", editions, f"{near:%Y-%m}")
        assert verdict.label == known.get(f"{near:%Y-%m}", "near"), verdict
    assert _judged("WhenFull", editions, "2029-01").label == "value"
    assert _judged("WhenFull", editions, "2026-11").label == "of_eastcliff"
    for several in ("2026-08 or 2026-09", ["2026-08", "2026-09"]):
        assert _judged("WhenFull", editions, several).label == "unreadable"
    assert _judged("WhenFull", editions, (year, number)).correct
    both = exercise.wrong_ways[next(way for way in exercise.wrong_ways if way.__name__ == "mean_of_all_years")]
    assert "If you took" in both and "If you rounded" in both
    assert _judged("WhenFull", editions, 16.5).label == "unreadable"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_store_is_full_in_the_third_quarter_of_2026(seed):
    h = hospital(seed, "tiny")
    assert EXERCISES["WhenFull"].computed(EXERCISES["WhenFull"].solution, h) in ("2026-07", "2026-08", "2026-09")


def test_hours_in_other_forms(editions):
    hours = _right("AfterTheAttack", editions)[1]
    whole, minutes = divmod(round(hours * 60), 60)
    for given in (hours, round(hours, 1), f"{hours:.2f} h", f"{hours * 60:.0f} min", f"{whole}:{minutes:02d}", f"{whole}:{minutes:02d}:00",
                  f"{whole} h {minutes} min", f"{whole}h{minutes:02d}", f"{whole} hours and {minutes} minutes",
                  datetime.timedelta(hours=hours), pandas.Timedelta(hours=hours), np.timedelta64(round(hours * 60), "m"),
                  [datetime.timedelta(hours=hours)], pandas.Series([pandas.Timedelta(hours=hours)]),
                  str(datetime.timedelta(minutes=round(hours * 60)))):
        assert _judged("AfterTheAttack", editions, "e", given).correct, given
    assert _judged("AfterTheAttack", editions, "The tape of Saturday", hours).correct
    assert _judged("AfterTheAttack", editions, "D", hours + 24).label == "friday"
    for given in (hours + 1 / 3, round(hours + 1 / 3, 1), datetime.timedelta(hours=hours + 1 / 3)):
        assert _judged("AfterTheAttack", editions, "E", given).label == "until_the_snapshots"
    drill = lesson.input_of("drill", editions.own)
    unnoticed = datetime.datetime.fromisoformat(drill["noticed"]) - datetime.datetime.fromisoformat(drill["encryption begins"])
    assert _judged("AfterTheAttack", editions, "E", unnoticed).label == "unnoticed"
    assert _judged("AfterTheAttack", editions, "E", 0).label == "nothing_lost"
    for given in ("1:75", "soon", np.timedelta64(2, "Y"), np.timedelta64("NaT"), f"{whole - 1}:{minutes:02d}",
                  f"1 day, {whole}:{minutes:02d}:00"):
        assert not _judged("AfterTheAttack", editions, "E", given).correct, given


@pytest.mark.parametrize("seed", SEEDS)
def test_the_drill_leaves_one_tape_that_is_sound_and_newest(seed):
    drill = lesson.input_of("drill", hospital(seed, "tiny"))
    tapes = {day: drill[f"tape of {day}, job starts"] for day in ("Friday", "Saturday", "Sunday")}
    sound = {day: begin for day, begin in tapes.items() if begin < drill["encryption begins"]}
    written = {day: int(drill[f"tape of {day}, written"].split()[0].replace(",", "")) for day in tapes}
    assert written["Saturday"] < written["Friday"] < 150 and written["Sunday"] > 6 * written["Friday"]

    def hours(begin, end):
        return (datetime.datetime.fromisoformat(drill[end]) - datetime.datetime.fromisoformat(drill[begin])).total_seconds() / 3600

    ran = {day: hours(f"tape of {day}, job starts", f"tape of {day}, job ends") for day in tapes}
    assert all(written[day] < ran[day] * 2 * 300 * 3.6 for day in tapes)                              # what two drives can write
    assert written["Sunday"] < 500 * 3.6 * hours("encryption begins", "tape of Sunday, job starts") + 60
    assert drill["tape of Sunday, job ends"] < drill["noticed"]
    assert max(sound, key=sound.get) == "Saturday" and tapes["Sunday"] > drill["snapshots deleted by the attacker"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_offer_by_trying_each_one(seed):
    h = hospital(seed, "tiny")
    offers, near1 = lesson.input_of("offers", h), lesson.input_of("near1", h)
    pace = near1["2025-04-01"] - near1["2024-04-01"]
    fitting = []
    for offer in offers.to_dict("records"):
        members = offer["disks"] - offer["hot_spares"]
        parity = {"RAID 60": 2 * offer["groups"], "RAID 50": offer["groups"], "RAID 10": members // 2}[offer["level"]]
        usable = (members - parity) * offer["disk_tb"]
        assert members % offer["groups"] == 0 and (members - parity) * offer["disk_tb"] > 380
        if usable * 0.85 >= near1["2025-04-07"] + 5 * pace and offer["level"] == "RAID 60" and offer["disk_tb"] * 1e12 <= 4 * 86400 * 60e6:
            fitting.append((offer["price_keur"], offer["offer"], usable))
    assert len(fitting) == 2
    right = EXERCISES["WhichOffer"].computed(EXERCISES["WhichOffer"].solution, h)
    assert min(fitting)[1:] == tuple(right)
    assert any(price < min(fitting)[0] for price in offers["price_keur"])          # the cheapest of all is not the answer


def test_the_offer_in_other_forms(editions):
    letter, usable = _right("WhichOffer", editions)
    for choice, amount in ((letter.lower(), int(usable)), (f"Offer {letter}", f"{usable} TB"), (letter, float(usable)),
                           (letter, f"{usable / 1.099511627776:.2f} TiB"), (letter, f"{usable / 1000} PB")):
        assert _judged("WhichOffer", editions, choice, amount).correct, (choice, amount)
    assert _judged("WhichOffer", editions, letter, usable / 1.099511627776).label == "in_tib"
    assert _judged("WhichOffer", editions, letter, 0.85 * usable).label == "at_85_percent"
    offer = lesson.input_of("offers", editions.own).set_index("offer").loc[letter]
    members = offer["disks"] - offer["hot_spares"]
    assert _judged("WhichOffer", editions, letter, members * offer["disk_tb"]).label == "parity_counted"


def test_what_the_notebook_says_of_the_growth_and_the_rebuild():
    h = hospital()
    near1 = lesson.input_of("near1", h)
    assert round(near1["2025-04-01"] - near1["2025-03-01"], 1) == 5.0
    old, all_of_march = h.pacs.rows(
        "SELECT sum(CASE WHEN study_dt_local < '2023' AND created_utc BETWEEN '2025-03-15' AND '2025-03-17' THEN size_bytes END), "
        "sum(size_bytes) FROM study WHERE created_utc LIKE '2025-03%'")[1][0]
    assert 0.2 < old / all_of_march < 0.3
    begins, at = datetime.datetime(2025, 4, 4, 15, 40, 20), datetime.datetime(2025, 4, 7, 5, 10)
    rate = 8e12 * 0.37 / (at - begins).total_seconds()
    assert round(rate / 1e6, 1) == 13.4 and 15 < 18e12 / rate / 86400 < 16


def test_spellings():
    assert [raid_level(one) for one in ("RAID 10", "raid-10", "1+0", "10", 5, "RAID6")] == ["RAID 10"] * 4 + ["RAID 5", "RAID 6"]
    assert [storage(one) for one in ("Block storage", "SAN", "DAS", "files", "NAS", "Object")] == ["block"] * 3 + ["file"] * 2 + ["object"]
    assert [protocol(one) for one in ("Fiber Channel", "fc", "SMB 3", "CIFS", "i-SCSI", "https", None, "iscsi (3260)", "NFS:2049",
                                     "SMB port 445", "SATA")] == [
        "FC", "FC", "SMB", "SMB", "iSCSI", "S3", "local", "iSCSI", "NFS", "SMB", "local"]
    assert stripe(7) == stripe("7") == stripe("Stripe 7") == "stripe 7"
    for reading, given in ((raid_level, "mirror"), (storage, "tape"), (protocol, "FTP"), (stripe, "D7"), (stripe, "")):
        with pytest.raises(ValueError):
            reading(given)


def test_the_learners_function_rebuilds_a_real_disk():
    array = raid5(bytes(range(256)) * 40, 5)
    disks = [array.disk(number) for number in range(5)]
    for lost in range(5):
        replaced = [*disks[:lost], np.full(len(disks[lost]), 0xEE, dtype=np.uint8), *disks[lost + 1 :]]
        assert np.array_equal(EXERCISES["LostDisk"].solution(replaced, lost), disks[lost])
