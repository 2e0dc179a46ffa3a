"""An affinity domain drawn and read: the map of its actors and transactions, and the messages of an exchange, each a click away."""

import html
import re
import textwrap

from coursekit.figures.picture import Picture, figure
from coursekit.standards import hl7, soap, xml
from coursekit.standards.xds import facts

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_BOX, _HEAD = "#eef2f6", "#dbe6f2"
_WIDE, _CELL, _TALL = 210, 344, 104         # of a box; from one column to the next; the height of a box
_ROW, _TOP, _LEFT = 176, 52, 14
MOST_LINES = 400                            # of one part of a message; of more, the rest is counted
SEGMENTS = {"MSH": "message header", "EVN": "event", "PID": "patient", "PV1": "visit", "MRG": "the identifier that is merged away",
            "MSA": "acknowledgement", "ERR": "error", "QPD": "query", "RCP": "how to answer", "QAK": "status of the query",
            "DSC": "continuation"}
_RANDOM_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CONTENT_ID = re.compile(r"(document\d+|root)@[0-9a-f]{32}")


# The map

def domain_map(actors, transactions, title):
    """The map of a domain: actors as boxes with their identifiers, transactions as arrows from who asks to who answers.

    actors       : {name: (role, identifier, column, row)}, columns and rows counted from 0
    transactions : (from, to, label) or (from, to, label, where), where is the share of the way at which the label stands, 0.5 in the middle
    """
    columns = 1 + max(column for *_, column, _ in actors.values())
    rows = 1 + max(row for *_, row in actors.values())
    wide, tall = 2 * _LEFT + _WIDE + _CELL * (columns - 1), _TOP + _TALL + _ROW * (rows - 1) + 16
    picture = figure(wide, tall)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.axis("off")
    axes.text(_LEFT, 22, title, size=11, weight="bold", color=_INK, va="center")
    middle = {name: (_LEFT + _CELL * column + _WIDE / 2, _TOP + _ROW * row + _TALL / 2) for name, (*_, column, row) in actors.items()}
    for source, target, label, *where in transactions:
        start, end = _edge(middle[source], middle[target]), _edge(middle[target], middle[source])
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}, zorder=1)
        share = where[0] if where else 0.5
        at = [a + (b - a) * share for a, b in zip(start, end)]
        axes.text(*at, label, size=9, color=_INK, ha="center", va="center", linespacing=1.25, zorder=1.5,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})
    for name, (role, identifier, _, _) in actors.items():
        x, y = middle[name][0] - _WIDE / 2, middle[name][1] - _TALL / 2
        axes.add_patch(_box(x, y, _WIDE, _TALL, _BOX))
        axes.add_patch(_box(x, y, _WIDE, 28, _HEAD))
        axes.text(x + _WIDE / 2, y + 14, name, size=10, weight="bold", color=_INK, ha="center", va="center")
        words = "\n".join(textwrap.wrap(role, 30))
        axes.text(x + _WIDE / 2, y + (50 if identifier else 66), words, size=9.5, color=_INK, ha="center", va="center", linespacing=1.2)
        axes.text(x + _WIDE / 2, y + 86, identifier, size=9, color=_INK, ha="center", va="center", family="monospace")
    boxes = "; ".join(f"{name}, {role}" + (f", {identifier}" if identifier else "") for name, (role, identifier, *_) in actors.items())
    arrows = "; ".join(f"{source} to {target}: {' '.join(label.split())}" for source, target, label, *_ in transactions)
    return Picture(picture, f"{title}. Map of actors: {boxes}. Transactions: {arrows}.")


def _edge(here, there):
    """Where the line from the middle of one box to that of another leaves the first."""
    dx, dy = there[0] - here[0], there[1] - here[1]
    share = min((_WIDE / 2 + 2) / abs(dx) if dx else 9, (_TALL / 2 + 2) / abs(dy) if dy else 9)
    return here[0] + dx * share, here[1] + dy * share


def _box(x, y, width, height, fill):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK, linewidth=0.8, zorder=2)


# The messages

class Messages:
    """The messages of an exchange. In a notebook each opens at a click and shows its parts; as text, a line for each with the parts named.

    What is made anew on every run, such as the identifiers of messages, is numbered in the order in which it comes, so that what belongs
    together is still seen to belong together.
    """

    def __init__(self, events):
        self._numbers = {}
        self._shown = [(event, [(name, self._same_on_each_run(text)) for name, text in _parts(event.data)]) for event in events]

    def _same_on_each_run(self, text):
        def uuid(found):
            name = _KNOWN.get(found[0])
            return f"{found[0]} [{name}]" if name else f"uuid-{self._numbers.setdefault(found[0], len(self._numbers) + 1)}"

        return _CONTENT_ID.sub(r"\1", _RANDOM_UUID.sub(uuid, text))

    def __repr__(self):
        lines = []
        for number, (event, parts) in enumerate(self._shown, 1):
            lines.append(f"{number:3}  {event!r}")
            lines += [f"       {name}" for name, _ in parts]
        return "\n".join(lines) or "Nothing has been said yet."

    def _repr_html_(self):
        if not self._shown:
            return "<div>Nothing has been said yet.</div>"
        return ('<div style="max-width:75em;color:var(--jp-content-font-color1,inherit);line-height:1.5">'
                + "".join(self._one(number, *one) for number, one in enumerate(self._shown, 1)) + "</div>")

    def _one(self, number, event, parts):
        source, target, what, detail = (html.escape(text) for text in (event.source, event.target, event.what, event.detail))
        head = f"{number}. {source} &rarr; {target} <b>{what}</b> {detail}"
        if not parts:
            return f'<div style="padding-left:1.1em">{head}</div>'
        inside = "".join(
            f'<div style="font-weight:600;margin-top:4px">{html.escape(name)}</div>'
            '<pre style="margin:0;padding:6px 8px;background:var(--jp-layout-color2,#eee);color:inherit;overflow-x:auto;'
            f'max-height:30em">{html.escape(text)}</pre>' for name, text in parts if text)
        return f'<details><summary style="cursor:pointer">{head}</summary><div style="margin:2px 0 8px 1.1em">{inside}</div></details>'


def messages(journal):
    """The messages of a live system's journal, or of a list of its events, as Messages."""
    return Messages(list(journal))


def _parts(data):
    """(name, text) of each part of what an event carried."""
    if isinstance(data, soap.Message):
        return _soap_parts(data)
    if isinstance(data, hl7.Message):
        return _hl7_parts(data)
    return []


def _soap_parts(message):
    header = [("wsa:Action", message.action), ("wsa:MessageID", message.message_id), ("wsa:RelatesTo", message.relates_to),
              ("wsa:ReplyTo", message.reply_to)]
    lines = [f"{name:<14} {value}" for name, value in header if value]
    shown = xml.pretty(message.body).splitlines()
    if len(shown) > MOST_LINES:
        shown = [*shown[:MOST_LINES], f"... and {len(shown) - MOST_LINES} lines more"]
    kind = "MTOM package" if message.packaged else "SOAP message"
    parts = [(f"{kind}: SOAP Header, {len(lines)} entries", "\n".join(lines)),
             (f"SOAP Body: {message.body.tag.rpartition('}')[2]}", "\n".join(shown))]
    for number, (name, octets) in enumerate(message.attachments.items(), 1):
        parts.append((f"MTOM part {number}: {_kind(octets)}", f"Content-ID     {name}\nlength         {len(octets):,} bytes"))
    return parts


def _kind(octets):
    """What a document is, by its first bytes."""
    if octets[128:132] == b"DICM":
        return "a DICOM file"
    return "a PDF" if octets.startswith(b"%PDF") else "XML" if octets.lstrip().startswith(b"<") else "a document"


def _hl7_parts(message):
    """The segments, each a part. Time and number of what is answered are made anew on every run, and left out."""
    parts = []
    answers = bool(message["MSA-1"])
    for line in message.encode().decode("utf-8", "replace").split("\r"):
        name = line[:3]
        if not name.strip():
            continue
        if name == "MSH" and answers:
            fields = line.split(line[3])
            fields[6], fields[9] = "(time)", "(number)"
            line = line[3].join(fields)
        parts.append((f"{name}: {SEGMENTS.get(name, 'segment')}", line))
    return parts


def _known():
    """{UUID that document sharing fixes: what it stands for}."""
    named = {one.key: f"{kind}.{one.name}" for kind, attributes in facts.ATTRIBUTES.items() for one in attributes
             if one.key.startswith("urn:uuid:")}
    named |= {query.id: name for name, query in facts.QUERIES.items()}
    named |= {facts.STABLE: "stable document", facts.ON_DEMAND: "on-demand document", facts.SET_NODE: "is a SubmissionSet",
              facts.FOLDER_NODE: "is a Folder", facts.ASSOCIATION_REASON: "reason of an association"}
    return {urn.removeprefix("urn:uuid:"): name for urn, name in named.items()}


_KNOWN = _known()
