"""A lesson as a learner has it in the notebook: `lesson("cpas-06")`."""

import copy
import contextlib
import html
import re
import sys
import threading
from dataclasses import replace

from coursekit import lessons
from coursekit.checking import Query
from coursekit.checking.lesson import Editions
from coursekit.checking.verdict import Card
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.learner import elsewhere, record

UNSEEN_SEEDS = (101, 102)  # hospitals that no notebook shows
OWN_STUDIES = 12_000  # of an edition that is made for one lesson: large enough for statistics, made in a third of a second


def open_lesson(id, version=None, seed=None, database=None):
    """The OpenLesson of an id, shown. Raises CourseError when there is none, no edition of that seed, or no such database."""
    opened = OpenLesson(lessons.load(id), version, seed, database)
    _show(opened)
    if database is not None:
        for exercise in opened._exercises:
            if exercise.changed:
                _show(exercise.question())
    return opened


class OpenLesson:
    """A lesson in use: its exercises as q1, q2, ..., and its inputs by their names.

    seed     : of the hospital that it plays at; None for the lesson's own edition, or the committed one where it has none
    database : where its queries run, as `elsewhere.place` takes it; None for SQLite
    """

    def __init__(self, lesson, version=None, seed=None, database=None):
        self._lesson = lesson
        self._mismatch = _mismatch(lesson, version)
        seed = lesson.edition if seed is None else seed
        own = hospital() if seed is None else hospital(seed, OWN_STUDIES)
        unseen = [hospital(seed, "tiny") for seed in UNSEEN_SEEDS]
        self._place = None if database is None else elsewhere.place(database, lesson, own, unseen)
        self._editions = self._place.editions if self._place else Editions(own, _at_hand(lesson, unseen))
        self._log = Log(lesson.id)
        exercises = self._place.exercises if self._place else lesson.exercises
        self._exercises = [OpenExercise(exercise, self._editions, self._log) for exercise in exercises]
        for exercise in self._exercises:
            setattr(self, exercise.handle, exercise)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._lesson.inputs:
            own = self._editions.own
            value = self._lesson.input_of(name, own)
            if self._place and value is own.pacs:
                return self._editions.asked(own).pacs
            # a copy of its own, so that nothing the learner does to it reaches the solution
            return copy.deepcopy(value)
        if name[:1] == "q" and name[1:].isdigit():
            missing = self._place.missing if self._place and 0 < int(name[1:]) <= len(self._lesson.exercises) else ""
            return _Absent(name, self._lesson, self._mismatch or missing)
        raise _NoSuchName(
            f"Lesson {self._lesson.id} has nothing called `{name}`. {self._mismatch or self._what_there_is()}"
        )

    def _what_there_is(self):
        names = [exercise.handle for exercise in self._exercises] + list(self._lesson.inputs)
        return f"It has {', '.join(names)}."

    def __dir__(self):
        return [exercise.handle for exercise in self._exercises] + list(self._lesson.inputs)

    def _done(self):
        return sum(exercise.name in self._log.earned for exercise in self._exercises)

    def __repr__(self):
        lesson = self._lesson
        lines = [f"Lesson {lesson.id}: {lesson.title} (about {lesson.minutes} minutes)", "You will be able to"]
        lines += [f"  - {objective}" for objective in lesson.objectives]
        lines.append(f"Progress: {self._done()} of {len(self._exercises)} exercises correct")
        return "\n".join(lines + self._notes())

    def _notes(self):
        return [note for note in (self._mismatch, self._place.said if self._place else "") if note]

    def _repr_html_(self):
        lesson = self._lesson
        done, count = self._done(), len(self._exercises)
        objectives = "".join(f"<li>{html.escape(objective)}</li>" for objective in lesson.objectives)
        warning = "".join(f'<div style="margin-top:6px"><b>Please note:</b> {html.escape(note)}</div>' for note in self._notes())
        return (
            '<div style="border-left:4px solid var(--jp-brand-color1,#1976d2);padding:4px 12px;max-width:60em;'
            'color:var(--jp-content-font-color1,inherit);line-height:1.5">'
            f'<div style="font-size:120%;font-weight:600">{html.escape(lesson.title)}</div>'
            f"<div>Lesson {html.escape(lesson.id)}, about {lesson.minutes} minutes. You will be able to</div>"
            f'<ul style="margin:4px 0">{objectives}</ul>'
            f"<div>Progress: {done} of {count} exercises correct "
            f'<progress value="{done}" max="{count}" aria-label="{done} of {count} exercises correct"></progress></div>'
            f"{warning}</div>"
        )


class OpenExercise:
    """An exercise in use: `check(answer)`, `hint()`, `solution()`."""

    def __init__(self, exercise, editions, log):
        self._exercise = exercise
        self._editions = editions
        self._log = log
        self._hints_shown = 0
        self._untold = ""  # why the last answer is not right, as long as nobody has asked

    @property
    def handle(self):
        """What the learner calls it: "q1"."""
        return self._exercise.handle

    @property
    def name(self):
        """Its name in the progress record."""
        return self._exercise.name

    @property
    def changed(self):
        """Whether it stands in place of the notebook's exercise, on another database."""
        return all(self._exercise is not one for one in self._exercise.lesson.exercises)

    def question(self):
        """The question, as a card."""
        lines = re.sub(r"(?<!\n)\n(?!\n|- )", " ", self._exercise.question)
        return Card(f"Exercise {self._exercise.number} on this database", lines)

    def check(self, *answer):
        """Say whether the answer is right, and if not, what it would mean (a project says that when asked). Never raises."""
        self._editions.tell = _Progress()
        verdict = self._log.checked(self._exercise, self._exercise.judge(answer, self._editions))
        self._untold = ""
        if self._exercise.lesson.asked_only and verdict.diagnoses:
            self._untold = verdict.message
            name = f"{self._exercise.lesson.variable}.{self.handle}"
            verdict = replace(verdict, message=f"That is not right yet. To be told what is wrong with this answer, run `{name}.hint()`.")
        return _told(verdict)

    @property
    def failed(self):
        """The arguments of the case for which your function failed in the last check, a tuple; None if there is none."""
        return copy.deepcopy(self._exercise.failed)

    def hint(self):
        """What is wrong with the last answer, if the check kept it back; else the next rung of the hint ladder. A hint costs nothing."""
        if self._untold:
            self._log.add(self._exercise, "hint")
            told, self._untold = self._untold, ""
            return _told(Card("About your last answer", told))
        hints = self._exercise.hints
        if self._hints_shown == len(hints):
            return _told(Card("No more hints", f"You have seen all {len(hints)}. `{self.handle}.solution()` shows a solution."))
        self._hints_shown += 1
        self._log.add(self._exercise, "hint", number=self._hints_shown)
        return _told(Card(f"Hint {self._hints_shown} of {len(hints)}", hints[self._hints_shown - 1]))

    def solution(self):
        """A solution, as code. After it a correct answer earns no points any more."""
        self._log.add(self._exercise, "solution")
        return _told(Card(f"A solution of {self.handle}", code=self._exercise.solution_text()))

    def __repr__(self):
        name = ", ".join(self._exercise.answer.variables)
        return (
            f"Exercise {self._exercise.number} of lesson {self._exercise.lesson.id}. "
            f"Use .check({name}), .hint() or .solution()."
        )


def _at_hand(lesson, unseen):
    """A function that gives the unseen hospitals. Their databases are made while the learner reads, where a query will need them."""
    if not any(isinstance(exercise.answer, Query) for exercise in lesson.exercises):
        return lambda: unseen

    def make():
        with contextlib.suppress(Exception):        # the check meets the same trouble, and can say it
            for one in unseen:
                one.pacs.rows("SELECT 1")

    making = threading.Thread(target=make, name="unseen hospitals")
    making.start()

    def made():
        making.join()
        return unseen
    return made


class Log:
    """What the learner has done in this lesson: told to the progress record, and read from it on opening.

    earned : names of the exercises answered correctly
    """

    def __init__(self, lesson_id):
        self._lesson_id = lesson_id
        self.earned = set()
        self._solution_seen = set()
        self._trouble_told = False
        try:
            for event in record.read():
                if event.get("lesson") == lesson_id:
                    self._take(event)
        except record.RecordProblem as problem:
            self._tell(problem)

    def _take(self, event):
        if event.get("event") == "check" and event.get("outcome") == "correct":
            self.earned.add(event.get("exercise"))
        if event.get("event") == "solution" and event.get("exercise") not in self.earned:
            self._solution_seen.add(event.get("exercise"))

    def checked(self, exercise, verdict):
        """Record a verdict and return it, without points when the solution had been shown."""
        if verdict.correct and exercise.name in self._solution_seen:
            verdict = type(verdict)(verdict.outcome, f"{verdict.message} (The solution had been shown: no points.)".strip(), verdict.label)
        if verdict.label:
            self.add(exercise, "check", outcome=verdict.outcome.value.lower(), points=verdict.points, feedback=verdict.label)
        return verdict

    def add(self, exercise, event, **details):
        """Append an event to the record; when it can't be saved, say so once and go on."""
        entry = {"lesson": self._lesson_id, "exercise": exercise.name, "event": event, **details}
        self._take(entry)
        try:
            record.append(entry)
        except record.RecordProblem as problem:
            self._tell(problem)

    def _tell(self, problem):
        if not self._trouble_told:
            _show(Card("Your progress is not being saved", f"{problem} You can go on with the lesson all the same."))
        self._trouble_told = True


class _Absent:
    """Stands for an exercise that this version of the lesson doesn't have: says so instead of failing."""

    def __init__(self, handle, lesson, mismatch):
        self._card = Card(
            f"Lesson {lesson.id} has no {handle}",
            mismatch or f"Its exercises are q1 to q{len(lesson.exercises)}.",
        )

    def check(self, *answer):
        """Say that there is no such exercise."""
        return self._card

    hint = solution = check


class _NoSuchName(CourseError, AttributeError):
    """An attribute that the lesson doesn't have, said in one sentence."""


def _mismatch(lesson, version):
    """What it means that the notebook was made for another version of the lesson, or ""."""
    if version is None or version == lesson.version:
        return ""
    if version < lesson.version:
        return (
            f"This notebook was made for version {version} of the lesson, and the course on this computer has version "
            f"{lesson.version}: exercises may have been added or renumbered. Your answers and points are kept. Run "
            "`coursekit lab` again: it puts the new notebook beside this one."
        )
    return (
        f"This notebook was made for version {version} of the lesson, and the course on this computer has only version "
        f"{lesson.version}. Update the course, then restart the kernel."
    )


class _Told:
    """A card that stands below the cell already: all that it says, without being shown once more as the cell's last value."""

    def __init__(self, card):
        self._card = card

    def __getattr__(self, name):
        return getattr(self._card, name)

    def __repr__(self):
        return repr(self._card)

    def _ipython_display_(self):
        pass


class _Progress:
    """How far a check has come, below the cell in a notebook. At the end it says the same as at the beginning: nbval compares the first."""

    def __init__(self):
        self._shown = None

    def __call__(self, done, total, what):
        if not _in_a_notebook():
            return
        from IPython.display import display

        card = Card(f"{total} {what}, one after the other{f': {done} done' * (0 < done < total)}")
        if self._shown is None:
            self._shown = display(card, display_id=True)
        else:
            self._shown.update(card)


def _told(card):
    """Show a card at once in a notebook, so that a line after the check doesn't hide it; elsewhere it is returned to be printed."""
    if not _in_a_notebook():
        return card
    _show(card)
    return _Told(card)


def _in_a_notebook():
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def _show(thing):
    """Show something below the cell in a notebook, or print it elsewhere."""
    if "IPython" in sys.modules:
        from IPython.display import display

        display(thing)
    else:
        print(thing)
