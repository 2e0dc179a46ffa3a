"""A lesson as a learner has it in the notebook: `lesson("cpas-06")`."""

import copy
import html
import sys

from coursekit import lessons
from coursekit.checking.lesson import Editions
from coursekit.checking.verdict import Card
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.learner import record

UNSEEN_SEEDS = (101, 102)  # hospitals that no notebook shows


def open_lesson(id, version=None):
    """The OpenLesson of an id, shown. Raises CourseError when there is none."""
    opened = OpenLesson(lessons.load(id), version)
    _show(opened)
    return opened


class OpenLesson:
    """A lesson in use: its exercises as q1, q2, ..., and its inputs by their names."""

    def __init__(self, lesson, version=None):
        self._lesson = lesson
        self._mismatch = _mismatch(lesson, version)
        self._editions = Editions(hospital(), lambda: [hospital(seed, "tiny") for seed in UNSEEN_SEEDS])
        self._log = Log(lesson.id)
        self._exercises = [OpenExercise(exercise, self._editions, self._log) for exercise in lesson.exercises]
        for exercise in self._exercises:
            setattr(self, exercise.handle, exercise)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._lesson.inputs:
            # a copy of its own, so that nothing the learner does to it reaches the solution
            return copy.deepcopy(self._lesson.input_of(name, self._editions.own))
        if name[:1] == "q" and name[1:].isdigit():
            return _Absent(name, self._lesson, self._mismatch)
        raise _NoSuchName(
            f"Lesson {self._lesson.id} has nothing called `{name}`. {self._mismatch or self._what_there_is()}"
        )

    def _what_there_is(self):
        names = [exercise.handle for exercise in self._exercises] + list(self._lesson.inputs)
        return f"It has {', '.join(names)}."

    def __dir__(self):
        return [exercise.handle for exercise in self._exercises] + list(self._lesson.inputs)

    def _done(self):
        return sum(exercise.name in self._log.earned for exercise in self._lesson.exercises)

    def __repr__(self):
        lesson = self._lesson
        lines = [f"Lesson {lesson.id}: {lesson.title} (about {lesson.minutes} minutes)", "You will be able to"]
        lines += [f"  - {objective}" for objective in lesson.objectives]
        lines.append(f"Progress: {self._done()} of {len(self._exercises)} exercises correct")
        return "\n".join(lines + ([self._mismatch] if self._mismatch else []))

    def _repr_html_(self):
        lesson = self._lesson
        done, count = self._done(), len(self._exercises)
        objectives = "".join(f"<li>{html.escape(objective)}</li>" for objective in lesson.objectives)
        warning = f'<div style="margin-top:6px"><b>Please note:</b> {html.escape(self._mismatch)}</div>' if self._mismatch else ""
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

    @property
    def handle(self):
        """What the learner calls it: "q1"."""
        return self._exercise.handle

    def check(self, *answer):
        """Say whether the answer is right, and if not, what it would mean. Never raises."""
        verdict = self._exercise.judge(answer, self._editions)
        return _told(self._log.checked(self._exercise, verdict))

    @property
    def failed(self):
        """The arguments of the case for which your function failed in the last check, a tuple; None if there is none."""
        return copy.deepcopy(self._exercise.failed)

    def hint(self):
        """The next rung of the hint ladder. A hint costs nothing."""
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


def _told(card):
    """Show a card at once in a notebook, so that a line after the check doesn't hide it; elsewhere it is returned to be printed."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return card
    _show(card)
    return _Told(card)


def _show(thing):
    """Show something below the cell in a notebook, or print it elsewhere."""
    if "IPython" in sys.modules:
        from IPython.display import display

        display(thing)
    else:
        print(thing)
