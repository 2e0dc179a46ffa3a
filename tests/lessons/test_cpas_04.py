"""What learners give in lesson cpas-04 beyond the solutions and wrong ways, and the lesson's answers beside the images themselves."""

import math

import numpy as np
import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital, images
from coursekit.lessons import cpas_04_modalities as cpas04
from coursekit.lessons.cpas_04_modalities import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
OVER, WEIGHTED = ("P0454", "P0402", "P0423", "P0424"), {"A": "PD", "B": "T2", "C": "T1"}
CAUSES = {"1": "E", "2": "B", "3": "C", "4": "A", "5": "D"}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


def _mean(frames, masks):
    return np.mean([frames[one - 1] for one in masks], axis=0)


def _labels(**changes):
    """The right labels of edition 0 as rows, some of them changed: p3=("NM", None)."""
    rows = []
    findings = lesson.input_of("delivery_findings", hospital(0, "tiny"))
    for label in EXERCISES["OneOfEach"].solution(findings):
        number, code, sop_class = label["picture"], label["modality"], cpas04.sop_class(label["sop_class"])
        new_code, new_class = changes.get(code + sop_class[-2:].replace(".", "_"), (None, None))
        rows.append((number, new_code or code, new_class or sop_class))
    return rows


@pytest.mark.parametrize(("name", "given"), [
    ("TooMuchDose", (OVER,)), ("TooMuchDose", (set(OVER),)), ("TooMuchDose", (" ".join(OVER).lower(),)),
    ("TooMuchDose", (pandas.Series(OVER),)), ("TooMuchDose", ([454, "402", "0423", "P0424"],)),
    ("WhyNoTomosynthesis", ("b", "1.2.840.10008.1.2.4.70")),
    ("WhyNoTomosynthesis", ("B)", "JPEGLosslessSV1")),
    ("WhyNoTomosynthesis", ("B", ["1.2.840.10008.1.2.4.70"])),
    ("WhyNoTomosynthesis", ("B", "JPEG Lossless")), ("WhyNoTomosynthesis", ("B", "JPEG Lossless Process 14 SV1")),
    ("WhyNoTomosynthesis", ("B", "transfer syntax 1.2.840.10008.1.2.4.70")), ("WhyNoTomosynthesis", ("B", "1.2.840...4.70")),
    ("WhyNoTomosynthesis", ("B", "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])")),
    ("WhyNoTomosynthesis", ("B", "JPEG Lossless (1.2.840.10008.1.2.4.70)")),
    ("WhyNoTomosynthesis", ("B", ".4.70")), ("WhyNoTomosynthesis", ("B", "1.2.4.70")), ("WhyNoTomosynthesis", ("B", "4.70")),
    ("WhichWeighting", (WEIGHTED,)),
    ("WhichWeighting", ({"a": "pd", "b": "T2w", "c": "T1-weighted"},)),
    ("WhichWeighting", ({"A": "proton density", "B": "t2 weighting", "C": "T1"},)),
    ("WhichWeighting", (["PD", "T2", "T1"],)), ("WhichWeighting", (("pd", "T2", "T1"),)),
    ("WhichWeighting", ({"Picture A": "PD", "picture b": "T2", "C": "T1"},)),
    ("PeakVelocity", (92,)), ("PeakVelocity", ("92 cm/s",)), ("PeakVelocity", ("92 cm / s",)),
    ("PeakVelocity", (92.0,)), ("PeakVelocity", (np.float64(92),)),
    ("UptakeOfTheLesion", (9.2,)), ("UptakeOfTheLesion", ("9.2 g/ml",)), ("UptakeOfTheLesion", ("9,18",)),
    ("UptakeOfTheLesion", ("SUV 9.2",)), ("UptakeOfTheLesion", ("9.2 SUVbw",)), ("UptakeOfTheLesion", ("SUVbw = 9.2 g/ml",)),
    ("LayOver", (["S3", "S5", "S7"],)), ("LayOver", ("s3, S5, S7",)),
    ("LayOver", (["CT AC 3.0", "PET NAC", "Chest breath-hold 1.0"],)),
    ("WhatIsWrong", ({int(number): letter for number, letter in CAUSES.items()},)), ("WhatIsWrong", (list("ebcad"),)),
    ("WhatIsWrong", (CAUSES,)), ("WhatIsWrong", ({number: letter.lower() + "." for number, letter in CAUSES.items()},)),
    ("WhatIsWrong", (CAUSES | {"2": "The plate was not erased well: it still holds the exposure before."},)),
])
def test_right_answers_in_other_forms_are_right(editions, name, given):
    verdict = EXERCISES[name].judge(given, editions)
    assert verdict.outcome is Outcome.CORRECT, verdict


@pytest.mark.parametrize(("name", "given", "label"), [
    ("TooMuchDose", (OVER[:3],), "without_s"),
    ("TooMuchDose", ([*OVER, "P0406"],), "extra"), ("TooMuchDose", ([*OVER, "P9999"],), "unknown name"),
    ("TooMuchDose", (["KNEE"],), "unknown name"), ("LayOver", (["S3", "S5", "S70"],), "unknown name"),
    ("WhyNoTomosynthesis", ("B", "JPEG 2000 Lossless"), "jpeg_2000"), ("WhyNoTomosynthesis", ("B", "JPEG-LS Lossless"), "jpeg_ls"),
    ("WhyNoTomosynthesis", ("B", "JPEG 2000 Image Compression (Lossless Only)"), "jpeg_2000"),
    ("WhyNoTomosynthesis", ("B", "JPEG Lossless Process 14"), "any_predictor"),
    ("WhyNoTomosynthesis", ("B", "Breast Tomosynthesis"), "the_class_as_proof"),
    ("WhyNoTomosynthesis", ("B", "1.2.840.10008.1.2.4.70, 1.2.840.10008.1.2.4.90"), "evidence"),
    ("WhichWeighting", ({"A": "T1", "B": "T1", "C": "T1"},), "repeated"), ("WhichWeighting", (["T1", "T2"],), "unreadable"),
    ("WhatIsWrong", (CAUSES | {"1": "B"},), "repeated"), ("WhatIsWrong", (list("ebca"),), "unreadable"),
    ("UptakeOfTheLesion", (9.18e6,), "megabecquerel"), ("UptakeOfTheLesion", (9180,), "megabecquerel_and_kilograms"),
    ("WhyNoTomosynthesis", ("A", "1.2.840.10008.5.1.4.1.1.13.1.3"), "unknown_class"),
    ("WhyNoTomosynthesis", ("B", "1.2.840.10008.5.1.4.1.1.13.1.3"), "the_class_as_proof"),
    ("WhyNoTomosynthesis", ("B", "1.2.840.10008.1.2"), "the_default"), ("WhyNoTomosynthesis", ("B", ".4.90"), "jpeg_2000"),
    ("WhyNoTomosynthesis", ("B", 4), "evidence"), ("WhyNoTomosynthesis", ("B", "1.2.840.10008.1.2.4.70x"), "evidence"),
    ("WhichWeighting", ({"A": "PD", "B": "T1", "C": "T1"},), "t1_and_t2"),
    ("WhichWeighting", ({"A": "T2", "B": "T1", "C": "PD"},), "t2_and_pd"),
    ("WhichWeighting", ({"A": "FLAIR", "B": "T1", "C": "PD"},), "unreadable"),
    ("PeakVelocity", (-92,), "downwards"), ("PeakVelocity", (0.92,), "tissue_scale"), ("PeakVelocity", ("0.92 m/s",), "unreadable"),
    ("PeakVelocity", (184,), "corrected_again"), ("PeakVelocity", (343,), "the_row_itself"),
    ("PeakVelocity", (125,), "the_baseline_itself"), ("PeakVelocity", (3.31,), "by_the_tissue_region"),
    ("UptakeOfTheLesion", (13.96,), "activity_taken_back"), ("WhichWeighting", (["PD", "PD", "T1"],), "value"),
    ("UptakeOfTheLesion", (6.03,), "no_decay"), ("UptakeOfTheLesion", (0.00918,), "kilograms"),
    ("UptakeOfTheLesion", (9.5,), "to_the_acquisition"),
    ("LayOver", (["S5", "S7"],), "frame_and_study"), ("LayOver", (["S1", "S3", "S5", "S7"],), "with_itself"),
    ("WhatIsWrong", (CAUSES | {"2": "F", "5": "H"},), "double_exposure"),
    ("WhatIsWrong", (CAUSES | {"5": "H"},), "dead_element"),
    ("WhatIsWrong", (CAUSES | {"1": "Z"},), "unreadable"),
])
def test_wrong_answers_are_told_apart(editions, name, given, label):
    verdict = EXERCISES[name].judge(given, editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_the_labels_may_be_given_as_rows_names_or_a_frame(editions):
    judge = EXERCISES["OneOfEach"].judge
    rows = _labels()
    from pydicom.uid import UID

    named = [(f"Picture {number}", code.lower(), UID(sop_class).name) for number, code, sop_class in rows]
    usual = [(number, f" {code.lower()} ", UID(sop_class).keyword) for number, code, sop_class in rows]
    frame = pandas.DataFrame(rows[::-1], columns=["Picture", "Modality", "SOP class"])
    ends = [(number, code, sop_class.removeprefix("1.2.840.10008.5.1.4.1.1")) for number, code, sop_class in rows]
    bare = [(number, code, end[1:]) for number, code, end in ends]
    dicts = [dict(zip(("picture", "modality", "sop_class"), row, strict=True)) for row in rows]
    for given in (ends, bare, rows, named, usual, frame, dicts):
        verdict = judge((given,), editions)
        assert verdict.outcome is Outcome.CORRECT, verdict


@pytest.mark.parametrize(("changed", "label"), [
    ({"IVOCT_1": ("OCT", None)}, "light_anywhere"),
    ({"IVOCT_1": ("IVUS", cpas04.MULTIFRAME)}, "light_for_sound"),
    ({"PT28": ("NM", cpas04.STORAGE + "20"), "IVUS_1": ("US", None)}, "intravascular_as_us"),
    ({"US_1": (None, cpas04.STORAGE + "6.1")}, "clip_as_still"),
    ({"MG_3": ("DBT", None)}, "tomosynthesis_as_modality"),
    ({"CT_2": ("MR", cpas04.STORAGE + "4")}, "ct_as_mr"),
    ({"CT_2": ("XC", cpas04.STORAGE + "77.1.4")}, "value"),
    ({"DX_1": (None, cpas04.STORAGE + "1.1.1")}, "panel_as_raw"),
    ({"DX_1": ("CR", cpas04.STORAGE + "1")}, "panel_as_plate"),
    ({"IVOCT_1": (None, cpas04.STORAGE + "14.2")}, "light_as_raw"),
    ({"IVUS_1": (None, cpas04.STORAGE + "6.1")}, "pullback_as_still"),
    ({"PT28": ("NM", cpas04.STORAGE + "20")}, "pet_as_nm"),
    ({"PT28": ("CT", cpas04.STORAGE + "2")}, "pet_as_ct"),
    ({"MG_3": (None, cpas04.PROCESSING)}, "tomosynthesis_as_raw"),
    ({"MG_3": (None, "Tomo Storage")}, "unreadable"),
])
def test_a_wrong_label_is_told_by_its_row(editions, changed, label):
    ends = {code + sop_class[-2:].replace(".", "_") for _, code, sop_class in _labels()}
    given = _labels(**changed)
    assert set(changed) <= ends, ends
    verdict = EXERCISES["OneOfEach"].judge((given,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict
    if label == "value":
        assert "9 of 10 rows are right" in verdict.message


def test_sizes_may_be_rounded_and_given_as_a_dictionary(editions):
    sheet = lesson.input_of("sheet", editions.own)
    right = EXERCISES["StudySizes"].solution(sheet)
    assert "megabytes" not in sheet
    judge = EXERCISES["StudySizes"].judge
    assert judge((dict(zip(right["kind"], right["megabytes"].round(), strict=True)),), editions).correct
    assert judge((right.set_index("kind")["megabytes"],), editions).correct
    assert judge((right.assign(megabytes=right["megabytes"] / 1.048576),), editions).label == "in_binary"
    assert judge((right.assign(megabytes=right["megabytes"].astype(int)),), editions).correct
    assert judge((right.assign(megabytes=right["megabytes"].round(1)),), editions).correct
    assert judge((right.assign(megabytes=[f"{size:.0f} MB" for size in right["megabytes"]]),), editions).correct
    assert judge((sheet.assign(pixels=1, megabytes=right["megabytes"]),), editions).correct
    for way, factor in (("in_bytes", 1e6), ("in_kilobytes", 1e3), ("in_gigabytes", 1e-3), ("in_bits", 8)):
        assert judge((sheet.assign(megabytes=right["megabytes"] * factor),), editions).label == way
    wrong = sheet.assign(megabytes=right["megabytes"].where(right["kind"] != "NM bone scan", right["megabytes"] / 2))
    assert judge((wrong,), editions).label == "value"
    assert judge((EXERCISES["StudySizes"].solution(sheet.assign(samples=1)),), editions).label == "grey_only"


def test_rows_cut_out_of_the_table_count_as_their_names(editions):
    plates, series = (lesson.input_of(name, editions.own) for name in ("plates", "series_of_the_patient"))
    assert EXERCISES["TooMuchDose"].judge((plates[plates["plate"].isin(OVER)],), editions).correct
    assert EXERCISES["TooMuchDose"].judge((plates[["plate"]],), editions).outcome is Outcome.NOT_YET
    assert EXERCISES["LayOver"].judge((series[series["series"].isin(["S3", "S5", "S7"])],), editions).correct


def test_plates_below_the_limit_are_not_called_a_logarithm_for_sure(editions):
    verdict = EXERCISES["TooMuchDose"].judge(([*OVER, "P0406", "P0451", "P0441"],), editions)
    assert "logarithm" not in verdict.message or "If you computed" in verdict.message


def test_the_texts_beneath_the_pictures_leave_the_finding_to_the_learner():
    from coursekit.figures.modalities import gallery

    for name in ("mr_pictures", "artefact_pictures", "delivery_pictures"):
        tiles = lesson.input_of(name, hospital(0, "tiny"))
        plain, told = gallery(tiles, size=60).says, gallery(tiles, size=60, describe=True).says
        assert len(told) > len(plain) + 100
        for clue in ("bright", "dark", "light", "grain r", "speck", "faint", "blurred", "fades", "contrast", "dots", "stripe"):
            assert clue not in plain.casefold(), (name, clue)


@pytest.mark.parametrize("function", [
    lambda frames, number, masks: np.log10(frames[number - 1] / np.mean([frames[m - 1] for m in masks], axis=0)),
    lambda frames, number, masks: np.log(frames[number - 1]) - sum(np.log(frames[m - 1]) for m in masks) / len(masks),
    lambda frames, number, masks: np.log(frames[number - 1] / frames[[one - 1 for one in masks]].mean(axis=0)),
    lambda frames, number, masks: np.log(np.mean([frames[number - 1] / frames[one - 1] for one in masks], axis=0)),
    lambda frames, number, masks: np.log2(frames[number - 1]) - np.log2(np.mean(frames[np.array(masks) - 1], axis=0)),
    lambda frames, number, masks: 1000 * (np.log(frames[number - 1].astype(float)) - np.log(frames[np.array(masks) - 1].mean(axis=0))),
])
def test_other_ways_to_subtract_are_right(editions, function):
    verdict = EXERCISES["SubtractTheMask"].judge((function,), editions)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("function", "label", "says"), [
    (lambda frames, number, masks: frames[number - 1], "value", "nothing left"),
    (lambda frames, number, masks: (np.log(frames[number - 1]) - np.log(frames[masks[0] - 1]))[0], "value", "shape"),
    (lambda frames, number, masks: frames, "value", "shape"),
    (lambda frames, number, masks: print(number), "unreadable", "return"),
    (lambda frames, number, masks: np.log(frames[number - 1] * 0), "unreadable", "logarithm of zero"),
    (lambda frames, number, masks: np.log10(frames[masks[0] - 1] / frames[number - 1]), "value", "comes out light"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(np.mean(frames[masks[0] - 1 : masks[-1]], axis=0)),
     "masks_as_a_run", "one by one"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(_mean(frames, range(masks[0], masks[0] + len(masks)))),
     "so_many_from_the_first", "one by one"),
    (lambda frames, number, masks: (lambda p: p / abs(p).max())(np.log(frames[number - 1] / _mean(frames, masks))), "scaled", "own maximum"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(frames[masks[-1] - 1]), "value", "last of the masks"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(_mean(frames, masks).astype(int)), "value", "a whole number"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(_mean(frames, masks[:2])), "value", "first two"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(_mean(frames, masks) * len(masks) / 2), "value", "len(masks)"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(_mean(frames, masks) * len(masks)), "value", "not divided"),
    (lambda frames, number, masks: np.zeros(frames[0].shape), "value", "nothing left"),
    (lambda frames, number, masks: frames[number], "value", "nothing left"),
    (lambda frames, number, masks: frames[number - 1] / _mean(frames, masks) - 1, "by_division", "add up"),
    (lambda frames, number, masks: frames[number - 1] / _mean(frames, masks), "fraction", "it is 1"),
    (lambda frames, number, masks: np.log(frames[number]) - np.log(_mean(frames, masks)), "frame_from_zero", "masks are right"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(frames[masks].mean(axis=0)), "masks_from_zero", "frame is right"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(np.mean(frames[np.array(masks) - 1])), "mean_of_all_pixels", "axis"),
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(_mean(frames, [1, 2])), "always_these_masks", "masks"),
    (lambda frames, number, masks: np.log(frames[4]) - np.log(_mean(frames, masks)), "always_this_frame", "number"),
    (lambda frames, number, masks: np.log(frames[4]) - np.log(_mean(frames, [1, 2])), "always_the_same", "number"),
    (lambda frames, number, masks: math.log(frames[number - 1]), "error", "`np.log` takes a whole picture"),
    (lambda frames, number, masks: frames[masks - 1], "error", "do it for each"),
])
def test_wrong_subtractions_get_a_sentence(editions, function, label, says):
    verdict = EXERCISES["SubtractTheMask"].judge((function,), editions)
    assert "ndarray" not in verdict.message
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_the_function_subtracts_the_run_of_the_knee():
    run, told = images.image("xa_dsa", 0), images.truth("xa_dsa", 0)
    picture = EXERCISES["SubtractTheMask"].solution(run.pixel_array, told["peak"], told["masks"])
    for row, column, diameter in told["vessel"].values():
        around = picture[round(row) - 1 : round(row) + 2, round(column) - 1 : round(column) + 2].mean()
        assert around == pytest.approx(-told["mu"] * diameter, rel=0.25)


@pytest.mark.parametrize("seed", range(3))
def test_the_answers_are_those_of_the_images(seed):
    h = hospital(seed, "tiny")
    truth = images.truth("us_carotid", seed)
    assert EXERCISES["PeakVelocity"].solution(lesson.input_of("carotid", h), lesson.input_of("caliper", h)) == truth["peak"]
    voxel = lesson.input_of("voxel", h)
    assert 2 < EXERCISES["UptakeOfTheLesion"].solution(voxel) < 1.3 * images.truth("pt_torso", seed)["SUV"]["lesion"]
    assert len(EXERCISES["LayOver"].solution(lesson.input_of("series_of_the_patient", h))) == 3


def test_the_labels_are_those_of_the_files():
    for name, (code, sop_class, _, _, left) in cpas04.DELIVERY.items():
        made = images.image(name, 0)
        ds = made[0] if isinstance(made, list) else made
        assert (ds.Modality, ds.SOPClassUID) == (code, sop_class), name
        if left:
            element, value = left.split(": ")
            keyword = element.replace(" ", "").replace("/", "")
            assert ds[keyword].value == value


def test_the_pictures_of_another_edition_are_drawn_and_told():
    from coursekit.figures.modalities import gallery

    h = hospital(3, "tiny")
    for name in ("runs", "tracers", "sounds", "artefact_pictures"):
        tiles = lesson.input_of(name, h)
        assert gallery(tiles, size=80).png.startswith(b"\x89PNG")
        assert all(len(tile.finds or tile.says) > 20 for tile in tiles)


@pytest.mark.parametrize("seed", range(10))
def test_the_specks_are_shown_without_the_plates_other_faults(seed):
    faults = images.truth("plate_artefact", seed)["faults"]
    _, _, box = cpas04._dirt(hospital(seed, "tiny"))
    assert sum(cpas04._overlap(box, speck) for speck in faults["specks"]) >= 2
    assert not any(cpas04._overlap(box, line) for kind in ("scratch", "roller line", "lost line") for line in faults[kind])


@pytest.mark.parametrize("seed", range(10))
def test_no_plate_lies_near_the_limit(seed):
    plates = lesson.input_of("plates", hospital(seed, "tiny"))
    dose = plates["value"] / plates["target"]
    dose = dose.where(plates["scale"] == "EI", 1 / dose)
    assert not ((dose > 1.75) & (dose < 2.15)).any() and (dose < 1.75).any() and plates["plate"].is_unique


def test_the_causes_in_the_question_are_those_that_are_read():
    for letter, text in cpas04.CAUSES.items():
        assert f"- **{letter}**: {text}" in EXERCISES["WhatIsWrong"].question


def test_the_refusal_is_that_of_the_capture():
    contexts = lesson.input_of("contexts", hospital(0, "tiny"))
    assert contexts["result"].tolist() == [0, 4]
    assert contexts["sop_class"].iloc[1] == cpas04.TOMOSYNTHESIS


def _doubtful(frames, number, masks):
    return np.log2(frames[number - 1] + 1) - np.log2(np.mean([frames[one - 1] + 1 for one in masks], axis=0))


@pytest.mark.parametrize(("function", "label"), [
    (lambda frames, number, masks: np.log(frames[number - 1]) - np.log(sum(frames[one - 1] for one in masks) / len(masks)),
     "masks_added_as_stored"),
    (_doubtful, "one_added"),
])
def test_programs_that_fail_on_full_or_nearly_empty_pixels_are_refused(editions, function, label):
    verdict = EXERCISES["SubtractTheMask"].judge((function,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_a_picture_may_be_rows_in_a_list(editions):
    def by_two_loops(frames, number, masks):
        picture = []
        for row in range(frames.shape[1]):
            line = []
            for column in range(frames.shape[2]):
                mask = sum(int(frames[one - 1][row][column]) for one in masks) / len(masks)
                line.append(math.log(frames[number - 1][row][column]) - math.log(mask))
            picture.append(line)
        return picture

    judge = EXERCISES["SubtractTheMask"].judge
    assert judge((by_two_loops,), editions).correct
    assert judge((lambda *case: [np.array(line) for line in by_two_loops(*case)],), editions).correct
    for wrong in ([[1, 2], [3]], [["a"]], [1, 2]):
        assert judge((lambda *case, wrong=wrong: wrong,), editions).label == "unreadable"


def test_a_plate_or_series_too_many_is_explained(editions):
    for plate, says in (("P0440", "S number"), ("P0441", "1.1 times its target"), ("P0406", "and +3 is twice")):
        message = EXERCISES["TooMuchDose"].judge(([*OVER, plate],), editions).message
        assert says in message, message
    for series, says in (("S2", "another table"), ("S4", "another table"), ("S6", "another table"), ("S8", "got up")):
        message = EXERCISES["LayOver"].judge((["S3", "S5", "S7", series],), editions).message
        assert says in message, message


def test_every_cause_and_weighting_that_is_taken_for_another_is_told(editions):
    for number in CAUSES:
        for letter in set(cpas04.CAUSES) - set(CAUSES.values()):
            verdict = EXERCISES["WhatIsWrong"].judge((CAUSES | {number: letter},), editions)
            assert not verdict.correct and "not what was asked" not in verdict.message, verdict
    for swapped in ("AECBD", "EBCHD", "EBCAG", "EGCAD"):
        verdict = EXERCISES["WhatIsWrong"].judge((list(swapped),), editions)
        assert not verdict.correct and "not what was asked" not in verdict.message, verdict
    assert "grain, all over" in EXERCISES["WhatIsWrong"].judge((list("EGCAD"),), editions).message
    assert "tells T2 from PD" in EXERCISES["WhichWeighting"].judge((["PD", "PD", "T1"],), editions).message


def test_solutions_say_what_was_seen_and_import_nothing(editions):
    assert EXERCISES["WhatIsWrong"].computed(EXERCISES["WhatIsWrong"].solution, editions.own) == CAUSES
    for seed in range(10):
        h = hospital(seed, "tiny")
        causes = {str(place): cpas04.ARTEFACTS[name][0] for place, name in enumerate(cpas04._order_of_artefacts(h), 1)}
        assert EXERCISES["WhatIsWrong"].solution(lesson.input_of("artefact_findings", h)) == causes
        labels = EXERCISES["OneOfEach"].solution(lesson.input_of("delivery_findings", h))
        meant = [cpas04.DELIVERY[name][:2] for name in cpas04._order_of_delivery(h)]
        assert [(row["modality"], cpas04.sop_class(row["sop_class"])) for row in labels] == meant
    for exercise in lesson.exercises:
        assert "import" not in exercise.solution_text(), exercise.name


def test_sizes_in_a_column_called_mb(editions):
    sheet = lesson.input_of("sheet", editions.own)
    right = EXERCISES["StudySizes"].solution(sheet)
    for name in ("MB", "size (MB)", "Size_MB"):
        assert EXERCISES["StudySizes"].judge((right.rename(columns={"megabytes": name}),), editions).correct
    always_two = right.assign(megabytes=right["megabytes"] * 16 / sheet["bits_allocated"])
    assert EXERCISES["StudySizes"].judge((always_two,), editions).label == "two_bytes"


def test_the_sheet_goes_with_the_text_and_the_archive(editions):
    """XA runs of 20 to 100 MB before compression, and an IVOCT pullback as the archive has it, uncompressed."""
    sheet = lesson.input_of("sheet", editions.own)
    sizes = EXERCISES["StudySizes"].solution(sheet).set_index("kind")["megabytes"] / sheet.set_index("kind")["objects"]
    assert 20 < sizes["XA coronaries"] < 100 and 90 < sizes["IVOCT pullback"] < 150


@pytest.mark.parametrize(("change", "right"), [
    ({"PT28": (None, "PET Image Storage")}, True), ({"MG_1": (None, "Digital Mammography X-Ray - For Processing")}, True),
    ({"US_1": (None, "Ultrasound Multi-frame")}, True), ({"NM20": (None, "NM Image Storage")}, True),
    ({"DX_1": (None, "Digital X-Ray For Presentation")}, True), ({"PT28": (None, "NM Image Storage")}, False),
])
def test_shortened_names_of_sop_classes(editions, change, right):
    rows = _labels(**change)
    assert rows != _labels() and EXERCISES["OneOfEach"].judge((rows,), editions).correct == right


def test_an_end_without_quotes_is_a_number(editions):
    rows = [(number, code, 0.2 if code == "CT" else sop_class) for number, code, sop_class in _labels()]
    message = EXERCISES["OneOfEach"].judge((rows,), editions).message
    assert "Put the end of the UID in quotes" in message
    rows = [(number, "PTX" if code == "PT" else code, sop_class) for number, code, sop_class in _labels()]
    assert "no modality's code" in EXERCISES["OneOfEach"].judge((rows,), editions).message


def test_a_wrong_label_that_no_way_explains_is_told_by_its_pictures(editions):
    message = EXERCISES["OneOfEach"].judge((_labels(CT_2=("XC", None)),), editions).message
    assert "9 of 10 rows are right" in message and "colours of the world" in message
    for given, says in (("7", "1 frame and 1 sample a pixel"), ("77.1.4", "the SOP class of XC"), ("2.1", "a whole series in one object"),
                        ("3.1", "clips of US and IVUS"), ("12.1", "the SOP class of XA")):
        message = EXERCISES["OneOfEach"].judge((_labels(CT_2=(None, cpas04.STORAGE + given)),), editions).message
        assert says in message, message
    message = EXERCISES["OneOfEach"].judge((_labels(RF_2=(None, cpas04.STORAGE + "12.1")),), editions).message
    assert "the SOP class of XA" in message, message


@pytest.mark.parametrize("seed", range(10))
def test_sections_fill_their_tiles(seed):
    """A tile that is mostly black teaches nothing."""
    h = hospital(seed, "tiny")
    for ds in (h.image("pt_torso")[19], h.image("mr_brain_t1")[6]):
        top, bottom, left, right = cpas04._round_the_body(ds)
        share = (ds.pixel_array[top:bottom, left:right] > ds.pixel_array.max() * 0.02).mean()
        assert share > 0.5 and bottom - top > 40 and right - left > 40


@pytest.mark.parametrize(("proof", "says"), [
    ("1.2.840.10008.1.2.4.70 JPEG-LS", "two different"), ("1.2.840.10008.1.2.4.70 JPEG 2000", "two different"),
    ("JPEG Baseline", "JPEG Baseline (Process 1)"), ("1.2.840.10008.1.2.4.51", "JPEG Extended"),
])
def test_another_codec_as_proof_is_told_so(editions, proof, says):
    verdict = EXERCISES["WhyNoTomosynthesis"].judge(("B", proof), editions)
    assert not verdict.correct and says in verdict.message and "Nearly the same" not in verdict.message, verdict


@pytest.mark.parametrize("proof", ["2.4.70", "the transfer syntax JPEG Lossless", "JPEG lossless compression",
                                   "1.2.840.10008.1.2.4.70 (JPEG Lossless, first-order prediction)"])
def test_the_codec_in_other_words(editions, proof):
    assert EXERCISES["WhyNoTomosynthesis"].judge(("B", proof), editions).correct


def test_series_causes_velocities_and_sizes_in_other_forms(editions):
    def right(name):
        return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)

    numbers = [int(name[1:]) for name in right("LayOver")]
    for given in (numbers, [str(number) for number in numbers], [f"series {number}" for number in numbers]):
        assert EXERCISES["LayOver"].judge((given,), editions).correct, given
    for form in ("{0}: {1}", "- **{0}**: {1}", "letter {0}", "{0}. {1}"):
        given = {number: form.format(letter, cpas04.CAUSES[letter]) for number, letter in CAUSES.items()}
        assert EXERCISES["WhatIsWrong"].judge((given,), editions).correct, given
    crossed = {number: f"{letter}: {cpas04.CAUSES['G']}" for number, letter in CAUSES.items()}
    assert not EXERCISES["WhatIsWrong"].judge((crossed,), editions).correct
    for unit in ("cm/sec", "cm per second"):
        assert EXERCISES["PeakVelocity"].judge((f"{right('PeakVelocity')} {unit}",), editions).correct
    sizes = right("StudySizes")
    for form in (lambda size: f"{size:.1f}".replace(".", ","), lambda size: f"{size:,.0f}", lambda size: f"{size:,.0f}".replace(",", " "),
                 lambda size: f"{size:,.1f} MB"):
        rows = [(kind, form(size)) for kind, size in zip(sizes["kind"], sizes["megabytes"], strict=True)]
        assert EXERCISES["StudySizes"].judge((rows,), editions).correct, rows


@pytest.mark.parametrize(("change", "says"), [
    ({"DX_1": ("CR", None)}, "Presentation Intent Type"), ({"MG_1": ("DX", cpas04.STORAGE + "1.1.1")}, "begins at an edge"),
    ({"IVUS_1": ("OCT", cpas04.STORAGE + "14.1")}, "full of grain"), ({"US_1": (None, cpas04.STORAGE + "3")}, "retired"),
])
def test_a_wrong_label_is_told_by_what_is_true_of_its_picture(editions, change, says):
    rows = _labels(**change)
    assert rows != _labels()
    message = EXERCISES["OneOfEach"].judge((rows,), editions).message
    assert says in message, message


def test_retired_classes_are_those_of_the_standard():
    from pydicom.uid import UID

    assert all(UID(one).is_retired for one in cpas04.RETIRED)


@pytest.mark.parametrize("form", ["5.1.4.1.1.2", "*.2", "...5.1.4.1.1.2", ".2"])
def test_the_end_of_a_sop_class_in_other_forms(form):
    assert cpas04.sop_class(form) == cpas04.STORAGE + "2"


def test_a_dose_that_decayed_for_minutes_is_not_called_the_injected_one(editions):
    voxel = lesson.input_of("voxel", editions.own)
    left = voxel["dose_bq"] * 2 ** (-cpas04.seconds_between(voxel["injected_at"], voxel["series_time"]) / 60 / voxel["half_life_s"])
    suv = voxel["stored_value"] * voxel["rescale_slope"] * voxel["weight_kg"] * 1000 / left
    verdict = EXERCISES["UptakeOfTheLesion"].judge((suv,), editions)
    assert verdict.label == "no_decay" and "hardly less" in verdict.message and "in seconds" in verdict.message


@pytest.mark.parametrize(("right", "said"), [("DX", "DR"), ("PT", "PET"), ("CT", "CAT"), ("MG", "Mammography"), ("RF", "fluoroscopy"),
                                             ("IVOCT", "IV-OCT"), ("NM", "SPECT"), ("US", "U/S")])
def test_what_people_say_is_no_code(editions, right, said):
    """A query with Modality PET finds nothing: the code is asked."""
    rows = [(number, said if code == right else code, sop_class) for number, code, sop_class in _labels()]
    message = EXERCISES["OneOfEach"].judge((rows,), editions).message
    assert "what people say" in message and f"`{right}`" not in message, message


@pytest.mark.parametrize("code", ["PX", "IO", "OPT", "OT"])
def test_other_codes_of_the_standard_are_not_called_none(editions, code):
    message = EXERCISES["OneOfEach"].judge((_labels(CT_2=(code, None)),), editions).message
    assert "no modality's code" not in message and "9 of 10 rows are right" in message, message


def test_the_table_of_the_delivery_may_be_filled_in(editions):
    delivery = lesson.input_of("delivery", editions.own)
    labels = pandas.DataFrame(_labels(), columns=["picture", "modality", "sop_class"])
    assert EXERCISES["OneOfEach"].judge((delivery.merge(labels),), editions).correct
    wrong = delivery.merge(labels).assign(modality="CT")
    assert EXERCISES["OneOfEach"].judge((wrong,), editions).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("given", "label", "says"), [
    (["S1", "S5", "S7", "S8", "S9"], "whole_study", "stays in the study"), (["S1", "S5", "S7"], "extra", "PET AC itself"),
    (["S1"], "extra", "PET AC itself"), (["S1", "S3", "S5", "S7", "S8", "S9"], "extra", "PET AC itself"),
])
def test_pet_ac_itself_is_not_told_to_lie_on_another_table(editions, given, label, says):
    verdict = EXERCISES["LayOver"].judge((given,), editions)
    assert verdict.label == label and says in verdict.message and "another table" not in verdict.message, verdict


@pytest.mark.parametrize("given", ["T2*", "T2star", "T2 star", "T2*-weighted"])
def test_the_weighting_with_a_star_is_another_one(editions, given):
    verdict = EXERCISES["WhichWeighting"].judge((WEIGHTED | {"B": given},), editions)
    assert verdict.label == "unreadable" and "gradient echoes" in verdict.message, verdict


@pytest.mark.parametrize(("given", "label", "says"), [
    (91, "close", "A row or two"), (93, "close", "A row or two"), (46, "correction_taken_back", "cosine"),
    (435, "the_row_of_the_baseline", "first step"),
])
def test_velocities_beside_the_right_one(editions, given, label, says):
    verdict = EXERCISES["PeakVelocity"].judge((given,), editions)
    assert verdict.label == label and says in verdict.message, verdict


def test_an_uptake_with_a_number_of_the_worked_cell_is_told_so(editions):
    voxel = lesson.input_of("voxel", editions.own)
    solution, judge = EXERCISES["UptakeOfTheLesion"].solution, EXERCISES["UptakeOfTheLesion"].judge
    for change, says in (({"weight_kg": 70}, "70 kg"), ({"dose_bq": 250e6}, "250 MBq"), ({"rescale_slope": 1.5}, "slope of the worked"),
                         ({"series_time": "08:52:10"}, "3600 seconds"), ({"stored_value": 9000}, "9000")):
        verdict = judge((solution(voxel | change),), editions)
        assert verdict.label == "left over" and says in verdict.message, verdict
    verdict = judge((voxel["stored_value"] * voxel["rescale_slope"],), editions)
    assert verdict.label == "first step", verdict


@pytest.mark.parametrize("seed", range(3))
def test_no_slice_was_acquired_before_the_series_time(seed):
    voxel = lesson.input_of("voxel", hospital(seed, "tiny"))
    assert voxel["earliest_acquisition"] == voxel["series_time"] < voxel["acquisition_time"]


def test_a_wrong_size_is_told_by_its_bytes_a_pixel(editions):
    sheet = lesson.input_of("sheet", editions.own)
    right, judge = EXERCISES["StudySizes"].solution(sheet), EXERCISES["StudySizes"].judge
    assert "rounded up" in judge((right.assign(megabytes=np.ceil(right["megabytes"])),), editions).message
    message = judge((right.assign(megabytes=right["megabytes"] / 2**10 * 1e3),), editions).message
    assert "bytes for each pixel" in message, message
    whole = sheet["rows"] * sheet["columns"] * sheet["frames"] * sheet["objects"] * sheet["samples"] * (sheet["bits_stored"] // 8) / 1e6
    message = judge((right.assign(megabytes=whole),), editions).message
    assert "1 byte for each pixel" in message and "1 sample of 16 bits" in message, message


def test_the_hint_to_a_double_exposure_does_not_give_the_cause_away(editions):
    message = EXERCISES["WhatIsWrong"].judge((CAUSES | {"2": "F"},), editions).message
    assert "erase" not in message
