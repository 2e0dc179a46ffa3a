"""Pictures of an audit trail: a month of messages, one night by two clocks, who opened a patient's images when, frames in a stream."""

from coursekit.figures.picture import Picture, figure

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#56616b", "#0b5394", "#a04000"
_FILLS = (("#d5dde5", ""), ("#9dc3e6", "//"), ("#f6cf8b", ".."), ("#8fc79a", "xx"), ("#b9a3d0", "++"))
KINDS = (("machines that recognise each other", ("110113",)), ("images that are moved", ("110102", "110104", "110107")),
         ("logins and logouts", ("110114",)),
         ("work with records and images", ("110103", "110106", "110109", "110110", "110111", "110112")),
         ("everything else", None))


def month(trail, title="Messages a day in the repository"):
    """A stacked bar for each day (UTC), by kind of message; below it the machines that recognise each other alone, on the whole days.

    trail : DataFrame with utc (times) and event
    """
    day = trail["utc"].dt.normalize()
    days = sorted(day.unique())
    picture = figure(980, 490)
    axes = picture.add_axes((0.075, 0.37, 0.905, 0.45))
    below = [0] * len(days)
    said, named = [], [code for _, codes in KINDS for code in codes or ()]
    for (name, codes), (fill, hatch) in zip(KINDS, _FILLS, strict=True):
        chosen = trail["event"].isin(codes) if codes else ~trail["event"].isin(named)
        counts = day[chosen].value_counts()
        heights = [int(counts.get(one, 0)) for one in days]
        axes.bar(range(len(days)), heights, bottom=below, color=fill, hatch=hatch, edgecolor="#44505c", linewidth=0.5, width=0.82,
                 label=f"{name} ({sum(heights):,})")
        below = [low + height for low, height in zip(below, heights, strict=True)]
        said.append(f"{name} {sum(heights):,}")
    axes.set_xticks(range(len(days)), [f"{one:%d}" if number % 2 == 0 else "" for number, one in enumerate(days)], fontsize=9)
    for number, one in enumerate(days):
        if one.weekday() >= 5:
            axes.text(number, -0.105, "S", transform=axes.get_xaxis_transform(), ha="center", va="top", size=9, color=_FAINT)
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_ylabel("messages", size=10)
    axes.tick_params(axis="y", labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, frameon=False, fontsize=9, columnspacing=1.2)
    moved = day[trail["event"].isin(KINDS[1][1])].value_counts()
    most = " and ".join(sorted(f"{one:%Y-%m-%d}" for one in sorted(moved.index, key=lambda one: (-moved[one], one))[:2]))
    machines = day[trail["event"].isin(KINDS[0][1])].value_counts()
    usual = sorted(machines.get(one, 0) for one in days)[len(days) // 2]
    fewer = ", ".join(f"{one:%Y-%m-%d}" for one in days[1:-1] if machines.get(one, 0) < 0.97 * usual)
    alone = picture.add_axes((0.075, 0.1, 0.905, 0.15))
    whole = [machines.get(one, 0) for one in days[1:-1]]
    alone.plot(range(1, len(days) - 1), whole, color="#44505c", lw=1.3, marker="o", ms=3.5)
    for number, count in enumerate(whole, 1):
        if count < 0.97 * usual:
            alone.plot(number, count, marker="o", ms=8, color=_WARM)
            alone.text(number + 0.35, count, f"{days[number].day} {days[number]:%B}: {count:,}", size=9.5, color=_WARM, va="center")
    alone.set_xlim(-0.6, len(days) - 0.4)
    alone.set_xticks(range(len(days)), [""] * len(days))
    alone.margins(y=0.2)
    alone.tick_params(axis="y", labelsize=9)
    alone.spines[["top", "right"]].set_visible(False)
    alone.set_title("machines that recognise each other alone, whole days (this axis does not begin at 0)", size=9.5, color=_INK,
                    loc="left", pad=4)
    picture.text(0.075, 0.955, title, size=12, weight="bold", color=_INK)
    picture.text(0.075, 0.03, f"day, {days[0].day} {days[0]:%B} to {days[-1].day} {days[-1]:%B %Y} (UTC); S: Saturday or Sunday", size=9.5,
                 color=_FAINT)
    return Picture(picture, f"{title}, {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}: {len(trail):,} in all; {'; '.join(said)}. "
                   f"Most images are moved on {most}. People are busier from Monday to Friday than at weekends. The machines that "
                   f"recognise each other are about as many every day{f', but fewer on {fewer}' if fewer else ''}; the first and the last "
                   "day are not whole.")


def night(rows, title="The night of Case 17 in the trail"):
    """On the left the messages in the order of the times as they were sent, on the right in that of UTC; a line joins what is the same.

    rows : list of (time as sent with its offset, UTC, source, what), by UTC
    """
    row, top = 29, 92
    wide, tall = 980, top + row * len(rows) + 44
    picture = figure(wide, tall)
    axes = _axes(picture, wide, tall)
    axes.text(14, 20, title, size=12, weight="bold", color=_INK, va="center")
    for left, text in ((14, "by the times as they were sent"), (370, "by UTC"), (480, "written by"), (590, "what")):
        axes.text(left, 58, text, size=10, color=_FAINT, va="center")
    axes.plot([14, wide - 14], [73, 73], color="#9aa5af", lw=1)
    by_sent = sorted(range(len(rows)), key=lambda number: (rows[number][0][:19], number))
    said = []
    for number, (sent, utc, source, what) in enumerate(rows):
        level, before = top + row * number, top + row * by_sent.index(number)
        offset = sent.split(" ")[2] != "Z"
        ink, weight = (_WARM, "bold") if offset else (_INK, "normal")
        axes.text(14, before, sent[11:], size=10.5, color=ink, va="center", family="monospace", weight=weight)
        axes.plot([150, 170, 340, 360], [before, before, level, level], color=ink, lw=1.8 if offset else 0.9, ls="-" if offset else ":",
                  alpha=0.95)
        axes.text(370, level, utc[11:], size=10.5, color=ink, va="center", family="monospace", weight=weight)
        axes.text(480, level, source, size=10.5, color=ink, va="center", weight=weight)
        axes.text(590, level, what, size=10.5, color=ink, va="center", weight=weight)
        said.append(f"{utc[11:]} UTC (sent as {sent[11:]}), {source}: {what}")
    order = ", ".join(rows[number][3] for number in by_sent)
    axes.text(14, tall - 20, "Bold, with a full line: sent with an offset. The scanner's clock still showed winter time; its offset says "
              "so, and the moments are right.", size=9.5, color=_FAINT, va="center")
    return Picture(picture, f"{title}, {rows[0][1][:10]}, by UTC. " + "; ".join(said) + ". The scanner's times carry the offset +01:00. "
                   f"By the times as they were sent the order would be: {order}.")


def seen(rows, title):
    """A line of time for each user, a mark for each opening: a square and bold letters for those without a care relation.

    rows : list of (user, unit, [minutes after the arrival of the images], whether there is a care relation)
    """
    row = 27
    wide, tall = 940, 84 + row * len(rows) + 84
    picture = figure(wide, tall)
    axes = _axes(picture, wide, tall)
    axes.text(14, 20, title, size=12, weight="bold", color=_INK, va="center")
    last = max(moment for *_, moments, _ in rows for moment in moments)
    step = 5 if last <= 40 else 15
    end = step * (int(last // step) + 1)

    def place(minute):
        return 250 + minute / end * 650
    bottom = 70 + row * len(rows)
    for minute in range(0, end + 1, step):
        axes.plot([place(minute)] * 2, [58, bottom], color="#d5dde5", lw=1, zorder=0)
        axes.text(place(minute), bottom + 14, str(minute), size=10, color=_FAINT, ha="center", va="center")
    axes.text(place(0), bottom + 36, "minutes after the images began to arrive", size=9.5, color=_FAINT, va="center")
    told = []
    for number, (user, unit, moments, related) in enumerate(rows):
        level = 74 + row * number
        ink, mark = (_LINE, "o") if related else (_WARM, "s")
        axes.text(236, level, f"{user}, {unit}", size=10.5, color=_INK if related else ink, ha="right", va="center",
                  weight="normal" if related else "bold")
        axes.plot([place(moments[0]), place(moments[-1])], [level] * 2, color=ink, lw=1, alpha=0.5, zorder=1)
        axes.plot([place(moment) for moment in moments], [level] * len(moments), ls="", marker=mark, ms=7, color=ink, zorder=2)
        told.append(f"{user} ({unit}{'' if related else ', no care relation'}) at {', '.join(f'{moment:.0f}' for moment in moments)}")
    for left, ink, mark, words in ((0, _LINE, "o", "with a care relation by the policy"), (300, _WARM, "s", "without one")):
        axes.plot([256 + left], [bottom + 60], ls="", marker=mark, ms=7, color=ink)
        axes.text(270 + left, bottom + 60, words, size=10, color=_INK, va="center")
    return Picture(picture, f"{title}. Who opened the images, in minutes after they began to arrive: {'; '.join(told)}.")


def frames(messages, cuts, title="Three messages on a stream, and what recv gives"):
    """A stream of octets: above, the frames as they were sent; below, the pieces in which they arrive.

    messages : list of the numbers of octets of the messages
    cuts     : where the stream is cut, in octets from its beginning
    """
    from matplotlib.patches import Rectangle

    sizes = [(len(str(size)) + 1, size) for size in messages]
    total = sum(head + size for head, size in sizes)
    wide, tall = 980, 230
    picture = figure(wide, tall)
    axes = _axes(picture, wide, tall)
    axes.text(14, 20, title, size=12, weight="bold", color=_INK, va="center")

    def place(octet):
        return 120 + octet / total * 830
    at, said = 0, []
    axes.text(14, 82, "sent", size=10.5, color=_INK, va="center", weight="bold")
    for number, (head, size) in enumerate(sizes):
        first, last = place(at), place(at + head + size)
        body = first + 46
        axes.add_patch(Rectangle((first, 60), body - first, 44, facecolor="#fbe3b5", edgecolor=_INK, lw=1))
        axes.add_patch(Rectangle((body, 60), last - body, 44, facecolor="#cfe5f7", edgecolor=_INK, lw=1))
        axes.text((first + body) / 2, 82, f"{size}", size=10.5, color=_INK, ha="center", va="center", family="monospace")
        axes.text(first, 48, f"message {number + 1}", size=10, color=_INK, ha="left", va="center")
        at += head + size
        said.append(f"{size}, a blank, {size} octets")
    axes.text(14, 158, "received", size=10.5, color=_INK, va="center", weight="bold")
    edges = [0, *cuts, total]
    for number, (first, last) in enumerate(zip(edges, edges[1:], strict=False)):
        axes.add_patch(Rectangle((place(first) + 2, 138), place(last) - place(first) - 4, 40, facecolor="#e7ebef", edgecolor=_INK, lw=1))
        axes.text((place(first) + place(last)) / 2, 158, f"recv {number + 1}\n{last - first}", size=9.5, color=_INK, ha="center",
                  va="center")
    for cut in cuts:
        axes.plot([place(cut)] * 2, [56, 186], color=_WARM, lw=1.3, ls="--")
    axes.text(14, 208, "A frame: the number of octets and a blank (drawn too wide), then the message. Where a recv ends says nothing of "
              "where a message ends.", size=9.5, color=_FAINT, va="center")
    pieces = ", ".join(str(last - first) for first, last in zip(edges, edges[1:], strict=False))
    return Picture(picture, f"{title}. Sent: {'; '.join(said)}. Received in pieces of {pieces} octets, whose ends are not the ends of "
                   "messages.")


def _axes(picture, wide, tall):
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.axis("off")
    return axes
