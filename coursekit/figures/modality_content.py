"""Pictures of what the objects of one exam must say: where it comes from, what private blocks hold, findings, a phantom's slices."""

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_HEAD, _PLAIN, _MARKED = "#cfe5f7", "#f4f6f8", "#fbe3b5"


def threads():
    """What goes from the worklist item into image, performed procedure step and dose report, and what must agree between these."""
    wide, tall = 1100, 420
    picture, axes = canvas(wide, tall)
    _text(axes, 12, 20, "One exam, four objects: what must be the same in them", size=11, weight="bold")
    boxes = {
        "worklist item": (20, 160, 200, (
            "patient: name, ID, issuer,", "birth date, sex", "Accession Number", "Study Instance UID", "requested procedure,",
            "scheduled step, codes")),
        "image": (460, 46, 270, ("the same patient and order", "Request Attributes: procedure, step", "Irradiation Event UID, CTDIvol")),
        "performed procedure step": (460, 176, 270, (
            "the same study, order and step", "Performed Series: every image,", "and every other object")),
        "dose report (RDSR)": (460, 306, 270, (
            "the same patient and study", "each event: UID, CTDIvol, DLP", "total DLP = sum of the events")),
    }
    for name, (x, y, width, lines) in boxes.items():
        height = 40 + 20 * len(lines)
        _box(axes, x, y, width, height, _PLAIN)
        _box(axes, x, y, width, 26, _HEAD)
        _text(axes, x + 10, y + 13, name, size=10.5, weight="bold")
        for place, line in enumerate(lines):
            _text(axes, x + 10, y + 42 + 20 * place, line, size=9.5)
    axes.plot([220, 400], [240, 240], color=_LINE, lw=1.4)
    axes.plot([400, 400], [96, 356], color=_LINE, lw=1.4)
    for y in (96, 226, 356):
        _arrow(axes, (400, y), (458, y), "-")
    _text(axes, 310, 228, "copied by the modality", size=9.5, ha="center")
    for x, top, bottom, lines in ((760, 100, 216, ("number of images,", "the study")), (760, 236, 352, ("the report is listed",)),
                                  (920, 96, 356, ("Irradiation Event UID,", "CTDIvol of each event"))):
        for y in (top, bottom):
            axes.plot([732, x], [y, y], color=_INK, lw=0.8, ls=":")
        _arrow(axes, (x, top), (x, bottom), "--", both=True)
        middle = (top + bottom) / 2
        for place, line in enumerate(lines):
            _text(axes, x + 10, middle + 18 * (place - (len(lines) - 1) / 2), line, size=9.5)
    _text(axes, 20, 396, "solid: copied; dashed: what two of them must agree on", size=9, color=_FAINT)
    return Picture(picture, """One exam, four objects. From the worklist item the modality copies patient, accession number, Study Instance
        UID, requested procedure, scheduled step and codes into image, performed procedure step and dose report. Besides, these must agree
        among themselves: image and step on the number of images and the study, step and dose report in that the step lists the report,
        image and dose report on Irradiation Event UID and CTDIvol; and in the dose report the total DLP is the sum of its events.""")


def slices(images, names, box, measured, center=0, width=400):
    """The slices of a phantom side by side, pixel by pixel, with the one that is to be measured marked.

    images   : Datasets with pixels
    names    : what is in each of them, a line each
    box      : a rectangle in the measured one: (first row, row after the last, first column, column after the last)
    measured : its place in `images`; its middle row and column are drawn too
    """
    from matplotlib.patches import Rectangle

    from coursekit.figures.image import Display

    side, gap, top = 330, 14, 66
    wide, tall = gap + (side + gap) * len(images), top + side + 48
    picture, axes = canvas(wide, tall)
    for place, (ds, name) in enumerate(zip(images, names, strict=True)):
        x, (rows, columns) = gap + (side + gap) * place, (ds.Rows, ds.Columns)
        _text(axes, x, 18, f"phantom[{place}]" + (", to be measured" if place == measured else ""), size=10.5, weight="bold")
        _text(axes, x, 42, name, size=9.5)
        grey = Display(ds, center, width).grey
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=(x, x + side, top + side, top), aspect="auto", interpolation="antialiased")
        if place == measured:
            at = [x + side * box[2] / columns, top + side * box[0] / rows]
            axes.add_patch(Rectangle(at, side * (box[3] - box[2]) / columns, side * (box[1] - box[0]) / rows, fill=False,
                                     edgecolor="#e8d27a", lw=1.6))
            axes.plot([x, x + side], [top + side / 2] * 2, color="#e8d27a", lw=0.9, ls="--")
            axes.plot([x + side / 2] * 2, [top, top + side], color="#e8d27a", lw=0.9, ls="--")
            _text(axes, x, top + side + 18, f"box: water; dashed: row {rows // 2}, column {columns // 2}", size=9.5)
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    low, high = f"{center - width / 2:g}", f"{center + width / 2:g}"
    _text(axes, gap, top + side + 36, "Each pixel is drawn as a square, whatever Pixel Spacing says. "
          f"Black: {low} HU and less; white: {high} HU and more.", size=9, color=_FAINT)
    said = "; ".join(f"phantom[{place}]: {name}" for place, name in enumerate(names))
    return Picture(picture, f"""The phantom's {len(images)} slices side by side, pixel by pixel, window centre {center:g}, width {width:g}:
        grey discs on black. {said}. In phantom[{measured}] a box around rows {box[0]} to {box[1] - 1}, columns {box[2]} to {box[3] - 1},
        and the middle row and column are drawn.""")


def blocks(images, group=0x0019, brief=(), instead="contents not shown"):
    """The private blocks of a group in some data sets, side by side: which creator has reserved which block, and what stands in it.

    images  : {title: Dataset}
    brief   : the titles of those of which only the reservations are shown
    instead : what stands in their place
    """
    found = {title: [(creator, block, [] if title in brief else elements) for creator, block, elements in _blocks_of(ds, group)]
             for title, ds in images.items()}
    rows = max(sum(2 + (len(elements) or 1) for _, _, elements in blocks) for blocks in found.values())
    column, row = 430, 24
    wide, tall = 20 + (column + 20) * len(found), 78 + row * rows
    picture, axes = canvas(wide, tall)
    _text(axes, 12, 20, f"Private attributes of group {group:04X}: the creator reserves a block", size=11, weight="bold")
    said = []
    for place, (title, blocks) in enumerate(found.items()):
        x, y = 20 + place * (column + 20), 46
        _text(axes, x, y, title, size=10.5, weight="bold")
        y += 16
        for number, (creator, block, elements) in enumerate(blocks):
            height = row * (1 + (len(elements) or 1))
            hatch = "" if number % 2 == 0 else "//"
            _box(axes, x, y, column, height, _PLAIN)
            _box(axes, x, y, column, row, _HEAD)
            _box(axes, x, y + row, 8, height - row, _MARKED, hatch)
            _text(axes, x + 10, y + row / 2, f"({group:04X},00{block:02X})  {creator}  reserves block {block:02X}", size=9.5, weight="bold")
            for line, (offset, value) in enumerate(elements, 1):
                _text(axes, x + 20, y + row * line + row / 2, f"({group:04X},{block:02X}{offset:02X})", size=9.5, family="monospace")
                _text(axes, x + 150, y + row * line + row / 2, f"xx{offset:02X} of this creator: {value}", size=9.5)
            if not elements:
                _text(axes, x + 20, y + 1.5 * row, instead, size=9.5, color=_FAINT)
            y += height + row
        said.append(f"{title}: " + "; ".join(
            f"({group:04X},00{block:02X}) reserves block {block:02X} for {creator}" + "".join(
                f", ({group:04X},{block:02X}{offset:02X}) = {value}" for offset, value in elements)
            + ("" if elements else f" ({instead})") for creator, block, elements in blocks))
    return Picture(picture, f"Private blocks of group {group:04X}. {'. '.join(said)}.")


def _blocks_of(ds, group):
    """[(creator, block number, [(element within the block, value)])] of a group, by block."""
    found = []
    for creator in ds.group_dataset(group):
        if creator.tag.is_private_creator:
            block = creator.tag.element
            elements = [(element.tag.element & 0xFF, str(element.value)) for element in ds.group_dataset(group)
                        if element.tag.element >> 8 == block]
            found.append((str(creator.value), block, elements))
    return found


def findings_map(report, names, title="Findings"):
    """A table of findings: a row for each attribute that is at fault anywhere, a column for each device, and the word of the finding in
    its cell.

    report : {device: [(tag, word)]}
    names  : {tag: name of the attribute}
    """
    tags = [tag for tag in names if any(tag in dict(found) for found in report.values())]
    left, row, column = 300, 28, 118
    wide, tall = left + column * len(report) + 16, 92 + row * (len(tags) + 1)
    picture, axes = canvas(wide, tall)
    _text(axes, 12, 20, title, size=11, weight="bold")
    for place, device in enumerate(report):
        for line, part in enumerate(device.split(", ")):
            _text(axes, left + column * (place + 0.5), 48 + 16 * line, part, size=9, weight="normal" if line else "bold", ha="center")
    for line, tag in enumerate(tags):
        y = 78 + row * line
        _text(axes, 12, y + row / 2, f"{tag} {names[tag]}", size=9)
        for place, found in enumerate(report.values()):
            words = sorted({word for one, word in found if one == tag})
            _box(axes, left + column * place, y, column, row, _MARKED if words else "white")
            _text(axes, left + column * place + column / 2, y + row / 2, ", ".join(words), size=9.5, weight="bold", ha="center")
    y = 78 + row * len(tags)
    _text(axes, 12, y + row / 2, "findings", size=9.5, weight="bold")
    for place, found in enumerate(report.values()):
        count = str(len(found)) if found else "none: in order"
        _text(axes, left + column * (place + 0.5), y + row / 2, count, size=9.5, weight="bold", ha="center")
    told = {device: ", ".join(f"{tag} {names[tag]} {word}" for tag, word in found) or "none" for device, found in report.items()}
    said = "; ".join(f"{device}: {findings}" for device, findings in told.items())
    return Picture(picture, f"{title}, by device. {said}.")


def _text(axes, x, y, text, size=9.5, weight="normal", ha="left", color=_INK, family=None, ground=False):
    box = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.5}} if ground else {}
    axes.text(x, y, text, size=size, weight=weight, ha=ha, va="center", color=color, family=family, zorder=3, **box)


def _box(axes, x, y, width, height, fill, hatch=""):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=_FAINT, linewidth=0.8, hatch=hatch))


def _arrow(axes, start, end, style, both=False):
    looks = {"arrowstyle": "<|-|>" if both else "-|>", "color": _INK if both else _LINE, "lw": 1.4, "ls": style}
    axes.annotate("", end, start, arrowprops=looks)
