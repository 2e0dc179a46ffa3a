"""What learners give in lesson cpas-03 beyond the solutions and wrong ways, and the lesson's films beside the hospital's images."""

import math
import random

import numpy as np
import pandas as pd
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.figures.image import orientation
from coursekit.hospital import hospital
from coursekit.hospital.images import image
from coursekit.lessons import cpas_03_positioning as cpas03
from coursekit.lessons.cpas_03_positioning import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SEEDS = range(10)


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


def _input(name, seed=0):
    return lesson.input_of(name, hospital(seed, "tiny"))


def _right(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


@pytest.mark.parametrize("form", [
    lambda a, b: f"{a} {b}", lambda a, b: f"{a}\\{b}", lambda a, b: a + b, lambda a, b: (a, b), lambda a, b: [a.lower(), b.lower()],
    lambda a, b: f"{a}/{b}", lambda a, b: f"{a}, {b}", lambda a, b: f"['{a}', '{b}']",
    lambda a, b: {"H": "superior", "F": "feet", "L": "left", "R": "Right", "A": "front", "P": "posterior"}[a] + " "
    + {"H": "head", "F": "Foot", "L": "left", "R": "Right", "A": "anterior", "P": "back"}[b],
])
def test_two_letters_in_any_usual_form(editions, form):
    given = {film: form(*letters.split()) for film, letters in _right("EdgesOfFourFilms", editions).items()}
    assert EXERCISES["EdgesOfFourFilms"].judge((given,), editions).correct


def test_a_backslash_that_python_takes_for_a_control_character():
    assert cpas03.two_directions("l\f") == "LF" and cpas03.two_directions("f\a") == "FA" and cpas03.two_directions("h\r") == "HR"


@pytest.mark.parametrize("given", ["L", "LFR", "X Y", ["L"], "left and right and foot", 5])
def test_what_is_no_pair_of_letters_gets_a_sentence(editions, given):
    verdict = EXERCISES["EdgesOfFourFilms"].judge(({**_right("EdgesOfFourFilms", editions), "A": given},), editions)
    assert verdict.label == "unreadable" and "letters" in verdict.message, verdict


def test_each_wrong_film_is_named(editions):
    right = _right("EdgesOfFourFilms", editions)
    verdict = EXERCISES["EdgesOfFourFilms"].judge(({**right, "A": "R F"},), editions)
    assert verdict.label == "the_viewers_left"
    verdict = EXERCISES["EdgesOfFourFilms"].judge(({**right, "C": "A P"},), editions)
    assert verdict.outcome is Outcome.NOT_YET and "`C`" in verdict.message


@pytest.mark.parametrize("give", [lambda w: w, lambda w: f"{w:.1f} mm", lambda w: round(w, 1), np.float64, lambda w: [w],
                                  lambda w: round(w)])
def test_the_width_in_other_forms(editions, give):
    assert EXERCISES["HeartOnThePortable"].judge((give(_right("HeartOnThePortable", editions)),), editions).correct


def test_sets_in_other_forms(editions):
    import pandas
    for name in ("ViewsThatContradict", "SidesThatDisagree"):
        right = _right(name, editions)
        for given in (", ".join(right), set(right), pandas.Series(right), [one.lower() for one in right], right + right):
            assert EXERCISES[name].judge((given,), editions).correct, given
        assert EXERCISES[name].judge((right[:-1],), editions).outcome is Outcome.NOT_YET
    views, codes = _input("views"), _input("view_codes")
    coded = views["code_value"].map(codes)
    found = views[coded.notna() & (views["view_position"] != "") & (coded != views["view_position"])]["image"]
    assert EXERCISES["ViewsThatContradict"].judge((found,), editions).correct


def test_the_mammogram_table_in_other_forms(editions):
    import pandas
    rows = _right("FourMammograms", editions)
    views, sides = {"CC": "cranio-caudal", "MLO": "mlo"}, {"L": "left", "R": "Right"}
    words = [{"view": views[row["view"]], "film": int(row["film"]), "side": sides[row["side"]]} for row in rows]
    tuples = [(row["film"], row["side"], row["view"]) for row in rows]
    for given in (words, tuples, pandas.DataFrame(words), words[::-1]):
        assert EXERCISES["FourMammograms"].judge((given,), editions).correct


@pytest.mark.parametrize("seed", [0, 1])
def test_the_ticket_by_the_marker(seed):
    editions = Editions(hospital(seed, "tiny"))
    judge = EXERCISES["TheTicket"].judge
    letter, marker = _right("TheTicket", editions)
    flipped = letter == "A"
    for given in ((letter.lower(), marker.upper()), (f"{letter})", "left, in mirror writing" if flipped else "on the right, readable"),
                  (letter, "left, not readable" if flipped else "right normal"),
                  (letter, "left unreadable" if flipped else "top right, readable"),
                  (EXERCISES["TheTicket"].answer.options[letter], "left reversed" if flipped else ("right", "readable"))):
        assert judge(given, editions).correct, given
    assert judge(("B" if flipped else "A", marker), editions).label == "the_other_reason"
    assert judge(("C", "x"), editions).label == "beam_from_the_front"
    assert judge((letter, "left right"), editions).outcome is Outcome.NOT_YET
    assert judge((letter, "left"), editions).outcome is Outcome.NOT_YET


def test_other_ways_to_write_the_functions(editions):
    def plane_of(iop):
        normal = np.abs(np.cross(iop[:3], iop[3:]))
        return ("SAG", "cor", "Transverse")[int(normal.argmax())]

    def edges(iop):
        row, column = np.array(iop).reshape(2, 3)
        return tuple("LPH"[abs(v).argmax()] if v[abs(v).argmax()] > 0 else "RAI"[abs(v).argmax()] for v in (row, column))

    assert EXERCISES["PlaneOf"].judge((plane_of,), editions).correct
    assert EXERCISES["LettersOfASlice"].judge((edges,), editions).correct


def test_functions_that_look_right(editions):
    def zeros(iop):  # which axis do neither rows nor columns have?
        for place, name in enumerate(("sagittal", "coronal", "axial")):
            if iop[place] == 0 and iop[place + 3] == 0:
                return name
        return "oblique"

    def rounded(iop):  # the well-known comparison of rounded cosines
        known = {(1, 0, 0, 0, 1, 0): "axial", (1, 0, 0, 0, 0, -1): "coronal", (0, 1, 0, 0, 0, -1): "sagittal"}
        return known.get(tuple(round(v) for v in iop), "oblique")

    for function in (zeros, rounded):
        assert EXERCISES["PlaneOf"].judge((function,), editions).outcome is Outcome.NOT_YET
    assert EXERCISES["PlaneOf"].judge((zeros,), editions).label == "exact_only"


def test_the_slices_are_true_orientations_and_none_is_in_doubt():
    for seed in SEEDS:
        for iop, in EXERCISES["PlaneOf"].cases(random.Random(seed)):
            row, column = iop[:3], iop[3:]
            assert abs(math.hypot(*row) - 1) < 1e-5 and abs(math.hypot(*column) - 1) < 1e-5
            assert abs(sum(a * b for a, b in zip(row, column, strict=True))) < 1e-5
            for vector in (row, column, np.cross(row, column)):
                first, second, _ = sorted((abs(float(v)) for v in vector), reverse=True)
                assert first - second > 0.03


def test_the_letters_are_those_of_the_courses_viewer():
    from pydicom.dataset import Dataset
    for iop, in EXERCISES["LettersOfASlice"].cases(random.Random(4)):
        ds = Dataset()
        ds.ImageOrientationPatient = iop
        right, bottom, *_ = orientation(ds)
        assert EXERCISES["LettersOfASlice"].solution(iop) == f"{right[0]} {bottom[0]}"


def test_the_review_in_other_forms(editions):
    import pandas
    rows = _right("MorningReview", editions)
    for given in ({row["film"]: row["verdict"] for row in rows}, [(int(row["film"]), row["verdict"].upper()) for row in rows],
                  pandas.DataFrame(rows), [{**row, "verdict": row["verdict"].replace(" ", "_")} for row in rows]):
        assert EXERCISES["MorningReview"].judge((given,), editions).correct, given


@pytest.mark.parametrize("seed", SEEDS)
def test_each_morning_has_each_fault_once_and_three_sound_films(seed):
    table = EXERCISES["MorningReview"].solution(_input("morning", seed), _input("morning_headers", seed))
    assert {row["film"]: row["verdict"] for row in table} == cpas03.morning_verdicts(_input("morning", seed))
    assert sorted(row["verdict"] for row in table) == ["mirrored", "ok", "ok", "ok", "wrong side", "wrong view"]


@pytest.mark.parametrize("name", [name for name in cpas03.SEEN if not name.startswith("ct")])
def test_films_as_sent_have_the_letters_of_the_hospitals_images(name):
    assert tuple(image(name).PatientOrientation) == cpas03.SEEN[name][0]


@pytest.mark.parametrize("move", cpas03.MOVES)
def test_letters_move_as_pixels_do(move):
    """Each pixel of a small picture says what lies at its edge; the moved picture must say what MOVES says."""
    picture = np.array([["", "H", ""], ["R", "", "L"], ["", "F", ""]])
    there = cpas03.moved(picture, move)
    assert (there[1, 2], there[2, 1]) == cpas03.MOVES[move]("L", "F")
    corner = dict(zip(("right", "left", "top", "bottom"), (there[1, 2], there[1, 0], there[0, 1], there[2, 1]), strict=True))
    assert [corner[place] for place in cpas03.PLACES[move]] == ["L", "R", "H", "F"]


def test_the_codes_are_those_of_the_standards_context_groups():
    from pydicom.sr.codedict import codes
    ours = {position: code for position, (code, _) in cpas03.VIEWS.items()}
    theirs = {"PA": codes.cid4010.PosteroAnterior, "AP": codes.cid4010.AnteroPosterior, "LL": codes.cid4010.LeftLateral,
              "RL": codes.cid4010.RightLateral, "CC": codes.cid4014.CranioCaudal, "MLO": codes.cid4014.MedioLateralObliqueProjection}
    assert ours == {position: code.value for position, code in theirs.items()}


def test_the_ticket_film_is_flipped_with_its_marker_or_the_patient_without_it():
    for seed in (0, 1):
        film = _input("ticket_film", seed)
        original, grey = cpas03._pixels(seed, "cr_chest_pa"), film.grey
        middle = slice(200, 700)
        assert np.array_equal(grey[middle], original[middle, ::-1])
        corner = np.array_equal(grey[20:84, -96:-24], original[20:84, -96:-24])
        assert corner == (cpas03.marker_on(film)[1] == "readable")


@pytest.mark.parametrize("given", [
    "left not mirrored", "left and not in mirror writing", "left no mirror", "left isn't mirrored", "left isn\u2019t mirrored",
    "left unmirrored", "left non-mirrored", "left never mirrored", "left without mirror writing", "left not flipped",
])
def test_a_marker_that_is_not_mirrored_is_readable(editions, given):
    assert cpas03.marker_seen(given) == "LR"
    letter, _ = _right("TheTicket", editions)
    assert letter == "A" and EXERCISES["TheTicket"].judge((letter, given), editions).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("given", ["not left mirrored", "nothing left, mirrored", "left, mirrored? no", "not at the left, mirrored",
                                   "left, neither mirrored", "left abnormal", "mirrored", "left"])
def test_a_marker_in_doubtful_words_is_asked_for_in_plain_ones(editions, given):
    letter, _ = _right("TheTicket", editions)
    verdict = EXERCISES["TheTicket"].judge((letter, given), editions)
    assert verdict.outcome is Outcome.NOT_YET
    if given != "left, neither mirrored":
        assert "where the marker is and whether it is mirrored or readable" in verdict.message


@pytest.mark.parametrize(("given", "read"), [
    ("left, not readable", "LM"), ("left, can't be read", "LM"), ("left mirrored, not readable", "LM"), ("left illegible", "LM"),
    ("right, not mirrored", "RR"), ("right, can be read", "RR"), ("at the top left, in mirror writing", "LM"),
])
def test_the_marker_in_other_words(given, read):
    assert cpas03.marker_seen(given) == read


def _sizes(vector):
    return [abs(float(part)) for part in vector]


def _planes_by_hand():
    names = ("sagittal", "coronal", "axial")

    def normal(iop):
        return np.cross(iop[:3], iop[3:])

    def threshold(order, limit):
        def plane_of(iop):
            size = _sizes(normal(iop))
            return next((names[axis] for axis in order[:2] if size[axis] > limit), names[order[2]])
        return plane_of

    def rounded(iop):
        return names[[round(part) for part in _sizes(normal(iop))].index(1)]

    def rounded_before(iop):
        return names[int(np.argmax(np.abs(normal([round(part) for part in iop]))))]

    def smallest_share(iop):
        return names[int(np.argmin(np.maximum(np.abs(iop[:3]), np.abs(iop[3:]))))]

    def sizes_in_place(iop):
        return names[int(np.argmax(np.abs(normal(_sizes(iop)))))]

    def largest_of_each(iop):
        rows, columns = int(np.argmax(_sizes(iop[:3]))), int(np.argmax(_sizes(iop[3:])))
        return names[3 - rows - columns] if rows != columns else "axial"

    orders = [(2, 1, 0), (2, 0, 1), (1, 2, 0), (1, 0, 2), (0, 1, 2), (0, 2, 1)]
    return [*(threshold(order, limit) for order in orders for limit in (0.5, 0.6, 0.7, 0.71, 0.75, 0.8)), rounded, rounded_before,
            smallest_share, sizes_in_place, largest_of_each]


@pytest.mark.parametrize("number", range(len(_planes_by_hand())))
@pytest.mark.parametrize("seed", [0, 3])
def test_shortcuts_to_the_plane_are_refused(seed, number):
    editions = Editions(hospital(seed, "tiny"))
    assert EXERCISES["PlaneOf"].judge((_planes_by_hand()[number],), editions).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("limit", [0.4, 0.5, 0.6, 0.7, 0.75])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_first_number_beyond_a_limit_is_no_letter(editions, limit, order):
    def edges(iop):
        letters = ""
        for vector in (iop[:3], iop[3:]):
            axis = next((axis for axis in order if abs(vector[axis]) > limit), order[2])
            letters += "LPH"[axis] if vector[axis] > 0 else "RAF"[axis]
        return letters

    def rounded(iop):
        return edges([round(part) for part in iop])

    verdicts = [EXERCISES["LettersOfASlice"].judge((function,), editions) for function in (edges, rounded)]
    assert all(verdict.outcome is Outcome.NOT_YET for verdict in verdicts)
    if order == (0, 1, 2):
        assert verdicts[1].label == "first_beyond_half"


def test_slices_turned_in_their_plane_lean_beyond_45_degrees_and_in_two_directions():
    for seed in SEEDS:
        cases = [iop for iop, in EXERCISES["LettersOfASlice"].cases(random.Random(seed))]
        normals = [sorted(_sizes(np.cross(iop[:3], iop[3:]))) for iop in cases]
        assert sum(0.7 < last < 0.78 and first < 1e-6 for first, _, last in normals) >= 30
        assert sum(last < 0.7 for *_, last in normals) >= 3
        assert sum(last > 0.99999 and sorted(_sizes(iop[:3]))[2] < 0.96 for iop, (*_, last) in zip(cases, normals, strict=True)) >= 8


def test_what_a_function_returns_amiss_is_told_in_a_whole_sentence(editions):
    for name, function, told in (("PlaneOf", lambda iop: "axi", "it returned `axi`, but a plane is axial, coronal or sagittal."),
                                 ("LettersOfASlice", lambda iop: "LXX", "it returned `LXX`, but two letters are asked")):
        verdict = EXERCISES[name].judge((function,), editions)
        assert told in verdict.message and ".." not in verdict.message, verdict


@pytest.mark.parametrize("seed", SEEDS)
def test_no_shortcut_to_the_width_is_within_the_tolerance(seed):
    exercise = EXERCISES["HeartOnThePortable"]
    heart = _input("heart", seed)
    pa, ap = 1800 / (1800 - heart["pa_oid"]), 1000 / (1000 - heart["ap_oid"])
    right = exercise.solution(heart)
    for factor in (1730 / 1800 * 1000 / 870, 1 + ap - pa, ap, ap / (1800 / 1730), 1000 / 870 / pa):
        assert abs(heart["width_on_pa"] * factor - right) > 1.4
    widths = sorted([right, *(way(heart) for way in exercise.wrong_ways)])
    assert all(more - less > 1.3 for less, more in zip(widths, widths[1:], strict=False)), "two mistakes can't be told apart"
    editions = Editions(hospital(seed, "tiny"))
    assert exercise.judge((heart["width_on_pa"] * 1730 / 1800 * 1000 / 870,), editions).label == "factors_of_the_figure"
    assert exercise.judge((heart["width_on_pa"] * (1 + ap - pa),), editions).label == "difference_added"


@pytest.mark.parametrize(("name", "source", "column"), [("ViewsThatContradict", "views", "image"),
                                                         ("SidesThatDisagree", "sides", "accession")])
def test_the_filtered_table_is_an_answer(editions, name, source, column):
    table = _input(source)
    found = table[table[column].isin(_right(name, editions))]
    for given in (found, found[[column]], found[column], found[column].unique(), found.set_index(column), found[column].to_numpy(),
                  found.to_dict("records"), found.to_dict("list"), list(found.itertuples()), found.set_index(column).index):
        assert EXERCISES[name].judge((given,), editions).correct, given
    for given in (table, found.iloc[1:], found.iloc[:0], found.drop(columns=column)):
        assert EXERCISES[name].judge((given,), editions).outcome is Outcome.NOT_YET


def test_a_wrong_side_in_other_words_and_what_headers_can_show(editions):
    rows = _right("MorningReview", editions)
    for words in ("wrong laterality", "Wrong marker", "wrong_side"):
        given = {row["film"]: words if row["verdict"] == "wrong side" else row["verdict"] for row in rows}
        assert EXERCISES["MorningReview"].judge((given,), editions).correct, words
    verdict = EXERCISES["MorningReview"].judge(({row["film"]: "ok" for row in rows},), editions)
    assert "a flip shows in no header" in verdict.message and "none shows" not in verdict.message


@pytest.mark.parametrize("seed", SEEDS)
def test_the_solutions_read_the_films_as_they_were_made(seed):
    """They go by what is seen on a film; how it was made is known here."""
    letters = EXERCISES["EdgesOfFourFilms"].solution(_input("films", seed))
    assert letters == {film.label: " ".join(cpas03.edges_seen(film)) for film in _input("films", seed)}
    film = _input("ticket_film", seed)
    where, how = cpas03.marker_on(film)
    assert EXERCISES["TheTicket"].solution(film) == (("A", f"{where} mirrored") if film._flipped else ("B", f"{where} {how}"))
    for exercise in lesson.exercises:
        assert "import" not in exercise.solution_text(), exercise.name


def test_the_letters_of_four_films_in_their_order_or_with_hyphens(editions):
    right = _right("EdgesOfFourFilms", editions)
    judge = EXERCISES["EdgesOfFourFilms"].judge
    for given in (list(right.values()), {film: letters.replace(" ", "-") for film, letters in right.items()}):
        assert judge((given,), editions).correct, given
    assert judge((list(right.values())[::-1],), editions).outcome is Outcome.NOT_YET


def test_every_wrong_pair_of_letters_is_told_by_itself(editions):
    right = _right("EdgesOfFourFilms", editions)
    for film in right:
        for one in "LRAPHF":
            for other in "LRAPHF":
                if f"{one} {other}" != right[film]:
                    verdict = EXERCISES["EdgesOfFourFilms"].judge(({**right, film: f"{one} {other}"},), editions)
                    assert not verdict.correct and "not what was asked" not in verdict.message, (film, one, other)
    for film, letters, says in (("B", "A F", "breastbone"), ("B", "P H", "the neck is seen"), ("C", "H L", "the neck is seen"),
                                ("D", "H A", "the neck is seen"), ("B", "F H", "pair of opposites")):
        assert says in EXERCISES["EdgesOfFourFilms"].judge(({**right, film: letters},), editions).message


@pytest.mark.parametrize(("width", "label"), [
    (179, "close"), (181.3, "close"), (0.18, "in_metres"), (154.6, "enlarged_as_on_the_pa"), (621.3, "sid_over_oid_alone"),
    (137.9, "true_width_only"), (182.3, "difference_added"), (146 * 1.15, "factor_of_the_figure"), (146 * 1.149, "factor_of_the_figure"),
    (146 * 1000 / 870, "factor_of_the_figure"), (137.9 * 1.15, "true_width_by_the_figure"),
    (146 * (1 + 0.235 - 0.0556), "shares_subtracted"), (161.3, "factors_of_the_figure"),
])
def test_a_wrong_width_is_told(editions, width, label):
    verdict = EXERCISES["HeartOnThePortable"].judge((width,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict
    for right in (180, "180.", "180,2", "180 mm.", "180 millimetres", "180 Millimeter"):
        assert EXERCISES["HeartOnThePortable"].judge((right,), editions).correct, right


def test_an_image_or_examination_too_many_is_explained(editions):
    right = _right("ViewsThatContradict", editions)
    for name, says in (("V05", "a remark for people"), ("V03", "is empty"), ("V10", "the same view")):
        verdict = EXERCISES["ViewsThatContradict"].judge(([*right, name],), editions)
        assert verdict.label == "extra" and says in verdict.message, verdict
    assert "`view_codes`" in EXERCISES["ViewsThatContradict"].judge((right[:-1],), editions).message
    for unknown in (["V1"], [4, 12]):
        verdict = EXERCISES["ViewsThatContradict"].judge((unknown,), editions)
        assert verdict.label == "unknown name" and "Names there have the form `V00`" in verdict.message
    right = _right("SidesThatDisagree", editions)
    sides = _input("sides")
    for row in sides.to_dict("records"):
        if row["accession"] not in right:
            message = EXERCISES["SidesThatDisagree"].judge(([*right, row["accession"]],), editions).message
            assert "say" in message, message
    assert cpas03._on_sides(sides.iloc[0].to_dict(), False).startswith("Look for a row with an L and an R")


def test_accession_numbers_without_their_letter_or_by_their_end(editions):
    right = _right("SidesThatDisagree", editions)
    assert EXERCISES["SidesThatDisagree"].judge(([int(one[1:]) for one in right],), editions).correct
    assert "Names there have the form" in EXERCISES["SidesThatDisagree"].judge((["9999"],), editions).message


def test_a_mammogram_table_with_a_line_of_names(editions):
    rows = [list(row.values()) for row in _right("FourMammograms", editions)]
    judge = EXERCISES["FourMammograms"].judge
    assert judge(([["film", "side", "view"], *rows],), editions).correct
    assert judge(([["View", "film", "side"], *([view, film, side] for film, side, view in rows)],), editions).correct
    for place, says in ((1, "bottom edge tells"), (2, "white wedge")):
        wrong = [list(row) for row in rows]
        wrong[2][place] = {"L": "R", "R": "L", "CC": "MLO", "MLO": "CC"}[rows[2][place]]
        verdict = judge((wrong,), editions)
        assert "3 of 4 rows are right" in verdict.message and says in verdict.message, verdict
    assert "a side is L or R" in judge(([*rows[:3], [*rows[3][:1], "outer", rows[3][2]]],), editions).message


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_evidence_for_the_other_reason_is_told(seed):
    editions = Editions(hospital(seed, "tiny"))
    letter, _ = _right("TheTicket", editions)
    for marker in ("left mirrored", "left readable", "right mirrored", "right readable"):
        verdict = EXERCISES["TheTicket"].judge((letter, marker), editions)
        assert verdict.correct or verdict.label in ("other_side", "other_writing", "other_side_and_writing"), verdict


def test_a_function_that_fails_on_a_slice_is_told_its_normal_or_its_columns(editions):
    verdict = EXERCISES["PlaneOf"].judge((lambda iop: "axial" if abs(iop[4]) > 0.5 else "coronal",), editions)
    assert "The normal of this slice is (" in verdict.message
    assert EXERCISES["PlaneOf"].judge((cpas03._by_main_axes,), editions).label == "main_axes_of_rows_and_columns"
    verdict = EXERCISES["LettersOfASlice"].judge((lambda iop: "L P" if iop[0] > 0 else "R P",), editions)
    assert "its columns along (" in verdict.message


def test_each_wrong_entry_of_the_prone_series_is_told(editions):
    right = _right("OnTheBelly", editions)
    for entry, words in (("left_edge", "ARLP"), ("bottom_edge", "ALRP"), ("table_at", ("top", "bottom"))):
        for word in words:
            verdict = EXERCISES["OnTheBelly"].judge(({**right, entry: word},), editions)
            assert verdict.correct or "not what was asked" not in verdict.message, verdict


def test_each_wrong_verdict_of_the_review_is_told(editions):
    right = {row["film"]: row["verdict"] for row in _right("MorningReview", editions)}
    for film in right:
        for word in ("ok", "mirrored", "wrongside", "wrong plane"):
            verdict = EXERCISES["MorningReview"].judge(({**right, film: word},), editions)
            assert verdict.correct or "Then " in verdict.message or verdict.label in (
                way.__name__ for way in EXERCISES["MorningReview"].wrong_ways), verdict
    assert "a verdict is ok, mirrored" in EXERCISES["MorningReview"].judge(({**right, "2": "bad"},), editions).message


def test_films_by_their_number_in_other_forms(editions):
    rows = _right("FourMammograms", editions)
    for given in (
        {int(row["film"]): f"{row['side']} {row['view']}" for row in rows}, {row["film"]: f"{row['side']}, {row['view']}" for row in rows},
        {int(row["film"]): {"side": row["side"], "view": row["view"]} for row in rows},
        {int(row["film"]): (row["side"], row["view"]) for row in rows},
        [(f"film {row['film']}", row["side"], row["view"]) for row in rows], pd.DataFrame(rows),
    ):
        assert EXERCISES["FourMammograms"].judge((given,), editions).correct, given
    verdicts = {row["film"]: row["verdict"] for row in _right("MorningReview", editions)}
    numbered = {int(film): found for film, found in verdicts.items()}
    for given in (numbered, {f"Film {film}": found for film, found in verdicts.items()}, pd.Series(numbered), pd.Series(verdicts),
                  pd.Series(list(verdicts.values()), index=range(1, 7)), {film: {"verdict": found} for film, found in numbered.items()}):
        assert EXERCISES["MorningReview"].judge((given,), editions).correct, given
    assert not EXERCISES["MorningReview"].judge((pd.Series(numbered | {1: "wrong side"}),), editions).correct


def test_a_wrong_side_is_questioned_as_the_film_asks(editions):
    verdicts = {row["film"]: row["verdict"] for row in _right("MorningReview", editions)}
    headers = _input("morning_headers").set_index("film")["image_laterality"]
    for film, found in verdicts.items():
        if found != "wrong side":
            message = EXERCISES["MorningReview"].judge((verdicts | {film: "wrong side"},), editions).message
            assert ("marker beside the breast" in message) == (headers[film] in ("L", "R")), message
            assert ("other than U" in message) == (headers[film] not in ("L", "R")), message


@pytest.mark.parametrize("seed", SEEDS)
def test_an_empty_entry_beside_a_contradiction_tells_half_comparisons(seed):
    editions = Editions(hospital(seed, "tiny"))
    judge = EXERCISES["SidesThatDisagree"].judge
    rows = _input("sides", seed).to_dict("records")

    def chosen(differ):
        return [row["accession"] for row in rows if differ(row["ordered"], row["header"], row["marker"])]

    def apart(a, b):
        return bool(a and b and a != b)

    assert len(rows) == 14 and len(chosen(lambda o, h, m: apart(o, h) or apart(h, m) or apart(o, m))) <= 7
    assert judge((chosen(lambda o, h, m: apart(o, h) or apart(h, m) or apart(o, m)),), editions).correct
    for differ, label in (
        (lambda o, h, m: o and h and m and len({o, h, m}) > 1, "complete_ones_only"),
        (lambda o, h, m: apart(o, h) or apart(o, m), None), (lambda o, h, m: apart(o, h) or apart(h, m), None),
        (lambda o, h, m: apart(h, m) or apart(o, m), None), (lambda o, h, m: apart(o, m), "order_and_marker"),
        (lambda o, h, m: apart(o, h), "order_and_header"), (lambda o, h, m: apart(h, m), "header_and_marker"),
    ):
        verdict = judge((chosen(differ),), editions)
        assert verdict.outcome is Outcome.NOT_YET and (label is None or verdict.label == label), verdict
        assert label or "any two of the three columns" in verdict.message


def test_films_in_their_order_need_no_numbers(editions):
    rows = _right("FourMammograms", editions)
    for given in ([row["side"] + row["view"] for row in rows], [f"{row['side'].lower()} {row['view']}" for row in rows],
                  {int(row["film"]): row["side"] + row["view"] for row in rows}):
        assert EXERCISES["FourMammograms"].judge((given,), editions).correct, given
        if type(given) is list:
            assert EXERCISES["FourMammograms"].judge((given[::-1],), editions).outcome is Outcome.NOT_YET
    verdicts = [row["verdict"] for row in _right("MorningReview", editions)]
    for given in (verdicts, tuple(verdicts)):
        assert EXERCISES["MorningReview"].judge((given,), editions).correct
    for given in (verdicts[::-1], verdicts[:5], [*verdicts, "ok"], ["ok"] * 6, [""] * 6):
        assert EXERCISES["MorningReview"].judge((given,), editions).outcome is Outcome.NOT_YET, given
    for given in (["L", "R", "L", "R"], ["1 L CC", "2 R CC"], "LCC"):
        assert "Write each row in brackets" in EXERCISES["FourMammograms"].judge((given,), editions).message
    prone = list(_right("OnTheBelly", editions).values())
    assert EXERCISES["OnTheBelly"].judge((prone,), editions).correct
    assert not EXERCISES["OnTheBelly"].judge((prone[1::-1] + prone[2:],), editions).correct


def test_axes_exchanged_and_signs_ignored_have_messages_of_their_own(editions):
    def plane_of(iop):
        sizes = np.abs(np.cross(iop[:3], iop[3:]))
        return ["axial", "coronal", "sagittal"][int(sizes.argmax())]

    def with_sign(iop):
        found = []
        for vector in (iop[:3], iop[3:]):
            axis = vector.index(max(vector))
            found.append("LPH"[axis] if vector[axis] > 0 else "RAF"[axis])
        return " ".join(found)

    def feet_up(iop):
        return EXERCISES["LettersOfASlice"].solution(iop).translate(str.maketrans("HF", "FH"))

    assert EXERCISES["PlaneOf"].judge((plane_of,), editions).label == "axial_for_sagittal"
    assert EXERCISES["LettersOfASlice"].judge((with_sign,), editions).label == "largest_with_its_sign"
    assert EXERCISES["LettersOfASlice"].judge((feet_up,), editions).label == "z_to_the_feet"
    assert EXERCISES["PlaneOf"].judge((lambda iop: EXERCISES["PlaneOf"].solution(iop) + " plane",), editions).correct
    message = EXERCISES["LettersOfASlice"].judge((lambda iop: "AR F",), editions).message
    assert "should return the letters of two edges; it returned `AR F`, but" in message


def test_the_prone_message_is_true_of_patient_position(editions):
    message = EXERCISES["OnTheBelly"].judge(({"left_edge": "R", "bottom_edge": "P", "table_at": "bottom"},), editions).message
    assert "the last letter of Patient Position" in message and "second letter" not in message


@pytest.mark.parametrize("given", ["left, back to front", "left back-to-front", "back to front, at the left"])
def test_a_marker_back_to_front_is_mirrored(given):
    assert cpas03.marker_seen(given) == "LM"


def test_letters_are_questioned_by_the_view_of_the_film(editions):
    right = _right("EdgesOfFourFilms", editions)
    for film, letters, view, says in (("A", "A F", "front", "out of the picture"), ("B", "A F", "side", "breastbone"),
                                      ("B", "L F", "side", "out of the picture or into it")):
        message = EXERCISES["EdgesOfFourFilms"].judge(({**right, film: letters},), editions).message
        assert f"taken from the {view}" in message and says in message, message
