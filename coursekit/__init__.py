"""coursekit: the PACS career ladder, hands on.

A notebook needs two names: `lesson("cpas-06")` opens a lesson, `hospital()` is the hospital that all lessons play in.
Everything else loads when it's used.
"""

__version__ = "0.1.0"
__all__ = ["hospital", "lesson"]


def lesson(id, version=None, seed=None, database=None):
    """Open a lesson in a notebook: shows its title, objectives and your progress, and returns its exercises.

    id      : the lesson's id, "cpas-06"
    version : the version of the lesson that the notebook was made for; when the installed course has another one, the
              notebook is told what that means
    seed    : of the hospital to play at, such as one of a class's own; None for the lesson's own
    database: where the queries of a lesson on SQL run: None for SQLite, which needs nothing more; the address of a PostgreSQL server,
              "postgresql://USER:PASSWORD@localhost:5432/DATABASE", into which the hospital is loaded once; or "orthanc" for the index of
              a real Orthanc, where one is installed

    Raises CourseError (one sentence) for an id that the course doesn't have, a seed that no edition has, or a database that cannot be used.
    """
    from coursekit.learner.opening import open_lesson

    return open_lesson(id, version, seed, database)


def hospital(seed=0, scale=None):
    """The simulated hospital; see `coursekit.hospital.hospital`."""
    from coursekit.hospital import hospital as make

    return make(seed) if scale is None else make(seed, scale)
