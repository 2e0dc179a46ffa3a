"""An error that a learner sees as one sentence instead of a traceback."""


class CourseError(Exception):
    """What happened, why, and what to do next, in one sentence. IPython shows the sentence alone."""

    def _render_traceback_(self):
        return [str(self)]
