"""What learners give in lesson cpas-02 beyond the solutions and wrong ways, and the lesson's words beside DICOM's."""

import math
import re

import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.hospital.catalogue import PROCEDURES
from coursekit.lessons import cpas_02_medical_terms as cpas02
from coursekit.lessons.cpas_02_medical_terms import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SHEETS = [exercise for exercise in lesson.exercises if isinstance(exercise.answer, cpas02.Sheet)]


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def _right(exercise, editions):
    return exercise.computed(exercise.solution, editions.own)


@pytest.mark.parametrize("exercise", SHEETS, ids=lambda exercise: exercise.name)
def test_a_form_may_be_filled_in_in_other_ways(editions, exercise):
    rows = [tuple(row) for row in _right(exercise, editions)]
    columns = exercise.answer.columns
    frame = pandas.DataFrame(rows, columns=columns)
    for given in (
        rows, rows[::-1], [list(row) for row in rows], tuple(rows), frame, frame.set_index("number"), frame[columns[::-1]],
        [dict(zip(columns, row, strict=True)) for row in rows], {row[0]: row[1:] if len(row) > 2 else row[1] for row in rows},
        [(str(number), *(f" {word.upper()} " for word in words)) for number, *words in rows], pandas.DataFrame(rows),
    ):
        verdict = exercise.judge((given,), editions)
        assert verdict.outcome is Outcome.CORRECT, (given, verdict)


@pytest.mark.parametrize("exercise", SHEETS, ids=lambda exercise: exercise.name)
def test_an_open_or_odd_form_gets_a_sentence_that_helps(editions, exercise):
    rows = [tuple(row) for row in _right(exercise, editions)]
    open_rows = [(row[0], *(... for _ in row[1:])) for row in rows]
    assert exercise.judge((open_rows,), editions).outcome is Outcome.NOT_ANSWERED
    half = rows[:3] + open_rows[3:]
    assert "right so far" in exercise.judge((half,), editions).message
    assert "row 4" in exercise.judge((half,), editions).message and "still open" in exercise.judge((half,), editions).message
    other = next(row[1:] for row in rows if row[1] != rows[1][1])
    wrong = exercise.judge(([rows[0], (rows[1][0], *other), *open_rows[2:]],), editions).message
    assert wrong.startswith("Row 2, `") and "row 3 is still open" in wrong, "what is filled in is checked first"
    assert exercise.judge(([...] * len(rows),), editions).outcome is Outcome.NOT_ANSWERED
    fewer = exercise.judge(([rows[0], (rows[1][0], *other)],), editions).message
    assert fewer.startswith("Row 2, `") and "rows are missing" in fewer
    odd = [(row[0], *("bogus" for _ in row[1:])) for row in rows]
    assert "`bogus` is not a word" in exercise.judge((odd,), editions).message
    assert "values" in exercise.judge(([row[:1] for row in rows],), editions).message
    longer = exercise.judge(([*rows[:2], (*rows[2], "word"), *rows[3:]],), editions).message
    assert longer.startswith("Row 3 has") and "comma" in longer
    assert exercise.judge((rows[:-1],), editions).label == "missing row"
    assert "begins with its number" in exercise.judge(([("x", *row[1:]) for row in rows],), editions).message


@pytest.mark.parametrize("exercise", SHEETS, ids=lambda exercise: exercise.name)
def test_a_mixture_of_mistakes_is_told_by_its_first_row(editions, exercise):
    right = {row[0]: tuple(row) for row in _right(exercise, editions)}
    ways = list(exercise.wrong_ways)
    mixed = dict(right)
    for way in ways:
        for row in exercise.computed(way, editions.own):
            if tuple(row) != right[row[0]] and mixed[row[0]] == right[row[0]]:
                mixed[row[0]] = tuple(row)
                break
    verdict = exercise.judge((list(mixed.values()),), editions)
    first = next(number for number in sorted(right) if mixed[number] != right[number])
    assert verdict.message.startswith(f"Row {first}, `"), verdict
    assert verdict.label in {way.__name__ for way in ways}


def test_the_words_alone_in_their_order_are_enough_where_a_row_has_one(editions):
    for exercise in SHEETS:
        words = [row[-1] for row in sorted(_right(exercise, editions))]
        assert exercise.judge((words,), editions).correct == (len(exercise.answer.columns) == 2)


def test_synonyms_are_as_good(editions):
    names = {"colon": "large bowel", "windpipe": "trachea", "airways": "bronchi", "kidney": "kidneys", "joint": "Joints"}
    says = {"removal": "cutting out", "opening": "stoma", "inflammation": "Inflamed", "enlarged": "enlargement", "picture": "image"}
    rows = [(number, names.get(organ, organ), says.get(word, word)) for number, organ, word in _right(EXERCISES["TermsInParts"], editions)]
    assert EXERCISES["TermsInParts"].judge((rows,), editions).correct
    systems = {"digestive": "gastrointestinal", "circulatory": "Cardiovascular", "respiratory": "pulmonary"}
    rows = [(number, prefix.replace("inside", "within"), systems.get(system, system))
            for number, prefix, system in _right(EXERCISES["WordsAndSystems"], editions)]
    assert EXERCISES["WordsAndSystems"].judge((rows,), editions).correct
    described = {procedure.code: procedure.description for procedure in PROCEDURES}
    rows = [(number, described.get(code, code).lower()) for number, code in _right(EXERCISES["TheirNamesOurCodes"], editions)]
    assert EXERCISES["TheirNamesOurCodes"].judge((rows,), editions).correct


def test_sets_in_other_forms(editions):
    right = _right(EXERCISES["DoNotUse"], editions)
    for given in (right, [str(number) for number in right], [f"note {number}" for number in right], ", ".join(map(str, right)), set(right)):
        assert EXERCISES["DoNotUse"].judge((given,), editions).correct, given
    right = _right(EXERCISES["WhichSide"], editions)
    for given in (tuple(right), [one.lower() for one in right], [int(one[1:]) for one in right], "\n".join(right), pandas.Series(right)):
        assert EXERCISES["WhichSide"].judge((given,), editions).correct, given
    assert EXERCISES["WhichSide"].judge((right[:-1],), editions).outcome is Outcome.NOT_YET


def test_other_rules_that_work_are_right(editions):
    rules = dict(cpas02.GOOD_RULES)
    assert EXERCISES["BodyPartRules"].judge((rules,), editions).correct, "a dictionary keeps its order"
    lower = [(word.lower(), part) for word, part in cpas02.GOOD_RULES]
    assert EXERCISES["BodyPartRules"].judge((lower,), editions).correct
    more = [("FEMORAL", "HIP"), ("SCAPUL", "SCAPULA"), ("CARDIAC", "HEART"), ("SKULL", "SKULL"), ("CHEST ABD PELV", "CHESTABDPELVIS"),
            ("CHEST ABDOMEN PELV", "CHESTABDPELVIS"), ("CHEST ABDOMEN", "CHESTABDOMEN"), ("ABD PELV", "ABDOMENPELVIS"), ("CERVICAL S", "CSPINE"), (" CAP ", "CHESTABDPELVIS"),
            ("T SPINE", "TSPINE"), ("THORACIC SPINE", "TSPINE"), ("SACROILIAC", "SIJOINT"), ("SACRUM", "SSPINE"), ("DORSAL", "TSPINE"),
            ("L SPINE", "LSPINE"), ("THUMB", "HAND"), ("RADIAL", "ELBOW"), *cpas02.GOOD_RULES]
    assert EXERCISES["BodyPartRules"].judge((more,), editions).correct, "more rules, particular words first"


@pytest.mark.parametrize(("rules", "says"), [
    ([("CHEST", "chest")], "capitals"), ([("CHEST", "C SPINE")], "without blanks"), ([("CHEST", "THORACIC CAVITY AND MORE")], "at most 16"),
    ([("CHEST", "THORAX")], "Annex L"), ([("C-SPINE", "CSPINE")], "blank in its place"), ([("", "CHEST")], "empty word"),
    (["CHEST"], "pair"), ([("CHEST", None)], "leave that rule out"), ([("CHEST", 1)], "pair"), ([("KUB", "ABDOMEN")], "None of your rules fits"),
    ([(" ", "CHEST")], "empty word"), ([("  CARDIAC  ", "HEART")], "two blanks together"),
    ([("CHEST", "chest")], "The rules can't be used"),
])
def test_rules_that_cannot_work_get_a_sentence(editions, rules, says):
    assert says in EXERCISES["BodyPartRules"].judge((rules,), editions).message


def test_whole_names_as_rules_do_not_carry_to_other_hospitals(editions):
    frame = lesson.input_of("names", editions.own)
    rules = [(re.sub("[^A-Z0-9]+", " ", name), part) for name, part in zip(frame["name"], frame["body_part"], strict=True) if part]
    rules.sort(key=lambda rule: -len(rule[0]))
    verdict = EXERCISES["BodyPartRules"].judge((rules,), editions)
    assert not verdict.correct and "finds no other name" in verdict.message


def _rules_with(word, *instead):
    return [rule for one in cpas02.GOOD_RULES for rule in (instead if one[0] == word else [one])]


@pytest.mark.parametrize(("rules", "says"), [
    (_rules_with(" IAC ", ("CARDIAC", "HEART"), ("IAC", "IAC")), "inside SACROILIAC"),
    ([("SACROILIAC", "PELVIS"), *_rules_with(" IAC ", ("CARDIAC", "HEART"), ("IAC", "IAC"))], "inside ILIAC"),
    (_rules_with(" CAP ", ("SCAPULA", "SCAPULA"), ("SCAPHOID", "WRIST"), ("CAP", "CHESTABDPELVIS")), "Captopril"),
    (_rules_with(" ABD ", ("SHOULDER", "SHOULDER"), ("ABD", "ABDOMEN")), "inside ABDUCTION"),
    (_rules_with("THORAX", ("THOR", "CHEST")), "no chest"), ([*cpas02.GOOD_RULES, (" LAT ", "CHEST")], "your rules that fits is that for `LAT`"), (_rules_with(" C SPINE", ("C SPINE", "CSPINE")), "ends in C"),
    ([*cpas02.GOOD_RULES, ("SPINE", "LSPINE")], "says lumbar"), ([("ABDUCTION", "SHOULDER"), *cpas02.GOOD_RULES], "movement"),
    (_rules_with(" L SPINE", ("L SPINE", "LSPINE")), "DORSAL"), (_rules_with(" CT HEAD ", (" HEAD ", "HEAD")), "has a head"),
    (_rules_with("CHEST ABDOMEN PELV"), "Three regions"), ([*_rules_with("CHEST ABDOMEN PELV"), cpas02.GOOD_RULES[0]], "Three regions"),
    (_rules_with("CHEST ABD", ("CHEST ABD", "CHESTABDPELVIS")), "No pelvis"),
    ([("CT ABDOMEN", "ABDOMENPELVIS") if word == "ABDOMEN PELV" else (word, part) for word, part in cpas02.GOOD_RULES], "No pelvis"),
    *((_rules_with(word, (instead, part)), "finds no other name") for word, instead, part in (
        (" KUB ", "1V", "ABDOMEN"), (" KUB ", "KUB 1V", "ABDOMEN"), ("CARDIAC", "VIABILITY", "HEART"), ("CARDIAC", "MR CARDIAC", "HEART"),
        (" ABD ", "US ABD ", "ABDOMEN"), (" HIP ", "XR HIP", "HIP"), (" KNEE ", "XR KNEE", "KNEE"), (" IAC ", "MR IAC", "IAC"))),
    *(([*cpas02.GOOD_RULES, rule], "does that word name a region") for rule in (
        ("XR", "CHEST"), ("MR", "BRAIN"), ("MR", "PELVIS"), ("CT", "ABDOMEN"), ("CT", "HEAD"), ("US", "ABDOMEN"), (" R ", "KNEE"),
        (" W ", "HEAD"), ("TRAUMA", "HEAD"), ("1V", "ABDOMEN"), (" JOINTS ", "PELVIS"), ("DORSAL", "CHEST"))),
])
def test_rules_that_fit_by_chance_are_told_by_the_name_that_they_catch(editions, rules, says):
    verdict = EXERCISES["BodyPartRules"].judge((rules,), editions)
    assert not verdict.correct and says in verdict.message and "Of those that came later" in verdict.message, verdict


def test_one_name_that_is_right_is_counted_as_one(editions):
    message = EXERCISES["BodyPartRules"].judge(([("THUMB", "THUMB")],), editions).message
    assert message.startswith("1 of 30 names gets"), message


def test_words_that_people_write_for_those_of_the_lists(editions):
    rows = [(number, prefix, f"{system} system") for number, prefix, system in _right(EXERCISES["WordsAndSystems"], editions)]
    assert EXERCISES["WordsAndSystems"].judge((rows,), editions).correct
    for name, word, instead in (("TheNightsList", "exam", "call"), ("SafetyFlags", "allergy", "allergic"),
                                ("TheirNamesOurCodes", "none", "N/A")):
        rows = [tuple(instead if one == word else one for one in row) for row in _right(EXERCISES[name], editions)]
        assert instead in {one for row in rows for one in row} and EXERCISES[name].judge((rows,), editions).correct, name
    words = dict(_right(EXERCISES["WhatIsMeant"], editions))
    for given in (pandas.Series(words), pandas.Series([words[number] for number in sorted(words)])):
        assert EXERCISES["WhatIsMeant"].judge((given,), editions).correct, given


def test_the_shown_rules_are_the_good_ones(editions):
    assert _right(EXERCISES["BodyPartRules"], editions) == cpas02.GOOD_RULES


def test_body_parts_are_code_strings():
    for part in cpas02.BODY_PARTS:
        assert re.fullmatch("[A-Z]{1,16}", part)
    assert {procedure.body_part for procedure in PROCEDURES if procedure.body_part} - {"UTERUS"} <= cpas02.BODY_PARTS
    assert {part for _, part in cpas02.GOOD_RULES} <= cpas02.BODY_PARTS


def test_the_engine_reads_rules_as_the_check_does(editions):
    """Small letters, a dictionary: what the check takes, the learner's own tool files as well."""
    frame = lesson.input_of("names", editions.own)
    for rules in ([(word.lower(), part) for word, part in cpas02.GOOD_RULES], dict(cpas02.GOOD_RULES)):
        assert [cpas02.body_part_by(rules, name) for name in frame["name"]] == list(frame["body_part"])
        assert EXERCISES["BodyPartRules"].judge((rules,), editions).correct


def test_whole_words_with_blanks_are_right_on_every_hospital():
    words = """CHEST ABDOMEN PELVIS=CHESTABDPELVIS,ABDOMEN PELVIS=ABDOMENPELVIS,CAP=CHESTABDPELVIS,CHEST ABD PELV=CHESTABDPELVIS,
        ABD PELV=ABDOMENPELVIS,SHOULDER=SHOULDER,HIP=HIP,SCAPULA=SCAPULA,CHEST=CHEST,THORAX=CHEST,CXR=CHEST,KUB=ABDOMEN,ABD=ABDOMEN,
        HAND=HAND,WRIST=WRIST,KNEE=KNEE,ANKLE=ANKLE,FOOT=FOOT,PELVIS=PELVIS,CT HEAD=HEAD,CARDIAC=HEART,C SPINE=CSPINE,
        CERVICAL SPINE=CSPINE,L SPINE=LSPINE,LUMBAR SPINE=LSPINE,BRAIN=BRAIN,IAC=IAC,ABDOMEN=ABDOMEN"""
    rules = [(f" {word.strip()} ", part) for word, part in (one.split("=") for one in words.split(","))]
    everywhere = Editions(hospital(0, "tiny"), lambda: [hospital(seed, "tiny") for seed in range(201, 206)])
    assert EXERCISES["BodyPartRules"].judge((rules,), everywhere).correct


def test_the_shown_rules_file_no_exam_of_the_catalogue_wrongly():
    filed = {one: cpas02.body_part_by(cpas02.GOOD_RULES, one.description) for one in PROCEDURES}
    assert all(part in (None, one.body_part) for one, part in filed.items()), filed
    assert filed[next(one for one in PROCEDURES if one.code == "CTCAP")] == "CHESTABDPELVIS"


def test_the_fields_of_the_order_are_called_as_in_the_standard():
    from hl7apy.v2_5_1.segments import SEGMENTS

    names = {field[0]: field[1][3] for field in SEGMENTS["OBR"][1]}
    assert [names[f"OBR_{at}"] for at in (45, 46, 47)] == [
        "PROCEDURE_CODE_MODIFIER", "PLACER_SUPPLEMENTAL_SERVICE_INFORMATION", "FILLER_SUPPLEMENTAL_SERVICE_INFORMATION"]


@pytest.mark.parametrize("exercise", SHEETS, ids=lambda exercise: exercise.name)
def test_whatever_is_wrong_is_told_with_its_rows(editions, exercise):
    right = {row[0]: tuple(row) for row in _right(exercise, editions)}
    for way, feedback in exercise.wrong_ways.items():
        given = exercise.computed(way, editions.own)
        message = exercise.judge((given,), editions).message
        wrong = [str(row[0]) for row in sorted(given) if tuple(row) != right[row[0]]]
        rows = f"Rows {', '.join(wrong[:-1])} and {wrong[-1]}" if wrong[1:] else f"Row {wrong[0]}"
        assert message == f"{rows}: {feedback}", message
    short = exercise.judge(([row for number, row in right.items() if number != 3],), editions).message
    assert "`number` is `3` is missing" in short, short


def test_every_request_of_the_pools_is_judged_as_planned():
    """The solutions read texts; the wrong ways know what was planted. Both must agree on every variant."""
    notes = [{"number": at, "text": text} for at, text in enumerate(text for _, texts in cpas02.NOTES for text in texts)]
    assert EXERCISES["DoNotUse"].solution(notes) == cpas02._dangerous(notes, "unit", "day", "zero", "point", "salt")
    orders = [{"accession": str(at), "exam": exam, "side": side, "text": text}
              for at, (exam, side, text) in enumerate(one for _, variants in cpas02.SIDES for one in variants)]
    assert EXERCISES["WhichSide"].solution(orders) == cpas02._back(orders, "empty", "said", "against")
    screened = [{"number": at, "exam": exam, "contrast": contrast, "patient": patient, "text": text}
                for at, (exam, contrast, patient, text) in enumerate(one for *_, variants in cpas02.SCREENED for one in variants)]
    assert EXERCISES["SafetyFlags"].solution(screened) == cpas02._flags(screened)
    night = [{"number": at, "name": name, "side": side, "patient": patient, "text": text}
             for at, (name, side, patient, text) in enumerate(one for *_, variants in cpas02.NIGHT for one in variants)]
    assert EXERCISES["TheNightsList"].solution(night) == cpas02._triaged(night)
    shortened = [{"number": at, "exam": exam, "text": text, "abbreviation": short}
                 for at, (short, (exam, text)) in enumerate((short, one) for short, texts in cpas02.SHORTENED.items() for one in texts)]
    planned = cpas02._meant(shortened, lambda short, place: "ask" if place is None else cpas02.READINGS[short][place])
    assert EXERCISES["WhatIsMeant"].solution(shortened) == planned
    eastcliff = [{"number": at, "name": name} for at, (name, _) in enumerate(cpas02.TRICKY_NAMES + cpas02.OTHER_NAMES_OF_EXAMS)]
    assert EXERCISES["TheirNamesOurCodes"].solution(eastcliff) == cpas02._mapped(eastcliff)


def test_every_term_and_word_can_be_read_from_the_tables():
    for group in cpas02.TERMS:
        for term in group:
            (_, organ, says), = cpas02._terms_told([{"number": 1, "term": term}], cpas02.ROOTS, cpas02.ENDINGS)
            assert organ in cpas02.ORGANS and says in cpas02.SAYS, term
    for group in cpas02.WORDS:
        for word in group:
            (_, prefix, system), = cpas02._words_told([{"number": 1, "word": word}], cpas02.PREFIXES, cpas02.ROOTS, cpas02.SYSTEMS)
            assert prefix in cpas02.PREFIX_NAMES and system in cpas02.SYSTEMS, word


def test_the_codes_named_in_the_text_are_those_of_dicom():
    from pydicom.sr.codedict import codes

    assert codes.cid4.Knee.value == "72696002"
    assert codes.cid4.InternalAuditoryCanal.scheme_designator == "SCT"


def test_the_images_are_those_that_are_described():
    shown = hospital(0, "tiny")
    assert set(lesson.input_of("hung", shown).values()) == set(cpas02.SEEN)
    assert set(lesson.input_of("looks", shown)) == set(cpas02.LETTERS)


INPUTS = {"TermsInParts": "terms", "WordsAndSystems": "words", "WhatIsMeant": "shortened", "WordsMeetPictures": "indications",
          "TheirNamesOurCodes": "eastcliff", "SafetyFlags": "screened", "TheNightsList": "night"}


def _one_wrong(name, editions, words, part):
    """The verdict on the right form with `words` in the first row whose text holds `part`; None when no row does."""
    rows = _right(EXERCISES[name], editions)
    number = next((row["number"] for row in lesson.input_of(INPUTS[name], editions.own) if part in str(row)), None)
    if number is None:
        return None
    given = [(row[0], *(word or right for word, right in zip(words, row[1:], strict=True))) if row[0] == number else row for row in rows]
    return EXERCISES[name].judge((given,), editions)


@pytest.mark.parametrize(("name", "part", "words", "says"), [
    ("TermsInParts", "bronchoscopy", ("lung", ""), "pneumon"),
    ("TermsInParts", "cystitis", ("kidney", ""), "ureters"),
    ("WordsAndSystems", "intercostal", ("", "respiratory"), "names is a bone"),
    ("WordsAndSystems", "subdural", ("", "musculoskeletal"), "cover of the brain"),
    ("WordsAndSystems", "suprarenal", ("", "urinary"), "neighbour"),
    ("WhatIsMeant", "drained", ("overdose",), "no reading of PE"),
    ("WordsMeetPictures", "Dysphagia", ("C",), "-phagia eating"),
    ("WordsMeetPictures", "lump", ("F",), "in the breast. Image F shows a fan"),
    ("TheirNamesOurCodes", "IVP", ("CTAP",), "has not ordered a CT"),
    ("TheirNamesOurCodes", "DEXA", ("NMBONE",), "radionuclide"),
    ("TheirNamesOurCodes", "CATH", ("USECHO",), "catheter"),
    ("TheirNamesOurCodes", "CATH", ("CTCOR",), "catheter"),
    ("TheirNamesOurCodes", "C-SPINE", ("CTCSP",), "made with the CT"),
    ("TheirNamesOurCodes", "L-SPINE", ("MRLSP",), "made with the MR"),
    ("SafetyFlags", "breath", ("none",), "Trouble with breathing"),
    ("SafetyFlags", "splinter", ("none",), "An eye counts"),
    ("SafetyFlags", "eGFR 19", ("none",), "the figure on the sheet"),
    ("SafetyFlags", "8 weeks", ("none",), "in its beam"),
    ("TheNightsList", "XR HAND", ("none", ""), "code is that of the exam which is named"),
    ("TheNightsList", "PROSTATE", ("none", ""), "code is that of the exam which is named"),
    ("TheNightsList", "IVP", ("CTAP", ""), "has not ordered a CT"),
    ("TheNightsList", "CAT SCAN", ("MRBR", ""), "A CAT scan is a CT"),
    ("TheNightsList", "XR KNEE", ("", "exam"), "in a field"),
    ("TheNightsList", "CXR", ("XCHAP", ""), "How many views"),
    ("TheNightsList", "PROSTATE", ("", "side"), "before the side"),
    ("TheNightsList", "MRI BRAIN", ("", "side"), "in `sided`"),
])
def test_a_likely_mistake_is_told_by_itself(editions, name, part, words, says):
    verdict = _one_wrong(name, editions, words, part)
    assert verdict is not None and not verdict.correct
    assert says in verdict.message and (verdict.message.startswith("Row ") or verdict.label == "by_the_neighbour"), verdict


@pytest.mark.parametrize(("name", "part", "words"), [
    ("TermsInParts", "spondylosis", ("", "a lasting condition")),
    ("WhatIsMeant", "Nasogastric", ("ask back",)), ("WhatIsMeant", "Pre-operative", ("ask!",)),
    ("WhatIsMeant", "D-dimer", ("embolism",)), ("WhatIsMeant", "drained", ("an effusion",)),
    ("SafetyFlags", "prawns", ("-",)), ("SafetyFlags", "breath", ("Allergy flag",)), ("WordsMeetPictures", "lump", ("image E",)),
    ("TheNightsList", "IVP", ("not offered", "")),
])
def test_another_way_to_say_it_is_right(editions, name, part, words):
    assert _one_wrong(name, editions, words, part).correct


@pytest.mark.parametrize("name", ["TheirNamesOurCodes", "SafetyFlags", "TheNightsList"])
def test_pythons_none_is_none(editions, name):
    rows = [tuple(None if word == "none" else word for word in row) for row in _right(EXERCISES[name], editions)]
    assert any(None in row for row in rows) and EXERCISES[name].judge((rows,), editions).correct
    assert EXERCISES[name].judge(([tuple(math.nan if word is None else word for word in row) for row in rows],), editions).correct
    rows = [(row[0], None, *row[2:]) for row in rows]
    assert not EXERCISES[name].judge((rows,), editions).correct


def test_every_mistake_on_a_form_gets_a_sentence_of_its_own(editions):
    """No word of the lists, in no row, is answered with "not right" alone."""
    for exercise in SHEETS:
        right = [tuple(row) for row in _right(exercise, editions)]
        for at, row in enumerate(right):
            for place, known in enumerate(exercise.answer.words.values(), 1):
                for word in known:
                    if word == row[place]:
                        continue
                    wrong = [*right[:at], (*row[:place], word, *row[place + 1:]), *right[at + 1:]]
                    verdict = exercise.judge((wrong,), editions)
                    assert not verdict.correct and "this is not right." not in verdict.message, (exercise.name, row, word)


@pytest.mark.parametrize(("part", "extra", "says"), [
    ("5.0 mm", True, "read the footnote"), ("Creatinine", True, "read the footnote"), ("units before", True, "written out"),
    ("10 u", False, "how is a unit written"), ("MSO4", False, "two different drugs"), ("q.d.", False, "how often"),
    (".25", False, "nothing stands before it"),
    ("20.0 mg", False, "ten times"),
])
def test_a_note_too_many_or_too_few_is_explained(editions, part, extra, says):
    number = next(row["number"] for row in lesson.input_of("notes", editions.own) if part in row["text"])
    right = _right(EXERCISES["DoNotUse"], editions)
    given = [*right, number] if extra else [one for one in right if one != number]
    message = EXERCISES["DoNotUse"].judge((given,), editions).message
    assert says in message, message


def test_a_side_too_many_or_too_few_is_explained(editions):
    exercise, orders = EXERCISES["WhichSide"], lesson.input_of("orders", editions.own)
    right = _right(exercise, editions)
    assert exercise.judge(([one[-4:] for one in right],), editions).correct, "the last figures alone"
    for row in orders:
        if row["accession"] in right:
            message = exercise.judge(([one for one in right if one != row["accession"]],), editions).message
            assert "field" in message, message
        elif row["exam"] not in lesson.input_of("sided", editions.own):
            assert "is not in `sided`" in exercise.judge(([*right, row["accession"]],), editions).message
    filled = [row["accession"] for row in orders if row["accession"] in right and row["side"]]
    assert "field is empty" in exercise.judge((filled,), editions).message
    assert "is no `accession` in `orders`" in exercise.judge(([*right, "A2504069999"],), editions).message


@pytest.mark.parametrize(("name", "part"), [
    ("CT ABDOMEN PELVIS W", "ABDOMENPELVIS"), ("CT ABDOMEN/PELVIS", "ABDOMENPELVIS"), ("CT CHEST ABD W", "CHESTABDOMEN"),
    ("MR CERVICAL CANCER STAGING", None), ("CT WHIPPLE FOLLOW UP", None), ("XR RADIAL HEAD R", None), ("XR THORACIC SPINE", None),
])
def test_the_shown_rules_file_later_names_well(name, part):
    assert cpas02.body_part_by(cpas02.GOOD_RULES, name) == part


@pytest.mark.parametrize(("instead", "says"), [
    ({"ABDOMEN PELV": None}, "first written out"), ({"CERVICAL SPINE": "CERVICAL"}, "neck of the womb"), ({" HIP ": "HIP"}, "Whipple"),
])
def test_rules_that_fail_on_later_names_are_told_why(editions, instead, says):
    rules = [(instead.get(word, word), part) for word, part in cpas02.GOOD_RULES if instead.get(word, word)]
    verdict = EXERCISES["BodyPartRules"].judge((rules,), editions)
    assert not verdict.correct and says in verdict.message, verdict


def test_the_shown_orders_are_six_with_one_foreign_code():
    frame = lesson.input_of("ordered", hospital(0, "tiny"))
    assert list(frame.columns) == ["OBR-4.1", "OBR-4.2", "OBR-4.3"]
    assert sum(code.startswith("EC.") for code in frame["OBR-4.1"]) == 1 and len(frame) == len(frame.drop_duplicates())


def test_solutions_are_plain():
    for exercise in lesson.exercises:
        text = exercise.solution_text()
        name = exercise.answer.variables[0]
        assert f"{name} = {name}" not in text and "import re" not in text and "zip(" not in text, exercise.name


def test_notes_as_numbers_with_a_point_or_as_their_rows(editions):
    right = _right(EXERCISES["DoNotUse"], editions)
    rows = [row for row in lesson.input_of("notes", editions.own) if row["number"] in right]
    orders = [row for row in lesson.input_of("orders", editions.own) if row["accession"] in _right(EXERCISES["WhichSide"], editions)]
    for given in ([float(number) for number in right], rows, pandas.DataFrame(rows)):
        assert EXERCISES["DoNotUse"].judge((given,), editions).correct
    for given in (orders, pandas.DataFrame(orders)):
        assert EXERCISES["WhichSide"].judge((given,), editions).correct
    assert "(`2.5`)" in EXERCISES["DoNotUse"].judge(([2.5, 3],), editions).message


@pytest.mark.parametrize(("name", "place", "word", "says"), [
    ("TermsInParts", 1, "hepat", "the root itself"), ("TermsInParts", 2, "-itis", "the ending itself"),
    ("WordsAndSystems", 1, "hyper-", "the prefix itself"), ("WordsAndSystems", 2, "Thyroid gland", "an organ"),
])
def test_a_part_of_a_word_in_place_of_what_it_says_is_told(editions, name, place, word, says):
    rows = [list(row) for row in _right(EXERCISES[name], editions)]
    rows[0][place] = word
    verdict = EXERCISES[name].judge((rows,), editions)
    assert verdict.label == "unreadable" and says in verdict.message and "can have" not in verdict.message, verdict


@pytest.mark.parametrize(("part", "code", "views"), [("HEART CATH", "CTHD", False), ("PLAIN FILM L-SPINE", "MRLSP", False),
                                                     ("C-SPINE 3V", "CTCSP", True)])
def test_views_are_spoken_of_where_there_are_some(editions, part, code, views):
    verdict = _one_wrong("TheirNamesOurCodes", editions, (code,), part)
    assert ("Views (2V, 3V)" in verdict.message) == views, verdict


@pytest.mark.parametrize("exam", [exam for texts in cpas02.SHORTENED.values() for exam, _ in texts])
def test_the_exams_of_the_abbreviations_are_of_the_catalogue(exam):
    assert exam in {procedure.description for procedure in PROCEDURES}


def test_where_one_must_ask_the_film_is_made_for_something_else():
    """An exam made for one of the two readings would decide."""
    assert [(texts[2][0].split()[:2], texts[2][1].split(". ")[1]) for texts in cpas02.SHORTENED.values() if len(texts) > 2] == [
        (["XR", "CHEST"], "Pre-operative."), (["XR", "CHEST"], "Nasogastric tube, position?")]
