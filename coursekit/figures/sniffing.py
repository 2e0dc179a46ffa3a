"""Pictures of what a sniffer sees: who ends a connection, segments and PDUs, what is open at once, whose time it is."""

from coursekit.figures.picture import Picture, canvas, figure

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#5c6873", "#0b5394", "#b45309"
_TINTS = ("#cfe5f7", "#fbe3b5", "#cdeed9", "#f6d3e2", "#e3dcf5")


def segments_and_pdus(segments, pdus, title):
    """A stretch of a stream twice: as the PDUs that are in it, and as the segments that carried it.

    segments : (position of the first byte, bytes, label) of each, in order; they say how far the picture goes
    pdus     : the same of the PDUs, with their headers; one may go on to the left or right of the picture
    """
    begin, end = segments[0][0], sum(segments[-1][:2])
    picture, axes = canvas(900, 224)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    left, scale = 110, 770 / (end - begin)
    said = {"PDUs": [], "segments": []}
    for y, what, blocks, tints in ((74, "PDUs", pdus, _TINTS[2:4]), (158, "segments", segments, _TINTS[:2])):
        axes.text(12, y, what, size=10, weight="bold", color=_INK, va="center")
        for number, (position, size, label) in enumerate(blocks):
            first, last = max(position, begin), min(position + size, end)
            x, wide = left + (first - begin) * scale, (last - first) * scale
            _block(axes, x, y - 22, wide, 44, tints[number % 2])
            if wide > 70:
                arrows = "← " * (position < begin), " →" * (position + size > end)
                axes.text(x + wide / 2, y, arrows[0] + label + arrows[1], size=9, color=_INK, ha="center", va="center")
            said[what].append(f"{label}, bytes {position} to {position + size - 1}")
    for position, size, _ in pdus:
        if position + size < end:
            x = left + (position + size - begin) * scale
            axes.plot((x, x), (97, 181), color=_WARM, lw=1.8, ls=(0, (4, 2)))
            axes.text(x, 206, f"byte {position + size}", size=9, color=_INK, va="center", ha="center")
    return Picture(picture, f"{title}. Above the PDUs: {'; '.join(said['PDUs'])}. Below, of the same bytes, the segments: "
                            f"{'; '.join(said['segments'])}. A dashed line shows that a PDU ends in the middle of a segment.")


def open_at_once(seen, limit, title):
    """How many associations of a capture are open at a time, and when one more is rejected.

    seen : a `standards.sniffer.Sniffer`; limit : how many may be open at once
    """
    refused = set(seen.pdus[seen.pdus["pdu"] == "A-ASSOCIATE-RJ"]["stream"])
    changes, rejected = [], []
    for stream, begin, lasts in seen.conversations[["stream", "seconds", "duration"]].itertuples(index=False):
        if stream in refused:
            rejected.append(begin / 60)
        else:
            changes += [(begin / 60, 1), ((begin + lasts) / 60, -1)]
    times, counts = [0.0], [0]
    for time, change in sorted(changes):
        times.append(time)
        counts.append(counts[-1] + change)
    picture = figure(900, 300)
    axes = picture.add_axes((0.06, 0.17, 0.92, 0.7))
    axes.step(times, counts, where="post", color=_LINE, lw=1.8)
    axes.axhline(limit, color=_INK, lw=1.2, ls="--")
    axes.text(min(rejected) - 9.8, limit + 0.3, f"limit {limit}", size=9, color=_INK, va="bottom")
    axes.plot(rejected, [limit + 1.6] * len(rejected), ls="", marker="x", ms=7, mew=2, color=_WARM)
    axes.text(min(rejected), limit + 2.4, f"{len(rejected)} rejected", size=9, color=_INK, va="bottom")
    axes.set_ylim(0, limit + 4.5)
    begin, end = min(rejected) - 10, max(rejected) + 10             # the rest of the tape is as quiet as these minutes before
    axes.set_xlim(begin, end)
    axes.set_title(title, size=11, loc="left", color=_INK)
    axes.set_xlabel("minutes since the tape began", size=9)
    axes.set_ylabel("open at once", size=9)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    full = [time for time, count in zip(times, counts) if count >= limit]
    return Picture(picture, f"{title}. A line over the minutes {begin:.0f} to {end:.0f} of the tape shows how many associations are "
                            f"open at once. At first it is between 0 and 2. From minute {min(full):.0f} on it stands at the limit of "
                            f"{limit} for some minutes, and {len(rejected)} crosses above it, from minute {min(rejected):.0f} to minute "
                            f"{max(rejected):.0f}, mark associations that were rejected.")


def two_sides(caller, called):
    """Who can end a connection: on each side the program, the protocol software below it and TCP, and what lies between the sides."""
    picture, axes = canvas(900, 330)
    axes.text(12, 20, "Who can end a connection, and how one sees it", size=11, weight="bold", color=_INK, va="center")
    layers = (("service-user: the program", "A-ABORT source 0", "RJ source 1"),
              ("service-provider: the protocol software", "A-ABORT source 2", "RJ source 2 or 3"),
              ("TCP: the operating system", "FIN, RST", ""))
    for x, name, rejects in ((20, caller, False), (580, called, True)):
        axes.text(x + 150, 48, name, size=10, weight="bold", color=_INK, ha="center", va="center")
        for place, (what, seen, rejection) in enumerate(layers):
            y = 64 + 62 * place
            _block(axes, x, y, 300, 56, _TINTS[(2, 1, 0)[place]])
            axes.text(x + 150, y + 18, what, size=9.5, color=_INK, ha="center", va="center", weight="bold")
            axes.text(x + 150, y + 39, ", ".join([rejection] * (rejects and bool(rejection)) + [seen]), size=9.5, color=_INK, ha="center",
                      va="center")
    _block(axes, 20, 262, 860, 54, "#e9edf1")
    middle = {"size": 9.5, "color": _INK, "ha": "center", "va": "center"}
    axes.text(450, 280, "on the way: switches, routers, firewall, intrusion detection", weight="bold", **middle)
    axes.text(450, 301, "RST under the address of one or both sides, with another time to live", **middle)
    axes.annotate("", (574, 92), (326, 92), arrowprops={"arrowstyle": "<|-|>", "color": _LINE, "lw": 1.6})
    axes.text(450, 84, "objects, queries, answers", size=9, color=_INK, ha="center", va="center")
    axes.annotate("", (574, 154), (326, 154), arrowprops={"arrowstyle": "<|-|>", "color": _LINE, "lw": 1.6})
    axes.text(450, 146, "PDUs", size=9, color=_INK, ha="center", va="center")
    axes.annotate("", (574, 216), (326, 216), arrowprops={"arrowstyle": "<|-|>", "color": _LINE, "lw": 1.6})
    axes.text(450, 208, "segments", size=9, color=_INK, ha="center", va="center")
    told = "; ".join(f"{what}, seen by {' or '.join(filter(None, (seen, rejection)))}" for what, seen, rejection in layers)
    return Picture(picture, f"Who can end a connection, and how one sees it. Two stacks of three, {caller} at the left and {called} at the "
                            f"right, from the top: {told}. A rejection comes from the called side only. Below both what lies on the way: "
                            "switches, routers, firewall, intrusion detection; seen by a RST under the address of one or both sides, with "
                            "another time to live.")


def three_parts(sender, receiver):
    """The time of one image as a sniffer beside the receiver sees it: sending, waiting, and what lies before the next request."""
    picture, axes = canvas(900, 330)
    axes.text(12, 20, f"The time of one image, seen by a sniffer beside the {receiver}", size=11, weight="bold", color=_INK, va="center")
    top, low = 66, 158
    for y, name in ((top, sender), (low, receiver)):
        axes.text(12, y, name, size=10, weight="bold", color=_INK, va="center")
        axes.plot((100, 885), (y, y), color=_FAINT, lw=1.2)
    style = {"arrowstyle": "-|>", "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    first, last, answer, back, again, arrived = 156, 284, 490, 526, 744, 780        # all on the receiver's line, but for back and again
    for x in (120, 152, 184, 216, 248, 744):
        axes.annotate("", (x + 36, low), (x, top), arrowprops={**style, "color": _LINE})
    axes.annotate("", (back, top), (answer, low), arrowprops={**style, "color": _WARM, "ls": (0, (5, 2))})
    axes.text(120, top - 16, "C-STORE-RQ, in many segments", size=9, color=_INK, va="center")
    axes.text(back + 4, 112, "C-STORE-RSP", size=9, color=_INK, va="center")
    axes.text(744, top - 16, "the next request", size=9, color=_INK, va="center")
    for place, (begin, end, what, whose) in enumerate(((first, last, "sending", "the way"), (last, answer, "waiting", "receiver's program"),
                                                       (answer, arrived, "between", "one round trip, the rest the sender"))):
        for x in (begin, end):
            axes.plot((x, x), (low, 196), color=_FAINT, lw=1, ls=":")
        _block(axes, begin, 190, end - begin, 48, _TINTS[place])
        axes.text((begin + end) / 2, 204, what, size=9.5, weight="bold", color=_INK, ha="center", va="center")
        axes.text((begin + end) / 2, 223, whose, size=9.5, color=_INK, ha="center", va="center")
    for begin, end, what in ((answer, back, "to"), (back, again, "the sender's own time"), (again, arrived, "fro")):
        _block(axes, begin, 252, end - begin, 28, "#e9edf1" if len(what) < 5 else _TINTS[2])
        axes.text((begin + end) / 2, 266, what, size=9, color=_INK, ha="center", va="center")
    axes.text(12, 214, "sniffer", size=10, weight="bold", color=_INK, va="center")
    axes.text(answer, 300, "the answer on its way to the sender, and the next request on its way here: together one round trip", size=9,
              color=_INK, va="center", ha="center")
    return Picture(picture, f"The time of one image, seen by a sniffer beside the {receiver}. Time runs to the right, {sender} above, "
                            f"{receiver} below, and below that what the sniffer measures. From the first segment of the C-STORE request "
                            "that arrives to the last: sending, which is the way's time. From the last of them to the C-STORE response "
                            "that leaves: waiting, the time of the receiver's program. From the response to the next request that arrives: "
                            "between. In that lie the way of the response to the sender, the sender's own time, and the way of the next "
                            "request; the two ways together are one round trip.")


def _block(axes, x, y, width, height, fill):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK, linewidth=0.9))
