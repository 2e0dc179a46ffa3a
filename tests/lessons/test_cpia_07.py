"""What learners give in lesson cpia-07 beyond the solutions and wrong ways, and the proof that predictions are what associations say."""

import json
import random
import time

import pandas
import pytest
from pydicom.datadict import keyword_for_tag

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpia_07_conformance_statements as module
from coursekit.lessons.cpia_07_conformance_statements import IMPLICIT, LOSSLESS, MAMMOGRAM, TOMOSYNTHESIS, lesson
from coursekit.standards import dicom
from coursekit.systems.archive import Archive
from coursekit.systems.scu import Scu

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SEEDS = range(10)
EXPORTS = EXERCISES["ExportList"].solution()


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


# --- the proof

def test_hidden_pairs_are_predicted_as_two_configured_entities_really_answer():
    """The right answers of Predict come from no table: pynetdicom on both sides gives the same, for every case of eight editions."""
    predict, tried = EXERCISES["Predict"].solution, 0
    for seed in SEEDS[:8]:
        for proposed, accepted in EXERCISES["Predict"].cases(random.Random(seed)):
            with module.Configured("HV_PACS", accepted) as server:
                answered = module.associate(server, proposed)           # with ids of its own
            assert [{**one, "id": context["id"]} for one, context in zip(answered, proposed, strict=True)] == predict(proposed, accepted)
            tried += 1
    assert tried == 8 * (len(module.SITUATIONS) + 5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_overlap_is_what_the_association_says(seed):
    h = hospital(seed, "tiny")
    echo, archive = lesson.input_of("echo", h), lesson.input_of("archive", h)
    verdicts = EXERCISES["Overlap"].computed(EXERCISES["Overlap"].solution, h)
    assert verdicts == {row: module.VERDICTS[part] for row, part in lesson.input_of("rows_of_echo", h).items()}
    names = {name: uid for uid, name in module.SYNTAXES.items()}
    proposed, rows = [], [row for row in echo["Storage SOP classes"] if row["SCU"] == "Yes"]
    for row in rows:
        proposed.append({"sop_class": row["UID"] or dicom.uid(row["SOP class"]),
                         "transfer_syntaxes": [names[one] for one in row["transfer syntaxes"].split("; ")]})
    with module.Configured("HV_PACS", module.tidy(archive)) as server:
        results = [one["result"] for one in module.associate(server, proposed, module.ECHO)]
    assert [{0: "works", 3: "class", 4: "syntax"}[one] for one in results] == [verdicts[row["row"]] for row in rows]


def test_the_ticket_is_real(editions):
    mammo, station = (lesson.input_of(name, editions.own) for name in ("mammo_rows", "station_rows"))
    with module.Configured("WS_MG1", station) as server:
        answers = module.associate(server, [row for row in mammo if row["scu"]])
    assert [one["result"] for one in answers] == [0, 3, 4, 3]
    assert "4       transfer syntaxes not supported" in repr(lesson.input_of("caught", editions.own))


def test_commitment_is_reported_on_an_association_in_the_other_direction():
    title = "US_ECHO2_SC"
    with module.Reported(title) as scanner, Archive("HV_PACS", peers={title: (scanner.host, scanner.port)}) as archive:
        assert Scu(title, "HV_PACS", archive.port).commit([(module.STORAGE + "3.1", "2.999.1")], seconds=0.05)[0] == 0
        assert scanner.journal.wait("A-RELEASE-RQ")
    assert [event.what for event in scanner.journal] == [
        "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "N-EVENT-REPORT-RQ", "N-EVENT-REPORT-RSP", "A-RELEASE-RQ"]
    assert scanner.journal[0].source == "HV_PACS"


def test_both_associations_of_commitment_are_shown_whole():
    events = module.commitment()
    assert [event.what for event in events] == [
        "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "N-ACTION-RQ", "N-ACTION-RSP", "A-RELEASE-RQ", "A-RELEASE-RP",
        "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "N-EVENT-REPORT-RQ", "N-EVENT-REPORT-RSP", "A-RELEASE-RQ", "A-RELEASE-RP"]
    opened = [event for event in events if event.what == "A-ASSOCIATE-RQ"]
    assert [(event.source, event.target) for event in opened] == [("NM1", "HV_VNA"), ("HV_VNA", "NM1")]
    assert "wants to be SCP" in opened[1].detail and "wants" not in opened[0].detail
    assert [event.detail for event in events if event.what == "A-ASSOCIATE-AC"] == ["", "agrees: the caller is SCP"]
    assert {event.source for event in events if event.what == "A-RELEASE-RP"} == {"HV_VNA", "NM1"}


def test_the_plain_rows_are_all_rows_of_a_statement(editions):
    for name, rows in (("archive", "archive_rows"), ("mammo", "mammo_rows"), ("station", "station_rows")):
        written = lesson.input_of(name, editions.own)["Storage SOP classes"]
        assert [row["sop_class"] for row in lesson.input_of(rows, editions.own)] == [row["UID"] for row in written]


def test_what_a_name_stands_for_is_what_pydicom_says():
    from pydicom.uid import UID, UID_dictionary

    for uid, name in {**module.OFFICIAL, **module.MORE_IMAGES}.items():
        assert UID(uid).name.replace("\u2013", "-") == name and dicom.uid(name) == uid, uid
        assert not UID(uid).is_retired
    retired = {UID(uid).name.removesuffix(" (Retired)") for uid in UID_dictionary if UID(uid).is_retired}
    assert not retired & {module.OFFICIAL[uid] for uid in module.WITHOUT_PIXELS}        # so the name alone says which one is meant
    for today, old in module.RETIRED.items():
        assert UID(old).is_retired and UID(old).name.replace(" (Retired)", "") == UID(today).name
    for uid, name in module.SYNTAXES.items():
        assert UID(uid).is_transfer_syntax and not UID(uid).is_retired and name.split()[0] in UID(uid).name


def test_uid_knows_every_name_that_the_lesson_prints(editions):
    from pydicom.uid import UID

    for digits, name in {**module.SYNTAXES, **module.OFFICIAL}.items():
        assert module.uid(name) == module.uid(digits) == digits
    for digits in (LOSSLESS, module.PROCESS_14):                                # as a capture writes them
        assert module.uid(UID(digits).name.split(":")[0]) == digits
    assert module.uid("JPEG Lossless, SV1") == module.uid("JPEG Lossless, First-Order Prediction") == LOSSLESS
    for name, model in (("Modality Worklist", "Modality Worklist Information Model"),
                        ("Study Root Query/Retrieve", "Study Root Query/Retrieve Information Model")):
        for service in ("FIND", "MOVE", "GET")[:1 if "Worklist" in name else 3]:
            assert UID(module.uid(f"{name} - {service}")).name.replace("\u2013", "-") == f"{model} - {service}"
    for written, says in (("JPEG Lossless", "Say which"), ("CT picture", "no well-known UID")):
        with pytest.raises(module.NoSuchUid, match=says):
            module.uid(written)


def test_the_judge_says_what_it_cannot_read(editions):
    echo, rows = lesson.input_of("echo", editions.own), lesson.input_of("archive_rows", editions.own)
    with module.Configured("HV_PACS", rows) as pacs:
        for syntaxes in (["RLE Lossless"], "RLE Lossless", module.RLE):         # names, and a text in place of a list
            assert module.associate(pacs, [{"sop_class": "CT Image Storage", "transfer_syntaxes": syntaxes}]) == [
                {"id": 1, "result": 0, "transfer_syntax": module.RLE}]
        for proposed, says in (([{"sop_class": MAMMOGRAM, "transfer_syntaxes": []}], "at least one"), ([], "nothing would be sent"),
                               (echo["Storage SOP classes"], "lacks the entry `sop_class`"), (EXPORTS * 40, "at most 128"),
                               ([{"sop_class": MAMMOGRAM, "transfer_syntaxes": ["JPEG Lossless"]}], "Say which")):
            with pytest.raises(module.NotTidy, match=says):
                module.associate(pacs, proposed)
        for proposed in (echo, EXPORTS[0]):
            with pytest.raises(module.NotTidy, match="proposes a list of dictionaries"):
                module.associate(pacs, proposed)
    for rows in (echo, echo["Storage SOP classes"]):
        with pytest.raises(module.NotTidy, match="tidy rows"):
            module.Configured("US_ECHO2", rows)


# --- right answers in odd forms, and wrong ones that look right

def test_roles(editions):
    roles = solved("Roles", editions)
    assert roles == module._roles(lesson.input_of("flows", editions.own), lambda happens, system, sop_class, role, opened: role)
    words = {"SCU": "Service Class User", "SCP": "provider"}
    for form in ({name: words[one] for name, one in roles.items()}, {name.lower(): one.lower() for name, one in roles.items()},
                 list(roles.items()), pandas.Series(roles), pandas.DataFrame({"f": roles.keys(), "said": roles.values()}),
                 {name: f" {one} " for name, one in reversed(roles.items())}):
        assert judged("Roles", editions, form).correct, form
    for name in roles:
        verdict = judged("Roles", editions, {**roles, name: module._other(roles[name])})
        assert verdict.outcome is Outcome.NOT_YET and f"About flow {name}" in verdict.message, verdict
    for wrong in ("both", "client", "", "SC", 1):
        assert judged("Roles", editions, {**roles, "A": wrong}).outcome is Outcome.NOT_YET
    assert judged("Roles", editions, list(roles.items())[:-1]).message == "`H` is missing."
    assert "without their keys" in judged("Roles", editions, list(roles.values())).message


@pytest.mark.parametrize("seed", range(3))
def test_overlap(seed):
    editions = Editions(hospital(seed, "tiny"), lambda: [])
    right = solved("Overlap", editions)
    for form in (right, {row.lower(): f" {one.upper()} " for row, one in right.items()}, list(right.items()), pandas.Series(right),
                 pandas.DataFrame({"Row": right.keys(), "Verdict": right.values()}),
                 {row: one.replace("not proposed", "never proposed").replace("class", "SOP class") for row, one in right.items()},
                 {"row": list(right), "verdict": [one.replace(" ", "_") for one in right.values()]},
                 {row: one.replace("ask", "ask the vendor") for row, one in right.items()},
                 pandas.DataFrame({"E": right.keys(), "answer": right.values()})):
        assert judged("Overlap", editions, form).correct, form
    for row in right:
        for wrong in {"works", "class", "syntax", "not proposed", "ask", "3", 4, None} - {right[row]}:
            verdict = judged("Overlap", editions, {**right, row: wrong})
            assert verdict.outcome is Outcome.NOT_YET, (row, wrong)
            told = EXERCISES["Overlap"].wrong_ways.values()
            assert (f"About {row}" in verdict.message or "can't be read" in verdict.message
                    or any(verdict.message.endswith(one) for one in told)), verdict
    assert judged("Overlap", editions, dict(list(right.items())[:-1])).message == "`E12` is missing."
    assert "without their keys" in judged("Overlap", editions, list(right.values())).message
    parts = {part: row for row, part in lesson.input_of("rows_of_echo", editions.own).items()}
    one_overlooked = {**right, parts["last"]: "syntax"}
    assert judged("Overlap", editions, one_overlooked).label == "a_common_syntax_overlooked"
    firsts = {**one_overlooked, **{parts[part]: "syntax" for part in ("same", "plain", "renamed")}}
    assert judged("Overlap", editions, firsts).label == "first_of_each_side"
    assert judged("Overlap", editions, dict.fromkeys(right, "works")).outcome is Outcome.NOT_YET


def test_predictions_by_equally_right_programs(editions, monkeypatch):
    # One of them starts a server for each case, which a busy machine does not do in the time that a learner's function has.
    monkeypatch.setattr("coursekit.checking.kinds.function.Function.seconds", 30)
    def with_sets(proposed, accepted):
        rows = {row["sop_class"]: row for row in accepted if row["scp"]}
        out = []
        for context in proposed:
            row = rows.get(context["sop_class"])
            common = [] if row is None else [one for one in row["transfer_syntaxes"] if one in set(context["transfer_syntaxes"])]
            out.append((context["id"], 3 if row is None else 0 if common else 4, common[0] if common else None))
        return out

    def as_frame(proposed, accepted):
        return pandas.DataFrame(with_sets(proposed, accepted), columns=["ID", "Result", "Transfer_Syntax"])

    def with_names_and_dashes(proposed, accepted):
        return [{"id": str(id), "result": str(result), "transfer_syntax": module.SYNTAXES.get(syntax, syntax or "-")}
                for id, result, syntax in with_sets(proposed, accepted)]

    def backwards(proposed, accepted):
        return [dict(zip(("id", "result", "transfer_syntax"), (id, float(result), syntax or ""), strict=True))
                for id, result, syntax in reversed(with_sets(proposed, accepted))]

    def by_really_associating(proposed, accepted):
        with module.Configured("X", accepted) as server:
            answers = module.associate(server, proposed)
        return [{**one, "id": context["id"]} for one, context in zip(answers, proposed, strict=True)]

    def with_the_name(proposed, accepted):
        found = with_sets(proposed, accepted)
        return [dict(zip(("id", "result", "transfer_syntax"), one, strict=True)) | {"name": context["name"]}
                for one, context in zip(found, proposed, strict=True)]

    def into_the_contexts(proposed, accepted):
        for context, (_, result, syntax) in zip(proposed, with_sets(proposed, accepted), strict=True):
            context["result"], context["transfer_syntax"] = result, syntax
        return proposed

    def changes_its_arguments(proposed, accepted):
        found = with_sets(proposed, accepted)
        accepted.clear()
        return found

    for program in (with_sets, as_frame, with_names_and_dashes, backwards, by_really_associating, changes_its_arguments, with_the_name,
                    into_the_contexts):
        assert judged("Predict", editions, program).correct, program.__name__


def test_predictions_that_look_right(editions):
    solution = EXERCISES["Predict"].solution

    def no_break(proposed, accepted):                   # the last common one wins
        answers = []
        for context in proposed:
            result, syntax = 3, None
            for row in accepted:
                if row["sop_class"] == context["sop_class"] and row["scp"]:
                    result = 4
                    for one in row["transfer_syntaxes"]:
                        if one in context["transfer_syntaxes"]:
                            result, syntax = 0, one
            answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
        return answers

    def not_scu(proposed, accepted):                    # "scp" taken for "not scu"
        return solution(proposed, [{**row, "scp": not row["scu"]} for row in accepted])

    def one_dictionary(proposed, accepted):
        answer, answers = {}, []
        for one in solution(proposed, accepted):
            answer.update(one)
            answers.append(answer)
        return answers

    def returned_too_early(proposed, accepted):
        return solution(proposed, accepted)[:1]

    def proposed_syntax_when_refused(proposed, accepted):
        offered = {one["id"]: one["transfer_syntaxes"][0] for one in proposed}
        return [{**one, "transfer_syntax": one["transfer_syntax"] or offered[one["id"]]} for one in solution(proposed, accepted)]

    def no_roles_and_callers_order(proposed, accepted):
        return module._answers(
            proposed, [{**row, "scp": True} for row in accepted],
            choose=lambda offered, taken: next((one for one in offered if one in taken), None))

    def uid_begins_with(proposed, accepted):
        return module._answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if row["scp"] and row["sop_class"].startswith(context["sop_class"])), None))

    def counted_by_position(proposed, accepted):
        return [{**one, "id": 2 * place + 1} for place, one in enumerate(solution(proposed, accepted))]

    def syntax_not_reset(proposed, accepted):
        answers, syntax = [], None
        for context in proposed:
            result = 3
            for row in accepted:
                if row["sop_class"] == context["sop_class"] and row["scp"]:
                    result = 4
                    for one in row["transfer_syntaxes"]:
                        if one in context["transfer_syntaxes"]:
                            result, syntax = 0, one
                            break
            answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
        return answers

    def two_results_wrong(proposed, accepted):          # of no wrong way: told by its context and its column
        return [{**one, "result": 2 if one["result"] == 4 else one["result"]} for one in solution(proposed, accepted)]

    def with_a_remark(proposed, accepted):
        return [{**one, "why": ""} for one in solution(proposed, accepted)]

    def pieces(context_in_row):
        return lambda proposed, accepted: module._answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if row["scp"] and (context["sop_class"] in row["sop_class"] if context_in_row
                                                    else row["sop_class"] in context["sop_class"])), None))

    def changed(result, to):
        return lambda proposed, accepted: [
            {**one, "result": to if one["result"] == result else one["result"]} for one in solution(proposed, accepted)]

    def nothing(proposed, accepted):
        print(solution(proposed, accepted))

    assert judged("Predict", editions, no_break).label == "last_common"
    for program, label in ((counted_by_position, "own_ids"), (syntax_not_reset, "carried_over"), (pieces(True), "piece_of_the_row"),
                           (pieces(False), "piece_of_the_context"), (changed(3, 4), "four_for_all"),
                           (changed(3, 1), "rejected_by_the_user"),
                           (proposed_syntax_when_refused, "offered_when_refused")):
        assert judged("Predict", editions, program).label == label, label
    told = judged("Predict", editions, two_results_wrong).message
    assert "Look at context " in told and "You answer result 2 and None." in told and "predict(*" in told
    told = judged("Predict", editions, lambda *case: [one for one in solution(*case) if one["result"] != 4]).message
    assert "The one where `id` is `" in told and "is missing" in told
    assert "The column `why` was not asked for" in judged("Predict", editions, with_a_remark).message
    for program in (not_scu, one_dictionary, returned_too_early, proposed_syntax_when_refused, no_roles_and_callers_order, uid_begins_with,
                    nothing, lambda proposed, accepted: [], lambda proposed: []):
        assert judged("Predict", editions, program).outcome is Outcome.NOT_YET, program
    assert "dictionary of its own" in judged("Predict", editions, one_dictionary).message


def _program(row_fits, choose):
    """A program for Predict: which row it takes, and which transfer syntax."""
    def program(proposed, accepted):
        answers = []
        for context in proposed:
            row = next((row for row in accepted if row_fits(context, row)), None)
            syntax = None if row is None else choose(context["transfer_syntaxes"], row["transfer_syntaxes"])
            answers.append({"id": context["id"], "result": 3 if row is None else 0 if syntax else 4, "transfer_syntax": syntax})
        return answers
    return program


def _fits(context, row):
    return row["sop_class"] == context["sop_class"] and row["scp"]


def _common(offered, taken):
    return next((one for one in taken if one in offered), None)


WITHOUT_PREDICTOR = {module.PROCESS_14: LOSSLESS}
WRONG_IDEAS = {
    "implicit_is_always_taken": _program(_fits, lambda offered, taken: IMPLICIT if IMPLICIT in offered else _common(offered, taken)),
    "implicit_preferred": _program(_fits, lambda offered, taken: IMPLICIT if IMPLICIT in offered and IMPLICIT in taken
                                   else _common(offered, taken)),
    "explicit_preferred": _program(_fits, lambda offered, taken: module.EXPLICIT if module.EXPLICIT in offered and module.EXPLICIT in taken
                                   else _common(offered, taken)),
    "uncompressed_always_works": _program(_fits, lambda offered, taken: _common(offered, taken) or _common(offered, module.PLAIN)),
    "first_order_always_works": _program(_fits, lambda offered, taken: _common(offered, taken) or _common(offered, [LOSSLESS])),
    "one_lossless_for_the_other": _program(_fits, lambda offered, taken: next(
        (one for one in taken if WITHOUT_PREDICTOR.get(one, one) in [WITHOUT_PREDICTOR.get(other, other) for other in offered]), None)),
    "retired_never": _program(lambda context, row: _fits(context, row) and context["sop_class"] not in module.RETIRED.values(), _common),
}


@pytest.mark.parametrize("idea", WRONG_IDEAS)
def test_wrong_ideas_about_transfer_syntaxes_are_told_what_they_are(editions, idea):
    assert judged("Predict", editions, WRONG_IDEAS[idea]).label == idea


def _chosen_from(choose):
    return _program(_fits, choose)


KNOWN = [IMPLICIT, module.EXPLICIT, LOSSLESS, module.JPEG_2000, module.RLE]
PASSED_ONCE = {             # what the cases once let through
    "the first two of the acceptor's": _chosen_from(lambda offered, taken: _common(offered, taken[:2])),
    "the first four of the acceptor's": _chosen_from(lambda offered, taken: _common(offered, taken[:4])),
    "the first two of the caller's": _chosen_from(lambda offered, taken: _common(offered[:2], taken)),
    "the first four of the caller's": _chosen_from(lambda offered, taken: _common(offered[:4], taken)),
    "no JPEG Baseline": _chosen_from(lambda offered, taken: _common(offered, [one for one in taken if one != module.BASELINE])),
    "no Process 14": _chosen_from(lambda offered, taken: _common(offered, [one for one in taken if one != module.PROCESS_14])),
    "list A alone": _chosen_from(lambda offered, taken: _common(offered, [one for one in taken if one in KNOWN])),
    "in the order of list A": _chosen_from(lambda offered, taken: next(
        (one for one in [*KNOWN, *taken] if one in offered and one in taken), None)),
    "no private transfer syntax": _chosen_from(lambda offered, taken: _common(
        offered, [one for one in taken if one.startswith("1.2.840.10008")])),
    "no big endian": _chosen_from(lambda offered, taken: _common(offered, [one for one in taken if one != module.BIG_ENDIAN])),
    "lossless before lossy": _chosen_from(lambda offered, taken: _common(
        offered, [one for one in taken if one not in module.LOSSY] + [one for one in taken if one in module.LOSSY])),
}


@pytest.mark.parametrize("idea", PASSED_ONCE)
def test_a_wrong_choice_of_the_transfer_syntax_is_caught_in_every_edition(idea):
    predict, choose = EXERCISES["Predict"].solution, PASSED_ONCE[idea]
    for seed in range(3):
        assert any(choose(*case) != predict(*case) for case in EXERCISES["Predict"].cases(random.Random(seed)))


def test_one_context_for_a_sop_class_and_no_lossy_one_are_told_what_they_are(editions):
    def second_refused(proposed, accepted):
        answers, done = [], []
        for context in proposed:
            (answer,) = EXERCISES["Predict"].solution([context], accepted)
            if answer["result"] == 0 and context["sop_class"] in done:
                answer = {**answer, "result": 4, "transfer_syntax": None}
            if answer["result"] == 0:
                done.append(context["sop_class"])
            answers.append(answer)
        return answers

    assert judged("Predict", editions, second_refused).label == "one_context_a_class"
    assert judged("Predict", editions, PASSED_ONCE["no JPEG Baseline"]).label == "lossy_never"


def test_the_context_that_is_wrong_is_shown(editions):
    told = judged("Predict", editions, PASSED_ONCE["in the order of list A"])
    assert told.label == "value" and "Look at context " in told.message and ". You answer result 0 and " in told.message
    for seed in range(3):
        for case in EXERCISES["Predict"].cases(random.Random(seed)):
            answers = EXERCISES["Predict"].answer.result.read(PASSED_ONCE["no private transfer syntax"](*case))
            right = PASSED_ONCE["no private transfer syntax"](*case) == EXERCISES["Predict"].solution(*case)
            assert (module._about_a_context(case, answers) is None) == right


def test_slips_of_the_loops_are_told_what_they_are(editions):
    def else_three(reset_too):
        def program(proposed, accepted):
            answers = []
            for context in proposed:
                result, syntax = 3, None
                for row in accepted:
                    if _fits(context, row):
                        common = _common(context["transfer_syntaxes"], row["transfer_syntaxes"])
                        result, syntax = 0 if common else 4, common
                    else:
                        result = 3
                        syntax = None if reset_too else syntax
                answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
            return answers
        return program

    def first_row_only(proposed, accepted):
        rows = {}
        for row in accepted:
            rows.setdefault(row["sop_class"], row)
        return module._answers(proposed, [row for row in rows.values() if row["scp"]])

    def by_dictionary(proposed, accepted):
        return module._answers(proposed, [row for row in {row["sop_class"]: row for row in accepted}.values() if row["scp"]])

    def once(guarded):
        def program(proposed, accepted):
            answers, result, syntax = [], 3, None
            for context in proposed:
                for row in accepted:
                    if _fits(context, row):
                        result = 4
                        for one in row["transfer_syntaxes"]:
                            if one in context["transfer_syntaxes"] and (syntax is None or not guarded):
                                result, syntax = 0, one
                                break
                answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
            return answers
        return program

    for program, label in ((else_three(True), "last_row_of_all"), (else_three(False), "last_row_of_all_for_the_result"),
                           (first_row_only, "first_row_of_the_class"), (by_dictionary, "last_row_of_the_class"),
                           (once(False), "begun_once"), (once(True), "begun_once_and_kept")):
        assert judged("Predict", editions, program).label == label, label


def test_what_is_asked_of_a_prediction_is_said(editions):
    for wrong in (lambda proposed, accepted: {"result": {1: 2}}, lambda proposed, accepted: (one for one in proposed),
                  lambda proposed, accepted: print(proposed)):
        verdict = judged("Predict", editions, wrong)
        assert "should return a list of dictionaries" in verdict.message and "DataFrame" not in verdict.message, verdict


def test_no_document_is_offered_in_a_syntax_for_images():
    for seed in SEEDS:
        for proposed, accepted in EXERCISES["Predict"].cases(random.Random(seed)):
            for one in (*proposed, *accepted):
                if one["sop_class"] in module.DOCUMENTS:
                    assert set(one["transfer_syntaxes"]) <= set(module.PLAIN), one


def test_any_export_list_that_does_it_is_right(editions):
    named = [{"sop_class": module.OFFICIAL[dicom.uid(one["sop_class"])],
              "transfer_syntaxes": [module.SYNTAXES[syntax] for syntax in one["transfer_syntaxes"]]} for one in EXPORTS]
    pairs = [(one["sop_class"], one["transfer_syntaxes"]) for one in EXPORTS]
    more = EXPORTS + [{"sop_class": MAMMOGRAM, "transfer_syntaxes": [LOSSLESS]}]                     # mammograms compressed as well
    apart = [{"sop_class": one["sop_class"], "transfer_syntaxes": [syntax]} for one in EXPORTS for syntax in one["transfer_syntaxes"]]
    fallback = [*EXPORTS[:2], {"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [IMPLICIT]}, EXPORTS[3]]
    numbered = [{"id": 2 * place + 1, **one} for place, one in enumerate(reversed(EXPORTS))]
    one_text = [{**one, "transfer_syntaxes": IMPLICIT} if one["sop_class"] == MAMMOGRAM else one for one in EXPORTS]
    as_written = [{**one, "transfer_syntaxes": "; ".join(one["transfer_syntaxes"])} for one in named]       # as a statement lists them
    with_commas = [{**one, "transfer_syntaxes": ", ".join(one["transfer_syntaxes"])} for one in EXPORTS]
    spoken = [{"sop_class": one["sop_class"].replace(" Storage", ""),
               "transfer_syntaxes": [syntax.replace(" (SV1)", "") for syntax in one["transfer_syntaxes"]]} for one in named]
    assert spoken[3]["sop_class"] == "X-Ray Radiation Dose SR"
    assert spoken[1]["transfer_syntaxes"] == ["JPEG Lossless, First-Order Prediction"]
    both = [*EXPORTS, {"sop_class": MAMMOGRAM, "transfer_syntaxes": [module.PROCESS_14]},
            {"sop_class": MAMMOGRAM, "transfer_syntaxes": [LOSSLESS]}]
    as_captured = [{**one, "transfer_syntaxes": [", ".join(one["transfer_syntaxes"])]} for one in named]      # a cell of the capture
    rows = lesson.input_of("mammo_rows", editions.own)
    edited = [rows[0], {**rows[2], "transfer_syntaxes": [LOSSLESS]}, {**rows[2], "transfer_syntaxes": [IMPLICIT]}, rows[3]]
    assert edited[0]["scu"] is True and as_captured[1]["transfer_syntaxes"] == ["JPEG Lossless, First-Order Prediction (SV1)"]
    for form in (as_captured, edited, named, pairs, more, apart, fallback, numbered, one_text, tuple(EXPORTS), json.dumps(EXPORTS),
                 as_written, with_commas, spoken, both):
        assert judged("ExportList", editions, form).correct, form


@pytest.mark.parametrize("change, says", [
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [LOSSLESS, IMPLICIT]}], "took Implicit VR Little Endian"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [LOSSLESS, module.EXPLICIT]},
      {"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [IMPLICIT]}], "took Explicit VR Little Endian"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [module.PROCESS_14]},
      {"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [IMPLICIT]}], "a UID each"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [module.PROCESS_14, module.EXPLICIT, IMPLICIT]}], "a UID each"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [IMPLICIT]}], "always uncompressed"),
    ([*EXPORTS[1:3], {"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": ["1.2.840.10008.1.2.2"]}], "Explicit VR Big Endian"),
    ([*EXPORTS[1:3], {"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [module.BASELINE]}], "the next one may accept it"),
    ([*EXPORTS[1:3], {"sop_class": MAMMOGRAM, "transfer_syntaxes": [module.BASELINE]}], "offered in a lossy"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [LOSSLESS, module.PROCESS_14]}], "WS_MG1 accepted no context"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [module.JPEG_2000]}, *EXPORTS[1:3]], "cannot offer JPEG 2000"),
    ([{"sop_class": module.CAD, "transfer_syntaxes": [IMPLICIT]}, *EXPORTS[1:3]], "does not send Mammography CAD"),
    ([], "is not offered at all"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [LOSSLESS, module.BASELINE]}, *EXPORTS[1:3]], "lossy"),
    ([{"sop_class": MAMMOGRAM, "transfer_syntaxes": [module.PROCESS_14]}, *EXPORTS[1:3]], "section 10.2"),
    ([{"sop_class": MAMMOGRAM, "transfer_syntaxes": [module.PROCESS_14, IMPLICIT]}, *EXPORTS[1:3]], "section 10.2"),
    ([{"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": [module.EXPLICIT, IMPLICIT, LOSSLESS]}], "In whatever order"),
])
def test_an_export_list_that_fails_is_told_what_the_peers_answered(editions, change, says):
    verdict = judged("ExportList", editions, [EXPORTS[0], *change, EXPORTS[3]])
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_export_lists_in_shapes_that_cannot_be_read(editions):
    assert "at least one" in judged("ExportList", editions, [{"sop_class": MAMMOGRAM, "transfer_syntaxes": []}]).message
    assert "context 1 lacks the entry `transfer_syntaxes`" in judged("ExportList", editions, [{"sop_class": MAMMOGRAM}]).message
    assert "has an entry `role`" in judged("ExportList", editions, [{**EXPORTS[0], "role": "SCU"}]).message
    for written in ("JPEG Lossless", ["JPEG Lossless"], "JPEG Lossless, Explicit VR Little Endian"):     # of which there are two
        assert "say which" in judged(
            "ExportList", editions, [*EXPORTS, {"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": written}]).message.casefold()
    assert "in context 1, `mammograms` can't be read" in judged(
        "ExportList", editions, [{"sop_class": "mammograms", "transfer_syntaxes": [IMPLICIT]}]).message
    assert "in context 1, `loss` can't" in judged(
        "ExportList", editions, [{"sop_class": MAMMOGRAM, "transfer_syntaxes": [IMPLICIT, "loss"]}]).message
    assert "can't be read" in judged("ExportList", editions, [{"sop_class": 5, "transfer_syntaxes": [None]}]).message
    assert "128" in judged("ExportList", editions, EXPORTS * 40).message
    assert "nothing would be sent" in judged("ExportList", editions, []).message
    by_class = {one["sop_class"]: one["transfer_syntaxes"] for one in EXPORTS}              # a dictionary has each SOP class once
    verdict = judged("ExportList", editions, by_class)
    assert verdict.outcome is Outcome.NOT_YET and "only one context for it" in verdict.message


@pytest.mark.parametrize("seed", range(3))
def test_installation_sheet(seed):
    editions = Editions(hospital(seed, "tiny"), lambda: [])
    sheet = solved("InstallationSheet", editions)
    for form in ({name: str(value) for name, value in sheet.items()}, pandas.Series(sheet),
                 {name.upper(): value for name, value in sheet.items()},
                 {**sheet, "longest_to_archive": f"{sheet['longest_to_archive']} bytes", "role_in_report": "user"},
                 {**sheet, "longest_to_scanner": f"{sheet['longest_to_scanner']:,}", "report_host": " 10.20.30.66 "},
                 {**sheet, "longest_to_archive": f"{sheet['longest_to_archive'] // 1024} KiB"},
                 {**sheet, "storage_port": "11112/tcp", "report_port": f"TCP {sheet['report_port']}"},
                 {**sheet, "storage_port": "port 11112", "report_port": f"{sheet['report_port']} (TCP)"}):
        assert judged("InstallationSheet", editions, form).correct, form
    for change in ({"report_caller": "hv_pacs"}, {"report_title": "US_ECHO2_sc"}, {"report_title": "HV_PACS"}, {"report_port": 2762},
                   {"longest_to_archive": 16378}, {"longest_to_scanner": 0}, {"role_in_report": "both"}, {"report_host": "10.20.30.65"},
                   {"storage_port": 11113}, {"report_caller": "US_ECHO2_SC"}):
        verdict = judged("InstallationSheet", editions, {**sheet, **change})
        assert verdict.outcome is Outcome.NOT_YET and "That is not" not in verdict.message, (change, verdict)
    assert judged("InstallationSheet", editions, list(sheet.items())).correct
    assert judged("InstallationSheet", editions, {**sheet, "report_host": "10.20.30.66/32"}).correct
    for written, says in (("10.20.30.66:11120", "address alone"), ("10.20.30.66/24", "network mask"), ("010.020.030.066", "zeros")):
        assert says in judged("InstallationSheet", editions, {**sheet, "report_host": written}).message
    for name in ("longest_to_archive", "longest_to_scanner"):
        assert "off for the header" in judged("InstallationSheet", editions, {**sheet, name: sheet[name] - 6}).message
        assert "stands in neither" in judged("InstallationSheet", editions, {**sheet, name: 5000}).message
        assert "kB are thousands" in judged("InstallationSheet", editions, {**sheet, name: f"{sheet[name] // 1024} KB"}).message
    assert "upper and lower case count" in judged("InstallationSheet", editions, {**sheet, "report_caller": "hv_pacs"}).message
    for name in ("longest_to_archive", "longest_to_scanner"):
        assert "header" in judged("InstallationSheet", editions, {**sheet, name: sheet[name] + 6}).message


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_are_decided_by_the_statements(seed):
    editions = Editions(hospital(seed, "tiny"), lambda: [])
    gaps = solved("Gaps", editions)
    truth = lesson.input_of("gaps_of", editions.own)
    assert gaps == [id for id, (_, met) in truth.items() if not met] and len(gaps) == 4
    requirements = {row["id"]: row["requirement"] for row in lesson.input_of("requirements", editions.own)}
    for form in (set(gaps), ", ".join(gaps), [one.lower() for one in reversed(gaps)], pandas.Series(gaps), [int(one[1:]) for one in gaps],
                 [f"R{int(one[1:])}" for one in gaps], " ".join(gaps[:2]) + ", " + gaps[2] + " and " + gaps[3],
                 [{"id": one, "requirement": requirements[one]} for one in gaps]):
        assert judged("Gaps", editions, form).correct, form
    for one in requirements:
        given = [other for other in gaps if other != one] if one in gaps else [*gaps, one]
        verdict = judged("Gaps", editions, given)
        assert verdict.outcome is Outcome.NOT_YET and (verdict.label not in ("extra", "missing") or len(verdict.message) > 60), verdict
    for wrong in ([], list(requirements), gaps[:2], ["R99"], [0], ["Q01"], [2.5], ["first"]):
        assert judged("Gaps", editions, wrong).outcome is Outcome.NOT_YET
    for id, (key, met) in truth.items():
        if met:
            assert "TLS 1.0" not in judged("Gaps", editions, [*gaps, id]).message, "which no statement may name"
    assert "R13" not in requirements and "Names there have the form `R00`" in judged("Gaps", editions, [*gaps, "R13"]).message
    assert "R with two digits" in judged("Gaps", editions, ["Q01"]).message
    detail, word = next((id, word) for id, (key, met) in truth.items() for name, word in (("characters", "Latin-1"), ("SWF.b", "OMG^O19"))
                        if key == name and not met)
    assert word in judged("Gaps", editions, [one for one in gaps if one != detail]).message      # of this gap, not of another


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_lost_between_worklist_and_image(seed):
    editions = Editions(hospital(seed, "tiny"), lambda: [])
    lost = solved("LostOnTheWay", editions)
    rows = lesson.input_of("echo_worklist", editions.own)
    tags = {row["attribute"]: row["tag"] for row in rows}
    assert len(lost) == 4 and "Study Instance UID" not in lost
    for form in ([tags[one] for one in lost], {one.upper() for one in lost}, "; ".join(lost),
                 [row for row in rows if row["attribute"] in lost], [tags[one].strip("()") for one in lost],
                 [tags[one].strip("()").replace(",", "") for one in lost], [tags[one].replace(",", ", ") for one in lost],
                 [tuple(int(part, 16) for part in tags[one].strip("()").split(",")) for one in lost],
                 [keyword_for_tag(tags[one].strip("()").replace(",", "")) for one in lost], [one.replace("'", "") for one in lost],
                 [one.replace("'", "\u2019") for one in lost], "; ".join(tags[one] for one in lost),
                 [one.replace(" the ", " ") for one in lost], [f"the {one}" for one in lost],
                 pandas.DataFrame(rows)[lambda frame: frame["attribute"].isin(lost)]):
        assert judged("LostOnTheWay", editions, form).correct, form
    for one in tags:
        given = [other for other in lost if other != one] if one in lost else [*lost, one]
        assert judged("LostOnTheWay", editions, given).outcome is Outcome.NOT_YET
    for wrong in ([], list(tags), lost[:1], ["Patient Comments"], [tags[lost[0]]], ["Patient"], ["(0010,4000)"], [5], [None]):
        assert judged("LostOnTheWay", editions, wrong).outcome is Outcome.NOT_YET
    for wrong in ("Patient Comments", "(0010,4000)"):
        assert "no attribute of the table" in judged("LostOnTheWay", editions, [wrong]).message
    assert {row["attribute"] for row in rows if row["RIS returns"] == "No"} < set(module.TYPE_3)        # types 1 and 2 it must return


@pytest.mark.parametrize("seed", SEEDS)
def test_lengths_and_usage(seed):
    editions = Editions(hospital(seed, "tiny"), lambda: [])
    right = solved("LengthsAndUsage", editions)
    assert {"none", "length", "empty", "both"} == set(right.values())
    assert right == module._problems(lesson.input_of("hl7_spec", editions.own))
    assert right["PID-5"] == "length" and right["PID-3.1"] == right["NTE-3"] == "none" and right["OBR-19"] == "both"
    for form in (right, {field.lower(): one.upper() for field, one in right.items()}, list(right.items()), pandas.Series(right),
                 {field: one.replace("none", "OK").replace("both", "empty and length") for field, one in right.items()},
                 {field.replace("-", "."): one.replace("both", "length, empty") for field, one in right.items()},
                 {field: ["length", "empty"] if one == "both" else one for field, one in right.items()},
                 {field: ("empty", "length") if one == "both" else [one] for field, one in right.items()}):
        assert judged("LengthsAndUsage", editions, form).correct, form
    for field in right:
        for wrong in {"none", "length", "empty", "both", "too short"} - {right[field]}:
            verdict = judged("LengthsAndUsage", editions, {**right, field: wrong})
            assert verdict.outcome is Outcome.NOT_YET
            if verdict.label == "value":                        # the half that is wrong is spoken of
                length_is_right = (wrong in ("length", "both")) == (right[field] in ("length", "both"))
                assert ("what does its usage allow" in verdict.message) == length_is_right, (field, wrong, verdict)
    assert judged("LengthsAndUsage", editions, dict(list(right.items())[1:])).message == f"`{next(iter(right))}` is missing."


@pytest.mark.parametrize("seed", SEEDS)
def test_questions(seed):
    editions = Editions(hospital(seed, "tiny"), lambda: [])
    to_ask, asked = solved("QuestionsForTheVendor", editions), lesson.input_of("questions", editions.own)
    assert to_ask == [row["id"] for row in asked if not module.ANSWERED[row["topic"]]] and len(to_ask) == 6 and len(asked) == 12
    for form in (set(to_ask), " ".join(to_ask), [one.lower() for one in to_ask], pandas.Series(to_ask), [int(one[1:]) for one in to_ask],
                 f"{to_ask[0]} {to_ask[1]}, {', '.join(to_ask[2:])}",
                 [row for row in asked if row["id"] in to_ask]):
        assert judged("QuestionsForTheVendor", editions, form).correct, form
    for row in asked:
        one = row["id"]
        given = [other for other in to_ask if other != one] if one in to_ask else [*to_ask, one]
        verdict = judged("QuestionsForTheVendor", editions, given)
        assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 50, verdict


# --- the lesson as a whole

@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_row_occurs_once(seed):
    h = hospital(seed, "tiny")
    assert sorted(lesson.input_of("rows_of_echo", h).values()) == sorted(module.PARTS)
    archive = lesson.input_of("archive", h)["Storage SOP classes"]
    assert 20 <= len(archive) == len({row["UID"] for row in archive})
    assert [row["row"] for row in archive if not row["SOP class"]] and sum(row["SCP"] == "No" for row in archive) == 1
    assert not any(len(line) > 150 for name in ("echo", "archive", "mammo", "ris") for line in repr(lesson.input_of(name, h)).splitlines())


def test_statements_give_their_tables_by_name(editions):
    archive = lesson.input_of("archive", editions.own)
    assert archive["storage"] == archive["Storage SOP classes"]
    with pytest.raises(KeyError, match="Storage SOP classes"):
        archive["printing"]
    assert "Character" not in repr(archive.show("Storage"))


def test_opening_and_checking_are_quick_and_leave_nothing_behind(editions):
    start = time.perf_counter()
    for name, make in lesson.inputs.items():
        make(hospital(3, "tiny"))
    assert time.perf_counter() - start < 20                                     # about 20 ms; never an open end
    start = time.perf_counter()
    assert judged("ExportList", editions, EXPORTS).correct
    assert time.perf_counter() - start < 30         # about 0.3 s
    with pytest.raises(ZeroDivisionError), module.Configured("HV_PACS", lesson.input_of("archive_rows", editions.own)):
        raise ZeroDivisionError
