"""Pictures of how a relational database works: its tables and keys, two users at one row, and a search level by level."""

from coursekit.figures.picture import Picture, figure

INK, LINE, FAINT, HEAD, WARN = "#1a1a1a", "#0b5394", "#5f6b76", "#dbe7f3", "#a3320b"
_WIDE, _GAP, _ROW = 178, 92, 19


def entities(database, places, meant=()):
    """Tables as boxes with their keys, and a line for each foreign key.

    database : its `rows(sql)` gives (names, rows); the foreign keys are those that it declares
    places   : dict from a table's name to its (column, row) in the picture
    meant    : (table, column, table pointed to) of keys that are meant but not declared: drawn with a broken line
    """
    tables = {name: database.rows(f"PRAGMA table_info({name})")[1] for name in places}
    optional = {(name, row[1]) for name, rows in tables.items() for row in rows if not row[3]}
    declared = [(name, row[3], row[2]) for name in places for row in reversed(database.rows(f"PRAGMA foreign_key_list({name})")[1])
                if row[2] in places]
    links = [(*link, True) for link in declared] + [(*link, False) for link in meant]
    keys = {name: [row[1] for row in rows if row[5] or any(link[:2] == (name, row[1]) for link in links)] for name, rows in tables.items()}
    tall = max(len(names) for names in keys.values()) + 3.2
    columns, lines = (max(place[axis] for place in places.values()) + 1 for axis in (0, 1))
    height = lines * tall * _ROW + 46
    margin = 12 + 26 * any(child == parent and not places[child][0] for child, _, parent, _ in links)  # a loop stands left of its box
    wide = margin + columns * (_WIDE + _GAP) - _GAP + 12
    picture = figure(wide, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(height, 0))
    axes.axis("off")
    box = {name: (margin + column * (_WIDE + _GAP), 12 + row * tall * _ROW, _ROW * (len(keys[name]) + 1.9))
           for name, (column, row) in places.items()}

    def y_of(name, key):
        return box[name][1] + _ROW * (keys[name].index(key) + 1.95)

    for name, (left, top, high) in box.items():
        _rectangle(axes, left, top, _WIDE, high, "white")
        _rectangle(axes, left, top, _WIDE, _ROW * 1.3, HEAD)
        axes.text(left + 8, top + _ROW * 0.92, name, weight="bold", size=11, color=INK)
        for key in keys[name]:
            axes.text(left + 8, y_of(name, key) + 5, key, size=9.5, color=LINE, family="monospace")
    for child, key, parent, is_declared in links:
        if child == parent:
            _loop(axes, box[child][0], y_of(child, key), y_of(child, "pk"), (child, key) in optional)
            continue
        if places[child][0] == places[parent][0]:
            middle = box[child][0] + _WIDE / 2
            start, end = (middle, box[child][1]), (middle, box[parent][1] + box[parent][2])
        else:
            start, end = (box[child][0], y_of(child, key)), (box[parent][0] + _WIDE, y_of(parent, "pk"))
        _connect(axes, start, end, is_declared, (child, key) in optional)
    legend = [("many rows point to exactly one", True, False), ("many to one or none (NULL allowed)", True, True)]
    legend += [("meant, but not declared", False, False)] if meant else []
    left, y = 12, height - 16
    for text, is_declared, may_be_empty in legend:
        _connect(axes, (left, y), (left + 56, y), is_declared, may_be_empty)
        axes.text(left + 66, y + 4, text, size=9, color=INK)
        left += 110 + 6.4 * len(text)
    said = []
    for child, key, parent, is_declared in links:
        how = "one or none" if (child, key) in optional else "exactly one"
        said.append(f"{child}.{key} points to {how} of {parent}" if is_declared else
                    f"{child}.{key} is meant to point to {parent}, but that is not declared")
    return Picture(picture, f"Tables {', '.join(places)} with their keys. {'; '.join(said)}.")


def _connect(axes, start, end, is_declared, may_be_empty):
    """A line from the many (crow's foot) to the one (bar, and a ring when there may be none)."""
    style = {"color": LINE if is_declared else WARN, "lw": 1.5}
    (x, y), (to_x, to_y) = start, end
    away = ((to_x > x) - (to_x < x), 0) if abs(to_x - x) > 1 else (0, (to_y > y) - (to_y < y))
    knee, far = (x + 12 * away[0], y + 12 * away[1]), (to_x - 12 * away[0], to_y - 12 * away[1])
    axes.plot([x, knee[0], far[0], to_x], [y, knee[1], far[1], to_y], linestyle="-" if is_declared else (0, (4, 3)), **style)
    for side in (-6, 6):
        axes.plot([knee[0], x + side * away[1]], [knee[1], y + side * away[0]], **style)
    axes.plot([far[0] - 6 * away[1] + 5 * away[0], far[0] + 6 * away[1] + 5 * away[0]],
              [far[1] - 6 * away[0] + 5 * away[1], far[1] + 6 * away[0] + 5 * away[1]], **style)
    if may_be_empty:
        axes.plot([far[0] - 2 * away[0]], [far[1] - 2 * away[1]], marker="o", markersize=5, markerfacecolor="white", color=style["color"])


def _loop(axes, left, y_many, y_one, may_be_empty):
    """A line from a table's column (crow's foot) round to the same table's key (bar, and a ring when there may be none)."""
    style = {"color": LINE, "lw": 1.5}
    axes.plot([left, left - 26, left - 26, left], [y_many, y_many, y_one, y_one], **style)
    for side in (-6, 6):
        axes.plot([left - 12, left], [y_many, y_many + side], **style)
    axes.plot([left - 7, left - 7], [y_one - 6, y_one + 6], **style)
    if may_be_empty:
        axes.plot([left - 14], [y_one], marker="o", markersize=5, markerfacecolor="white", color=LINE)


def two_users(steps, first, second):
    """Two users at one row, from top to bottom.

    steps  : (who, does, row): `does` is "opens" or "saves" with what was changed; `row` is what the database holds afterwards
    first, second : the two users
    """
    height, wide = 62 + 54 * len(steps), 880
    picture = figure(wide, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(height, 0))
    axes.axis("off")
    lanes = {first: 120, second: wide - 120}
    middle = wide / 2
    for name, x in (*lanes.items(), ("row in the database", middle)):
        axes.text(x, 22, name, ha="center", size=11, weight="bold", color=INK)
        axes.annotate("", (x, height - 2), (x, 34), arrowprops={"arrowstyle": "->", "color": "#b9c3cc", "lw": 1.2}, zorder=0)  # time
    said = []
    for number, (who, does, row) in enumerate(steps):
        y = 66 + 54 * number
        x = lanes[who]
        inner = middle - 172 if x < middle else middle + 172
        reads = does.startswith("opens")
        ends = ((inner, y), (x, y)) if reads else ((x, y), (inner, y))
        arrow = {"arrowstyle": "->", "color": LINE if reads else WARN, "lw": 1.8, "linestyle": "--" if reads else "-"}
        axes.annotate("", ends[1], ends[0], arrowprops=arrow)
        axes.text((x + inner) / 2, y - 8, f"{number + 1} {does}", ha="center", size=9.5, color=INK)
        _rectangle(axes, middle - 170, y - 15, 340, 30, "#ffffff" if reads else HEAD)
        axes.text(middle, y + 4, row, ha="center", size=9, color=INK, family="monospace")
        said.append(f"{number + 1}: {who} {does}; the row is then {row}")
    return Picture(picture, f"Two users at one row. {'. '.join(said)}.")


def level_by_level(series):
    """The same question twice: as C-FIND requests level by level, and as one SQL statement.

    series : for each study of the picture the number of its series
    """
    wide, height = 900, 330
    picture = figure(wide, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(height, 0))
    axes.axis("off")
    axes.text(20, 24, "C-FIND, Study Root: level by level", size=11, weight="bold", color=INK)
    axes.text(580, 24, "SQL: tables side by side", size=11, weight="bold", color=INK)
    _rectangle(axes, 190, 42, 160, 34, HEAD)
    axes.text(270, 63, "1  STUDY, date range", ha="center", size=9.5, color=INK)
    step = 500 / len(series)
    for number, count in enumerate(series):
        x = 20 + step * (number + 0.5)
        axes.plot([270, x], [76, 118], color=LINE, lw=1.3)
        axes.text(x, 134, f"study {number + 1}", ha="center", size=9.5, color=INK, weight="bold")
        axes.plot([x, x], [142, 158], color=LINE, lw=1.3)
        _rectangle(axes, x - 68, 158, 136, 46, HEAD)
        axes.text(x, 177, f"{number + 2}  SERIES of", ha="center", size=9.5, color=INK)
        axes.text(x, 193, "this one study", ha="center", size=9.5, color=INK)
        for place in range(count):
            below = x + (place - (count - 1) / 2) * 46
            axes.plot([x, below], [204, 236], color=LINE, lw=1.3)
            axes.text(below, 250, "series", ha="center", size=8.5, color=INK)
    axes.text(20, 296, f"{len(series)} studies: {len(series) + 1} requests", size=10, color=WARN)
    for left, name, rows in ((590, "study", len(series)), (750, "series", sum(series))):
        axes.text(left + 55, 66, name, ha="center", size=9.5, weight="bold", color=INK)
        for row in range(rows):
            _rectangle(axes, left, 76 + row * 24, 110, 20, "#ffffff")
    place = 0
    for number, count in enumerate(series):
        for _ in range(count):
            axes.plot([700, 750], [86 + number * 24, 86 + place * 24], color=LINE, lw=1.3)
            place += 1
    axes.text(590, 296, "one statement with a JOIN", size=10, color=WARN)
    return Picture(picture, f"The same question twice. Left: C-FIND level by level; request 1 on the level STUDY finds {len(series)} "
                   f"studies, then one request on the level SERIES for each of them, {len(series) + 1} in all. Right: SQL joins the "
                   "rows of the tables study and series in one statement.")


def _rectangle(axes, left, top, width, height, fill):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), width, height, facecolor=fill, edgecolor=INK, linewidth=1))
