"""Storage and capacity: what months brought, a forecast with its interval, waiting times, hits against days on the fast tier."""

import datetime

from coursekit.errors import CourseError
from coursekit.figures.picture import Picture, figure

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#5c6873", "#0b5394", "#b45309"
_BAND = "#cfe5f7"
_STYLES = (("#0b5394", "-"), ("#b45309", "--"), ("#2b6e3f", "-."), ("#6a3d8f", ":"), ("#1c2733", (0, (7, 2, 1, 2, 1, 2))))


def reached(table, column, limit):
    """The date on which `column` reaches `limit`: a datetime.date.

    table : DataFrame; its column `until` holds dates, "2025-05-01", and each row says what is there on that day. Between two rows the
            day is taken in proportion

    Raises CourseError when there is no such column, or when the limit is not reached.
    """
    for name in ("until", column):
        if name not in table.columns:
            raise CourseError(f"The table has no column {name!r}; it has {', '.join(map(str, table.columns))}.")
    days = [datetime.date.fromisoformat(str(day)[:10]) for day in table["until"]]
    amounts = [float(amount) for amount in table[column]]
    if amounts and amounts[0] >= limit:
        return days[0]
    for before, after, low, high in zip(days, days[1:], amounts, amounts[1:]):
        if high >= limit:
            return before + datetime.timedelta(round((after - before).days * (limit - low) / (high - low)))
    raise CourseError(f"The column {column!r} does not reach {limit:g} within the table; it ends with {amounts[-1]:.1f}.")


def months_brought(table, title="What each month brought", unit="TB"):
    """What a store took in month by month, as bars, with what came once on top of what is usual.

    table : DataFrame with `month`, "2025-03", `brought_tb` and, of that, `import_tb`
    """
    months, imported = table["month"].tolist(), table["import_tb"].tolist()
    usual = [float(brought - once) for brought, once in zip(table["brought_tb"], imported)]
    picture = figure(900, 380)
    axes = picture.add_axes((0.065, 0.12, 0.92, 0.78))
    summer = [int(month[5:]) in (7, 8) for month in months]
    axes.bar(range(len(months)), usual, color=[_BAND if warm else _LINE for warm in summer], edgecolor=_LINE, width=0.8)
    for place, (low, once) in enumerate(zip(usual, imported)):
        if once:
            axes.bar([place], [once], bottom=[low], facecolor="white", edgecolor=_WARM, hatch="////", width=0.8)
            axes.annotate("came once", (place, low + once), (-14, -2), textcoords="offset points", size=9.5, color=_WARM, weight="bold",
                          ha="right", va="top")
    shown = [place for place, month in enumerate(months) if month.endswith(("-01", "-07")) or place == 0]
    axes.set_xticks(shown, [months[place] for place in shown])
    axes.set_xlim(-0.7, len(months) - 0.3)
    axes.set_ylabel(f"{unit} in the month", color=_INK)
    axes.plot([], [], color=_BAND, lw=8, label="July and August")
    axes.legend(frameon=False, fontsize=9.5, loc="upper left")
    _finish(axes, title)
    by_size = sorted(zip(usual, months))
    warm = [amount for amount, is_summer in zip(usual, summer) if is_summer]
    said = [f"usual work between {by_size[0][0]:.2f} {unit} in {by_size[0][1]} and {by_size[-1][0]:.2f} {unit} in {by_size[-1][1]}"]
    if warm and len(warm) < len(usual):
        rest = [amount for amount, is_summer in zip(usual, summer) if not is_summer]
        said.append(f"July and August {sum(warm) / len(warm):.2f} {unit} on the average, the other months {sum(rest) / len(rest):.2f}")
    said += [f"in {month} {once:.2f} {unit} more that came once" for month, once in zip(months, imported) if once]
    return Picture(picture, f"{title}: {'; '.join(said)}.")


def forecast(history, plan=None, limits=(), title="Forecast", unit="TB", days_marked=()):
    """What a store held month by month, and where it goes, with the band of what may come.

    history : dict from date, "2025-04-07", to the amount
    plan    : DataFrame with `until`, `likely` and, for a band, `low` and `high`; None: the history alone
    limits  : tuples (amount, what it is), drawn as level lines. Where a band meets the first of them is enlarged, and shown there alone
    days_marked : tuples (datetime.date, what it is), drawn as upright lines
    """
    band = plan is not None and "low" in plan and "high" in plan
    days = [datetime.date.fromisoformat(day) for day in history]
    amounts = list(history.values())
    says = [f"{title}: {amounts[0]:.1f} {unit} on {days[0]}, {amounts[-1]:.1f} {unit} on {days[-1]}"]
    crossings = []
    for amount, what in limits:
        told = {}
        for column, name in (("high", "at the early end of the band"), ("likely", "expected"), ("low", "at the late end of the band")):
            if plan is not None and column in plan and amounts[-1] < amount <= float(plan[column].max()):
                told[name] = reached(plan, column, amount)
        crossings.append(told)
        says.append(f"a line at {amount:g} {unit}, {what}"
                    + (f", reached {', '.join(f'{name} {day}' for name, day in told.items())}" if told else ""))
    says += [f"{what} {day}" for day, what in days_marked]
    near = crossings[0] if crossings and band and len(crossings[0]) == 3 else {}
    picture = figure(900, 420)
    axes = picture.add_axes((0.065, 0.1, 0.53 if near else 0.9, 0.8))
    top, last = max([*amounts, *(amount for amount, _ in limits)]), days[-1]
    _drawn(axes, days, amounts, plan, limits, band=not near)
    if plan is not None:
        last, top = datetime.date.fromisoformat(str(plan["until"].iloc[-1])[:10]), max(top, float(plan["likely"].max()))
    for amount, what in limits:
        axes.annotate(f"{amount:g} {unit}: {what}", (days[0], amount), (4, 4), textcoords="offset points", size=9.5, color=_WARM,
                      weight="bold")
    low = 20 * (min(amounts) // 20) if min(amounts) > top / 4 else 0
    axes.set_xlim(days[0], last + (last - days[0]) / 40)
    axes.set_ylim(low, low + (top - low) * 1.12)
    for place, (day, what) in enumerate(days_marked):
        axes.axvline(day, color=_FAINT, lw=1.2, ls=((0, (4, 3)), "-.", ":")[place % 3])
        side = -1 if place == 0 else 1
        axes.annotate(f"{what}\n{day}", (day, 0.04), (4 * side, 0), xycoords=("data", "axes fraction"), textcoords="offset points", size=9.5, color=_INK,
                      ha="right" if side < 0 else "left")
    axes.set_ylabel(unit, color=_INK)
    axes.legend(frameon=False, fontsize=9.5, loc="upper left", bbox_to_anchor=(0.0, 0.72))
    _dated(axes, days[0], last, 4 if near else 7)
    _finish(axes, title)
    if near:
        _enlarged(picture, axes, days, amounts, plan, limits[0][0], near, unit)
    return Picture(picture, "; ".join(says) + ".")


def _enlarged(picture, whole, days, amounts, plan, amount, near, unit):
    """The place where the band of `plan` meets the limit, on axes of its own, and a frame around it on those of the whole.

    near : the three dates, the early one first
    """
    from matplotlib.patches import Rectangle

    likely = near["expected"]
    reach = max(35, (max(near.values()) - min(near.values())).days)
    axes = picture.add_axes((0.665, 0.1, 0.3, 0.8))
    _drawn(axes, days, amounts, plan, [(amount, "")])
    axes.set_xlim(likely - datetime.timedelta(reach), likely + datetime.timedelta(reach))
    inside = [float(value) for column in ("low", "high") for day, value in zip(plan["until"], plan[column])
              if abs((datetime.date.fromisoformat(str(day)[:10]) - likely).days) <= reach + 31]
    axes.set_ylim(min([*inside, amount - 1]), max([*inside, amount + 1]))
    for mark, day in zip("123", near.values()):
        axes.plot([day], [amount], color=_INK, marker="o", markersize=5)
        axes.annotate(mark, (day, amount), (0, 7), textcoords="offset points", size=9.5, color=_INK, ha="center", weight="bold")
    told = "\n".join(f"{mark}  {name}: {day}" for mark, name, day in zip("123", ("early", "expected", "late"), near.values()))
    axes.text(0.37, 0.05, told, transform=axes.transAxes, size=9.5, color=_INK, ha="left", va="bottom",
              bbox={"facecolor": "white", "edgecolor": _FAINT, "alpha": 0.9, "pad": 4})
    _dated(axes, likely - datetime.timedelta(reach), likely + datetime.timedelta(reach), 3)
    axes.legend(handles=axes.get_legend_handles_labels()[0][1:], frameon=False, fontsize=9.5, loc="upper left")
    low, high = axes.get_ylim()
    whole.add_patch(Rectangle((likely - datetime.timedelta(reach), low), datetime.timedelta(2 * reach), high - low, fill=False,
                              edgecolor=_INK, lw=1.2))
    whole.annotate("enlarged", (likely - datetime.timedelta(reach), low), (2, -3), textcoords="offset points", size=9.5, color=_INK,
                   ha="left", va="top")
    _finish(axes, f"Around {amount:g} {unit}, enlarged")


def _drawn(axes, days, amounts, plan, limits, band=True):
    """History, plan and limits on one pair of axes; `band`: with the band of the plan, where it has one."""
    axes.plot(days, amounts, color=_INK, lw=2, label="held so far")
    if plan is not None:
        ahead = [datetime.date.fromisoformat(str(day)[:10]) for day in plan["until"]]
        if band and "low" in plan and "high" in plan:
            axes.fill_between(ahead, plan["low"].tolist(), plan["high"].tolist(), facecolor=_BAND, edgecolor=_LINE, lw=0.8,
                              label="80 % of what may come")
        axes.plot(ahead, plan["likely"].tolist(), color=_LINE, lw=2, ls="--", label="expected")
    for amount, _ in limits:
        axes.axhline(amount, color=_WARM, lw=1.4, ls=":")


def _dated(axes, low, high, most):
    """Marks on the axis of time at firsts of a month between two dates, at most so many of them."""
    firsts = [datetime.date(year, month, 1) for year in range(low.year, high.year + 1) for month in range(1, 13)]
    inside = [day for day in firsts if low <= day <= high]
    for months in (1, 2, 3, 6, 12, 24, 60):
        shown = [day for day in inside if (12 * day.year + day.month - 1) % months == 0]
        if len(shown) <= most:
            break
    axes.set_xticks(shown, [str(day) for day in shown])


def waiting(groups, limit=None, title="How long the first image takes"):
    """The share of openings that were served within a time, as a line for each group (the empirical distribution), on a logarithmic scale.

    groups : dict from a name to the waiting times in seconds
    limit  : seconds, drawn as an upright line
    """
    import numpy as np

    picture = figure(900, 400)
    axes = picture.add_axes((0.075, 0.14, 0.75, 0.76))
    said, ends = [], []
    for (name, times), (color, style) in zip(groups.items(), _STYLES, strict=False):
        times = np.sort(np.asarray(times, dtype=float))
        share = 100 * np.arange(1, len(times) + 1) / len(times)
        axes.step(times, share, where="post", color=color, ls=style, lw=2, label=name)
        within = f", {100 * (times <= limit).mean():.1f} % within {limit:g} s" if limit else ""
        said.append(f"{name}: half within {np.quantile(times, 0.5):.1f} s{within}")
        ends.append(times[-1])
    axes.axhline(95, color=_FAINT, lw=1, ls=":")
    axes.annotate("95 %", (1, 95), (5, 0), xycoords=("axes fraction", "data"), textcoords="offset points", size=9.5, color=_INK,
                  va="center")
    if limit:
        axes.axvline(limit, color=_WARM, lw=1.4, ls=":")
        axes.annotate(f"{limit:g} s", (limit, 2), (5, 0), textcoords="offset points", size=9.5, color=_WARM, weight="bold")
    axes.set_xscale("log")
    ticks = [one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200) if one <= max(ends) * 1.3]
    axes.set_xticks(ticks, [f"{one:g}" for one in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 101)
    axes.set_xlabel("seconds until the first image", color=_INK, size=9.5)
    axes.set_ylabel("per cent of the openings", color=_INK, size=9.5)
    axes.legend(frameon=False, fontsize=9.5, loc="upper left", bbox_to_anchor=(1.05, 0.85))
    _finish(axes, title)
    return Picture(picture, f"{title}. {'; '.join(said)}.")


def hits_by_days(curves, wanted=None, title="Hits by days on the fast tier", closer=None):
    """How many openings would find their study on the fast tier, against the days that it stays there, a line for each group.

    curves : dict from a group to a list of (days, per cent)
    wanted : per cent, drawn as a level line
    closer : days; the curves up to there are drawn once more beside, from the middle of the scale upwards
    """
    picture = figure(900, 410)
    axes = picture.add_axes((0.065, 0.14, 0.36 if closer else 0.72, 0.76))
    near = picture.add_axes((0.48, 0.14, 0.325, 0.76)) if closer else None
    said = []
    for (name, points), (color, style) in zip(curves.items(), _STYLES, strict=False):
        for one in filter(None, (axes, near)):
            one.plot(*zip(*points), color=color, ls=style, lw=2, label=name)
        wide = max(days for days, _ in points) / 6                              # some of them, evenly by days
        shown = [min(points, key=lambda point: abs(point[0] - step * wide)) for step in range(7)]
        shown = [point for place, point in enumerate(shown) if point not in shown[:place]]
        said.append(f"{name}: " + ", ".join(f"{share:.0f} % at {days} days" for days, share in shown))
    right = near or axes
    for one in filter(None, (axes, near)):
        if wanted:
            one.axhline(wanted, color=_FAINT, lw=1.2, ls=":")
        one.set_ylim(0, 101)
        one.set_xlim(left=0)
        one.set_xlabel("days on the fast tier after the exam", color=_INK, size=9.5)
    if wanted:
        right.annotate(f"{wanted:g} %: each group", (1, wanted), (5, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                       size=9.5, color=_INK, va="center")
    axes.set_ylabel("hits: per cent of the openings", color=_INK, size=9.5)
    right.legend(frameon=False, fontsize=9.5, loc="upper left", bbox_to_anchor=(1.02, 0.62))
    _finish(axes, title)
    if closer:
        near.set_xlim(0, closer)
        near.set_ylim(50, 101)
        _finish(near, f"The first {closer:g} days, from 50 % upwards")
    return Picture(picture, f"{title}. {'; '.join(said)}." + (f" Wanted in each group: {wanted:g} %." if wanted else ""))


def _finish(axes, title):
    axes.set_title(title, size=11, loc="left", color=_INK)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
