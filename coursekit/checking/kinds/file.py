"""File: files that the learner made, read again and compared part by part."""

from pathlib import Path

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a
from coursekit.checking.verdict import Outcome, Verdict

MOST_FILES = 200
MOST_BYTES = 64_000_000


class File(Kind):
    """One file or several: paths of files, a folder, their bytes, or the objects that a library would write into them.

    variables : the learner's variable
    reading   : a function that gets a list of what the learner gave, paths already read into bytes, and returns
                {what each file is, in words: {the name of each part: its value}}; ValueError with a sentence when it can't
    free      : dict from the name of a part to a function(value, its whole file) that returns None if the value will do, or
                a sentence; the part must be there, but need not be as in the solution

    ignore     : beginnings of the names of parts that don't matter, whether they are there or not

    A difference names file and part, never the value. A wrong way is told by the first part in which the answer is wrong.
    """

    takes = "a file, or a list of files"

    def __init__(self, variables, reading, free=None, ignore=()):
        super().__init__(variables)
        self.reading = reading
        self.free = free or {}
        self.ignore = tuple(ignore)

    def read(self, given):
        """{file: {part: value}}."""
        several = list(given) if type(given) in (list, tuple) else list(given.values()) if type(given) is dict else [given]
        if not several:
            raise Unclear("an empty list")
        try:
            contents = [content for one in several for content in _contents(one)]
        except OSError as problem:
            raise Unreadable(f"A file could not be read: {problem.strerror or type(problem).__name__}.") from None
        if len(contents) > MOST_FILES:
            raise Unclear(f"{len(contents):,} files, more than any answer here holds")
        try:
            files = self.reading(contents)
        except ValueError as problem:
            sentence = str(problem).rstrip(".")
            end = "" if sentence.endswith(("?", "!")) else "."
            raise Unreadable(f"{sentence[:1].upper()}{sentence[1:]}{end}") from None
        return {name: {part: value for part, value in parts.items() if not part.startswith(self.ignore)}
                for name, parts in files.items()}

    def difference(self, answer, other):
        """None when all files agree in all parts."""
        place = self._first_wrong(answer, other)
        return None if place is None else place[2]

    def _first_wrong(self, answer, other):
        """(file, part, Difference) of the first difference, or None; file and part are None where a whole file is at fault."""
        for name in other:
            if name not in answer:
                return None, None, Difference(f"{_begun(name)} is missing.", "missing file")
        for name in answer:
            if name not in other:
                return None, None, Difference(f"{_begun(name)} was not asked for.", "extra file")
        for name, parts in other.items():
            found = first_wrong_part(answer[name], parts, self.free)
            if found is not None:
                part, difference = found
                return name, part, Difference(f"In {name}: {difference.message}", difference.label)
        return None

    def judge(self, exercise, given, editions):
        """As for every kind, but the first wrong part alone decides which wrong way it is."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label == "unreadable" or verdict.label in {way.__name__ for way in exercise.wrong_ways}:
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        name, part, _ = self._first_wrong(answer, right)
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._computed(exercise, way, editions)
            found = self._first_wrong(wrong, right)
            if part and found and found[:2] == (name, part) and wrong[name].get(part) == answer[name].get(part):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        return verdict


def first_wrong_part(ours, parts, free):
    """(part, Difference) of the first part in which two things that were read into parts differ, or None.

    ours, parts : dict from the name of a part to its value: what was given, and what is right
    free        : see File
    """
    for part in parts:
        if part not in ours:
            return part, Difference(f"{part} is missing.", "missing part")
    for part in ours:
        if part not in parts:
            return part, Difference(f"{part} does not belong there.", "extra part")
    for part, value in parts.items():
        if part in free:
            complaint = free[part](ours[part], ours)
            if complaint:
                return part, Difference(complaint, "value")
        elif ours[part] != value:
            return part, Difference(f"{part} is not right.", "value")
    return None


def _begun(name):
    """What a file is, at the beginning of a sentence; a file's own name stays as it is."""
    return f"The {name.removeprefix('the ')}" if name.startswith("the ") else name


def _contents(given):
    """What was given, files read into bytes: a list."""
    if is_a(given, (str, Path)):
        text = str(Path(given)) if is_a(given, Path) else str.__str__(given)
        if not text.strip() or len(text) > 1000 or "\0" in text:
            raise Unclear(describe(given))
        path = Path(text)
        if path.is_dir():
            files = sorted(one for one in path.rglob("*") if one.is_file())
            if not files:
                raise Unreadable("The folder is empty.")
            if len(files) > MOST_FILES or sum(one.stat().st_size for one in files) > MOST_BYTES:
                raise Unreadable("The folder holds more than any answer here.")
            return [one.read_bytes() for one in files]
        if not path.is_file():
            raise Unreadable("There is no file of that name; is the path right, and was the file written?")
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable("The file is larger than any answer here.")
        return [path.read_bytes()]
    return [bytes(memoryview(given))] if is_a(given, (bytes, bytearray, memoryview)) else [given]
