"""What a learner is shown: one message, as stable text and as HTML for light and dark themes."""

import enum
import html
import re
import textwrap
from dataclasses import dataclass


class Outcome(enum.Enum):
    """The three things a check can say, and a fourth for trouble that is not the learner's."""

    NOT_ANSWERED = "Not answered yet"
    CORRECT = "Correct"
    NOT_YET = "Not yet"
    TROUBLE = "The course has a problem"


# Labels of what a learner must be told at once: the answer could not be read or carried out, or holds at one hospital only.
NO_DIAGNOSIS = ("unreadable", "refused", "error", "time", "interrupted", "only here")
_MARKS = {Outcome.NOT_ANSWERED: "○", Outcome.CORRECT: "✓", Outcome.NOT_YET: "✗", Outcome.TROUBLE: "!"}
_COLOURS = {  # JupyterLab's theme variables, each with a fallback for other front ends
    Outcome.NOT_ANSWERED: "var(--jp-border-color1, #9e9e9e)",
    Outcome.CORRECT: "var(--jp-success-color1, #2e7d32)",
    Outcome.NOT_YET: "var(--jp-warn-color1, #e65100)",
    Outcome.TROUBLE: "var(--jp-error-color1, #c62828)",
}


class Card:
    """A note to the learner: a heading, a body in light Markdown (`code`, **bold**, lists), and perhaps code.

    `repr()` is the plain text, which notebooks are compared by; `_repr_html_()` is what JupyterLab shows.
    """

    def __init__(self, heading, body="", code="", colour="var(--jp-brand-color1, #1976d2)"):
        self.heading = heading
        self.body = body
        self.code = code
        self.colour = colour

    def __repr__(self):
        parts = [self.heading]
        for paragraph in filter(None, self.body.split("\n")):
            parts.append(textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False))
        if self.code:
            parts += ["", textwrap.indent(self.code, "    ")]
        return "\n".join(parts)

    def _repr_html_(self):
        body = "".join(f"<div>{_inline(line)}</div>" for line in self.body.split("\n") if line)
        code = (
            f'<pre style="margin:6px 0 0 0;padding:6px 8px;background:var(--jp-layout-color2,#eee);'
            f'color:inherit;overflow-x:auto">{html.escape(self.code)}</pre>'
            if self.code
            else ""
        )
        return (
            f'<div style="border-left:4px solid {self.colour};padding:4px 12px;margin:4px 0;max-width:60em;'
            f'color:var(--jp-content-font-color1,inherit);line-height:1.5">'
            f'<div style="font-weight:600">{_inline(self.heading)}</div>{body}{code}</div>'
        )


def _inline(text):
    escaped = html.escape(text)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", escaped)


@dataclass(frozen=True, repr=False)
class Verdict:
    """The answer to a check.

    outcome : Outcome
    message : one sentence or a few: what the learner's answer would mean and what to look at
    label   : which feedback it is ("by_study_date", "factor", "missing column"), for the progress record
    points  : points earned by this answer
    """

    outcome: Outcome
    message: str = ""
    label: str = ""
    points: int = 0

    @property
    def correct(self):
        """True when the answer is right."""
        return self.outcome is Outcome.CORRECT

    @property
    def diagnoses(self):
        """True when the message says why an answer that could be read and carried out is not right."""
        return self.outcome is Outcome.NOT_YET and self.label not in NO_DIAGNOSIS

    def card(self):
        """The verdict as a Card."""
        heading = f"{_MARKS[self.outcome]} {self.outcome.value}"
        if self.points:
            heading += f" ({self.points} point{'s' if self.points != 1 else ''})"
        return Card(heading, self.message, colour=_COLOURS[self.outcome])

    def __repr__(self):
        return repr(self.card())

    def _repr_html_(self):
        return self.card()._repr_html_()
