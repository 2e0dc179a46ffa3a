"""The project of the associate's tier: what a learner may write, and that its tickets hang together in every edition."""

import copy
import io
import ipaddress

import pandas
import pytest

from coursekit import lessons
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpas_17_morning_at_the_desk as project
from coursekit.lessons.cpas_17_morning_at_the_desk import lesson, one_change, ticket, time_of_day

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SEEDS = (*range(1, 13), 101, 102)


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(3, "tiny"), lambda: [hospital(201, "tiny")])


def _right(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def test_it_plays_at_an_edition_of_its_own_and_keeps_its_diagnoses_back():
    assert lesson.edition not in (None, 0, *range(10), 101, 102, 201) and lesson.asked_only
    assert not any(lessons.load(entry.id).edition for entry in lessons.catalogue() if entry.id != "cpas-17")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tickets_hang_together(seed):
    own = hospital(seed, "tiny")
    tickets, fragment = lesson.input_of("tickets", own), lesson.input_of("fragment", own)
    facts, said = project._mistaken(own), project._fragment_of(own)
    note = EXERCISES["TheNote"].computed(EXERCISES["TheNote"].solution, own)
    assert len(tickets) == 8 and not any("{" in text.text for text in tickets.values())
    # The tie is an incident of the hospital's, with the facts that its other systems have.
    tied = own.truth["case_17"] if project._of_the_night(own) else facts
    number = 2 if project._of_the_night(own) else 1
    assert note == {"tickets": [number, 6], "study_uid": tied["study_uid"], "accession": tied["accession"]}
    assert tied["study_uid"].encode() in fragment and said["patient_id"].encode() in fragment
    assert EXERCISES["TheHand"].computed(EXERCISES["TheHand"].solution, own) == facts["study_uid"]
    strangers = {one.facts["user_id"] for one in own.all_incidents if one.id in ("B1-01-1", "B1-01-2")}
    assert set(EXERCISES["WhoLooked"].computed(EXERCISES["WhoLooked"].solution, own)[1]) == strangers
    jobs = EXERCISES["JobsToRepeat"].computed(EXERCISES["JobsToRepeat"].solution, own)
    assert len(jobs) == own.servers.truth["failed_jobs"]["WS_MG1"]


def test_editions_differ_in_every_answer_and_in_the_pair_of_tickets():
    answers = {name: set() for name in ("TheHand", "TheAnnex", "JobsToRepeat", "TheFragment", "TheRule", "WhoLooked", "TheNote")}
    pairs = set()
    for seed in SEEDS:
        own = hospital(seed, "tiny")
        for name, found in answers.items():
            found.add(repr(EXERCISES[name].computed(EXERCISES[name].solution, own)))
        pairs.add(EXERCISES["TheNote"].computed(EXERCISES["TheNote"].solution, own)["tickets"][0])
    assert all(len(found) >= len(SEEDS) // 2 for found in answers.values()) and pairs == {1, 2}


def test_the_other_order_of_a_trace_is_as_good_and_files_too(editions):
    exercise, mended = EXERCISES["HalfCorrected"], copy.deepcopy(_right("HalfCorrected", editions))
    for ds in mended:
        ds.OriginalAttributesSequence = list(ds.OriginalAttributesSequence)[::-1]
        for item in ds.OriginalAttributesSequence:
            item.SourceOfPreviousValues = "the Friday colleague"
    assert exercise.judge((mended[::-1],), editions).correct
    files = []
    for ds in _right("HalfCorrected", editions):
        file = io.BytesIO()
        ds.save_as(file, enforce_file_format=True)
        files.append(file.getvalue())
    assert exercise.judge((files,), editions).correct
    mended = copy.deepcopy(_right("HalfCorrected", editions))
    mended[0].OriginalAttributesSequence[-1].AttributeModificationDateTime = "20250301120000"
    assert "not that of this change" in exercise.judge((mended,), editions).message


def test_a_moment_is_read_with_its_offset_and_what_is_none_is_none():
    assert project._moment("20250407053500+0000") == project._moment(project.NOW) == project._moment("202504070735 ")
    assert {project._moment(written) for written in ("20250407", "20250407996100", "20250407073500+9900", "", "now")} == {None}


def test_neither_a_check_nor_a_wrong_way_touches_the_slices():
    fresh = Editions(hospital(4, "tiny"), list)
    exercise = EXERCISES["HalfCorrected"]
    before = repr(lesson.input_of("slices", fresh.own))
    assert not exercise.judge((copy.deepcopy(lesson.input_of("slices", fresh.own)),), fresh).correct
    assert repr(lesson.input_of("slices", fresh.own)) == before
    assert exercise.judge((_right("HalfCorrected", fresh),), fresh).correct


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 9])
def test_a_correction_is_judged_object_by_object_and_its_time_with_it(seed):
    own = Editions(hospital(seed, "tiny"), list)
    exercise, slices = EXERCISES["HalfCorrected"], lesson.input_of("slices", own.own)
    right, now = _right("HalfCorrected", own), lesson.input_of("now", own.own)
    todays = [place for place, ds in enumerate(right) if ds.OriginalAttributesSequence[-1].AttributeModificationDateTime == now]
    for place in todays:                                            # Friday's time on what was changed today
        mended = copy.deepcopy(right)
        mended[place].OriginalAttributesSequence[-1].AttributeModificationDateTime = project.FRIDAY
        assert exercise.judge((mended,), own).label == "fridays_time"
        mended[place].OriginalAttributesSequence[-1].AttributeModificationDateTime = "20250407073500.000000+0200"
        assert exercise.judge((mended,), own).correct
        mended[place].OriginalAttributesSequence[-1].SourceOfPreviousValues = ""
        assert exercise.judge((mended,), own).correct
    assert exercise.judge((slices,), own).label == "untouched"
    for number in range(3):                                         # one object left, the others right
        left = [slices[number] if place == number else ds for place, ds in enumerate(right)]
        verdict = exercise.judge((copy.deepcopy(left),), own)
        assert verdict.correct if number not in todays else verdict.label in ("untouched", "half_one_left")
    for name in ("PatientName", "PatientID", "AccessionNumber"):
        mended = copy.deepcopy(right)
        setattr(mended[1], name, "X1")
        assert "person who was examined" in exercise.judge((mended,), own).message
    half = next(place for place, ds in enumerate(right) if len(ds.OriginalAttributesSequence) == 2)
    for written in ("20250407053500+0000", "20250407073500", "202504070735+0200", "20250407073500.0+0200"):
        mended = copy.deepcopy(right)
        mended[half].OriginalAttributesSequence[-1].AttributeModificationDateTime = written
        assert exercise.judge((mended,), own).correct, written
    todays_wrong = ("20250407050000+0200", "20250407090000+0200", "20250407073500+0100", "20250407073501+0200", "20250407073500.5+0200",
                    "20250407")
    for item, written in (*((-1, one) for one in todays_wrong), (0, now), (0, "20250301120000")):
        mended = copy.deepcopy(right)
        mended[half].OriginalAttributesSequence[item].AttributeModificationDateTime = written
        verdict = exercise.judge((mended,), own)
        assert not verdict.correct and verdict.diagnoses and "time of a change" in verdict.message, (written, verdict)
    mended = copy.deepcopy(right)
    mended[half].OriginalAttributesSequence = [mended[half].OriginalAttributesSequence[0]]
    mended[half].OriginalAttributesSequence[0].ModifyingSystem = "X"
    assert "as many items" in exercise.judge((mended,), own).message


def test_another_study_is_told_what_is_at_odds_with_the_ticket(editions):
    exercise, pacs, said = EXERCISES["TheHand"], editions.own.pacs, lesson.input_of("ticket_1", editions.own)
    right = _right("TheHand", editions)
    for given in (f"urn:oid:{right}", f"StudyInstanceUID {right}", f"Study Instance UID: {right}", [right], f"{right}\0"):
        assert exercise.judge((given,), editions).correct, given
    series, = pacs.rows(f"SELECT series_uid FROM series JOIN study ON study.pk = study_pk WHERE study_uid = '{right}'")[1][0]
    assert exercise.judge((series,), editions).label == "series"
    assert exercise.judge(("2.999.1.2.3",), editions).label == "unknown"
    on_that_device = "SELECT study_uid FROM study JOIN series ON study_pk = study.pk " \
        f"WHERE station_aet = '{said['station']}' AND study_uid != '{right}'"
    labels = {exercise.judge((uid,), editions).label for uid, in pacs.rows(f"{on_that_device} LIMIT 80")[1]}
    assert "day" in labels and labels <= {"day", "in order", "the_unverified", "another_hand", "before_on_that_device"}
    other, = pacs.rows(f"SELECT study_uid FROM study JOIN series ON study_pk = study.pk WHERE station_aet != '{said['station']}'")[1][0]
    assert exercise.judge((other,), editions).label in ("device", "another_hand")


def test_addresses_may_be_objects_and_settings_a_series(editions):
    right = _right("TheAnnex", editions)
    net = ipaddress.ip_network(f"{right['ip']}/{right['mask']}", strict=False)
    hosts = list(net.hosts())
    given = {"ip": hosts[9], "mask": net.netmask, "gateway": hosts[0], "entry_host": hosts[9], "entry_port": 11112.0}
    for form in (given, pandas.Series(right)):
        assert EXERCISES["TheAnnex"].judge((form,), editions).correct
    for port in (11112.5, 70000, 0):
        assert "a whole number from 1 to 65535" in EXERCISES["TheAnnex"].judge(({**right, "entry_port": port},), editions).message
    for change, words, others in (
            ({"entry_host": str(hosts[4])}, "`entry_host` is not", "`entry_port`"),
            ({"entry_port": 4242}, "at `entry_port` the station does not listen", "`entry_host`"),
            ({"entry_host": str(hosts[10]), "entry_port": 104}, "go to another machine, because `entry_host`", "timed out")):
        message = EXERCISES["TheAnnex"].judge(({**right, **change},), editions).message
        assert words in message and others not in message and ", timed out" not in message, message


@pytest.mark.parametrize("seed", [0, 1, 2, 8, 11])
def test_what_no_list_shows_lacks_the_one_or_the_other(seed):
    own = Editions(hospital(seed, "tiny"), list)
    for way in ("unverified_only", "both_reasons", "empty_shells"):
        function = next(one for one in EXERCISES["WhatNobodySees"].wrong_ways if one.__name__ == way)
        assert EXERCISES["WhatNobodySees"].judge((function(),), own).label == way


WAITING = """SELECT COUNT(*) AS waiting, COUNT(CASE WHEN status = 'UNVERIFIED' OR exam_complete_utc IS NULL THEN 1 END) AS unseen
    FROM study WHERE deleted = 0 AND status <> 'READ' AND pk IN (SELECT study_pk FROM series) AND """


@pytest.mark.parametrize("seed", [0, 3, 8])
@pytest.mark.parametrize(("period", "label"), [
    ("study_dt_local >= '2025-03-10'", "monday_too"),
    ("study_dt_local >= '2025-03-10' AND study_dt_local < '2025-04-08'", "monday_too"),
    ("date(study_dt_local) BETWEEN '2025-03-10' AND '2025-04-07'", "monday_too"),
    ("study_dt_local >= '2025-03-11' AND study_dt_local < '2025-04-07'", "without_the_first_day"),
    ("study_dt_local > '2025-03-11' AND study_dt_local < '2025-04-07'", "without_the_first_day"),
    ("study_dt_local >= '2025-03-09' AND study_dt_local < '2025-04-07'", "a_day_too_early"),
    ("study_dt_local >= '2025-03-07' AND study_dt_local < '2025-04-07'", "a_day_too_early"),
    ("study_dt_local >= '2025-03-10' AND study_dt_local < '2025-04-06'", "without_the_last_day"),
    ("study_dt_local >= '2025-03-10' AND study_dt_local <= '2025-04-06'", "without_the_last_day"),
])
def test_each_end_of_the_four_weeks_is_tried(seed, period, label):
    verdict = EXERCISES["WhatNobodySees"].judge((WAITING + period,), Editions(hospital(seed, "tiny"), list))
    assert not verdict.correct and verdict.label == label and verdict.diagnoses, verdict


@pytest.mark.parametrize("period", [
    "date(study_dt_local) BETWEEN '2025-03-10' AND '2025-04-06'", "study_dt_local BETWEEN '2025-03-10' AND '2025-04-06 23:59:59'",
    "study_dt_local > '2025-03-10' AND study_dt_local < '2025-04-07 00:00:00'", "substr(study_dt_local, 1, 10) >= '2025-03-10' "
    "AND substr(study_dt_local, 1, 10) <= '2025-04-06'", "study_dt_local >= '2025-03-10' AND study_dt_local <= '2025-04-07'",
])
def test_the_four_weeks_may_be_written_in_other_ways(period, editions):
    assert EXERCISES["WhatNobodySees"].judge((WAITING + period,), editions).correct


def test_settings_in_other_words_are_right_and_one_site_is_enough(editions):
    right = _right("TheAnnex", editions)
    length = sum(int(part).bit_count() for part in right["mask"].split("."))
    for given in ({**right, "mask": f"/{length}"}, {name.upper(): one for name, one in right.items()}, {**right, "entry_port": "11112"}):
        assert EXERCISES["TheAnnex"].judge((given,), editions).correct, given
    assert "at the address of `gateway`" in EXERCISES["TheAnnex"].judge(({**right, "gateway": right["ip"]},), editions).message.casefold()
    tried = lesson.input_of("try_out", editions.own)
    assert tried(right).text == "C-ECHO to HV_PACS: success\nC-MOVE to WS_CH1: the images arrive"
    assert "times out" in tried({**right, "entry_host": "10.20.40.11"}).text and "open" in tried(dict.fromkeys(right, ...)).text
    assert "not tried" in tried({"ip": "x"}).text


def test_whatever_mends_the_rule_is_right(editions):
    exercise, right = EXERCISES["TheRule"], _right("TheRule", editions)
    assert exercise.judge(({**right, "rule": f"rule {right['rule']}"},), editions).correct
    assert exercise.judge(({name.upper(): value for name, value in right.items()},), editions).correct
    for given, word in (({**right, "rule": 8}, "1 to 7"), ({**right, "entry": "latency"}, "the entries of a rule"),
                        ({**right, "entry": "body_part", "value": "("}, "pattern"), ({"rule": 1}, "a dictionary with")):
        with pytest.raises(ValueError, match=word):
            one_change(given)


def _ways_to_spoil():
    """(number of a rule, how it reads on Thursday) of all that may have happened."""
    right = project.prefetching.TheRuleFile.solution()
    return [(number, {**right[number - 1], **change}) for number in project.GROUPS for change in project._spoils(right[number - 1])]


@pytest.mark.parametrize("place", range(9))
def test_a_rule_may_read_otherwise_but_fetches_nothing_new(place, editions, monkeypatch):
    number, spoilt = _ways_to_spoil()[place]
    file = project._with(project.prefetching.TheRuleFile.solution(), number, spoilt)
    exercise, own = EXERCISES["TheRule"], Editions(hospital(6, "tiny"), list)
    monkeypatch.setattr(project, "_spoilt", lambda hospital: (number, spoilt))
    monkeypatch.setitem(lesson._memory, own.own, {**lesson._memory.get(own.own, {}), "rules": file})
    right = exercise.solution(file)
    modality, entry = file[number - 1]["modality"], right["entry"]

    def said(value, **changed):
        return exercise.trial(one_change({**right, "value": value, **changed}), own.own)

    def faults(*given, **changed):
        return exercise.faults(said(*given, **changed))

    pattern = str(right["value"])
    good = {"hours": [10, "14", 12.0], "body_part": [pattern, f"{pattern}|no such part"],
            "prior_modality": [modality, modality[::-1], str(modality), ", ".join(modality)]}
    # Of mammograms each is of the breast: there no pattern fetches too much.
    bad = {"hours": [72, 100], "body_part": ["(?i)foot"] + ["", f"{pattern}|chest|abd|head"] * (number != 7),
           "prior_modality": [["MG", "US", "CT"], ["US"], list(project.EVERY_MODALITY)]}
    for value in good[entry]:
        assert not faults(value), value
    for value in bad[entry]:
        assert faults(value), value
    if entry == "prior_modality":
        for value in (["XX"], ["FFDM"], ["CR"]):
            assert faults(value)[0].startswith("With this value the rule does not look for "), value
        assert "The replay comes out as on Wednesday" in faults([*modality, "XX"])[0] and "priors of XX" in faults([*modality, "XX"])[0]
        for more in (["CR"], ["CR", "DX"], ["US"]):
            outcome, told = said([*modality, *more]), faults([*modality, *more])[0]
            assert ("comes out as on Wednesday" in told) == (outcome["then"] == outcome["wednesday"]) and ", ".join(more) in told, told
            assert outcome != said(list(project.EVERY_MODALITY))           # so it is not taken for that wrong way
    assert "serves other readers" in faults(right["value"], rule=number - 1)[0]
    assert "another one was changed" in faults(3, entry="count")[0]


def test_what_a_command_printed_is_a_list_of_jobs(editions):
    exercise, server = EXERCISES["JobsToRepeat"], lesson.input_of("server", editions.own)
    printed = server.sh("grep -rl 'dest=WS_MG1' /var/spool/hvpacs/done | xargs grep -l 'status=FAILED'")
    right = _right("JobsToRepeat", editions)
    whole = server.sh("grep -rl 'dest=WS_MG1' /var/spool/hvpacs/done | xargs grep -l 'status=FAILED' | xargs cat")
    lines = server.sh("grep -r 'status=FAILED' $(grep -rl 'dest=WS_MG1' /var/spool/hvpacs/done)")
    for given in (whole, whole.text, [f"{path}:status=FAILED" for path in printed.lines]):
        assert exercise.judge((given,), editions).correct, given
    assert lines.status or exercise.judge((lines,), editions).correct
    cut = f"{whole.text}... and 18 more lines. `| head` shows the first, `| wc -l` counts them."
    assert "holds every line" in exercise.judge((cut,), editions).message
    for given in (printed, printed.text, [int(number) for number in right], ", ".join(right), [f"job={number}" for number in right]):
        assert exercise.judge((given,), editions).correct, given
    assert exercise.judge((right[1:],), editions).label == "missing"


@pytest.mark.parametrize(("written", "read"), [
    ("14:40:41", "144041"), ("144041", "144041"), ("14:40:41.000000", "144041"), (" '09:05:30' ", "090530"),
    ("12h43m24s", "124324"), ("12:43:24+0100", "124324"), ("12 h 43 min 24 s", "124324"), ("124324.000+01:00", "124324"),
    ("2025-03-20 14:40:41", "144041"), (90530, "090530"),
])
def test_a_time_of_day_may_be_written_in_many_ways(written, read):
    assert time_of_day(written) == read


@pytest.mark.parametrize("written", ["14:40", "25:00:00", "noon", ""])
def test_what_is_no_time_of_day_is_refused(written):
    with pytest.raises(ValueError, match="with seconds"):
        time_of_day(written)


def test_a_header_is_read_in_any_case_and_other_numbers_are_told_apart(editions):
    exercise, right = EXERCISES["TheFragment"], _right("TheFragment", editions)
    assert exercise.judge(({**right, "patient_id": right["patient_id"].lower()},), editions).correct
    hour, rest = int(right["acquired"][:2]), right["acquired"][2:]
    for entry, given, word in (
            ("patient_id", "106517", "letters before the digits"), ("patient_id", "A2503040002", "accession number"),
            ("patient_id", lesson.input_of("ticket_1", editions.own)["patient_id"], "another ticket"),
            ("acquired", f"{(hour - 1) % 24:02d}{rest}", "UTC"), ("acquired", f"{(hour - 2) % 24:02d}{rest}", "UTC")):
        assert word in exercise.judge(({**right, entry: given},), editions).message, given


@pytest.mark.parametrize("seed", SEEDS)
def test_an_id_that_is_nearly_right_is_called_so(seed):
    own = Editions(hospital(seed, "tiny"), list)
    for name, entry in (("TheFragment", "patient_id"), ("TheNote", "accession")):
        right = _right(name, own)
        value = right[entry]
        at = next(place for place in range(3, len(value)) if value[place - 1] != value[place] and value[place - 1:place + 1].isdigit())
        for given in (f"{value[:at - 1]}{value[at]}{value[at - 1]}{value[at + 1:]}", value.replace("0", "O"), f"{value}7"):
            verdict = EXERCISES[name].judge(({**right, entry: given},), own)
            assert not verdict.correct and any(words in verdict.message for words in (
                "early the same", "changed places", "another order", "another ticket", "another order than")), (given, verdict)
            if given not in {row[0] for row in own.own.pacs.rows("SELECT accession FROM orders")[1]} and verdict.label not in (
                    "letters_for_digits", "order_of_the_folder"):
                assert "early the same" in verdict.message, (given, verdict)
        assert not project._mistyped("HV103384", "HV169351") and not project._mistyped("A2503110010", "A2504021387")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fragment_is_of_a_series_of_the_archive(seed):
    own = hospital(seed, "tiny")
    found = project.elements(lesson.input_of("fragment", own))
    number, = own.pacs.rows("SELECT series_no FROM series JOIN study ON study.pk = study_pk "
                            f"WHERE series_uid = '{found[0x0020, 0x000E]}' AND study_uid = '{found[0x0020, 0x000D]}'")[1][0]
    assert found[0x0020, 0x0011] == str(number)


def test_whoever_is_in_the_list_is_told_why_not(editions):
    exercise, (action, right) = EXERCISES["WhoLooked"], _right("WhoLooked", editions)
    accesses = lesson.input_of("accesses", editions.own)
    assert set(accesses.patient_id) == {project._looked_up(editions.own)["patient_id"]} and set(accesses.study_uid) == {
        project._looked_up(editions.own)["study_uid"]}
    assert exercise.judge((action, accesses[accesses.user_id.isin(right)]), editions).correct
    assert exercise.judge((action, accesses[accesses.user_id.isin(right)].user_id), editions).correct
    assert exercise.judge((action, accesses), editions).label == "all_rows"
    for row in accesses.itertuples():
        if row.user_id not in right:
            assert f"`{row.user_id}`" in exercise.judge((action, [row.user_id]), editions).message
    assert exercise.judge((action, right[:1]), editions).label in ("the_ward_alone", "the_own_team")
    assert "in no row" in exercise.judge((action, [*right, "nobody"]), editions).message


def test_a_note_is_told_what_else_its_numbers_are(editions):
    exercise, right = EXERCISES["TheNote"], _right("TheNote", editions)
    one = right["tickets"][0]
    for tickets in (f"{one}+6", f"{one} & 6", [f"T{one}", "T6"], f"tickets {one} and 6", f"{one}/6"):
        assert exercise.judge(({**right, "tickets": tickets},), editions).correct, tickets
    assert exercise.judge(({**right, "accession": right["accession"].lower()},), editions).correct
    facts = project._mistaken(editions.own)
    for entry, given, word in (
            ("tickets", [one, 4], "that ticket names none" if one == 2 else "names no study"),
            ("tickets", [4, 6], "names no study"), ("tickets", [one, 8], "ne of the two is right"),
            ("study_uid", facts["next_study_uid"], "another study"), ("accession", facts["patient_id"], "a patient's ID"),
            ("accession", facts["placer_number"], "placer number")):
        assert word in exercise.judge(({**right, entry: given},), editions).message, given


def test_what_the_desk_says_names_people_by_more_than_a_name(editions):
    told = {number: text.text for number, text in lesson.input_of("tickets", editions.own).items()}
    case = editions.own.truth["case_17"]
    assert case["patient_id"] in told[2] and case["temporary_id"] in told[2] and case["accession"] not in told[2]
    assert project._looked_up(editions.own)["patient_id"] in told[8] and "we never treated her" in " ".join(told[8].split())
    report = lesson.input_of("wednesday", editions.own).outcome
    assert all(hits >= project.HIT for group, hits in report["groups"].items() if group in project.GROUPS.values())


def test_a_ticket_is_its_number():
    assert {ticket(value) for value in (3, "3", "Ticket 3", "no. 3", "#3", "3.0", "T3")} == {"ticket 3"}
    with pytest.raises(ValueError, match="1 to 8"):
        ticket("9")
