"""Lesson cpas-08: other forms of right answers, wrong ones that look right, and the object under an outside judge."""

import copy
import io
import shutil
import subprocess

import numpy
import pandas
import pytest

from coursekit import lessons
from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hanging as site_data
from coursekit.hospital import hospital, images
from coursekit.lessons import cpas_08_hanging_protocols as module
from coursekit.standards import hanging

EXERCISES = {one.name: one for one in lessons.load("cpas-08").exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def answer(name, editions):
    exercise = EXERCISES[name]
    return exercise.computed(exercise.solution, editions.own)


def judged(name, given, editions):
    return EXERCISES[name].judge((given,), editions)


def test_the_pictures_lie_as_their_headers_say():
    for name, orientation in {"RCC": ("P", "L"), "LCC": ("A", "R"), "RMLO": ("P", "FL"), "LMLO": ("A", "FR")}.items():
        told = images.truth(f"mg_{name.lower()}", 0)
        assert told["orientation"] == orientation and told["chest_wall"] == ("right" if name[0] == "R" else "left")
        header = site_data.mammogram(name[0], name[1:])
        assert tuple(header["PatientOrientation"]) == orientation and not hanging.is_mirrored(header, name, "patient orientation")


def test_headers_agree_with_the_real_images():
    for header in (*site_data.four_views(), site_data.radiograph("PA"), site_data.radiograph("LL")):
        ds = images.image(header.picture, 0)
        for keyword in ("SOPClassUID", "Modality", "PresentationIntentType", "BodyPartExamined", "ViewPosition", "ImageLaterality"):
            assert ds.get(keyword) == header[keyword], keyword
        assert list(ds.PatientOrientation) == header["PatientOrientation"]
        assert hanging.code(ds, "ViewCodeSequence") == hanging.code(header, "ViewCodeSequence")
        assert hanging.view_of(ds, module.READING) == header.truth
    tomo = images.image("dbt_lmlo", 0)
    assert hanging.frame_laterality(tomo) == "L" and "ImageLaterality" not in tomo and "ViewPosition" not in tomo
    assert EXERCISES["ViewOf"].solution(tomo) == "LMLO"


@pytest.mark.parametrize("seed", range(10))
def test_the_site_has_what_the_lesson_tells(seed):
    assert len(site_data.site(seed)) == 60
    assert len({one.accession for one in site_data.site(seed)}) == 60
    assert len({case.study.says for case in site_data.constellations(seed)}) == len(site_data.constellations(seed)) == 60
    rows = [(one["modality"], one["body_part"]) for one in lessons.load("cpas-08").input_of("studies", hospital(seed, "tiny"))]
    assert {("CR", "THORAX"), ("CR", "PORT CXR"), ("CR", "CHEST"), ("DX", "CHEST"), ("MG", ""), ("MG", "BREAST")} <= set(rows)


@pytest.mark.parametrize("seed", range(10))
def test_what_the_wish_sheet_asks_for_hangs_as_a_reader_wants_it(seed):
    for case in site_data.constellations(seed):
        shown = hanging.layout(case.study, case.others, module.WISHES, module.READING)
        for tile in shown.tiles:
            if tile.image is None or shown.protocol == hanging.DEFAULT:
                continue
            assert tile.image.truth.replace(" tomo", "") == tile.view, case.study.says
            assert tile.image.get("PresentationIntentType") != "FOR PROCESSING"
            assert tile.image.flipped == tile.mirrored, case.study.says
            assert (tile.image in case.study.images) or tile.which == "prior"


@pytest.mark.parametrize("change", [list, set, tuple, pandas.Series, lambda found: found[::-1],
                                    lambda found: [str(one) for one in found], lambda found: ", ".join(map(str, found))])
def test_the_four_may_be_told_in_many_ways(editions, change):
    assert judged("FourTiles", change([int(one) for one in answer("FourTiles", editions)]), editions).correct


def with_attributes(header):
    """The same answer by somebody who knows pydicom."""
    item = header.ViewCodeSequence[0] if "ViewCodeSequence" in header else None
    if item is not None and item.get("ViewModifierCodeSequence"):
        return "OTHER"
    code = item.CodeValue if item is not None else ""
    codes = {"399162004": "CC", "R-10242": "CC", "399368009": "MLO", "R-10226": "MLO", "272479007": "PA", "399348003": "AP",
             "399173006": "LAT", "R-10236": "LAT", "399198007": "LAT", "R-10232": "LAT", "R-40888": "PA", "R-10206": "AP"}
    positions = {"LL": "LAT", "RL": "LAT", "LAT": "LAT", "PA": "PA", "AP": "AP", "CC": "CC", "MLO": "MLO"}
    view = codes.get(code, "other") if code else positions.get(getattr(header, "ViewPosition", ""), "other")
    if view not in ("CC", "MLO"):
        return view.lower()
    side = getattr(header, "ImageLaterality", None)
    if not side and "SharedFunctionalGroupsSequence" in header:
        side = header.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0].FrameLaterality
    return f" {side}{view} " if side else "other"


def test_view_of_may_be_written_in_another_way(editions):
    assert judged("ViewOf", with_attributes, editions).correct


def test_view_of_tells_the_header_that_went_wrong(editions):
    verdict = judged("ViewOf", lambda header: "RCC", editions)
    assert verdict.outcome is Outcome.NOT_YET and "the header with Modality" in verdict.message
    verdict = judged("ViewOf", lambda header: header.ViewPosition, editions)
    assert verdict.outcome is Outcome.NOT_YET and "the header with" in verdict.message
    assert not judged("ViewOf", lambda header: None, editions).correct


def test_mirror_in_another_way(editions):
    def mirror(header, view):
        if "PatientOrientation" not in header or len(header.PatientOrientation) == 0:
            return "Unknown"
        first = header.PatientOrientation[0]
        right = first == "P" if view.startswith("R") else first == ("L" if view in ("PA", "AP") else "A")
        return "as it is" if right else "Mirror"

    assert judged("Mirror", mirror, editions).correct
    assert not judged("Mirror", lambda header, view: True, editions).correct


def test_prior_with_pandas_or_sorted(editions):
    def prior_for(current, archive):
        group = lambda one: "X" if one["modality"] in ("CR", "DX") else one["modality"]
        found = sorted((one["date"], one["accession"]) for one in archive if (one["part"], group(one)) == (
            current["part"], group(current)) and one["side"] in (current["side"], "B") and one["date"] < current["date"]
            and int(current["date"]) - int(one["date"]) <= 50000)
        return found[-1][1] if found else "none"

    assert judged("PriorFor", prior_for, editions).correct
    assert not judged("PriorFor", lambda current, archive: archive[0]["accession"] if archive else "none", editions).correct


def test_fall_through_in_other_forms(editions):
    right = answer("FallThrough", editions)
    for given in (right, {"rescue": right["rescue"].lower(), "default": float(right["default"])}, pandas.Series(right)):
        assert judged("FallThrough", given, editions).correct
    assert not judged("FallThrough", {**right, "default": right["default"] + 1}, editions).correct
    proposals = lessons.load("cpas-08").input_of("proposals", editions.own)
    letter, name = right["rescue"], proposals[right["rescue"]]["name"]
    for form in (name, name.upper(), f"{letter}: {name}", f"proposal {letter}", f"({letter})", f"{letter.lower()})", f"({letter}) {name}"):
        assert judged("FallThrough", {**right, "rescue": form}, editions).correct, form
    other = next(rule["name"] for one, rule in proposals.items() if one != letter)
    for form in (other, "none", "AB"):
        assert not judged("FallThrough", {**right, "rescue": form}, editions).correct, form


def test_fall_through_is_told_by_what_was_counted(editions):
    right = answer("FallThrough", editions)
    told = judged("FallThrough", {**right, "default": 60 - right["default"]}, editions)
    assert told.label == "those_that_fit" and "a rule **fits**" in told.message


def test_chest_protocols_that_work_are_right(editions):
    portable, with_prior, without = answer("ChestProtocols", editions)
    more = {"name": "limbs", "modality": "dx", "body_part": ["foot"], "grid": [1, 1], "tiles": ["current PA"]}
    for given in (
        [portable, with_prior, {**without, "prior": None}],
        [{**one, "modality": ["dx", "cr"], "body_part": ["thorax", "port cxr", "chest"]} for one in (portable, with_prior, without)],
        [portable, without, with_prior],
        [{**one, "modality": "DX, CR", "body_part": "CHEST, THORAX, PORT CXR"} for one in (portable, with_prior, without)],
        [portable, {**with_prior, "tiles": "current PA, current LAT, prior PA"}, without],
        [portable, {**with_prior, "tiles": ["Current  pa", "current lat", "PRIOR PA"]}, {**without, "views": []}],
        [{**portable, "views": "AP"}, {**with_prior, "name": "x"}, without],
        [portable, with_prior, without, more],
        [portable, {**with_prior, "views": ["PA", "LAT"]}, without],
        [portable, {**with_prior, "tiles": ["current PA", "current lateral", "prior PA"]}, without],
    ):
        assert judged("ChestProtocols", given, editions).correct, given


@pytest.mark.parametrize(("change", "says"), [
    (lambda all: all[:2], "none of your protocols fits"),
    (lambda all: [all[0], {**all[1], "tiles": ["prior PA", "current LAT", "current PA"]}, all[2]], "have changed places"),
    (lambda all: [{**all[0], "body_part": []}, *all[1:]], "takes extremities"),
    (lambda all: [{**all[0], "body_part": [*all[0]["body_part"], "HAND", "KNEE", "FOOT"]}, *all[1:]], "takes extremities"),
    (lambda all: [{**all[0], "body_part": [*all[0]["body_part"], "KNEE"]}, *all[1:]], "A knee, AP and lateral: one of your protocols"),
    (lambda all: [{**all[0], "body_part": ["PORT CXR"]}, *all[1:]], "first protocol knows PORT CXR alone"),
    (lambda all: [{**all[0], "modality": ["CR"]}, *all[1:]], "takes plates alone"),
    (lambda all: [{**all[0], "prior": True}, *all[1:]], "asks for a prior"),
    (lambda all: [{**all[0], "views": []}, *all[1:]], "has no `views`"),
    (lambda all: [{name: value for name, value in all[0].items() if name != "views"}, *all[1:]], "has no `views`"),
    (lambda all: [{**all[0], "body_part": ["PORT CXR", "CHEST"]}, *all[1:]], "filed as THORAX"),
    (lambda all: [all[0], *({**one, "body_part": ["CHEST", "THORAX"]} for one in all[1:])], "Only your first protocol knows PORT CXR"),
    (lambda all: [all[0], all[1], {**all[2], "body_part": ["CHEST", "THORAX"]}], "filed as PORT CXR, no prior"),
    (lambda all: [{**one, "modality": ["DX", "CR", "CT"]} for one in all], "because they name CT, or no modality"),
    (lambda all: [all[0], {**all[1], "tiles": ["current PA", "current LAT", "prior LAT"]}, all[2]], "does not belong there"),
    (lambda all: [all[0], {**all[1], "grid": [3, 1]}, all[2]], "wish sheet has another layout"),
    (lambda all: [all[0], {**all[1], "grid": [1, 2]}, all[2]], "2 places in its grid, but 3 tiles"),
    (lambda all: [all[0], {**all[1], "tiles": ["current PA", "current sideways", "prior PA"]}, all[2]], "a tile of protocol 2"),
    (lambda all: [*all[1:], all[0]], "No study comes to your protocol for portable"),
    (lambda all: [{**all[0], "body_part": ["PORTABLE"]}, *all[1:]], "its own conditions fit no study"),
    (lambda all: [all[1], all[0], all[2]], "stands behind a general one"),
    (lambda all: [{**all[0], "hanging": 1}, *all[1:]], "an entry that is none of"),
    (lambda all: [{**all[0], "tiles": ["current AP", "empty"]}, *all[1:]], "tile 2"),
    (lambda all: [{"name": "only"}], "needs `grid` and `tiles`"),
    (lambda all: 5, "settings"),
])
def test_chest_protocols_that_do_not_are_told_why(editions, change, says):
    verdict = judged("ChestProtocols", change(copy.deepcopy(answer("ChestProtocols", editions))), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_the_object_in_other_forms(editions, tmp_path):
    build = lessons.load("cpas-08").input_of("build", editions.own)
    other = build(modalities=("dx", "cr"), if_no_intent="match", prior=(1, 1), lateral=["RL", "LL"], orientation=["l", "f"], right_set="2",
                  right_place=[0.75, 1, 1, 0], partial="maintain_layout")
    assert judged("TheObject", other, editions).correct
    other = build(modalities={"CR", "DX"}, if_no_intent="MATCH", prior=numpy.array([1, 1]), lateral="LL\\RL", orientation="L\\F",
                  right_set=numpy.int64(2), right_place="0.75, 1, 1, 0", partial="MAINTAIN_LAYOUT")
    assert judged("TheObject", other, editions).correct
    path = tmp_path / "hp.dcm"
    other.save_as(path)
    for given in (path, str(path), path.read_bytes(), [other]):
        assert judged("TheObject", given, editions).correct


@pytest.mark.parametrize(("change", "says"), [
    ({"modalities": ["DX"]}, "`modalities` has DX alone"), ({"modalities": ["CR"]}, "`modalities` has CR alone"),
    ({"modalities": ["CR", "DX", "CT"]}, "`modalities` has CT too"), ({"modalities": ["CR", "DX", "MG"]}, "`modalities` has MG too"),
    ({"modalities": ["CR", "CR"]}, "lacks a value"), ({"lateral": ["LL", "RL", "LAT"]}, "no header here says LAT"),
    ({"lateral": ["LL"]}, "`lateral` has the left lateral alone"), ({"lateral": ["RL"]}, "`lateral` has the right lateral alone"),
    ({"lateral": ["LAT"]}, "no header here says LAT"), ({"lateral": ["LL", "PA"]}, "`lateral` has PA too"),
    ({"orientation": ["L", "H"]}, "upside down"), ({"orientation": ["P", "F"]}, "`orientation` is not right"),
    ({"right_place": [0.5, 1, 1, 0]}, "whole right half"), ({"right_place": [75, 100, 100, 0]}, "in percent"),
    ({"right_place": [0.8, 1, 1, 0]}, "`right_place` is not right"), ({"prior": [1, 2]}, "Two priors"),
    ({"prior": [2, 2]}, "newest but one"), ({"prior": [0, 1]}, "none with the number zero"), ({"prior": [3, 3]}, "`prior` is not right"),
    ({"right_set": 3}, "`right_set` is not right"),
    ({"orientation": ["F", "L"]}, "have changed places"), ({"right_place": [0.75, 1, 0.25, 0]}, "third number is a width"),
    ({"prior": [-1, -1]}, "where the oldest is"),
])
def test_an_object_with_another_part_is_refused(editions, change, says):
    build = lessons.load("cpas-08").input_of("build", editions.own)
    parts = {"modalities": ["CR", "DX"], "if_no_intent": "MATCH", "prior": [1, 1], "lateral": ["LL", "RL"], "orientation": ["L", "F"],
             "right_set": 2, "right_place": [0.75, 1, 1, 0], "partial": "MAINTAIN_LAYOUT"}
    assert judged("TheObject", build(**parts), editions).correct
    verdict = judged("TheObject", build(**{**parts, **change}), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_part_that_cannot_be_is_said_at_once(editions, capsys):
    build = lessons.load("cpas-08").input_of("build", editions.own)
    parts = dict.fromkeys(module.PARTS, ...)
    assert build(**parts) is ... and capsys.readouterr().out == ""
    assert build(**{**parts, "prior": [1, 1]}) is ... and "Still open: modalities" in capsys.readouterr().out
    good = dict(zip(module.PARTS, (["CR"], "MATCH", [1, 1], ["LL"], ["L", "F"], 2, [0, 1, 1, 0], "ADAPT_LAYOUT")))
    wrong = {"if_no_intent": "YES", "prior": 1, "right_place": [0, 1], "partial": None, "lateral": 5, "right_set": "two",
             "orientation": ["LF"], "modalities": open}
    for name, value in wrong.items():
        with pytest.raises(CourseError, match=name):
            build(**{**good, name: value})


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy is not installed")
def test_dciodvfy_judges_the_object(editions, tmp_path):
    answer("TheObject", editions).save_as(tmp_path / "hp.dcm", enforce_file_format=True)
    ran = subprocess.run(["dciodvfy", "hp.dcm"], cwd=tmp_path, capture_output=True, text=True)
    said = [line for line in (ran.stdout + ran.stderr).splitlines()
            if not line.startswith('Error - Inappropriate example root for UID - "2.999.')]
    # Filter-by Operator is required where a Selector Attribute stands without Filter-by Attribute Presence (PS3.3 C.23.3);
    # this dciodvfy asks for the opposite.
    said = [line for line in said if "Element=<FilterByOperator> Module=<HangingProtocolDisplay>" not in line]
    assert said == ["HangingProtocol"]


@pytest.mark.parametrize("seed", range(3))
def test_the_object_hangs_what_it_promises(seed):
    own = hospital(seed, "tiny")
    protocol = EXERCISES["TheObject"].computed(EXERCISES["TheObject"].solution, own)
    for case in site_data.constellations(seed):
        shown = hanging.hung_by(protocol, case.study, case.others)
        views = [image.truth if image is not None else None for _, _, image in shown]
        assert views[0] in (None, "PA", "the PA that was repeated"), case.study.says
        assert views[1] in (None, "LAT") and views[2] in (None, "PA"), case.study.says
    plates = next(case for case in site_data.constellations(seed) if "on plates, with" in case.study.says)
    assert [image.truth for _, _, image in hanging.hung_by(protocol, plates.study, plates.others)] == ["PA", "LAT", "PA"]


@pytest.mark.parametrize("name", ["ChestProtocols", "TheWorkstation", "TheObject"])
def test_the_untouched_cell_is_not_answered_and_half_a_one_is_told(editions, name):
    exercise = EXERCISES[name]
    stub = exercise.answer.stub()
    names = {"build": lessons.load("cpas-08").input_of("build", editions.own)}
    exec(stub, names)
    variable, = exercise.answer.variables
    assert judged(name, names[variable], editions).outcome is Outcome.NOT_ANSWERED
    if name != "TheObject":
        exec(stub.replace('"prior": ...', '"prior": True', 1), names)
        assert "still open" in judged(name, names[variable], editions).message


def test_settings_that_work_are_right(editions):
    right = answer("TheWorkstation", editions)
    for change in (
        {"view_from": ["View Code", "view position"]},
        {"side_from": ["frame laterality", "image laterality"]}, {"prior_modality": "related"}, {"prior_body_part": "any"},
        {"prior_years": 5.0}, {"code_schemes": ["SRT", "SCT"]}, {"intents": "for presentation"},
        {"protocols": [right["protocols"][0], {**right["protocols"][1], "prior": None}]},
        {"protocols": right["protocols"][::-1]}, {"protocols": right["protocols"] + module.ChestProtocols.solution()},
        {"protocols": [{name: value for name, value in one.items() if name != "body_part"} for one in right["protocols"]]},
        {"prior_years": "5 years"}, {"prior_years": "5"},
        {"protocols": [{**one, "tiles": [one["tiles"][:one["grid"][1]], one["tiles"][one["grid"][1]:]]} for one in right["protocols"]]},
    ):
        assert judged("TheWorkstation", {**right, **change}, editions).correct, change


@pytest.mark.parametrize(("change", "says"), [
    ({"tomosynthesis": "instead of 2D"}, "A tomosynthesis takes the tile of a plain view"),
    ({"tomosynthesis": "leave out"}, "You leave out tomosynthesis"),
    ({"side_from": ["image laterality"]}, "Image Laterality alone"),
    ({"side_from": ["image laterality", "frame laterality", "series laterality"]}, "You ask the series for the side in the end"),
    ({"side_from": ["frame laterality", "image laterality", "series laterality"]}, "You ask the series for the side in the end"),
    ({"code_schemes": ["SRT"]}, "the old codes alone"),
    ({"code_schemes": ["SCT"]}, "the new codes alone"),
    ({"view_from": ["view code", "view position", "series description"]}, "not even the last one"),
    ({"view_from": ["view position", "series description"]}, '"view code" is missing'),
    ({"view_from": ["view position", "view code"]}, "you believe the View Position"),
    ({"view_from": ["view code"]}, "in the code alone"),
    *(({"prior_years": years}, "older than the wish sheet allows") for years in (6, 8, 10, 20)),
    *(({"prior_years": years}, "that the wish sheet still asks for") for years in (1, 3, 4)),
    ({"prior_modality": "any", "prior_body_part": "any"}, "stays empty"),
    ({"prior_modality": "any"}, "may be of any modality"),
    ({"prior_years": 5.5}, "whole number of years"),
    ({"missing": "a black tile"}, "`missing` is one of"),
    ({"view_from": ["the code"]}, "`view_from` holds one or more of"),
    ({"prior_years": "five"}, "number of years"),
    ({"colour": "blue"}, "a setting that the workstation does not have"),
    ({"view_from": [["view code"]]}, "is text"),
])
def test_settings_that_do_not_work_are_told_why(editions, change, says):
    verdict = judged("TheWorkstation", {**answer("TheWorkstation", editions), **change}, editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_protocol_for_anything_is_refused(editions):
    right = answer("TheWorkstation", editions)
    anything = [{**one, "modality": [], "body_part": []} for one in right["protocols"]]
    assert "name no modality" in judged("TheWorkstation", {**right, "protocols": anything}, editions).message
    for modality in (["MG", "CT"], ["MG", "DX"], ["MG", "CR"]):
        verdict = judged("TheWorkstation", {**right, "protocols": [{**one, "modality": modality} for one in right["protocols"]]}, editions)
        assert not verdict.correct and "one of your protocols takes it" in verdict.message
    parts = [{**one, "modality": [], "body_part": ["BREAST", ""]} for one in right["protocols"]]
    assert "MR of the breast, no prior: one of your" in judged("TheWorkstation", {**right, "protocols": parts}, editions).message


def test_the_four_with_words_before_the_numbers(editions):
    right = [int(one) for one in answer("FourTiles", editions)]
    for given in ([f"image {one}" for one in right], "images " + ", ".join(map(str, right)), [f"image {right[0]}", *right[1:]]):
        assert judged("FourTiles", given, editions).correct, given


def test_a_second_modifier_and_an_empty_side_are_seen(editions):
    def view_of(header, modified=lambda found: len(found) > 0, empty=("", None)):
        if modified(hanging.modifiers(header)):
            return "other"
        view = module.VIEW_NAMES.get(hanging.code(header, "ViewCodeSequence")[0] or header.get("ViewPosition", ""), "other")
        if view not in ("CC", "MLO"):
            return view
        side = header.get("ImageLaterality")
        if side in empty:
            side = hanging.frame_laterality(header)
        return "other" if side == "" else side + view

    assert judged("ViewOf", view_of, editions).correct
    assert judged("ViewOf", lambda header: view_of(header, lambda found: len(found) == 1), editions).label == "one_modifier_alone"
    assert judged("ViewOf", lambda header: view_of(header, empty=(None,)), editions).label == "empty_has_no_side"

    assert judged("ViewOf", module.ViewOf.empty_is_a_side, editions).label == "empty_is_a_side"


def test_the_four_as_a_dictionary_of_tiles(editions):
    right = [int(one) for one in answer("FourTiles", editions)]
    table = lessons.load("cpas-08").input_of("diagnostic", editions.own)
    tiles = {table.loc[one, "Image Laterality"] + table.loc[one, "View Position"]: one for one in right}
    worded = {f"{name[0]} {name[1:]}": f"image {one}" for name, one in tiles.items()}
    for given in (tiles, {one: name for name, one in tiles.items()}, worded):
        assert judged("FourTiles", given, editions).correct, given
    swapped = {"L" * (name[0] == "R") + "R" * (name[0] == "L") + name[1:]: one for name, one in tiles.items()}
    for given in (swapped, {one: name for name, one in swapped.items()}):
        verdict = judged("FourTiles", given, editions)
        assert verdict.outcome is Outcome.NOT_YET and "tile of the other side" in verdict.message
    turned = {**tiles, "RCC": tiles["RMLO"], "RMLO": tiles["RCC"]}
    assert "is no CC" in judged("FourTiles", turned, editions).message
    assert judged("FourTiles", {one: "a tile" for one in right}, editions).correct
    assert not judged("FourTiles", {"RCC": right[0], "LCC": right[1]}, editions).correct


def test_each_image_that_does_not_belong_there_is_told_why(editions):
    right = [int(one) for one in answer("FourTiles", editions)]
    table = lessons.load("cpas-08").input_of("diagnostic", editions.own)
    for number, row in table.iterrows():
        if number in right:
            continue
        why = ("FOR PROCESSING" if row["Presentation Intent Type"] == "FOR PROCESSING" else "tomosynthesis" if row["frames"] > 1
               else "modifier" if row["View Modifier"] else "is ML")
        verdict = judged("FourTiles", [*right[:3], int(number)], editions)
        assert f"{number} does not belong there" in verdict.message and why in verdict.message, verdict
    assert "no such number" in judged("FourTiles", [*right, 99], editions).message
    for left in right:
        verdict = judged("FourTiles", [one for one in right if one != left], editions)
        assert not verdict.correct and str(left) not in verdict.message


def half_a_question(header):
    """`or "MLO"`, as it is written again and again."""
    if len(module.modifiers(header)) > 0:
        return "other"
    found = module.code(header, "ViewCodeSequence")[0]
    if found == "":
        found = header.get("ViewPosition", "")
    view = module.VIEW_NAMES.get(found, "other")
    if view == "CC" or "MLO":
        side = header.get("ImageLaterality", "")
        if side == "":
            side = module.frame_laterality(header)
        if side == "":
            return "other"
        return side + view
    return view


def pair_looked_up(header):
    """Forgets the [0]."""
    if len(module.modifiers(header)) > 0:
        return "other"
    view = module.VIEW_NAMES.get(module.code(header, "ViewCodeSequence"), "")
    if view == "":
        view = module.VIEW_NAMES.get(header.get("ViewPosition", ""), "other")
    side = header.get("ImageLaterality", "") or module.frame_laterality(header)
    return view if view not in ("CC", "MLO") else side + view if side else "other"


def half_a_question_and_the_series(header):
    """Two mistakes at once: a side for every view, and the series' Laterality in the end."""
    found = half_a_question(header)
    return found if found != "other" else header.get("Laterality", "U") + "other"


def falls_through(header):
    """Goes on to the View Position where the code is one that it does not know."""
    if len(module.modifiers(header)) > 0:
        return "other"
    view = module.VIEW_NAMES.get(module.code(header, "ViewCodeSequence")[0], "")
    view = view or module.VIEW_NAMES.get(header.get("ViewPosition", ""), "other")
    side = header.get("ImageLaterality", "") or module.frame_laterality(header)
    return view if view not in ("CC", "MLO") else side + view if side else "other"


@pytest.mark.parametrize(("function", "says"), [
    (half_a_question, "both halves need"), (pair_looked_up, "`code(...)` is a pair"), (half_a_question_and_the_series, "in both halves"),
    (falls_through, "a code is there"),
])
def test_view_of_knows_what_beginners_write(editions, function, says):
    assert says in judged("ViewOf", function, editions).message


def test_an_empty_orientation_is_told(editions):
    def mirror(header, view):
        orientation = header.get("PatientOrientation")
        if orientation is None:
            return "unknown"
        return "as it is" if orientation[0] == {"R": "P", "L": "A"}.get(view[0], "L") else "mirror"

    verdict = judged("Mirror", mirror, editions)
    assert not verdict.correct and "PatientOrientation empty" in verdict.message, verdict


@pytest.mark.parametrize(("wanted", "label"), [
    ({"R": "P", "L": "A", "PA": "R", "AP": "L"}, "pa_from_behind"), (dict.fromkeys(("R", "L", "PA", "AP"), "P"), "half_a_question"),
])
def test_mirror_knows_what_beginners_write(editions, wanted, label):
    def mirror(header, view):
        orientation = header.get("PatientOrientation")
        return "unknown" if not orientation else "as it is" if orientation[0] == wanted.get(view, wanted.get(view[0])) else "mirror"

    assert judged("Mirror", mirror, editions).label == label


def prior_by(suits, nothing="none"):
    """A prior_for that takes the newest for which suits(current, study, kind) holds."""
    kind = lambda one: "X" if one["modality"] in ("CR", "DX") else one["modality"]

    def prior_for(current, archive):
        best, newest = nothing, ""
        for study in archive:
            same = study["part"] == current["part"] and (study["side"] == current["side"] or study["side"] == "B")
            if same and study["date"] < current["date"] and suits(current, study, kind) and study["date"] > newest:
                best, newest = study["accession"], study["date"]
        return best
    return prior_for


def five(current, study):
    return int(study["date"]) >= int(current["date"]) - 50000


@pytest.mark.parametrize(("suits", "says"), [
    (lambda now, one, kind: five(now, one) and (one["modality"] == now["modality"] or one["modality"] == "CR" or one["modality"] == "DX"),
     "prior of everything"),
    (lambda now, one, kind: five(now, one), "modality is not asked"),
    (lambda now, one, kind: kind(one) == kind(now) and one["date"] > str(int(now["date"]) - 50000), "five years before is left out"),
    (lambda now, one, kind: kind(one) == kind(now) and int(now["date"][:4]) - int(one["date"][:4]) <= 5, "calendar year five years ago"),
    (lambda now, one, kind: kind(one) == kind(now) and five(now, one) and one["side"] == now["side"], "studies of both sides"),
])
def test_a_prior_by_another_rule_is_refused(editions, suits, says):
    assert says in judged("PriorFor", prior_by(suits), editions).message


@pytest.mark.parametrize(("place", "label"), [
    (lambda now, one: one["part"] == now["part"] and (one["side"] == now["side"] or one["side"] == "B" or now["side"] == "B"),
     "one_side_for_both"),
    (lambda now, one: one["part"] == now["part"] and one["side"] == now["side"] or one["side"] == "B", "brackets_missing"),
])
def test_a_prior_of_another_place_is_refused(editions, place, label):
    kind = lambda one: "X" if one["modality"] in ("CR", "DX") else one["modality"]

    def prior_for(current, archive):
        found = [one for one in archive if place(current, one) and kind(one) == kind(current) and five(current, one)
                 and one["date"] < current["date"]]
        return max(found, key=lambda one: one["date"])["accession"] if found else "none"

    assert judged("PriorFor", prior_for, editions).label == label


def test_none_for_no_prior_is_told(editions):
    right = lambda now, one, kind: five(now, one) and kind(one) == kind(now)
    assert judged("PriorFor", prior_by(right), editions).correct
    assert "Python's *nothing*" in judged("PriorFor", prior_by(right, None), editions).message
    assert "`return` missing" in judged("PriorFor", lambda current, archive: print("found"), editions).message


def test_each_proposal_is_told(editions):
    right = answer("FallThrough", editions)
    said = {judged("FallThrough", {**right, "rescue": letter}, editions).message for letter in "ABCDE" if letter != right["rescue"]}
    assert len(said) == 4 and not any("not what was asked" in one for one in said), said


def test_what_is_left_after_the_rescue_is_told(editions):
    right = answer("FallThrough", editions)
    inputs = [lessons.load("cpas-08").input_of(name, editions.own) for name in ("studies", "rules_now", "proposals")]
    left = [one for one in inputs[0] if module.first_rule(one, [*inputs[1], inputs[2][right["rescue"]]]) == "Default"]
    assert judged("FallThrough", {**right, "default": len(left)}, editions).label == "left_after_the_rescue"


def test_parts_are_no_object(editions):
    assert "parts for `build`" in judged("TheObject", {"modalities": ["CR", "DX"]}, editions).message


def test_a_study_that_the_object_does_not_fit(editions, capsys):
    own = editions.own
    station, protocol = lessons.load("cpas-08").input_of("workstation", own), answer("TheObject", editions)
    assert station.show_object("four views, no prior", protocol) is None and "does not fit the object" in capsys.readouterr().out
    assert station.show_object("chest PA and lateral, no prior", protocol) is not None
    portable = station.show_object("portable chest, with a portable prior", protocol)
    assert portable.says.count("empty") == 3


def test_the_screen_tells_the_day_of_each_study(editions):
    station = lessons.load("cpas-08").input_of("workstation", editions.own)
    case = site_data.constellations(0)[1]
    says = station.show(2, module.ChestProtocols.solution()).says
    assert "current PA: PA, 2025-04-07" in says and f"prior PA: PA, {case.others[0].date[:4]}-" in says


def test_the_list_and_the_screen_are_stable(editions):
    station = lessons.load("cpas-08").input_of("workstation", editions.own)
    assert len(station.list()) == 60                # pandas shows no longer table whole
    assert station.show("a hand, with a chest in the archive", module.ChestProtocols.solution()).says == station.show(
        station.number_of("a hand, with a chest in the archive"), module.ChestProtocols.solution()).says
    for number in (0, 61, "no such study", 1.5):
        with pytest.raises(CourseError):
            station.show(number, module.ChestProtocols.solution())
    with pytest.raises(CourseError, match="needs `grid`"):
        station.show(1, [{"name": "half a protocol"}])
    ds = io.BytesIO()
    answer("TheObject", editions).save_as(ds, enforce_file_format=True)
    assert ds.getvalue()[128:132] == b"DICM"


def test_the_four_as_rows_of_the_table_and_with_words_behind(editions):
    right = [int(one) for one in answer("FourTiles", editions)]
    table = lessons.load("cpas-08").input_of("diagnostic", editions.own)
    for given in (table.loc[right], table.loc[right].reset_index(), table.loc[right].index, [f"{one} (RCC)" for one in right]):
        assert judged("FourTiles", given, editions).correct, given
    assert not judged("FourTiles", table, editions).correct


def seen(header, which="", side=True):
    """The view by the rule, with one step of it left out or done otherwise."""
    found, scheme = module.code(header, "ViewCodeSequence")
    position = header.get("ViewPosition", "")
    modified = module.modifiers(header)
    if which == "new modifiers only":
        modified = [one for one in modified if one[1] == "SCT"]
    if which == "modifiers of new views only" and scheme == "SRT" or which == "modifiers of mammograms only" and header.Modality != "MG":
        modified = []
    if modified or which == "raw is other" and header.get("PresentationIntentType") == "FOR PROCESSING":
        return "other"
    if which == "old mammograms only" and found in ("R-40888", "R-10206", "R-10236", "R-10232"):
        return "other"
    if which in ("RL", "LAT") and not found and position == which:
        return "other"
    view = module.VIEW_NAMES.get(found or position, "other")
    if view not in ("CC", "MLO"):
        return view
    own = header.get("ImageLaterality", "") or module.frame_laterality(header)
    if which == "no side":
        return view
    return {"R CC": own + " " + view}.get(which, own + view) if own else "other"


def test_a_view_by_a_rule_with_a_hole_is_refused(editions):
    assert judged("ViewOf", lambda header: seen(header), editions).correct
    for which, says in {
        **dict.fromkeys(("new modifiers only", "modifiers of new views only", "modifiers of mammograms only"), "has a modifier"),
        "raw is other": "", "old mammograms only": "which `VIEW_NAMES` knows", "RL": "no code, so the View Position decides (rule 2): RL",
        "LAT": "no code, so the View Position decides (rule 2): LAT", "no side": "without its side", "R CC": "none of the eight words",
    }.items():
        verdict = judged("ViewOf", lambda header: seen(header, which), editions)
        assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, (which, verdict)


def test_what_decides_a_side_is_told(editions):
    verdict = judged("ViewOf", lambda header: seen(header).replace("RCC", "LCC"), editions)
    assert "Its view is CC. Its Image Laterality is" in verdict.message


def turned_by(header, view, wanted, nothing=lambda orientation: not orientation):
    orientation = header.get("PatientOrientation")
    return "unknown" if nothing(orientation) else "as it is" if orientation[0] == wanted[view] else "mirror"


def test_an_empty_list_is_empty_too(editions):
    wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "L", "AP": "L"}
    assert judged("Mirror", lambda header, view: turned_by(header, view, wanted), editions).correct
    verdict = judged("Mirror", lambda header, view: turned_by(header, view, wanted, lambda one: one is None or one == ""), editions)
    assert verdict.outcome is Outcome.NOT_YET and "IndexError" in verdict.message and "PatientOrientation empty" in verdict.message
    left_never = lambda header, view: "as it is" if view[0] == "L" and header.get("PatientOrientation") else turned_by(header, view, wanted)
    assert "Is that where it belongs for L" in judged("Mirror", left_never, editions).message
    forgotten = lambda header, view: turned_by(header, view, {**wanted, "RMLO": "L", "LMLO": "L"})
    assert "Is that where it belongs for" in judged("Mirror", forgotten, editions).message
    for word in ("mirrored", "as_it_is", "Unknown."):
        given = lambda header, view: {"mirrored": "mirror", "as_it_is": "as it is", "Unknown.": "unknown"}[word] and word
        assert "none of the three words" in judged("Mirror", given, editions).message


def by(limit, side=None, newest="date"):
    """A prior_for with a limit of its own, another question about the side, or another order."""
    kind = lambda one: "X" if one["modality"] in ("CR", "DX") else one["modality"]

    def prior_for(current, archive):
        found = [one for one in archive if one["part"] == current["part"] and kind(one) == kind(current) and one["date"] < current["date"]
                 and (side(current, one) if side else one["side"] in (current["side"], "B")) and limit(current, one)]
        return max(found, key=lambda one: one[newest])["accession"] if found else "none"
    return prior_for


def since(days):
    day = lambda one: pandas.Timestamp(one["date"])
    return lambda current, one: (day(current) - day(one)).days <= days


@pytest.mark.parametrize(("function", "says"), [
    (by(five, newest="accession"), "a newer one suits too"),
    (by(since(5 * 365.25)), "which still counts; as days"),
    (by(since(5 * 365)), "five years before is left out"),
    (by(five, side=lambda now, one: one["side"] in (now["side"], "B", "")), "Its side is"),
    *((by(lambda now, one, less=less: int(one["date"]) >= int(now["date"]) - less), "that is more than five years")
      for less in (60000, 50100, 50030, 50001)),
    *((by(lambda now, one, less=less: int(one["date"]) >= int(now["date"]) - less), "But one suits") for less in (40000, 45000)),
    (by(lambda now, one: int(one["date"]) >= int(now["date"]) - 51000), "calendar year five years ago"),
])
def test_a_prior_within_other_limits_is_refused(editions, function, says):
    verdict = judged("PriorFor", function, editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_brackets_missing_at_the_modality_are_told(editions):
    def prior_for(current, archive):
        found = [one for one in archive if one["part"] == current["part"] and (one["side"] == current["side"] or one["side"] == "B")
                 and one["modality"] == current["modality"] or one["modality"] in ("CR", "DX") and five(current, one)
                 and one["date"] < current["date"]]
        return max(found, key=lambda one: one["date"])["accession"] if found else "none"

    verdict = judged("PriorFor", prior_for, editions)
    assert not verdict.correct and "brackets" in verdict.message and "never" not in verdict.message, verdict


@pytest.mark.parametrize(("place", "change", "says"), [
    (2, {"body_part": ["CHEST", "PORT CXR"]}, "filed as THORAX, no prior: none of"),
    (1, {"body_part": []}, "A hand, with a hand before: one of"),
    (1, {"body_part": ["CHEST", "THORAX", "PORT CXR", "HAND"]}, "A hand, with a hand before: one of"),
    (2, {"modality": []}, "CT of the chest, no prior: one of"), (2, {"modality": ["DX", "CR", "CT"]}, "CT of the chest, no prior: one of"),
    (1, {"views": ["PA"]}, "Chest lateral only, with a prior: none of"), (2, {"views": ["LAT"]}, "filed as THORAX, no prior: none of"),
    (0, {"prior": False}, "only where there is no prior"),
])
def test_one_chest_protocol_that_is_not_right(editions, place, change, says):
    given = copy.deepcopy(answer("ChestProtocols", editions))
    given[place] |= change
    verdict = judged("ChestProtocols", given, editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


@pytest.mark.parametrize(("place", "change", "says"), [
    *((1, {"body_part": part}, "Eastcliff's four views, no prior: none of") for part in (["BREAST"],)),
    (0, {"body_part": ["BREAST"]}, "none of your protocols fits"),
    *((1, {"views": views}, "only, no prior: none of") for views in (["RCC"], ["RCC", "LCC"], ["RMLO", "LMLO"])),
    *((0, {"views": views}, "only, with four views before: none of") for views in (["LCC"], ["RCC", "LCC"], ["RMLO", "LMLO"])),
    (0, {"modality": ["MG", "MR"]}, "MR of the breast, with an MR before: one of"),
    (1, {"modality": ["MG", "MR"]}, "MR of the breast, no prior: one of"),
    (1, {"modality": ["MG", "US"]}, "Ultrasound of the breast, no prior: one of"),
    (1, {"modality": ["MG", "CT"]}, "CT of the chest, no prior: one of"),
])
def test_one_protocol_of_the_workstation_that_is_not_right(editions, place, change, says):
    given = copy.deepcopy(answer("TheWorkstation", editions))
    given["protocols"][place] |= change
    verdict = judged("TheWorkstation", given, editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_words_on_the_list_and_what_is_missing(editions):
    station = lessons.load("cpas-08").input_of("workstation", editions.own)
    rules = module.ChestProtocols.solution()
    assert station.number_of("repeated PA") == station.number_of("chest with a repeated PA")
    with pytest.raises(CourseError, match="studies on the list have these words"):
        station.show("chest PA", rules)
    with pytest.raises(CourseError, match="No study on the list"):
        station.show("no such words", rules)
    with pytest.raises(CourseError, match="by which protocols"):
        station.show("four views, no prior")


def test_a_screen_tells_the_views_of_an_object_and_what_is_not_known(editions):
    station = lessons.load("cpas-08").input_of("workstation", editions.own)
    says = station.show_object("chest lateral only, no prior", answer("TheObject", editions)).says
    assert "tile 1, current: PA: empty" in says and "tile 2, current: LL or RL: LAT" in says and "tile 3, prior: PA: empty" in says
    build = lessons.load("cpas-08").input_of("build", editions.own)
    behind = build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["R", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")
    for protocol, number, letters in ((answer("TheObject", editions), "chest whose PA was stored mirrored", "R at its left"),
                                      (behind, "chest PA only, with a prior", "L at its left")):
        assert f", mirrored, {letters}" in station.show_object(number, protocol).says
    assert "mirrored" not in station.show_object("chest PA only, with a prior", answer("TheObject", editions)).says
    says = station.show("one view without Patient Orientation", answer("TheWorkstation", editions)).says
    assert says.count("orientation unknown") == 1


def test_none_in_capitals_where_nothing_suits_is_told(editions):
    right = by(five)
    capital = lambda current, archive: right(current, archive).replace("none", "None")
    assert "in lower case" in judged("PriorFor", capital, editions).message
