"""Pictures of import and export: a disc's directory and its files, the questions before an import, an object before and after."""

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_BOX, _GOOD, _BAD, _WAIT = "#eef2f6", "#d3e8d5", "#f6d5c8", "#fbe3b5"
_WIDE = 900
_SIGNS = {"stays": ("=", "white"), "changed": ("~", _GOOD), "removed": ("\u2212", _GOOD), "added": ("+", _BOX), "still there": ("!", _BAD)}


def file_set(records, files, title):
    """What a DICOMDIR lists beside what lies on the disc, and which of them meet.

    records : tuples (depth from 0, record type, key, path or ""), in the order of the directory; a path where the record refers to a file
    files   : paths that lie on the disc, the DICOMDIR left out
    """
    high = 28
    tall = 72 + high * max(len(records), len(files)) + 34
    picture, axes = canvas(_WIDE, tall)
    axes.text(14, 22, title, size=11.5, weight="bold", color=_INK, va="center")
    axes.text(14, 52, "DICOMDIR: its records", size=10, color=_FAINT, va="center")
    axes.text(560, 52, "the disc: its files", size=10, color=_FAINT, va="center")
    at, said, lacking = {}, [], []
    for row, path in enumerate(files):
        at[path] = 78 + high * row
    listed = [path for *_, path in records if path]
    for row, (depth, kind, key, path) in enumerate(records):
        y = 78 + high * row
        axes.add_patch(_box(14 + 22 * depth, y - 11, 350 - 22 * depth, 22, _BOX if not path or path in at else _BAD))
        axes.text(22 + 22 * depth, y, f"{kind}  {key}", size=9.5, color=_INK, va="center")
        if path:
            axes.text(358, y, path, size=9, color=_INK, va="center", ha="right", family="monospace")
        if path in at:
            axes.plot([364, 560], [y, at[path]], color=_LINE, lw=1.6)
        elif path:
            axes.text(346 - 7.6 * len(path), y, "no file:", size=9.5, color=_INK, va="center", ha="right", style="italic")
            lacking.append(path)
        said.append(f"{kind} {key}" + (f" refers to {path}" if path else ""))
    for path, y in at.items():
        axes.add_patch(_box(560, y - 11, 240, 22, _BOX if path in listed else _WAIT))
        axes.text(568, y, path, size=9.5, color=_INK, va="center", family="monospace")
        if path not in listed:
            axes.text(808, y, "no record", size=9.5, color=_INK, va="center", style="italic")
    unlisted = [path for path in files if path not in listed]
    return Picture(picture, f"{title}. Records of the DICOMDIR: {'; '.join(said)}. Files on the disc: {', '.join(files)}. "
                            f"Without a file: {', '.join(lacking) or 'none'}. Without a record: {', '.join(unlisted) or 'none'}.")


def questions(steps, end, title):
    """Questions that are asked in their order, each with the answer that ends it.

    steps : tuples (question, answer that leaves, where it leads, "good", "wait", "bad" or "left": no use, and no question either); a question that comes twice, one step after the
            other, is one question with two answers, and has one number
    end   : what becomes of whatever no question caught, which has the last number
    """
    fills = {"good": _GOOD, "wait": _WAIT, "bad": _BAD, "left": _BOX}
    high, gap = 42, 26
    asked = []                                          # (question, [(answer, decision, kind)]), a question that comes twice once
    for question, *leaves in steps:
        if not asked or asked[-1][0] != question:
            asked.append((question, []))
        asked[-1][1].append(leaves)
    tall = 50 + sum(high * len(ways) + gap for _, ways in asked) + high + 14
    picture, axes = canvas(_WIDE, tall)
    axes.text(14, 22, title, size=11.5, weight="bold", color=_INK, va="center")
    said, y = [], 46
    for number, (question, ways) in enumerate(asked, 1):
        height = high * len(ways)
        axes.add_patch(_box(14, y, 430, height, _BOX))
        axes.text(26, y + height / 2, f"{number}  {question}", size=10.5, color=_INK, va="center")
        for place, (answer, decision, kind) in enumerate(ways):
            middle = y + high * (place + 0.5)
            axes.annotate("", (650, middle), (446, middle), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.6})
            axes.text(548, middle - 10, answer, size=9.5, color=_INK, va="center", ha="center")
            axes.add_patch(_box(652, middle - 16, 230, 32, fills[kind]))
            axes.text(767, middle, decision, size=10.5, color=_INK, va="center", ha="center", weight="bold")
        axes.annotate("", (229, y + height + gap), (229, y + height + 1), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.6})
        axes.text(240, y + height + gap / 2, "else", size=9.5, color=_FAINT, va="center")
        said.append(f"{number}. {question} " + ", ".join(f"{answer}: {decision}" for answer, decision, _ in ways))
        y += height + gap
    axes.add_patch(_box(14, y, 430, 32, _GOOD))
    axes.text(26, y + 16, f"{len(asked) + 1}  everything else:", size=10.5, color=_INK, va="center")
    axes.text(180, y + 16, end, size=10.5, color=_INK, va="center", weight="bold")
    return Picture(picture, f"{title}. {'; '.join(said)}; {len(asked) + 1}. everything else: {end}.")


def before_and_after(before, after, title, leaks=()):
    """An object's attributes before and after something was done to it, each with a sign for what became of it.

    before, after : dicts from the name of an attribute to its value, such as ``standards.objects.attributes`` gives; names are shown in
                    the order of `before`, then those that are new
    leaks         : names of those that are marked where they stay, because they should not have
    """
    names = [*before, *(name for name in after if name not in before)]
    high = 25
    tall = 84 + high * len(names) + 36
    picture, axes = canvas(_WIDE, tall)
    axes.text(14, 22, title, size=11.5, weight="bold", color=_INK, va="center")
    for x, head in ((48, "attribute"), (400, "before"), (648, "after")):
        axes.text(x, 54, head, size=10, color=_FAINT, va="center")
    said, kinds = [], []
    for row, name in enumerate(names):
        y = 80 + high * row
        kind = ("added" if name not in before else "removed" if name not in after else
                "stays" if before[name] == after[name] else "changed")
        kind = "still there" if kind == "stays" and name in leaks else kind
        sign, fill = _SIGNS[kind]
        kinds.append(kind)
        if kind == "still there":
            axes.add_patch(_box(14, y - 11, 876, 22, fill))
        axes.add_patch(_box(14, y - 11, 24, 22, fill))
        axes.text(26, y, sign, size=11, color=_INK, va="center", ha="center", weight="bold")
        axes.text(48, y, _short(name, 54), size=9.2, color=_INK, va="center")
        for x, values, room in ((400, before, 30), (648, after, 30)):
            value = values.get(name)
            text, colour = (_short(str(value), room), _INK) if value else ("not there" if value is None else "empty", _FAINT)
            axes.text(x, y, text, size=9, color=colour, va="center", family="monospace" if colour == _INK else None,
                      style="normal" if colour == _INK else "italic")
        told = {"added": f"new, {after.get(name) or 'empty'}", "removed": f"removed, was {before.get(name) or 'empty'}",
                "stays": f"stays {before.get(name) or 'empty'}", "still there": f"is still there, {before.get(name) or 'empty'}",
                "changed": f"was {before.get(name) or 'empty'}, is {after.get(name) or 'empty'}"}[kind]
        said.append(f"{name} {told}")
    y = tall - 22
    for place, (kind, (sign, fill)) in enumerate((kind, look) for kind, look in _SIGNS.items() if kind in kinds):
        axes.add_patch(_box(14 + 130 * place, y - 10, 20, 20, fill))
        axes.text(24 + 130 * place, y, sign, size=10, color=_INK, va="center", ha="center", weight="bold")
        axes.text(42 + 130 * place, y, kind, size=9.5, color=_INK, va="center")
    return Picture(picture, f"{title}. {'; '.join(said)}.")



def _box(left, top, width, height, fill):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, facecolor=fill, edgecolor=_INK, linewidth=1)


def _short(text, most):
    return text if len(text) <= most else text[: most - 1] + "\u2026"
