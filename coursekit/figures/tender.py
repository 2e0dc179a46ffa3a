"""Pictures of a tender: bids in the plane of price and quality, the tornado of weights, how evaluators use the scale."""

from coursekit.figures.picture import Picture, figure

_INK, _LINE, _WARM = "#1c2733", "#0b5394", "#b45309"
_SHADES = ("#f4f6f8", "#dbe6ef", "#b9d0e3", "#8fb3d1", "#5c8fbb", "#2f6a9f")


def plane(bids, share, lowest, title):
    """Bids by price and quality, and for each reference price a line of equal total through the bid that leads.

    bids   : {name: (npv in euros, quality of 100)}
    share  : percent that quality counts; the price points are 100 x reference / npv
    lowest : {label: (reference price in euros, names of the bids that count)}, two at most; the bid with the most is the leader
    """
    picture = figure(760, 440)
    axes = picture.add_axes((0.09, 0.13, 0.88, 0.76))
    prices, qualities = [price for price, _ in bids.values()], [quality for _, quality in bids.values()]
    low, high = min(prices) - 250_000, max(prices) + 250_000
    floor, top = min(qualities) - 4, max(qualities) + 4
    said = []
    for (label, (reference, names)), style, color in zip(lowest.items(), ("-", "--"), (_LINE, _WARM)):
        totals = {name: (share * bids[name][1] + (100 - share) * 100 * reference / bids[name][0]) / 100 for name in names}
        leader = max(totals, key=totals.get)
        across = [low + step * (high - low) / 60 for step in range(61)]
        up = [(100 * totals[leader] - (100 - share) * 100 * reference / price) / share for price in across]
        axes.plot([price / 1e6 for price in across], up, ls=style, color=color, lw=1.8,
                  label=f"{label}: {leader} leads with {totals[leader]:.2f}")
        said.append(f"{label}: " + ", ".join(f"{name} {total:.2f}" for name, total in totals.items()) + f"; {leader} leads")
    for name, (price, quality) in bids.items():
        axes.plot(price / 1e6, quality, marker="o", markersize=8, color=_INK)
        axes.annotate(name, (price / 1e6, quality), (9, -15), textcoords="offset points", size=10.5, weight="bold", color=_INK,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes.set(xlim=(low / 1e6, high / 1e6), ylim=(floor, top))
    axes.set_xlabel("net present value, million euros (left is cheaper)", color=_INK, size=9.5)
    axes.set_ylabel("quality, points of 100", color=_INK, size=9.5)
    _plain(axes, title)
    axes.legend(frameon=False, fontsize=9, loc="lower right", title="on a line all totals are equal; above it is better", title_fontsize=9)
    where = "; ".join(f"{name} {price / 1e6:.2f} million euros, quality {quality:g}" for name, (price, quality) in bids.items())
    return Picture(picture, f"{title}. {where}. Quality counts {share} per cent. {'. '.join(said)}.")


def tornado(rows, lead, title, leader, second):
    """How far one vendor leads another when one weight is halved or doubled: a bar for each category, the widest on top.

    rows : (category, weight in percent, lead when halved, lead when doubled)
    lead : the lead with the weights as they are, points of 100
    """
    rows = sorted(rows, key=lambda row: (abs(row[3] - row[2]), row[0]))
    picture = figure(820, 96 + 36 * len(rows))
    tall = picture.get_figheight() * 100
    axes = picture.add_axes((0.25, 62 / tall, 0.71, 1 - 106 / tall))
    for place, (_, _, halved, doubled) in enumerate(rows):
        axes.barh(place, halved - lead, left=lead, height=0.62, facecolor="#fbe3b5", edgecolor=_INK, lw=0.8, hatch="///")
        axes.barh(place, doubled - lead, left=lead, height=0.62, facecolor="#8fb3d1", edgecolor=_INK, lw=0.8)
        for value, other in ((halved, doubled), (doubled, halved)):
            right = value >= other
            axes.annotate(f"{value:.2f}", (value, place), (5 if right else -5, 0), textcoords="offset points", size=9, color=_INK,
                          ha="left" if right else "right", va="center")
    axes.axvline(lead, color=_INK, lw=1.2)
    axes.axvline(0, color=_WARM, lw=2, ls="--")
    ends = [value for row in rows for value in row[2:]] + [0, lead]
    room = 0.14 * (max(ends) - min(ends) or 1)
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.set_yticks(range(len(rows)), [f"{category} ({weight:g} %)" for category, weight, _, _ in rows], size=9.5, color=_INK)
    axes.set_xlabel(f"lead of {leader} over {second}, points of 100; left of the dashed line {second} is ahead", color=_INK, size=9.5)
    _plain(axes, title)
    from matplotlib.patches import Patch
    axes.legend(handles=[Patch(facecolor="#fbe3b5", edgecolor=_INK, hatch="///", label="weight halved"),
                         Patch(facecolor="#8fb3d1", edgecolor=_INK, label="weight doubled")],
                frameon=False, fontsize=9, loc="lower right")
    said = "; ".join(f"{category}, {weight:g} per cent: {halved:.2f} when halved, {doubled:.2f} when doubled"
                     for category, weight, halved, doubled in reversed(rows))
    return Picture(picture, f"{title}. {leader} leads {second} by {lead:.2f} points. {said}.")


def scales(shares, title):
    """How often each evaluator gives each number of points: a bar of 100 per cent for each.

    shares : {evaluator: {points: percent}}
    """
    picture = figure(820, 90 + 46 * len(shares))
    tall = picture.get_figheight() * 100
    axes = picture.add_axes((0.2, 46 / tall, 0.77, 1 - 112 / tall))
    said, highest = [], max(points for one in shares.values() for points in one)
    for place, (evaluator, one) in enumerate(reversed(shares.items())):
        left = 0
        for points in range(highest + 1):
            percent = one.get(points, 0)
            if not percent:
                continue
            axes.barh(place, percent, left=left, height=0.66, facecolor=_SHADES[points], edgecolor=_INK, lw=0.7)
            if percent >= 4:
                axes.text(left + percent / 2, place, f"{points}", size=10, weight="bold", ha="center", va="center",
                          color="white" if points >= 5 else _INK)
            left += percent
    for evaluator, one in shares.items():
        said.append(f"{evaluator}: " + ", ".join(f"{points}: {percent:.0f} per cent" for points, percent in sorted(one.items()) if percent))
    axes.set_yticks(range(len(shares)), list(reversed(shares)), size=10, color=_INK)
    axes.set_xlim(0, 100)
    axes.set_xlabel("per cent of the answers that got so many points (the number in the bar)", color=_INK, size=9.5)
    _plain(axes, title)
    return Picture(picture, f"{title}. {'; '.join(said)}.")


def _plain(axes, title):
    axes.set_title(title, size=11, loc="left", color=_INK, weight="bold", pad=12)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
