"""Pictures of an audit trail: a month of messages, one night by two clocks, who saw which patient, frames in a stream of octets."""

from coursekit.figures.picture import Picture, figure

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#56616b", "#0b5394", "#a04000"
_FILLS = (("#d5dde5", ""), ("#9dc3e6", "//"), ("#f6cf8b", ".."), ("#8fc79a", "xx"))
KINDS = (("machines that recognise each other", ("110113",)), ("images that are moved", ("110102", "110104", "110107")),
         ("logins and logouts", ("110114",)),
         ("people at work with records and images", ("110103", "110106", "110109", "110110", "110111", "110112")))


def month(trail, title="Messages a day in the repository"):
    """A stacked bar for each day (UTC), by kind of message.

    trail : DataFrame with utc (times) and event
    """
    day = trail["utc"].dt.normalize()
    days = sorted(day.unique())
    picture = figure(980, 380)
    axes = picture.add_axes((0.075, 0.2, 0.905, 0.56))
    below = [0] * len(days)
    said = []
    for (name, codes), (fill, hatch) in zip(KINDS, _FILLS, strict=True):
        chosen = trail["event"].isin(codes)
        counts = day[chosen].value_counts()
        heights = [int(counts.get(one, 0)) for one in days]
        axes.bar(range(len(days)), heights, bottom=below, color=fill, hatch=hatch, edgecolor="#44505c", linewidth=0.5, width=0.82,
                 label=name)
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
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2, frameon=False, fontsize=9.5)
    moved = day[trail["event"].isin(KINDS[1][1])].value_counts()
    most = " and ".join(sorted(f"{one:%Y-%m-%d}" for one in sorted(moved.index, key=lambda one: (-moved[one], one))[:2]))
    picture.text(0.075, 0.945, title, size=12, weight="bold", color=_INK)
    picture.text(0.075, 0.03, f"day, {days[0]:%d %B} to {days[-1]:%d %B %Y} (UTC); S: Saturday or Sunday", size=9.5, color=_FAINT)
    return Picture(picture, f"{title}, {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}: {len(trail):,} in all; {'; '.join(said)}. "
                   f"Most images are moved on {most}. People are busier from Monday to Friday than at weekends; the machines that "
                   "recognise each other are the same every day.")


def night(rows, title="The night of Case 17 in the trail"):
    """One line for each message: the time as it was sent, the moment in UTC, who wrote it and what of.

    rows : list of (time as sent with its offset, UTC, source, what), by UTC
    """
    row, top = 27, 84
    wide, tall = 980, top + row * len(rows) + 34
    picture = figure(wide, tall)
    axes = _axes(picture, wide, tall)
    axes.text(14, 20, title, size=12, weight="bold", color=_INK, va="center")
    for left, text in ((14, "EventDateTime as sent"), (235, "the moment in UTC"), (420, "written by"), (545, "what")):
        axes.text(left, 54, text, size=10, color=_FAINT, va="center")
    axes.plot([14, wide - 14], [68, 68], color="#9aa5af", lw=1)
    said = []
    for number, (sent, utc, source, what) in enumerate(rows):
        level = top + row * number
        offset = sent.split(" ")[2] != "Z"
        if offset:
            axes.axhspan(level - row / 2 + 1, level + row / 2 - 1, color="#fdf0da", zorder=0)
        axes.text(14, level, sent[11:], size=10.5, color=_WARM if offset else _INK, va="center", family="monospace",
                  weight="bold" if offset else "normal")
        axes.text(235, level, utc[11:] + " Z", size=10.5, color=_INK, va="center", family="monospace")
        axes.text(420, level, source, size=10.5, color=_INK, va="center")
        axes.text(545, level, what, size=10.5, color=_INK, va="center")
        said.append(f"{utc[11:]} UTC (sent as {sent[11:]}), {source}: {what}")
    axes.text(14, tall - 18, "Shaded: with an offset. The scanner's clock still showed winter time; the offset says so, and the moment is "
              "right.", size=9.5, color=_FAINT, va="center")
    return Picture(picture, f"{title}, {rows[0][1][:10]}, by UTC. " + "; ".join(said) + ". The scanner's times carry the offset +01:00.")


def seen(rows, title):
    """Users on the left, patients on the right, a line for each pair; thicker for more openings. Each user's unit and openings stand with the name.

    rows : list of (user, unit, patient, openings)
    """
    users = list(dict.fromkeys((user, unit) for user, unit, *_ in rows))
    patients = list(dict.fromkeys(patient for _, _, patient, _ in rows))
    row = 25
    wide, tall = 900, 80 + row * max(len(users), 2) + 20
    picture = figure(wide, tall)
    axes = _axes(picture, wide, tall)
    axes.text(14, 20, title, size=12, weight="bold", color=_INK, va="center")
    axes.text(318, 50, "who opened the images, and how often", size=9.5, color=_FAINT, va="center", ha="right")
    axes.text(690, 50, "whose images", size=9.5, color=_FAINT, va="center", ha="center")
    left = {user: 80 + row * number for number, (user, _) in enumerate(users)}
    span = row * (len(users) - 1)
    right = {patient: 80 + span * (number + 0.5) / len(patients) for number, patient in enumerate(patients)}
    for user, _, patient, count in rows:
        axes.plot([330, 690], [left[user], right[patient]], color=_LINE, lw=0.7 + 0.45 * min(count, 8), alpha=0.75, zorder=1)
    openings = {user: sum(count for one, _, _, count in rows if one == user) for user, _ in users}
    for user, unit in users:
        axes.text(318, left[user], f"{user}, {unit}: {openings[user]}", size=10, color=_INK, va="center", ha="right")
        axes.plot([330], [left[user]], marker="o", ms=6, color=_INK, zorder=2)
    for patient in patients:
        axes.plot([690], [right[patient]], marker="s", ms=10, color=_WARM, zorder=2)
        axes.text(706, right[patient], patient, size=11, color=_INK, va="center", weight="bold")
    told = "; ".join(f"{user} ({unit}) {patient}, {count} times" for user, unit, patient, count in rows)
    return Picture(picture, f"{title}. Who opened whose images: {told}.")


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
    axes.text(120, 208, "A frame is the number of octets, a blank, the message. Where one recv ends has nothing to do with where a message "
              "ends.", size=9.5, color=_FAINT, va="center")
    pieces = ", ".join(str(last - first) for first, last in zip(edges, edges[1:], strict=False))
    return Picture(picture, f"{title}. Sent: {'; '.join(said)}. Received in pieces of {pieces} octets, whose ends are not the ends of "
                   "messages.")


def _axes(picture, wide, tall):
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.axis("off")
    return axes
