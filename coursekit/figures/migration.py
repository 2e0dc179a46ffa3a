"""Pictures of a migration: how the rest shrinks night by night, what slows it down, and what its log tells."""

import datetime
import math

from coursekit.figures.picture import Picture, figure

_INK, _FAINT, _LINE, _WARM, _BOX = "#1c2733", "#5c6873", "#0b5394", "#b45309", "#cfe5f7"
_USUAL = {"color": _BOX, "edgecolor": _LINE, "height": 0.62}
_MARKED = {"color": "#fbe3b5", "edgecolor": _WARM, "hatch": "///", "height": 0.62}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")     # whatever the language of the computer


SLOW = 0.6


def burn_down(nights, title, first=10, causes=()):
    """The share of the bytes still to be moved after each night, beside what a forecast after the first nights promised.

    nights : rows with `night` ("2025-02-10"), `size_bytes` and `note`, in order, such as coursekit.hospital.projects.Night
    first  : so many nights the forecast was made from: a line through what was left then, at their mean speed
    causes : why it was slow in each span of slow nights, a few words, in order

    Nights that moved less than SLOW of the mean of those nights with a run are shaded.
    """
    moved, notes = [row.size_bytes for row in nights], [row.note for row in nights]
    whole, left, rest = sum(moved), [], sum(moved)
    for size in moved:
        rest -= size
        left.append(100 * rest / whole)
    speed = (100 - left[first - 1]) / first
    promised = first - 1 + left[first - 1] / speed
    high = 440
    picture = figure(860, high)
    axes = picture.add_axes((0.08, 44 / high, 0.89, 1 - 116 / high))
    usual = [size for size in moved[:first] if size]
    slow = [place for place, size in enumerate(moved) if 0 < size < SLOW * sum(usual) / len(usual)]
    spans = _spans(slow, moved)
    for number, (begin, end) in enumerate(spans):
        axes.axvspan(begin - 0.5, end + 0.5, ymax=0.87 if causes else 1, facecolor="#fdf1d8", hatch="///", edgecolor="#e8c88f", lw=0,
                     label=f"less than {SLOW:.0%} of the first nights".replace("%", " %") if number == 0 else None)
        if number < len(causes):
            late = end > 0.8 * len(left)
            axes.text(end + 0.5 if late else (begin + end) / 2, 104, _lines(causes[number]), size=9.5, color=_INK, va="top",
                      ha="right" if late else "center")
    axes.plot(range(len(left)), left, color=_LINE, lw=2.4)
    axes.plot((first - 1, promised), (left[first - 1], 0), color=_WARM, lw=1.6, ls="--", zorder=3)
    axes.plot((-1, first - 1), (100, left[first - 1]), color=_WARM, lw=1.6, zorder=3)
    axes.plot((first - 1,), (left[first - 1],), ls="", marker="D", color=_WARM, markersize=7, zorder=4,
              label=f"night {first}: the forecast is made")
    dead = [place for place, size in enumerate(moved) if not size]
    axes.plot(dead, [left[place] for place in dead], ls="", marker="x", color=_INK, markersize=7, mew=1.8)
    half = len(left) // 2
    axes.text(half + 1, left[half] + 4, "left, in truth", size=10, color=_LINE, weight="bold")
    axes.text(-0.4, 5, f"forecast after\n{first} nights: done\nin the night\n{_day(nights, promised)}", size=10, color=_WARM, weight="bold",
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
    odd = [(place, note) for place, note in enumerate(notes) if note and "backup" not in note]
    for place, note in odd:
        axes.annotate(note.split(",")[0].replace("no run: ", ""), (place, left[place]), (place + 2, min(left[place] + 19, 88)), size=9.5,
                      color=_INK, arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1})
    axes.plot((), (), ls="", marker="x", color=_INK, markersize=7, mew=1.8, label="no run in that night")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncol=3, frameon=False, fontsize=9.5, labelcolor=_INK)
    ticks = list(range(0, len(left), 7))
    axes.set_xticks(ticks, [_short(nights[place].night) for place in ticks])
    axes.set(xlim=(-1, max(len(left), promised) + 1), ylim=(0, 104))
    axes.set_ylabel("per cent of the bytes left", size=10, color=_INK)
    picture.text(0.015, 1 - 20 / high, title, size=11.5, color=_INK, weight="bold", va="center")
    _plain(axes)
    told = "; ".join(f"{nights[place].night} {left[place]:.0f} %" for place in range(6, len(left), 7))
    late = len(left) - 1 - promised
    weak = "; ".join((nights[begin].night if begin == end else f"{nights[begin].night} to {nights[end].night}")
                     + (f" ({causes[number]})" if number < len(causes) else "") for number, (begin, end) in enumerate(spans))
    return Picture(picture, f"{title}. Left after the night of {told}. A forecast from the first {first} nights promised the end in the "
                            f"night {_day(nights, promised)}; it came {late:.0f} nights later. Nights without a run: {len(dead)}, of which "
                            f"{len(odd)} not planned" + "".join(f" ({nights[place].night}: {note})" for place, note in odd) + ". "
                   + (f"Shaded, with less than {SLOW:.0%} of the first nights: {weak}.".replace("%", " %") if weak else ""))


def _lines(text):
    """A few words on two lines, parted where they are about equally long."""
    words = text.split()
    at = min(range(1, len(words) + 1), key=lambda place: max(len(" ".join(words[:place])), len(" ".join(words[place:]))))
    return "\n".join(filter(None, (" ".join(words[:at]), " ".join(words[at:]))))


def _spans(places, moved):
    """(first, last) of each group of `places` with nothing between them but nights without a run."""
    found = []
    for place in places:
        if found and not any(moved[found[-1][1] + 1:place]):
            found[-1][1] = place
        else:
            found.append([place, place])
    return [tuple(one) for one in found]


def by_modality(rows, title):
    """What a source gives of each modality, in objects (on a logarithmic scale) and in bytes: the same archive, measured by two rulers.

    rows : (modality, objects per second, megabytes per second), the slowest in objects first

    Points on the logarithmic scale, where the length of a bar would mean nothing; bars on the other, which begins at 0.
    """
    high = 92 + 30 * len(rows)
    picture = figure(860, high)
    for place, (name, column) in enumerate((("objects per second (logarithmic)", 1), ("megabytes per second", 2))):
        axes = picture.add_axes((0.08 + 0.48 * place, 46 / high, 0.42, 1 - 100 / high))
        values = [row[column] for row in rows]
        low, far = (10 ** math.floor(math.log10(min(values))), max(values) * 2.6) if place == 0 else (0, max(values) * 1.16)
        if place == 0:
            axes.set_xscale("log")
            axes.plot(values, range(len(rows)), ls="", marker="o", markersize=9, color=_LINE)
            ticks = [low * 10 ** power for power in range(6) if low * 10 ** power < far]
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        else:
            axes.barh(range(len(rows)), values, color=_BOX, edgecolor=_LINE, height=0.68)
        for at, value in enumerate(values):
            axes.text(value * 1.22 if place == 0 else value + max(values) * 0.015, at, _told(value), size=10, color=_INK, va="center")
        axes.set_yticks(range(len(rows)), [row[0] for row in rows])
        axes.set(xlim=(low, far), ylim=(len(rows) - 0.4, -0.6))
        axes.set_xlabel(name, size=10, color=_INK)
        _plain(axes, "both" if place == 0 else "x")
    picture.text(0.015, 1 - 22 / high, title, size=11.5, color=_INK, weight="bold", va="center")
    told = "; ".join(f"{name}: {_told(objects)} objects a second, {_told(size)} MB a second" for name, objects, size in rows)
    return Picture(picture, f"{title}. {told}.")


def _told(value):
    """A speed: with two decimals below 1, else with one."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def stages(rows, title):
    """The stages that all objects go through, each with the hours it would need by itself; the longest sets the pace.

    rows : (stage, hours)
    """
    longest = max(hours for _, hours in rows)
    high = 100 + 40 * len(rows)
    picture = figure(860, high)
    axes = picture.add_axes((0.24, 46 / high, 0.72, 1 - 100 / high))
    for place, (name, hours) in enumerate(rows):
        slow = hours == longest
        axes.barh(place, hours, **(_MARKED if slow else _USUAL))
        means = "sets the pace" if slow else f"waits {100 * (1 - hours / longest):.0f} % of its time"
        axes.text(hours + longest * 0.012, place, f"{hours:.0f} h, {means}", size=10, color=_INK, va="center")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], size=10.5)
    axes.set(xlim=(0, longest * 1.32), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xlabel("hours of work for the whole archive", size=10, color=_INK)
    _plain(axes, "x")
    picture.text(0.015, 1 - 22 / high, title, size=11.5, color=_INK, weight="bold", va="center")
    told = "; ".join(f"{name} {hours:.0f} hours" + (", the slowest, sets the pace" if hours == longest else "") for name, hours in rows)
    return Picture(picture, f"{title}. {told}.")


def exceptions(rows, title):
    """Kinds of lines in a mover's log, each with its number and what became of the study.

    rows : (kind, lines, what became of it, whether objects are lost), the most frequent first
    """
    high = 88 + 40 * len(rows)
    picture = figure(900, high)
    axes = picture.add_axes((0.26, 46 / high, 0.34, 1 - 96 / high))
    most = max(row[1] for row in rows)
    for place, (kind, count, became, lost) in enumerate(rows):
        axes.barh(place, count, **(_MARKED if lost else _USUAL))
        axes.text(count + most * 0.03, place, f"{count:,}", size=10, color=_INK, va="center")
        axes.text(most * 1.22, place, became, size=10, color=_INK, va="center", weight="bold" if lost else "normal", clip_on=False)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], size=10)
    axes.set(xlim=(0, most * 1.16), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xlabel("lines (hatched: something did not arrive)", size=10, color=_INK)
    _plain(axes, "x")
    picture.text(0.015, 1 - 20 / high, title, size=11.5, color=_INK, weight="bold", va="center")
    told = "; ".join(f"{kind}: {count} lines, {became}" for kind, count, became, _ in rows)
    return Picture(picture, f"{title}. {told}.")


def _day(nights, place):
    """The date of a night by its place, also beyond the last one."""
    return str(datetime.date.fromisoformat(nights[0].night) + datetime.timedelta(round(place)))


def _short(night):
    date = datetime.date.fromisoformat(night)
    return f"{date.day} {MONTHS[date.month - 1]}"


def _plain(axes, lines="both"):
    axes.grid(alpha=0.3, axis=lines)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_FAINT, labelcolor=_INK, labelsize=9.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
