"""A lesson on another database than SQLite: on a PostgreSQL server, or on the index of a real Orthanc."""

from typing import NamedTuple

from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.learner.bar import Bar

ORTHANC = "orthanc"


class Place(NamedTuple):
    """Where a lesson's queries go.

    editions  : Editions
    exercises : list of Exercise, those of the lesson that can be asked there
    said      : a sentence about the place, for the learner
    missing   : a sentence for an exercise that cannot be asked there
    """

    editions: Editions
    exercises: list
    said: str
    missing: str


class Elsewhere:
    """A hospital whose `pacs` is another database; everything else is the hospital's own."""

    def __init__(self, hospital, pacs):
        self._hospital, self.pacs = hospital, pacs

    def __getattr__(self, name):
        return getattr(self._hospital, name)


def place(database, lesson, own, unseen):
    """The Place that a learner names with `database`. Loads what is not there yet, with a progress bar.

    database : the address of a PostgreSQL server, or ORTHANC
    own      : the learner's hospital; `unseen` are the others

    Raises CourseError when the place cannot be used, or the lesson has nothing to do there.
    """
    text = database.strip() if isinstance(database, str) else ""
    if "pacs" not in lesson.inputs:
        raise CourseError(f"Lesson {lesson.id} does not ask the PACS database, so it cannot play on another one; leave out `database=`.")
    if text.startswith(("postgresql:", "postgres:")):
        return _on_postgresql(text, lesson, own, unseen)
    if text.lower() == ORTHANC:
        return _on_orthanc(lesson, own, unseen)
    raise CourseError('`database=` takes the address of a PostgreSQL server, "postgresql://USER:PASSWORD@localhost:5432/DATABASE", or '
                      f'"{ORTHANC}"; without it the lesson plays on SQLite.')


def _on_postgresql(address, lesson, own, unseen):
    from coursekit.hospital.postgresql import Server

    known = {}
    with Bar() as bar:
        server = Server(address, bar.advance)

        def asked(hospital):
            if hospital not in known:
                known[hospital] = Elsewhere(hospital, server.database(hospital))
            return known[hospital]

        for hospital in (own, *unseen):
            asked(hospital)
    said = ("Your queries run on PostgreSQL, in its dialect. What the lesson shows as a solution is written so that it runs there, too; "
            "databases of your own, which some exercises give you, stay SQLite.")
    return Place(Editions(own, lambda: unseen, asked), lesson.exercises, said, "")


def _on_orthanc(lesson, own, unseen):
    from coursekit.hospital import orthanc

    exercises = [exercise.on[ORTHANC] for exercise in lesson.exercises if ORTHANC in exercise.on]
    if not exercises:
        raise CourseError(f"Lesson {lesson.id} has no exercise on the index of Orthanc; cpas-06 has some.")
    with Bar() as bar:
        # One unseen hospital is enough to find what is only true here; each more would take some seconds.
        hospitals = [Elsewhere(hospital, orthanc.index(hospital, bar.advance)) for hospital in (own, *unseen[:1])]
    said = ("Your queries run on the index of a real Orthanc (its SQLite file), which got some hundreds of the hospital's objects a "
            "moment ago. Its tables are not those of the lesson: look at `pacs.tables()` first. The questions are below.")
    missing = ("The index of Orthanc does not hold what this exercise asks for, such as orders, deleted studies, or arrivals that are "
               "older than a minute. It is there when the lesson is opened without `database=`.")
    return Place(Editions(hospitals[0], lambda: hospitals[1:]), exercises, said, missing)
