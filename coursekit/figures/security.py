"""Pictures of security: what hash, encryption and signature do, who vouches for a certificate, and backups around an attack."""

from datetime import datetime

from coursekit.figures.picture import Picture, figure

INK, FAINT, LINE = "#1a1a1a", "#5b6570", "#0b5394"
PAPER, KEY, RESULT = "#eef3f8", "#fbe3b5", "#dff0e3"


def tools():
    """Hash, encryption and signature side by side: what goes in, which key, what comes out, and whether there is a way back."""
    rows = (
        ("hash", "anything", None, "32 bytes", "no way back, no key: anybody can work it out", None, None),
        ("encryption,\none key", "a message", "shared key", "unreadable", "the same key opens it", "shared key", "the message"),
        ("encryption,\nkey pair", "a message", "public key", "unreadable", "this key alone opens it", "private key", "the message"),
        ("signature,\nkey pair", "the hash of\na message", "private key", "a number", "anybody can check it,\nwith the message",
         "public key", "it fits,\nor not"),
    )
    picture = figure(980, 390)
    axes = _axes(picture, 980, 390)
    for left, text in ((105, "goes in"), (240, "with"), (375, "comes out"), (500, "and then"), (690, "with"), (850, "gives")):
        axes.text(left, 16, text, size=10, color=FAINT, va="center")
    for place, (name, given, key, result, back, other, end) in enumerate(rows):
        top = 40 + place * 86
        axes.text(8, top + 30, name, size=10, weight="bold", color=INK, va="center")
        _box(axes, 105, top, 105, given, PAPER)
        _arrow(axes, 210, top + 30, 375)
        if key:
            _box(axes, 240, top + 10, 100, key, KEY, 40)
        _box(axes, 375, top, 105, result, RESULT)
        if other:
            _arrow(axes, 480, top + 30, 850)
            _box(axes, 690, top + 10, 110, other, KEY, 40)
            _box(axes, 850, top, 120, end, PAPER)
        else:
            axes.plot([490, 505], [top + 30, top + 30], color=INK, lw=1.5)
            axes.plot([505, 505], [top + 15, top + 45], color=INK, lw=3)
        axes.text(515, top + 14 - 7 * back.count("\n"), back, size=9, color=INK, va="center")
    return Picture(picture, "Four tools. " + "; ".join(
        f"{name}: {given} goes in{f' with the {key}' if key else ' without a key'}, {result} comes out, {back}"
        + (f": with the {other} one gets: {end}" if other else "")
        for name, given, key, result, back, other, end in rows).replace(",\nor", ", or").replace("\n", " ") + ".")


def chain(root, authority, host):
    """Who vouches for whom: `root`, `authority` and `host` are certificates (`subject`, `issuer`, `not_after`)."""
    picture = figure(960, 250)
    axes = _axes(picture, 960, 250)
    said = []
    notes = ("laid into every device by hand,\nonce: its signature is its own", "sent along by the host",
             "sent by the host, which also shows\nthat it holds the private key")
    for place, (one, note) in enumerate(zip((root, authority, host), notes, strict=True)):
        left = 20 + place * 320
        common = one.subject.split("CN=")[1]
        _box(axes, left, 60, 250, "", PAPER, 100)
        axes.text(left + 12, 82, common, size=10.5, weight="bold", color=INK, va="center")
        axes.text(left + 12, 106, "issuer: " + one.issuer.split("CN=")[1], size=9, color=INK, va="center")
        axes.text(left + 12, 126, f"ends: {one.not_after:%Y-%m-%d}", size=9, color=INK, va="center")
        axes.text(left + 12, 146, "its public key + signature of the issuer", size=8.5, color=FAINT, va="center")
        axes.text(left + 4, 190, note, size=9, color=FAINT, va="center")
        said.append(f"{common}, issuer {one.issuer.split('CN=')[1]}, until {one.not_after:%Y-%m-%d}")
        if place:
            _arrow(axes, left - 70, 110, left)
            axes.text(left - 36, 98, "signs", size=9, color=LINE, ha="center")
    axes.text(20, 24, "A chain of certificates", size=12, weight="bold", color=INK, va="center")
    return Picture(picture, f"A chain of three certificates, each signed by the one before: {'; '.join(said)}. "
                   "The first is laid into every device by hand.")


def backups(copies, drill):
    """The copies on a time line, a row for each kind, with the moments of the attack.

    copies : DataFrame with `copy`, `taken`, `kind`
    drill  : dict from a moment's name to its time
    """
    moments = {name: datetime.fromisoformat(when) for name, when in drill.items()}
    taken = [datetime.fromisoformat(when) for when in copies["taken"]]
    first, last = min(taken), max(moments.values())
    span = (last - first).total_seconds()
    kinds = list(dict.fromkeys(copies["kind"]))
    below = 110 + 48 * len(kinds)
    picture = figure(980, below + 40)
    axes = _axes(picture, 980, below + 40)

    def place(when):
        return 280 + (when - first).total_seconds() / span * 630
    levels = {kind: 116 + 48 * number for number, kind in enumerate(kinds)}
    for kind, level in levels.items():
        axes.plot([268, 930], [level, level], color="#b8c0c8", lw=1)
        axes.text(14, level, kind, size=9, color=INK, va="center")
    said = []
    for row, when in zip(copies.to_dict("records"), taken, strict=True):
        x, level = place(when), levels[row["kind"]]
        axes.plot([x], [level], marker="o", ms=9, color=LINE)
        axes.text(x, level + 20, row["copy"], size=9.5, color=INK, ha="center", va="center", zorder=5,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
        said.append(f"{row['copy']} {row['taken']}, {row['kind']}")
    for number, (name, when) in enumerate(moments.items()):
        x = place(when)
        top = 78 - 22 * number  # the latest on top: each label runs to the left, over the lines of the earlier ones
        axes.plot([x, x], [top + 6, below], color="#8a1c1c", lw=1.4, ls=("-", "--", ":")[number])
        axes.text(x - 6, top, f"{name} {when:%a %d %b, %H:%M}", size=9, color="#8a1c1c", ha="right", va="center")
    day = first.replace(hour=0, minute=0)
    while day <= last:
        axes.plot([place(day)] * 2, [below + 4, below + 12], color=FAINT, lw=1)
        axes.text(place(day), below + 24, f"{day:%a %d}", size=8.5, color=FAINT, ha="center", va="center")
        day = day.fromordinal(day.toordinal() + 1)
    attack = ", ".join(f"{name} {when}" for name, when in drill.items())
    return Picture(picture, f"Time line of the copies: {'; '.join(said)}. The attack: {attack}.")


def _axes(picture, width, height):
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes


def _box(axes, left, top, width, text, fill, height=60):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), width, height, facecolor=fill, edgecolor=INK, linewidth=1, zorder=3))
    axes.text(left + width / 2, top + height / 2, text, size=10, color=INK, ha="center", va="center", zorder=4)


def _arrow(axes, start, level, end):
    axes.annotate("", (end, level), (start, level), arrowprops={"arrowstyle": "->", "color": LINE, "lw": 1.6})
