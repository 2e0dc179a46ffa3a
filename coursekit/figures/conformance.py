"""Pictures for reading conformance statements: who is user and who provider, how a context is agreed on, what passes between pairs."""

import re

from coursekit.figures.packets import arrow, lifelines
from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_GOOD, _BAD, _GROUND = "#cdeed9", "#fbe3b5", "#eef1f4"
SAYS = {0: "accepted", 3: "SOP class not accepted", 4: "no common transfer syntax"}


def roles(flows, title="Who sends the request is the user, who performs it is the provider"):
    """Pairs of systems with the request that passes between them, and the role of each end.

    flows : (user, request, SOP class, provider)
    """
    wide, step = 860, 74
    tall = 62 + step * len(flows)
    picture, axes = canvas(wide, tall)
    axes.text(16, 22, title, size=11, weight="bold", color=_INK, va="center")
    said = []
    for place, (user, request, sop_class, provider) in enumerate(flows):
        y = 78 + step * place
        for x, name, role in ((110, user, "SCU"), (750, provider, "SCP")):
            _box(axes, x - 94, y - 24, 188, 48, _GROUND)
            axes.text(x, y - 8, name, size=11, weight="bold", color=_INK, ha="center", va="center")
            axes.text(x, y + 11, role, size=10, color=_INK, ha="center", va="center")
        axes.annotate("", (652, y), (208, y), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.8})
        axes.text(430, y - 6, request, size=10, color=_INK, ha="center", va="bottom")
        axes.text(430, y + 6, sop_class, size=9.5, color=_FAINT, ha="center", va="top")
        said.append(f"{user}, SCU, sends {request} to {provider}, SCP, in the SOP class {sop_class}")
    return Picture(picture, f"{title}. {'; '.join(said)}.")


def associations(blocks, title="Who opens the association, and who sends which request on it"):
    """Associations between two systems, and the requests on each of them; the roles are not named.

    blocks : (what it is, the system at the left, the one at the right, which of the two opened it, [(sender, request), ...])
    """
    wide, row = 860, 38
    heights = [62 + row * len(requests) for _, _, _, _, requests in blocks]
    tall = 48 + sum(heights) + 14 * len(blocks)
    picture, axes = canvas(wide, tall)
    axes.text(16, 22, title, size=11, weight="bold", color=_INK, va="center")
    y, said = 44, []
    for (what, left, right, opener, requests), height in zip(blocks, heights, strict=True):
        _box(axes, 16, y, wide - 32, height, _GROUND)
        axes.text(430, y + 19, what, size=10, weight="bold", color=_INK, ha="center", va="center")
        for x, name in ((110, left), (750, right)):
            _box(axes, x - 80, y + 36, 160, height - 48, "white")
            middle = y + 12 + height / 2
            axes.text(x, middle - (8 if name == opener else 0), name, size=11, weight="bold", color=_INK, ha="center", va="center")
            if name == opener:
                axes.text(x, middle + 11, "opened it", size=9.5, color=_INK, ha="center", va="center")
        for place, (sender, request) in enumerate(requests):
            start, end = (194, 666) if sender == left else (666, 194)
            at = y + 64 + row * place
            axes.annotate("", (end, at), (start, at), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.8})
            axes.text(430, at - 5, request, size=10, color=_INK, ha="center", va="bottom")
        sent = ", then ".join(f"{sender} sends {request} to {right if sender == left else left}" for sender, request in requests)
        said.append(f"{what}: {opener} opened it; {sent}")
        y += height + 14
    return Picture(picture, f"{title}. {'. '.join(said)}.")


def dialogue(events, title="What was said"):
    """A sequence diagram of two systems in which each association has a field of its own: it shows where one ends and the next begins.

    events : with `source`, `target`, `what` and `detail`, as in a journal; each A-ASSOCIATE-RQ begins another association
    """
    parts = []
    for event in events:
        if event.what == "A-ASSOCIATE-RQ":
            parts.append([])
        parts[-1].append(event)
    parties = list(dict.fromkeys(name for part in parts for event in part for name in (event.source, event.target)))
    row, head, gap = 33, 34, 26
    wide, tall = 900, 78 + sum(head + row * len(part) + 8 + gap for part in parts)
    picture, axes = canvas(wide, tall)
    x = dict(zip(parties, (110, 790), strict=True))
    y, said = 78, []
    for number, part in enumerate(parts, 1):
        height = head + row * len(part) + 8
        _box(axes, 16, y, wide - 32, height, _GROUND)
        axes.text(450, y + 18, f"association {number}, opened by {part[0].source}", size=10, weight="bold", color=_INK, ha="center",
                  va="center")
        lines = []
        for place, event in enumerate(part):
            label = event.what + (f"  {event.detail}" if event.detail else "")
            arrow(axes, x[event.source], x[event.target], y + head + row * place + 26, label, _GROUND,
                  bool(re.fullmatch(r".*-(RSP|RP|AC|RJ)", event.what)))
            lines.append(f"{event.source} to {event.target}: {label}")
        said.append(f"Association {number}, opened by {part[0].source}: {'; '.join(lines)}")
        y += height + gap
    lifelines(axes, title, x, y - gap + 18)
    return Picture(picture, f"{title}. Sequence diagram, from the left: {', '.join(parties)}. {'. '.join(said)}.")


def negotiation(contexts, preferred, title="The caller offers, the called side chooses"):
    """Presentation contexts of one SOP class, and the list of the side that accepts, in its order of preference.

    contexts  : lists of the names of the transfer syntaxes that each context offers
    preferred : the acceptor's names, the favourite first
    """
    line, gap = 25, 26
    heights = [line * len(one) + 38 for one in contexts]
    left = sum(heights) + gap * (len(contexts) - 1)
    right = line * len(preferred) + 38
    wide, tall = 900, 84 + max(left, right) + 16
    picture, axes = canvas(wide, tall)
    axes.text(16, 22, title, size=11, weight="bold", color=_INK, va="center")
    axes.text(180, 58, "offered by the caller (its order does not bind)", size=10, color=_FAINT, ha="center", va="center")
    axes.text(720, 58, "accepted by the called side, favourite first", size=10, color=_FAINT, ha="center", va="center")
    _box(axes, 560, 76, 320, right, _GROUND)
    rows = {}
    for place, name in enumerate(preferred):
        rows[name] = 76 + 30 + line * place
        axes.text(578, rows[name], f"{place + 1}.  {name}", size=10, color=_INK, va="center")
    y, said = 76, []
    for number, (offered, height) in enumerate(zip(contexts, heights, strict=True)):
        _box(axes, 20, y, 320, height, _GROUND)
        axes.text(34, y + 16, f"context {2 * number + 1}", size=9.5, weight="bold", color=_FAINT, va="center")
        chosen = next((name for name in preferred if name in offered), None)
        for place, name in enumerate(offered):
            at = y + 42 + line * place - 4
            axes.text(34, at, name, size=10, color=_INK, va="center", weight="bold" if name == chosen else "normal")
            if name == chosen:
                axes.annotate("", (342, at), (558, rows[name]), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.8})
        if chosen is None:
            axes.text(352, y + height / 2, "result 4: nothing in common", size=10, color=_INK, va="center")
        said.append(f"context {2 * number + 1} offers {', '.join(offered)}: " + (f"{chosen} is chosen" if chosen else
                                                                               "result 4, nothing in common"))
        y += height + gap
    return Picture(picture, f"{title}. The called side's order is {', '.join(preferred)}. {'. '.join(said)}.")


def matrix(peers, rows, title):
    """What each peer would answer to each SOP class: a table of results, in words and numbers.

    peers : names of the columns
    rows  : (SOP class, [(result of a presentation context: a key of SAYS, the accepted transfer syntax or "") for each peer])
    """
    label, cell, step = 270, 300, 56
    wide, tall = label + cell * len(peers) + 20, 92 + step * len(rows)
    picture, axes = canvas(wide, tall)
    axes.text(16, 22, title, size=11, weight="bold", color=_INK, va="center")
    for place, peer in enumerate(peers):
        axes.text(label + cell * (place + 0.5), 60, peer, size=10.5, weight="bold", color=_INK, ha="center", va="center")
    said = []
    for number, (name, results) in enumerate(rows):
        y = 78 + step * number
        axes.text(16, y + step / 2 - 3, name, size=10, color=_INK, va="center")
        for place, (result, syntax) in enumerate(results):
            middle = y + step / 2 - 3
            _box(axes, label + cell * place + 4, y, cell - 8, step - 6, _GOOD if result == 0 else _BAD)
            axes.text(label + cell * (place + 0.5), middle - (9 if syntax else 0), f"{result}  {SAYS[result]}", size=9.5, color=_INK,
                      ha="center", va="center")
            if syntax:
                axes.text(label + cell * (place + 0.5), middle + 10, syntax, size=9.5, color=_INK, ha="center", va="center")
        said.append(f"{name}: " + ", ".join(
            f"{peer} {result}, {SAYS[result]}{f' in {syntax}' if syntax else ''}"
            for peer, (result, syntax) in zip(peers, results, strict=True)))
    return Picture(picture, f"{title}. {'; '.join(said)}.")


def _box(axes, x, y, width, height, fill):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK, linewidth=0.9))
