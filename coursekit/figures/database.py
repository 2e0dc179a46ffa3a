"""Pictures of a database: which tables there are and how they hang together, and counts as bars."""

from coursekit.figures.picture import Picture, figure

INK, LINE = "#1a1a1a", "#0b5394"
HEAD = "#dbe7f3"
FILLS = (("#0b5394", ""), ("#f2c879", "///"), ("#8fbf9f", "..."))  # each series by pattern as well as by colour


def schema_diagram(database, tables, shared=()):
    """The tables side by side with their columns, and an arrow from each key to the table it points to.

    database : has `columns(table)`, a DataFrame with columns `column` and `type`
    tables   : names, each pointing with its column `..._pk` to the table before it
    shared   : where they don't: the names of the columns that all of them have in common, and by whose values rows belong together
    """
    columns = {table: list(database.columns(table)["column"]) for table in tables}
    tallest = max(len(names) for names in columns.values())
    width, gap, row = 205, 75, 19
    picture = figure(len(tables) * (width + gap) + 10, (tallest + 2) * row + 46)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, len(tables) * (width + gap) + 10)
    axes.set_ylim((tallest + 2) * row + 46, 0)
    axes.axis("off")
    said = []
    for place, (table, names) in enumerate(columns.items()):
        left = 20 + place * (width + gap)
        axes.add_patch(_box(left, 24, width, row * (len(names) + 1.6), "white"))
        axes.add_patch(_box(left, 24, width, row * 1.3, HEAD))
        axes.text(left + 8, 24 + row * 0.9, table, weight="bold", size=11, color=INK)
        for number, name in enumerate(names):
            key = name in shared if shared else name == "pk" or place and name == f"{list(columns)[place - 1]}_pk"       # the two ends of an arrow
            axes.text(left + 8, 24 + row * (number + 2.1), name, size=9.5, color=LINE if key else INK, family="monospace",
                      weight="bold" if key else "normal")
        if place and shared:
            before = list(columns)[place - 1]
            for name in shared:
                ends = [(edge, 24 + row * (columns[one].index(name) + 1.9)) for one, edge in ((before, left - gap + 3), (table, left - 3))]
                axes.annotate("", *ends, arrowprops={"arrowstyle": "-", "color": LINE, "lw": 1.8, "linestyle": "--"})
            axes.text(left - gap / 2, ends[0][1] + 20, "both\nthe same", va="center", ha="center", size=8.5, color=LINE)
            said.append(f"a row of {before} and a row of {table} belong together when {' and '.join(shared)} are the same in both; neither "
                        "points to the other")
        elif place:
            before = list(columns)[place - 1]
            pointing = f"{before}_pk"
            start = (left - 3, 24 + row * (names.index(pointing) + 1.9))
            end = (left - gap + 3, 24 + row * (columns[before].index("pk") + 1.9))
            axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": LINE, "lw": 1.8})
            axes.text(start[0] - 4, start[1] + 14, "many", ha="right", va="center", size=8.5, color=LINE)
            axes.text(end[0] + 3, end[1] - 9, "one", ha="left", va="center", size=8.5, color=LINE)
            said.append(f"each {table} row points with {pointing} to one {before} row, to which many may point")
    return Picture(picture, f"Tables of the PACS database with their columns: {', '.join(tables)}; {'; '.join(said)}.")


def bars(frame, by, title, unit="studies"):
    """Grouped bars: one group per row, one bar per number column.

    frame : DataFrame; `by` names the column of the groups, the others hold the numbers
    unit  : what is counted, at the axis
    """
    series = [column for column in frame.columns if column != by]
    picture = figure(860, 330)
    axes = picture.add_axes((0.08, 0.16, 0.9, 0.72))
    width = 0.8 / len(series)
    for number, column in enumerate(series):
        fill, hatch = FILLS[number]
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(frame))]
        drawn = axes.bar(places, frame[column], width, label=column, color=fill, hatch=hatch, edgecolor=INK, linewidth=0.6)
        axes.bar_label(drawn, [f"{value:,}" for value in frame[column]], size=8, color=INK, padding=2)
    axes.set_xticks(range(len(frame)), frame[by], size=9)
    axes.set_ylabel(unit, size=9)
    axes.set_title(title, size=11, loc="left", color=INK)
    axes.legend(frameon=False, ncols=len(series), loc="upper left", fontsize=9)
    axes.margins(y=0.18)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    told = "; ".join(
        f"{row[by]}: " + ", ".join(f"{column} {row[column]:,}" for column in series) for row in frame.to_dict("records")
    )
    return Picture(picture, f"{title}. {told}.")


def _box(left, top, width, height, fill):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, facecolor=fill, edgecolor=INK, linewidth=1)
