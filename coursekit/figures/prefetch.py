"""Pictures of a prefetching router: who speaks with whom, its moves before the exams, hit against waste."""

from coursekit.figures.picture import Picture, canvas, figure

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#5c6873", "#0b5394", "#b45309"
_BOX, _WAIT, _GOOD = "#cfe5f7", "#fbe3b5", "#dcefdc"
ONLINE_DAYS = 365       # younger studies lie on the fast disks, as in coursekit.hospital.router


def way(title="How a prior comes into the cache before the exam"):
    """The systems round the router, and the five steps of a prefetch."""
    from matplotlib.patches import Rectangle

    wide, tall = 900, 350
    picture, axes = canvas(wide, tall)
    axes.text(12, 18, title, size=11, weight="bold", color=_INK, va="center")
    boxes = (("RIS / engine", 20, 50, 130, "orders, changes,\ncancellations"),
             ("HV_ROUTER", 250, 50, 130, "rules; asks and\nkeeps accounts"),
             ("HV_PACS", 700, 50, 130, "the archive: online\nand nearline tier"),
             ("WS_CH1", 700, 236, 70, "cache of the reading\nroom's workstation"))
    for name, x, y, high, what in boxes:
        axes.add_patch(Rectangle((x, y), 150, high, facecolor=_BOX, edgecolor=_INK, lw=1))
        axes.text(x + 75, y + high / 2 - 19, name, size=11, weight="bold", color=_INK, ha="center", va="center")
        for number, line in enumerate(what.split("\n")):
            axes.text(x + 75, y + high / 2 + 2 + 17 * number, line, size=9.5, color=_INK, ha="center", va="center")
    arrows = (
        ((172, 115), (248, 115), _LINE, "-", "1 order", (210, 105), "center"),
        ((402, 82), (698, 82), _LINE, "-", "2 C-FIND: which priors are there?", (550, 72), "center"),
        ((402, 120), (698, 120), _LINE, "-", "3 C-MOVE: send these, to WS_CH1", (550, 110), "center"),
        ((698, 158), (402, 158), _WARM, "--", "5 pending ... done, with counts", (550, 148), "center"),
        ((775, 182), (775, 234), _WARM, "-", "4 C-STORE, once for each image", (765, 208), "right"),
    )
    for start, end, color, style, label, (x, y), side in arrows:
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.8, "ls": style})
        axes.text(x, y, label, size=9.5, color=color, ha=side, va="center", weight="bold")
    axes.text(20, 332, "The images do not pass through the router: the archive opens a second association, to the destination that the "
                       "C-MOVE names.",
              size=9.5, color=_INK, va="center")
    return Picture(picture, f"{title}. 1: RIS and engine tell HV_ROUTER of an order. 2: the router asks HV_PACS by C-FIND which priors "
                            f"there are. 3: it asks "
                   "HV_PACS by C-MOVE to send some of them to WS_CH1. 4: HV_PACS opens an association to WS_CH1, the cache of the "
                   "reading room, and sends each image by C-STORE. 5: meanwhile HV_PACS answers the router's C-MOVE with pending "
                   "responses and a last one with counts. The images do not pass through the router.")


def gantt(moves, begin, end, title, most=16, day_before=False):
    """The moves of a stretch of the day: exam, prior and tier of each, when it was asked for, when it ran, and when its exam begins.

    The rows of one exam stand together, under its name; its priors are told apart by their age, in years.

    moves      : list of coursekit.hospital.router.Move of one day
    begin, end : "07:30", what is shown
    day_before : of the day before the exams
    """
    from matplotlib.patches import Rectangle

    low, high = (_seconds(time) - 86400 * day_before for time in (begin, end))
    shown = [move for move in moves if low <= move.asked and move.done <= high][:most]
    shown.sort(key=lambda move: (move.asked, move.exam.begins, move.exam.accession, move.began))
    row, left, top = 26, 520, 66
    wide, tall = 1062, top + row * max(len(shown), 1) + 44
    picture, axes = canvas(wide, tall)
    across = (wide - left - 20) / (high - low)

    def x(second):
        return left + (second - low) * across

    axes.text(12, 18, title, size=11, weight="bold", color=_INK, va="center")
    for second in range(low, high + 1, max(300, (high - low) // 6 // 300 * 300)):
        axes.plot((x(second),) * 2, (top - 8, tall - 36), color="#dde2e6", lw=1, zorder=0)
        axes.text(x(second), top - 18, _clock(second), size=9, color=_FAINT, ha="center", va="center")
    for at, name in ((12, "exam, and when it begins"), (228, "prior"), (408, "age"), (450, "tier")):
        axes.text(at, top - 18, name, size=9, color=_FAINT, va="center")
    said, before = [], None
    for place, move in enumerate(shown):
        y = top + place * row
        exam, prior = f"{move.exam.accession} {move.exam.description}", move.prior.description or "(no description)"
        age = f"{move.prior.days / 365.25:.1f} y"
        tier = "online" if move.prior.days <= ONLINE_DAYS else "nearline"
        if move.exam.accession != before:
            axes.plot((12, wide - 12), (y - 2, y - 2), color="#dde2e6", lw=1, zorder=0)
            axes.text(12, y + 10, f"{_clock(move.exam.begins)} {move.exam.description}", size=9, color=_INK, va="center")
            before = move.exam.accession
        for at, text in ((228, prior), (408, age), (450, tier)):
            axes.text(at, y + 10, text, size=9, color=_INK, va="center")
        waits = max((move.began - move.asked) * across, 0)
        axes.add_patch(Rectangle((x(move.asked), y + 3), waits, 14, facecolor=_WAIT, edgecolor=_FAINT, lw=0.6, hatch="///"))
        axes.add_patch(Rectangle((x(move.began), y + 3), max((move.done - move.began) * across, 2), 14, facecolor=_LINE, edgecolor=_LINE))
        late = move.done > move.exam.begins
        if move.exam.begins <= high:
            axes.plot((x(move.exam.begins),) * 2, (y, y + 20), color=_WARM, lw=2.4)
        if late:
            axes.text(x(move.done) + 5, y + 10, f"{move.done - move.exam.begins} s late", size=8.5, color=_WARM, weight="bold", va="center")
        said.append(f"{prior}, {age} ({tier}), for {exam}: asked {_clock(move.asked, True)}, ran {_clock(move.began, True)} to "
                    f"{_clock(move.done, True)}, exam {_clock(move.exam.begins)}"
                    + (f", {move.done - move.exam.begins} s late" if late else ""))
    y = tall - 18
    for at, text, look in ((left - 150, "waits in the router's queue",
                            {"facecolor": _WAIT, "edgecolor": _FAINT, "hatch": "///", "lw": 0.6}),
                           (left + 75, "is moved, with the wait for the first image",
                            {"facecolor": _LINE, "edgecolor": _LINE})):
        axes.add_patch(Rectangle((at, y - 7), 24, 14, **look))
        axes.text(at + 30, y, text, size=9, color=_INK, va="center")
    if day_before:
        axes.text(12, y, "all of it on the day before the exams", size=9, color=_FAINT, va="center")
    else:
        axes.plot((left + 400,) * 2, (y - 9, y + 9), color=_WARM, lw=2.4)
        axes.text(left + 408, y, "the exam begins", size=9, color=_INK, va="center")
    when = f"between {begin} and {end}{' of the day before' if day_before else ''}"
    return Picture(picture, f"{title}. {len(shown)} moves {when}{'. ' if said else ''}{'; '.join(said)}.")


def curve(points, hit, waste, title):
    """Hit rate against waste: a point for each set of rules, and the corner where one wants to be.

    points     : (label, outcome of a replay)
    hit, waste : from which hit rate and up to which waste rules are good enough
    """
    from matplotlib.patches import Rectangle

    picture = figure(720, 400)
    axes = picture.add_axes((0.1, 0.13, 0.87, 0.78))
    axes.add_patch(Rectangle((0, hit), waste, 101 - hit, facecolor=_GOOD, edgecolor="#3d7a3d", lw=1.2, zorder=0))
    axes.text(1, hit - 1, f"good enough: from {hit} %, up to {waste} %", size=9, color="#23562a", va="top")
    across, up = [out["waste"] for _, out in points], [out["hit"] for _, out in points]
    axes.plot(across, up, color=_LINE, lw=1.2, ls=":" if len(points) > 3 else "", marker="o", markersize=7)
    for label, out in points:
        left = out["waste"] > 50
        axes.annotate(label, (out["waste"], out["hit"]), (-11 if left else 11, 0), textcoords="offset points", size=9, color=_INK,
                      ha="right" if left else "left", va="center")
    axes.set(xlim=(0, 101), ylim=(0, 104))          # always the whole of both, so that two pictures can be compared
    axes.set_xlabel("waste: per cent of the moved bytes that nobody looked at", color=_INK, size=9.5)
    axes.set_ylabel("hit: per cent of the opened priors", color=_INK, size=9.5)
    axes.set_title(title, size=11, loc="left", color=_INK)
    axes.grid(alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    told = "; ".join(f"{label}: hit {out['hit']:.1f} %, waste {out['waste']:.1f} %" for label, out in points)
    return Picture(picture, f"{title}. {told}. Good enough is from {hit} % hit and up to {waste} % waste.")


def _seconds(text):
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _clock(second, seconds=False):
    second %= 86400
    text = f"{second // 3600:02d}:{second // 60 % 60:02d}"
    return f"{text}:{second % 60:02d}" if seconds else text
