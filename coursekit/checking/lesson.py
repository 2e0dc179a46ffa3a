"""A lesson's exercises, as their author writes them, and the judging of an answer."""

import inspect
import random
import weakref
from dataclasses import dataclass, field

from coursekit.checking import running
from coursekit.checking.source import FunctionSource
from coursekit.checking.verdict import Outcome, Verdict

FEWEST_WRONG_WAYS = 3
FEWEST_HINTS = 3


class Editions:
    """The hospitals that an answer is judged on: the learner's own, and others that it must hold on too.

    own    : the learner's hospital
    unseen : a function that gives the list of the others; called only by kinds that carry an answer out
    asked  : a function from one of them to the same hospital as the learner's own queries meet it, on another database; solutions and
             wrong ways keep to the hospital itself
    tell   : a function of (how many are done, how many there are, what they are), to be called where a check takes seconds
    """

    def __init__(self, own, unseen=lambda: [], asked=lambda hospital: hospital):
        self.own = own
        self._unseen = unseen
        self.asked = asked
        self.tell = lambda done, total, what: None

    def all(self):
        """The learner's hospital and the unseen ones."""
        return [self.own, *self._unseen()]

    def and_also(self, hospital):
        """The same with one more unseen hospital."""
        return Editions(self.own, lambda: [*self._unseen(), hospital], self.asked)


@dataclass
class Exercise:
    """One exercise: what is asked, and everything that judges an answer to it.

    name       : its author's name for it, stable over versions; the progress record goes by it
    number     : its place in the lesson, from 1; the learner calls it q1, q2, ...
    question   : Markdown
    answer     : the kind of answer
    solution   : function of the lesson's inputs (for a Function exercise: the function itself)
    wrong_ways : dict from a function like the solution to the feedback for its answer
    hints      : the rungs of the hint ladder
    points     : what it counts
    praise     : a sentence shown with "Correct": what the right answer means at work
    cases      : for a Function or Server exercise, a function from a random.Random, and inputs of the lesson that it names after it, to a list of
                 argument tuples
    trial      : for a Config exercise, a function from settings and a hospital to what comes of them
    faults     : for a Config exercise, a function from that outcome to sentences: what is not good enough
    stage      : for a Client or Tests exercise, a function from a random.Random to a context manager: servers that run while it is open; for a
                 Server exercise, one from a case's arguments: what stands around the server
    visit      : for a Server exercise, a function from a port and a case's arguments (or from server and bench) to what was seen there
    right      : for a Client exercise, a function from how a server behaves to what a right client returns
    on         : dict from the name of another database to the Exercise that is asked there in place of this one
    failed     : of a Function exercise, the arguments of the case that failed in the last check, or None
    signs      : for an exercise whose answer is text to be carried out, dict from a regular expression to a wrong way: when the result fits no wrong way
                 because several mistakes came together, the first sign found in the query's text tells what to look at
    """

    lesson: "Lesson"
    name: str
    number: int
    question: str
    answer: object
    solution: object
    wrong_ways: dict
    hints: list
    points: int = 1
    praise: str = ""
    cases: object = None
    trial: object = None
    faults: object = None
    stage: object = None
    visit: object = None
    right: object = None
    signs: dict = field(default_factory=dict)
    on: dict = field(default_factory=dict)
    failed: tuple = None
    _memory: weakref.WeakKeyDictionary = field(default_factory=weakref.WeakKeyDictionary, repr=False)

    @property
    def handle(self):
        """What the learner calls it: "q1"."""
        return f"q{self.number}"

    def judge(self, given, editions):
        """The Verdict on an answer. Never raises, whatever is given.

        given    : tuple of what the learner passed to `check`
        editions : Editions
        """
        with running.original_builtins():
            try:
                return self._judge(given, editions)
            except KeyboardInterrupt:
                return Verdict(Outcome.NOT_YET, "You stopped the check. Run the cell again when you like.", "interrupted")
            except BaseException as problem:
                return Verdict(
                    Outcome.TROUBLE,
                    f"This answer could not be checked, and that is the course's fault, not yours ({type(problem).__name__}). "
                    f"Nothing is lost. Please report it, with the exercise's name `{self.lesson.id} {self.name}` and your answer.",
                    "trouble",
                )

    def _judge(self, given, editions):
        self.failed = None
        wanted = len(self.answer.variables)
        if len(given) != wanted:
            names = ", ".join(self.answer.variables)
            return Verdict(
                Outcome.NOT_YET,
                f"This check takes {wanted} value{'s' * (wanted > 1)}: `{self.handle}.check({names})`. You gave {len(given)}.",
                "unreadable",
            )
        if self.answer.not_answered(given):
            names = " and ".join(f"`{name}`" for name in self.answer.variables)
            return Verdict(Outcome.NOT_ANSWERED, f"Put your answer in place of the `...` of {names}, then run the cell again.")
        return self.answer.judge(self, given, editions)

    def computed(self, function, hospital):
        """What the solution or a wrong way gives on a hospital; remembered while that hospital is in use."""

        def compute():
            inputs = [self.lesson.input_of(name, hospital) for name in inspect.signature(function).parameters]
            return function(*inputs)

        return self.remembered(function, hospital, compute)

    def remembered(self, key, hospital, compute):
        """The value of `compute()`, computed once per key and hospital."""
        memory = self._memory.setdefault(hospital, {})
        if key not in memory:
            memory[key] = compute()
        return memory[key]

    def cases_on(self, hospital):
        """The cases of a Function exercise on a hospital; made once."""

        def make():
            inputs = [self.lesson.input_of(name, hospital) for name in list(inspect.signature(self.cases).parameters)[1:]]
            return self.cases(random.Random(f"{self.name} {hospital.seed}"), *inputs)

        return self.remembered("cases", hospital, make)

    def forget(self):
        """Forget what was remembered, so that the next check computes it anew."""
        self._memory.clear()

    def solution_text(self):
        """The solution as the learner would have written it in the notebook."""
        return self.answer.shown(FunctionSource(self.solution))

    def question_text(self):
        """The question in Markdown, with its heading, options and points, as it stands in the notebook."""
        points = f"{self.points} point{'s' * (self.points != 1)}"
        text = f"### Exercise {self.number}\n\n{self.question}\n\n"
        options = getattr(self.answer, "options", None)
        if options:
            text += "\n".join(f"- **{letter}**: {option}" for letter, option in options.items()) + "\n\n"
        return text + f"*{self.handle} · {points}*"

    def answer_text(self, variable):
        """The answer cell of the untouched notebook. `variable` is the notebook's name for the lesson: "cpas06"."""
        return self._with_check(self._stub(), variable)

    def solved_text(self, variable):
        """The answer cell of the solved notebook."""
        return self._with_check(self.solution_text(), variable)

    def _stub(self):
        if hasattr(self.answer, "stub_of"):
            return self.answer.stub_of(FunctionSource(self.solution))
        return self.answer.stub()

    def _with_check(self, answer, variable):
        return f"{answer}\n\n{variable}.{self.handle}.check({', '.join(self.answer.variables)})"


class Lesson:
    """A lesson's exercises and inputs.

    id         : "cpas-06"
    title      : its name
    version    : raised whenever exercises are added, removed or renumbered; the notebook names it too
    minutes    : how long it takes
    objectives : what the learner will be able to do, a line each
    covers     : the activities of the curriculum that it teaches
    needs      : ids of lessons to do before
    edition    : the seed of the hospital that it plays at, for a project; None for the one that all lessons show
    asked_only : whether a check says no more than that an answer is not right, and `hint()` first tells why
    """

    def __init__(self, id, title, version, minutes, objectives, covers=(), needs=(), edition=None, asked_only=False):
        self.id = id
        self.title = title
        self.version = version
        self.minutes = minutes
        self.objectives = list(objectives)
        self.covers = list(covers)
        self.needs = list(needs)
        self.edition = edition
        self.asked_only = asked_only
        self.exercises = []
        self.inputs = {}
        self._memory = weakref.WeakKeyDictionary()

    @property
    def variable(self):
        """The notebook's name for the lesson: "cpas06"."""
        return self.id.replace("-", "")

    def input(self, function):
        """Decorator: a function of the hospital whose value exercises and the notebook use by its name."""
        self.inputs[function.__name__] = function
        return function

    def input_of(self, name, hospital):
        """The value of an input on a hospital; computed once."""
        memory = self._memory.setdefault(hospital, {})
        if name not in memory:
            memory[name] = self.inputs[name](hospital)
        return memory[name]

    def exercise(self, definition):
        """Decorator: a class whose body is an exercise (see docs/writing-a-lesson.md).

        A class in it called on_..., as on_orthanc, is the exercise that takes its place on another database. What it does not say,
        such as the kind of answer, is as in the class around it.
        """
        made = self._exercise(definition.__name__, vars(definition), len(self.exercises) + 1)
        for name, place in vars(definition).items():
            if name.startswith("on_") and isinstance(place, type):
                shared = {part: value for part, value in vars(definition).items() if part in ("answer", "points", "praise")}
                made.on[name[3:]] = self._exercise(f"{made.name}.{name}", shared | vars(place), made.number)
        self.exercises.append(made)
        return definition

    def _exercise(self, name, parts, number):
        for part in ("answer", "solution", "wrong_ways", "hints"):
            if part not in parts:
                raise ValueError(f"exercise {name} has no `{part}`")
        if not parts["__doc__"]:
            raise ValueError(f"exercise {name} has no question: write it as the docstring")
        if len(parts["wrong_ways"]) < FEWEST_WRONG_WAYS:
            raise ValueError(f"exercise {name} has fewer than {FEWEST_WRONG_WAYS} wrong ways")
        if len(parts["hints"]) < FEWEST_HINTS:
            raise ValueError(f"exercise {name} has fewer than {FEWEST_HINTS} hints")
        return Exercise(
            lesson=self,
            name=name,
            number=number,
            question=inspect.cleandoc(parts["__doc__"]),
            answer=parts["answer"],
            solution=parts["solution"],
            wrong_ways=dict(parts["wrong_ways"]),
            hints=[" ".join(hint.split()) for hint in parts["hints"]],
            points=parts.get("points", 1),
            praise=parts.get("praise", ""),
            **{part: parts.get(part) for part in ("cases", "trial", "faults", "stage", "visit", "right")},
            signs=dict(parts.get("signs", {})),
        )
