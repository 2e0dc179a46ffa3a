import errno
import json
import os
import random
import sys
import time

import pytest
from learner.helpers import finish, notebook, spoil, start_python, write_course

from coursekit.learner import workspace
from coursekit.learner.workspace import UNREADABLE, WorkspaceProblem, fingerprint, update

A, B = "1_tier/a.ipynb", "1_tier/b.ipynb"
A_NEW, A_NEWER = "1_tier/a (new version).ipynb", "1_tier/a (new version 2).ipynb"
EDITED = notebook("answer = 42", "what the learner wrote")


@pytest.fixture
def course(tmp_path):
    return write_course(tmp_path / "course", a="a1", b="b1")


@pytest.fixture
def folder(tmp_path, course):
    """A working copy that is up to date."""
    update(tmp_path / "mine", course)
    return tmp_path / "mine"


def text_of(path):
    return json.loads(path.read_bytes())["cells"][1]["source"]


def files(folder):
    """What the learner sees: the files that are not hidden."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))


def test_the_first_time_all_notebooks_are_put_there(tmp_path, course):
    report = update(tmp_path / "deep" / "mine", course)
    assert report.new == [A, B]
    assert files(report.folder) == [A, B]
    assert (report.folder / A).read_bytes() == (course / A).read_bytes()
    assert report.lines() == [f"Your notebooks are in {report.folder}."]


def test_the_second_time_nothing_happens(folder, course):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}
    report = update(folder, course)
    assert report.lines() == [f"Your 2 notebooks in {folder} are up to date."]
    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


def test_a_later_lesson_is_new(folder, course):
    write_course(course, c="c1")
    assert update(folder, course).lines() == ["New: 1_tier/c.ipynb."]


def test_an_untouched_notebook_is_replaced_and_told(folder, course):
    write_course(course, a="a2")
    report = update(folder, course)
    assert report.updated == [A]
    assert text_of(folder / A) == "a2"
    assert files(folder) == [A, B]
    assert report.lines() == [f"Replaced by a newer version, because you had not changed it: {A}."]


def test_an_edited_notebook_is_kept_and_the_newer_one_put_beside_it_once(folder, course):
    (folder / A).write_bytes(EDITED)
    assert update(folder, course).edited == {}  # the course has not changed
    write_course(course, a="a2")
    report = update(folder, course)
    assert report.edited == {A: A_NEW}
    assert report.lines() == [f"You changed {A}: it stays as it is. The course has a newer version: {A_NEW}."]
    assert (folder / A).read_bytes() == EDITED
    assert text_of(folder / A_NEW) == "a2"
    assert update(folder, course).lines() == [f"Your 2 notebooks in {folder} are up to date."]
    (folder / A_NEW).unlink()
    update(folder, course)
    assert files(folder) == [A, B]  # delivered once: the learner did not want it


def test_the_copy_beside_is_brought_up_to_date_while_it_is_untouched(folder, course):
    (folder / A).write_bytes(EDITED)
    for version in ("a2", "a3", "a4"):
        write_course(course, a=version)
        assert update(folder, course).edited == {A: A_NEW}
        assert text_of(folder / A_NEW) == version
    assert files(folder) == [A_NEW, A, B]


def test_an_edited_copy_beside_is_the_learners_too(folder, course):
    (folder / A).write_bytes(EDITED)
    write_course(course, a="a2")
    update(folder, course)
    (folder / A_NEW).write_bytes(notebook("more work", "of the learner"))
    write_course(course, a="a3")
    assert update(folder, course).edited == {A: A_NEWER}
    assert text_of(folder / A_NEW) == "of the learner"
    assert text_of(folder / A_NEWER) == "a3"


def test_a_deleted_notebook_is_put_there_again_and_told(folder, course):
    (folder / A).unlink()
    report = update(folder, course)
    assert (folder / A).read_bytes() == (course / A).read_bytes()
    assert report.lines() == [f"Missing, so put there again: {A}."]


def run_in_jupyterlab(path):
    """What opening and running a notebook does to its file without the learner changing anything."""
    content = json.loads(path.read_bytes())
    for number, cell in enumerate(content["cells"]):
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell.update(id=f"other-{number}", execution_count=number, metadata={"scrolled": True})
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "ran"}]
    content["cells"].append({**content["cells"][0], "source": "", "id": "empty", "outputs": []})
    content["metadata"] = {"kernelspec": {"name": "python3"}, "widgets": {}}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8", newline="\r\n")


def test_a_notebook_that_was_only_run_counts_as_untouched(folder, course):
    run_in_jupyterlab(folder / A)
    ran = (folder / A).read_bytes()
    assert update(folder, course).updated == []
    assert (folder / A).read_bytes() == ran  # no reason to take the outputs away
    write_course(course, a="a2")
    assert update(folder, course).updated == [A]
    assert text_of(folder / A) == "a2"


@pytest.mark.parametrize(
    "edit",
    [
        lambda cells: cells[0].update(source="answer = 1"),
        lambda cells: cells[0].update(source=cells[0]["source"] + " "),
        lambda cells: cells.reverse(),
        lambda cells: cells.pop(),
        lambda cells: cells.append({"cell_type": "markdown", "source": ["a", " note"]}),
        lambda cells: cells[1].update(cell_type="markdown"),
        lambda cells: cells.append(dict(cells[0])),
    ],
)
def test_every_change_of_text_kind_or_order_counts_as_edited(folder, course, edit):
    content = json.loads((folder / A).read_bytes())
    edit(content["cells"])
    (folder / A).write_text(json.dumps(content), encoding="utf-8")
    write_course(course, a="a2")
    report = update(folder, course)
    assert report.edited == {A: A_NEW}
    assert json.loads((folder / A).read_bytes()) == content


@pytest.mark.parametrize(
    "content",
    [b"", b'{"cells": [{"cell_type": "code", "sou', b"[]", b'{"cells": 3}', b'{"cells": [null]}', b"\xff", b"null"],
)
def test_a_file_that_is_no_notebook_is_kept_told_and_a_fresh_one_put_beside_it(folder, course, content):
    assert fingerprint(content) == UNREADABLE
    (folder / A).write_bytes(content)
    for _ in range(2):
        report = update(folder, course)
        assert report.unreadable == {A: A_NEW}
        assert "It stays as it is" in report.lines()[0]
        assert (folder / A).read_bytes() == content
        assert (folder / A_NEW).read_bytes() == (course / A).read_bytes()
        assert files(folder) == [A_NEW, A, B]


@pytest.mark.parametrize(
    "damage", [None, b"", b'{"version": 1, "noteb', b"[]", b'{"notebooks": 3}', b'{"notebooks": {"a": 3}}']
)
def test_lost_or_damaged_memory_makes_every_changed_notebook_the_learners(folder, course, damage):
    memory = folder / ".coursekit" / "delivered.json"
    memory.unlink()
    if damage is not None:
        memory.write_bytes(damage)
    write_course(course, a="a2")
    assert update(folder, course).edited == {A: A_NEW}
    assert text_of(folder / A) == "a1"
    write_course(course, b="b2")
    assert update(folder, course).updated == [B]  # it was equal to the course's, and is remembered again
    assert update(folder, course).lines() == [f"Your 2 notebooks in {folder} are up to date."]


def test_other_files_of_the_learner_are_left_alone(folder, course):
    (folder / "1_tier" / "notes.txt").write_text("mine")
    (folder / "my own.ipynb").write_bytes(EDITED)
    (folder / "1_tier" / ".hidden").write_text("mine")
    write_course(course, a="a2")
    update(folder, course)
    assert (folder / "1_tier" / "notes.txt").read_text() == "mine"
    assert (folder / "1_tier" / ".hidden").read_text() == "mine"
    assert (folder / "my own.ipynb").read_bytes() == EDITED


def test_checkpoints_of_the_course_are_not_delivered(tmp_path, course):
    (course / ".ipynb_checkpoints").mkdir()
    (course / ".ipynb_checkpoints" / "a.ipynb").write_bytes(EDITED)
    assert update(tmp_path / "mine", course).new == [A, B]


def test_a_course_without_notebooks_is_told(tmp_path):
    with pytest.raises(WorkspaceProblem, match="notebooks are missing"):
        update(tmp_path / "mine", tmp_path / "nowhere")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("inside", ["", "1_tier"])
def test_the_courses_own_folder_is_refused(course, inside):
    before = files(course)
    with pytest.raises(WorkspaceProblem, match="choose another folder"):
        update(course / inside, course)
    assert files(course) == before


@pytest.mark.parametrize("inside", ["", "deep"])
def test_a_file_where_the_folder_should_be_is_told(tmp_path, course, inside):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(WorkspaceProblem, match="a file stands where a folder is needed. Choose another folder"):
        update(tmp_path / "mine" / inside, course)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_file_where_a_tier_should_be_is_told_and_the_rest_delivered(tmp_path, course):
    (course / "start.ipynb").write_bytes(notebook("start"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "1_tier").write_text("precious")
    report = update(tmp_path / "mine", course)
    assert report.new == ["start.ipynb"]
    assert report.failed == {"a file stands where a folder is needed": [A, B]}
    assert (tmp_path / "mine" / "1_tier").read_text() == "precious"


def test_a_folder_where_a_notebook_should_be_is_told(folder, course):
    (folder / A).unlink()
    (folder / A / "precious").mkdir(parents=True)
    report = update(folder, course)
    assert [A] in report.failed.values()
    assert "Nothing of yours was lost" in report.lines()[0]
    assert (folder / A / "precious").is_dir()


def refuse(code):
    def refusing(*_, **__):
        raise OSError(code, os.strerror(code))

    return refusing


def test_a_notebook_that_another_program_holds_is_told_and_the_rest_updated(folder, course, monkeypatch):
    rename = os.rename  # what Windows refuses for a file that is open elsewhere

    def held(source, target):
        if str(source).endswith("a.ipynb"):
            refuse(errno.EACCES)()
        rename(source, target)

    monkeypatch.setattr(os, "rename", held)
    write_course(course, a="a2", b="b2")
    report = update(folder, course)
    assert report.updated == [B]
    assert report.failed == {"it may not be written, or another program has it open": [A]}
    assert text_of(folder / A) == "a1"
    monkeypatch.undo()
    assert update(folder, course).updated == [A]


def test_a_folder_that_can_only_be_read_is_told_and_harms_nothing(folder, course, monkeypatch):
    opened = os.open

    def read_only(path, flags, *mode, **more):
        if flags & (os.O_WRONLY | os.O_RDWR):
            refuse(errno.EROFS)()
        return opened(path, flags, *mode, **more)

    monkeypatch.setattr(os, "open", read_only)
    assert update(folder, course).failed == {}  # nothing to write
    write_course(course, a="a2")
    assert update(folder, course).failed == {"the disk can only be read": [A]}
    assert text_of(folder / A) == "a1"


def test_jupyterlab_saving_just_before_the_exchange_wins(folder, course, monkeypatch):
    rename = os.rename

    def saved_first(source, target):
        if str(source).endswith("a.ipynb"):
            (folder / A).write_bytes(EDITED)
        rename(source, target)

    monkeypatch.setattr(os, "rename", saved_first)
    write_course(course, a="a2")
    assert update(folder, course).updated == []
    assert (folder / A).read_bytes() == EDITED
    monkeypatch.undo()
    assert update(folder, course).edited == {A: A_NEW}


def test_jupyterlab_saving_in_the_middle_of_the_exchange_wins(folder, course, monkeypatch):
    publish = workspace.rename_to_new

    def saved_meanwhile(source, target):
        if target == folder / A and not target.exists():
            target.write_bytes(EDITED)
        publish(source, target)

    monkeypatch.setattr(workspace, "rename_to_new", saved_meanwhile)
    write_course(course, a="a2")
    assert update(folder, course).failed == {"something appeared under its name meanwhile": [A]}
    assert (folder / A).read_bytes() == EDITED
    assert files(folder) == [A, B]
    monkeypatch.undo()
    assert update(folder, course).edited == {A: A_NEW}


def test_a_set_aside_notebook_with_work_in_it_is_never_removed(folder, course):
    (folder / "1_tier" / ".a.ipynb.0123.aside").write_bytes(EDITED)
    report = update(folder, course)
    assert report.rescued == {A: "1_tier/a (your version).ipynb"}
    assert (folder / "1_tier/a (your version).ipynb").read_bytes() == EDITED
    assert "is now in 1_tier/a (your version).ipynb" in report.lines()[0]


def test_without_hard_links_it_works_the_same(folder, course, monkeypatch):
    monkeypatch.setattr(os, "link", refuse(errno.EPERM), raising=False)
    write_course(course, a="a2", c="c1")
    (folder / B).write_bytes(EDITED)
    write_course(course, b="b2")
    report = update(folder, course)
    assert (report.updated, report.new, list(report.edited)) == ([A], ["1_tier/c.ipynb"], [B])
    assert text_of(folder / A) == "a2"
    assert (folder / B).read_bytes() == EDITED


@pytest.mark.parametrize("forever", [False, True])
def test_a_disk_that_is_full_at_any_moment_loses_nothing(tmp_path, course, monkeypatch, forever):
    calls, at = [1], 0
    while len(calls) >= at:
        at += 1
        folder = tmp_path / f"mine-{at}"
        write_course(course, a="a1", b="b1", c="c1")
        update(folder, course)
        (folder / B).write_bytes(EDITED)
        write_course(course, a=f"a2-{at}", b="b2", d="d1")
        with monkeypatch.context() as patch:
            calls = spoil(patch.setattr, at, refuse(errno.ENOSPC), forever)
            report = update(folder, course)
        failed = [name for names in report.failed.values() for name in names]
        assert (folder / B).read_bytes() == EDITED
        assert text_of(folder / "1_tier/c.ipynb") == "c1"
        if A not in failed:
            assert text_of(folder / A) == f"a2-{at}"
        settled(folder, course, at)
    assert at > 12


def settled(folder, course, at):
    """After the trouble is over, one more update leaves everything as it should be."""
    update(folder, course)
    assert text_of(folder / A) == f"a2-{at}"
    assert text_of(folder / "1_tier/d.ipynb") == "d1"
    assert (folder / B).read_bytes() == EDITED
    assert text_of(folder / "1_tier/b (new version).ipynb") == "b2"
    assert files(folder) == [A, "1_tier/b (new version).ipynb", B, "1_tier/c.ipynb", "1_tier/d.ipynb"]
    assert {path.name for path in folder.rglob(".*")} == {".coursekit"}
    assert update(folder, course).lines() == [f"Your 4 notebooks in {folder} are up to date."]


UPDATE_AND_DIE = """
import os, sys
from pathlib import Path
from learner.helpers import spoil
from coursekit.learner.workspace import update
if sys.argv[4] == "False" and hasattr(os, "link"):
    os.link = lambda *_: os.stat(os.devnull + "/none")
spoil(setattr, int(sys.argv[3]), lambda: os._exit(9), forever=False)
update(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.mark.parametrize("links", [True, False])  # whether the file system knows hard links
def test_dying_at_any_moment_loses_nothing(tmp_path, course, links):
    code, at = 9, 0
    while code == 9:
        at += 1
        folder = tmp_path / f"mine-{at}"
        write_course(course, a="a1", b="b1", c="c1")
        update(folder, course)
        (folder / B).write_bytes(EDITED)
        write_course(course, a=f"a2-{at}", b="b2", d="d1")
        child = start_python(UPDATE_AND_DIE, folder, course, at, links)
        err = child.communicate()[1]
        code = child.returncode
        assert (folder / B).read_bytes() == EDITED
        settled(folder, course, at)
    assert code == 0, err
    assert at > 12


UPDATE_FOREVER = """
import sys
from pathlib import Path
from coursekit.learner.workspace import update
print("ready", flush=True)
while True:
    for course in sys.argv[2:]:
        update(sys.argv[1], Path(course))
"""


def test_kill_9_loses_nothing(tmp_path):
    one = write_course(tmp_path / "one", **{f"n{number}": "1" for number in range(6)})
    two = write_course(tmp_path / "two", **{f"n{number}": "2" for number in range(6)})
    folder = tmp_path / "mine"
    update(folder, one)
    edited = folder / "1_tier" / "n3.ipynb"
    edited.write_bytes(EDITED)
    chance = random.Random(3)
    for _ in range(12):
        process = start_python(UPDATE_FOREVER, folder, one, two)
        process.stdout.readline()
        time.sleep(chance.random() / 15)
        process.kill()
        process.communicate()
        assert edited.read_bytes() == EDITED
    for course, text in ((one, "1"), (two, "2")):
        report = update(folder, course)
        assert not report.failed
        assert {text_of(path) for path in folder.rglob("n[!3].ipynb")} == {text}
    assert edited.read_bytes() == EDITED
    assert len(files(folder)) == 7  # the six, and one copy beside the edited one
    assert {path.name for path in folder.rglob(".*")} == {".coursekit"}


UPDATE_ONCE = """
import json, sys
from pathlib import Path
from coursekit.learner.workspace import update
report = update(sys.argv[1], Path(sys.argv[2]))
print(json.dumps([report.new, report.updated, report.restored, list(report.edited), report.failed]))
"""


def test_several_updates_at_once_do_the_work_once(tmp_path):
    names = [f"n{number}" for number in range(20)]
    course = write_course(tmp_path / "course", **dict.fromkeys(names, "1"))
    processes = [start_python(UPDATE_ONCE, tmp_path / "mine", course) for _ in range(4)]
    reports = [json.loads(finish(process)) for process in processes]
    assert sorted(name for report in reports for name in report[0]) == sorted(f"1_tier/{name}.ipynb" for name in names)
    assert all(report[1:] == [[], [], [], {}] for report in reports)
    assert len(files(tmp_path / "mine")) == 20


def test_an_update_that_hangs_is_told_to_the_next(folder, course, monkeypatch):
    monkeypatch.setattr(workspace, "locked", lambda path, seconds: busy(path, seconds))
    from coursekit.learner.files import locked

    def busy(path, seconds):
        assert seconds >= 10
        return locked(path, 0.05)

    with locked(folder / ".coursekit" / "lock", 1) as state:
        assert state == "held"
        with pytest.raises(WorkspaceProblem, match="Another coursekit has been updating"):
            update(folder, course)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows these names only with a privilege")
def test_a_symbolic_link_is_replaced_not_followed(tmp_path, folder, course):
    elsewhere = tmp_path / "elsewhere.ipynb"
    os.replace(folder / A, elsewhere)
    (folder / A).symlink_to(elsewhere)
    write_course(course, a="a2")
    assert update(folder, course).updated == [A]
    assert text_of(folder / A) == "a2"
    assert text_of(elsewhere) == "a1"
