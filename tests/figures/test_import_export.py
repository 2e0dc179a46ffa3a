"""The pictures of import and export: drawn, and told in words."""

from coursekit.figures.import_export import before_and_after, file_set, questions


def test_a_directory_and_its_files():
    picture = file_set([(0, "PATIENT", "EC-1", ""), (1, "IMAGE", "1", "A/IM1"), (1, "IMAGE", "2", "A/IM2")],
                       ["A/IM1", "A/im2"], title="A disc")
    assert "IMAGE 2 refers to A/IM2" in picture.says and "Without a file: A/IM2. Without a record: A/im2." in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_a_disc_on_which_all_is_right():
    says = file_set([(0, "IMAGE", "1", "IM1")], ["IM1"], title="A disc").says
    assert "Without a file: none. Without a record: none." in says


def test_questions_in_their_order():
    picture = questions([("Whose?", "another's", "refuse", "bad"), ("Asked for?", "no", "skip", "left")], "import", title="Import")
    assert "1. Whose? another's: refuse; 2. Asked for? no: skip; 3. everything else: import." in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_what_became_of_each_attribute():
    before = {"Name": "DOE^J", "Sex": "F", "Station": "MR1", "Comment": "x" * 80}
    picture = before_and_after(before, {"Name": "NM-1", "Sex": "F", "Comment": "", "Flag": "YES"}, title="An object")
    for told in ("Name was DOE^J, is NM-1", "Sex stays F", "Station removed, was MR1", "is empty", "Flag new, YES"):
        assert told in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_one_question_with_two_answers_has_one_number():
    says = questions([("Whose?", "nobody's", "refuse", "bad"), ("Whose?", "unclear", "hold", "wait"), ("Wanted?", "no", "skip", "wait")],
                     "import", title="Import").says
    assert "1. Whose? nobody's: refuse, unclear: hold; 2. Wanted? no: skip; 3. everything else: import." in says


def test_what_should_not_have_stayed_is_told():
    picture = before_and_after({"Name": "DOE^J", "Rows": "16"}, {"Name": "DOE^J", "Rows": "16"}, title="An object", leaks=["Name"])
    assert "Name is still there, DOE^J; Rows stays 16" in picture.says and picture.png.startswith(b"\x89PNG")
