"""The passport: a page to print, of what a learner has shown to be able to do."""

import html

from coursekit import __version__
from coursekit.learner.record import Standing

TIERS = {
    "cpas": "PACS associate", "cpsa": "PACS system analyst", "ciip": "Imaging informatics professional",
    "cpia": "PACS interface analyst", "hl7": "HL7 specialist", "chea": "Healthcare enterprise architect",
}
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 50em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.6em; margin: 0 } h2 { font-size: 1.15em; border-bottom: 2px solid #0b5394; margin: 1.6em 0 .4em }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .35em .6em .35em 0 }
th { font-weight: 600; color: #555; font-size: .9em } tr + tr td { border-top: 1px solid #ddd } td:nth-child(n+2) { white-space: nowrap }
.skill { display: block; color: #444; font-size: .93em } .done { font-weight: 600 } .small { color: #555; font-size: .88em }
@media print { body { margin: 0; max-width: none } tr { break-inside: avoid } h2 { break-after: avoid } }
"""


def page(lessons, standings: dict[str, dict[str, Standing]], name="") -> str:
    """The passport as a page of HTML that needs nothing else.

    lessons   : objects with `id`, `title`, `covers` and `exercises`, which have `name` and `points`
    standings : what `record.summary` returns
    name      : whose it is; "" leaves a line to write it on
    """
    tiers = {}
    for lesson in lessons:
        done = [standings.get(lesson.id, {}).get(exercise.name, Standing()) for exercise in lesson.exercises]
        if any(standing.correct for standing in done):
            tiers.setdefault(TIERS.get(lesson.id.split("-")[0], "Beginning"), []).append(_row(lesson, done))
    parts = [f"<h2>{html.escape(tier)}</h2>{_HEAD}{''.join(rows)}</table>" for tier, rows in tiers.items()]
    who = html.escape(name.strip()) or "Name: ______________________________"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Passport of the PACS career ladder</title><style>{STYLE}</style></head>'
        f"<body><h1>Passport of the PACS career ladder</h1><p>{who}</p>"
        + ("".join(parts) or "<p>No exercise has been solved yet.</p>")
        + '<p class="small">Each exercise was judged by the course on the data of a simulated hospital, many of them on hospitals that the learner had '
        "not seen. <b>Unaided</b> means solved before any hint or solution was shown. The page is made from the learner's own record "
        f"(coursekit {html.escape(__version__)}); it is no certificate of an examining body.</p></body></html>\n"
    )


_HEAD = "<table><tr><th>Lesson and what it is for at work</th><th>Solved</th><th>Unaided</th><th>Points</th><th>Last solved</th></tr>"


def _row(lesson, done):
    solved = [standing for standing in done if standing.correct]
    skills = "".join(f'<span class="skill">{html.escape(skill[0].upper() + skill[1:])}</span>' for skill in lesson.covers)
    complete = ' <span class="done">complete</span>' if len(solved) == len(done) else ""
    last = max((standing.when for standing in solved), default="")[:10]
    points = f"{sum(standing.points for standing in solved)} of {sum(exercise.points for exercise in lesson.exercises)}"
    return (
        f"<tr><td>{html.escape(lesson.title)}{complete}{skills}</td><td>{len(solved)} of {len(done)}</td>"
        f"<td>{sum(standing.unaided for standing in solved)}</td><td>{points}</td><td>{last}</td></tr>"
    )
