"""Pictures of a tender: bids in the plane of price and quality, the tornado of weights, how evaluators use the scale."""

from coursekit.figures.picture import Picture, figure

_INK, _LINE, _WARM = "#1c2733", "#0b5394", "#b45309"
_SHADES = ("#f4f6f8", "#dbe6ef", "#b9d0e3", "#8fb3d1", "#5c8fbb", "#2f6a9f")


def plane(bids, share, lowest, title, near):
    """Bids by price and quality, and for each reference price a line of equal total through the bid that leads; beside it enlarged.

    bids   : {name: (npv in euros, quality of 100)}
    share  : percent that quality counts; the price points are 100 x reference / npv
    lowest : {label: (reference price in euros, names of the bids that count)}, two at most; the bid with the most is the leader
    near   : the names of the bids between which it is decided, for the enlarged part
    """
    picture = figure(940, 420)
    whole, close = picture.add_axes((0.065, 0.14, 0.5, 0.72)), picture.add_axes((0.655, 0.14, 0.33, 0.72))
    said, always = [], set(bids).intersection(*(names for _, names in lowest.values()))
    lines = []
    for (label, (reference, names)), style, color in zip(lowest.items(), ("-", "--"), (_LINE, _WARM)):
        totals = {name: (share * bids[name][1] + (100 - share) * 100 * reference / bids[name][0]) / 100 for name in names}
        leader = max(totals, key=totals.get)
        lines.append((label, leader, style, color, reference, totals[leader]))
        said.append(f"{label}: " + ", ".join(f"{name} {total:.2f}" for name, total in totals.items()) + f"; {leader} leads")
    for axes, shown, room in ((whole, bids, (250_000, 4)), (close, {name: bids[name] for name in near}, (90_000, 1.2))):
        prices, qualities = [price for price, _ in shown.values()], [quality for _, quality in shown.values()]
        low, high = min(prices) - room[0], max(prices) + room[0]
        across = [low + step * (high - low) / 60 for step in range(61)]
        for label, leader, style, color, reference, total in lines:
            up = [(100 * total - (100 - share) * 100 * reference / price) / share for price in across]
            axes.plot([price / 1e6 for price in across], up, ls=style, color=color, lw=1.8,
                      label=f"{label}: the line of {leader}, {total:.2f}")
        for name, (price, quality) in shown.items():
            fill = _INK if name in always else "white"
            axes.plot(price / 1e6, quality, marker="o", markersize=8, color=_INK, markerfacecolor=fill, zorder=5)
            axes.annotate(name, (price / 1e6, quality), (9, -15), textcoords="offset points", size=10.5, weight="bold", color=_INK,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        axes.set(xlim=(low / 1e6, high / 1e6), ylim=(min(qualities) - room[1], max(qualities) + room[1]))
        axes.set_xlabel("net present value, million euros (left is cheaper)", color=_INK, size=9.5)
        axes.set_ylabel("quality, points of 100", color=_INK, size=9.5)
    _plain(whole, title)
    _plain(close, f"The same, around {' and '.join(near)}")
    whole.legend(frameon=False, fontsize=9, loc="lower right", title="whoever lies above a line has more points in all", title_fontsize=9)
    where = "; ".join(f"{name} {price / 1e6:.2f} million euros, quality {quality:g}{'' if name in always else ', an open circle'}"
                      for name, (price, quality) in bids.items())
    sides = "; ".join(f"{name} lies {_side(bids[name], *line[-2:], share)} the line of {leader} where {label}"
                      for label, leader, *line in lines for name in near if name != leader)
    return Picture(picture, f"{title}. {where}. Quality counts {share} per cent. {'. '.join(said)}. {sides}.")


def _side(bid, reference, total, share):
    """Whether a bid lies above or below a line of equal total."""
    return "above" if (share * bid[1] + (100 - share) * 100 * reference / bid[0]) / 100 > total else "below"


def tornado(rows, lead, title, leader, second, needed=None):
    """How far one vendor leads another when one weight is halved or doubled: a bar for each category, the widest on top.

    rows : (category, weight in percent, lead when halved, lead when doubled)
    lead : the lead with the weights as they are, points of 100
    needed : with how large a lead in quality the leader gets the award, when the other one is cheaper: a second line
    """
    rows = sorted(rows, key=lambda row: (abs(row[3] - row[2]), row[0]))
    picture = figure(820, 144 + 36 * len(rows))
    tall = picture.get_figheight() * 100
    axes = picture.add_axes((0.25, 110 / tall, 0.71, 1 - 154 / tall))
    for place, (_, _, halved, doubled) in enumerate(rows):
        axes.barh(place, halved - lead, left=lead, height=0.62, facecolor="#fbe3b5", edgecolor=_INK, lw=0.8, hatch="///")
        axes.barh(place, doubled - lead, left=lead, height=0.62, facecolor="#8fb3d1", edgecolor=_INK, lw=0.8)
        for value, other in ((halved, doubled), (doubled, halved))[:1 + (halved != doubled)]:
            right = value >= other
            axes.annotate(f"{value:.2f}{', halved or doubled' if halved == doubled else ''}", (value, place), (5 if right else -5, 0),
                          textcoords="offset points", size=9, color=_INK, ha="left" if right else "right", va="center")
    axes.axvline(lead, color=_INK, lw=1.2)
    lines = [axes.axvline(0, color=_WARM, lw=2, ls="--", label=f"0: left of it {second} is ahead in quality")]
    if needed is not None:
        lines.append(axes.axvline(needed, color=_LINE, lw=2.2, ls=":", label=f"{needed:.2f}: left of it {second} gets the award"))
    ends = [value for row in rows for value in row[2:]] + [0, lead, needed or 0]
    room = 0.14 * (max(ends) - min(ends) or 1)
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.set_yticks(range(len(rows)), [f"{category} ({weight:g} %)" for category, weight, _, _ in rows], size=9.5, color=_INK)
    axes.set_xlabel(f"lead of {leader} in quality, points of 100", color=_INK, size=9.5)
    _plain(axes, title)
    from matplotlib.patches import Patch
    picture.legend(handles=[Patch(facecolor="#fbe3b5", edgecolor=_INK, hatch="///", label="weight halved"),
                            Patch(facecolor="#8fb3d1", edgecolor=_INK, label="weight doubled"), *lines],
                   frameon=False, fontsize=9.5, loc="lower left", bbox_to_anchor=(0.24, 0.005), ncols=2, columnspacing=2.4)
    said = "; ".join(f"{category}, {weight:g} per cent: {halved:.2f} when halved, {doubled:.2f} when doubled"
                     for category, weight, halved, doubled in reversed(rows))
    award = ""
    if needed is not None:
        below = [f"{category} {how}" for category, _, halved, doubled in reversed(rows)
                 for how, value in (("halved", halved), ("doubled", doubled)) if value < needed]
        award = f" To get the award {leader} has to lead by {needed:.2f}; below that: {', '.join(below) or 'none'}."
    return Picture(picture, f"{title}. {leader} leads {second} by {lead:.2f} points. {said}.{award}")


def scales(shares, title):
    """How often each evaluator gives each number of points: a bar of 100 per cent for each, the strictest on top.

    shares : {evaluator: {points: percent}}
    """
    from matplotlib.patches import Patch
    mean = {name: sum(points * percent for points, percent in one.items()) / sum(one.values()) for name, one in shares.items()}
    order = sorted(shares, key=lambda name: (mean[name], name))
    picture = figure(820, 112 + 46 * len(shares))
    tall = picture.get_figheight() * 100
    axes = picture.add_axes((0.3, 46 / tall, 0.67, 1 - 134 / tall))
    said, highest = [], max(points for one in shares.values() for points in one)
    for place, evaluator in enumerate(reversed(order)):
        left = 0
        for points in range(highest + 1):
            percent = shares[evaluator].get(points, 0)
            if not percent:
                continue
            edge = _INK if percent >= 1 else "none"
            axes.barh(place, percent, left=left, height=0.66, facecolor=_SHADES[points], edgecolor=edge, lw=0.7)
            if percent >= 2.8:
                axes.text(left + percent / 2, place, f"{points}", size=10, weight="bold", ha="center", va="center",
                          color="white" if points >= 5 else _INK)
            left += percent
    for evaluator in order:
        said.append(f"{evaluator}, mean {mean[evaluator]:.1f}: " + ", ".join(
            f"{points}: {_percent(percent)}" for points, percent in sorted(shares[evaluator].items()) if percent))
    axes.set_yticks(range(len(shares)), [f"{name} (mean {mean[name]:.1f})" for name in reversed(order)], size=10, color=_INK)
    axes.set_xlim(0, 100)
    axes.set_xlabel("per cent of the answers", color=_INK, size=9.5)
    _plain(axes, title)
    axes.set_title(title, size=11, loc="left", color=_INK, weight="bold", pad=32)
    shades = [Patch(facecolor=_SHADES[points], edgecolor=_INK, label=f"{points}") for points in range(highest + 1)]
    axes.legend(handles=shades, frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.01, 0.98), ncols=highest + 2,
                columnspacing=1.4, handlelength=1.6)
    return Picture(picture, f"{title}. {'; '.join(said)}.")


def _percent(share):
    return f"{share:.0f} per cent" if share >= 0.5 else "less than half a per cent"


def _plain(axes, title):
    axes.set_title(title, size=11, loc="left", color=_INK, weight="bold", pad=12)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
