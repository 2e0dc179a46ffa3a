"""The associate's desk: the systems of the house, what each of them knows, and what passes between them."""

from coursekit.figures.picture import Picture, figure

INK, LINE, GREY, FILL = "#1a1a1a", "#0b5394", "#5f6b76", "#eaf1f8"
_WIDE, _HIGH = 230, 92
# name, what it knows (two lines), what the notebook calls it, place (left, top)
SYSTEMS = (
    ("RIS and worklist", "who was ordered what,", "where and when", "orders, in pacs", 24, 62),
    ("scanners", "what they wrote into", "each object's header", "slices, fragment", 335, 62),
    ("archive HV_PACS", "what arrived, under whom,", "and where to send it", "pacs", 646, 62),
    ("server hv-app1", "files of archive and worklist:", "configuration, logs, send jobs", "server, sh", 24, 252),
    ("router HV_ROUTER", "rules: which priors move,", "and when", "router, rules, wednesday", 335, 252),
    ("WS_CH1 and WS_MG1", "workstations: their own", "address, mask and gateway", "ws_ch1, try_out", 646, 252),
    ("audit repository", "who opened what, when", "and from which host", "accesses", 335, 416),
)
# from, to, what passes, and how far from the left edge of the upper box, where one stands above the other
FLOWS = (
    ("RIS and worklist", "scanners", "worklist", None),
    ("scanners", "archive HV_PACS", "C-STORE", None),
    ("archive HV_PACS", "WS_CH1 and WS_MG1", "C-STORE", 30),
    ("WS_CH1 and WS_MG1", "archive HV_PACS", "C-FIND, C-MOVE", 116),
    ("router HV_ROUTER", "archive HV_PACS", "C-MOVE of priors", None),
)
_AUDITED = 376                              # height of the line to which all systems send their audit messages


def desk():
    """The systems as boxes, each with what it knows and its name in the notebook; arrows say what passes."""
    wide, height = 900, 530
    picture = figure(wide, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(height, 0))
    axes.axis("off")
    axes.text(24, 32, "Who knows what", size=13, weight="bold", color=INK)
    places = {name: (left, top) for name, *_, left, top in SYSTEMS}
    for name, first, second, called, left, top in SYSTEMS:
        _box(axes, left, top)
        axes.text(left + 12, top + 23, name, size=11.5, weight="bold", color=INK)
        axes.text(left + 12, top + 43, first, size=10, color=INK)
        axes.text(left + 12, top + 59, second, size=10, color=INK)
        axes.text(left + 12, top + 80, called, size=9.5, color=LINE, family="monospace")
    for start, end, what, aside in FLOWS:
        _arrow(axes, places[start], places[end], what, aside)
    axes.plot((24, wide - 24), (_AUDITED, _AUDITED), color=LINE, lw=1.6)
    left, top = places["audit repository"]
    axes.annotate("", (left + _WIDE / 2, top - 4), (left + _WIDE / 2, _AUDITED), arrowprops=_STYLE)
    axes.text(24, _AUDITED + 18, "audit messages of all systems above", size=9.5, color=GREY)
    said = [f"{name} knows {first} {second} (here: {called})" for name, first, second, called, *_ in SYSTEMS]
    flows = [f"from {start} to {end}: {what}" for start, end, what, _ in FLOWS] + ["from all systems to audit repository: audit messages"]
    return Picture(picture, f"Who knows what. {'; '.join(said)}. What passes: {'; '.join(flows)}.")


def _box(axes, left, top):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), _WIDE, _HIGH, facecolor=FILL, edgecolor=INK, linewidth=1))


_STYLE = {"arrowstyle": "->", "color": LINE, "lw": 1.6}


def _arrow(axes, start, end, what, aside):
    (x, y), (to_x, to_y) = start, end
    if y == to_y:
        axes.annotate("", (to_x - 4, y + 46), (x + _WIDE + 4, y + 46), arrowprops=_STYLE)
        axes.text((x + _WIDE + to_x) / 2, y + 36, what, ha="center", size=9.5, color=GREY)
    elif x == to_x:
        ends = (y + _HIGH + 4, to_y - 4) if to_y > y else (y - 4, to_y + _HIGH + 4)
        axes.annotate("", (x + aside, ends[1]), (x + aside, ends[0]), arrowprops=_STYLE)
        axes.text(x + aside + 8, sum(ends) / 2 + 4, what, size=9.5, color=GREY)
    else:
        axes.annotate("", (to_x - 4, to_y + _HIGH - 16), (x + _WIDE - 40, y - 4), arrowprops=_STYLE)
        axes.text(x + _WIDE - 34, y - 44, what, ha="right", size=9.5, color=GREY)
