"""A contact sheet: one tile for each image of an edition, to be looked at by somebody who knows what it should look like.

An image is shown as a workstation shows it: modality LUT, the window or VOI LUT of its header, MONOCHROME1, its pixels'
proportions, and the letters of the patient's directions. Of a series there is the middle object, of a clip the middle frame.
A document without pixels is told in text.
"""

from pathlib import Path

TILE, TEXT, GAP = 360, 40, 10                                # screen pixels
COLUMNS, ROWS = 5, 4
GREY, BRIGHT, YELLOW = (150, 150, 150), (230, 230, 230), (232, 210, 122)
DOCUMENT_LINES = 23


def write(h, file, progress=lambda done, total, text: None):
    """Write the contact sheet of hospital `h` as PNG.

    file     : path; further pages are written beside it, FILE-2.png and on
    progress : called with (done, total, text)

    Returns the files, a list of Path. Raises OSError when one cannot be written.
    """
    from coursekit.hospital import images

    told = {name: text for names in images.CATALOGUE.values() for name, text in names.items()}
    file, files, on_a_page = Path(file), [], COLUMNS * ROWS
    names = list(told)
    for number, first in enumerate(range(0, len(names), on_a_page), 1):
        tiles = []
        for place, name in enumerate(names[first:first + on_a_page], first + 1):
            progress(place, len(names), name)
            tiles.append(tile(name, told[name], h.image(name)))
        files.append(file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}"))
        page(tiles).save(files[-1], "PNG")
    return files


def page(tiles):
    """The tiles on black, row by row: a PIL image."""
    from PIL import Image

    wide, high = TILE + GAP, TILE + TEXT + GAP
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (GAP + COLUMNS * wide, GAP + rows * high))
    for place, one in enumerate(tiles):
        sheet.paste(one, (GAP + place % COLUMNS * wide, GAP + place // COLUMNS * high))
    return sheet


def tile(name, told, made):
    """One image: a PIL image of TILE by TILE + TEXT pixels.

    told : what it is, one line
    made : a Dataset, or the Datasets of a series
    """
    from PIL import Image, ImageDraw

    series = made if isinstance(made, list) else [made]
    middle = len(series) // 2
    ds = series[middle]
    box = Image.new("RGB", (TILE, TILE + TEXT))
    draw = ImageDraw.Draw(box)
    if "PixelData" in ds:
        picture, frame, frames = shown(ds)
        box.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
        _directions(draw, ds, picture.size)
        which = f", frame {frame} of {frames}" if frames > 1 else ""
        size = f"{ds.Columns} x {ds.Rows}"
    else:
        for number, line in enumerate(lines(ds)[:DOCUMENT_LINES]):
            draw.text((8, 6 + 15 * number), _cut(draw, line, 11, TILE - 12), fill=BRIGHT, font=_font(11))
        which, size = "", "no pixels"
    which = f", {middle + 1} of {len(series)}{which}" if len(series) > 1 else which
    head = f"{name}   {ds.Modality} {size}{which}"
    draw.text((2, TILE + 4), _cut(draw, head, 12, TILE), fill=YELLOW, font=_font(12))
    draw.text((2, TILE + 21), _cut(draw, told, 11, TILE), fill=GREY, font=_font(11))
    return box


def shown(ds):
    """The middle frame as it looks on a screen, as large as a tile; which frame it is, from 1, and of how many."""
    import numpy as np
    from PIL import Image

    from coursekit.figures.image import Display

    frames = int(ds.get("NumberOfFrames") or 1)
    ds = _with_functional_groups(ds, frames // 2)
    display = Display(ds)
    grey = _through_voi_lut(ds, display) if "VOILUTSequence" in ds and display.own_window is None else display.grey
    high, wide = (size * step for size, step in zip(grey.shape[:2], spacing(ds), strict=True))
    scale = TILE / max(high, wide)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    picture = Image.fromarray(np.ascontiguousarray(grey)).convert("RGB")
    return picture.resize(size, Image.Resampling.LANCZOS), frames // 2 + 1 if frames > 1 else 1, frames


def _with_functional_groups(ds, frame):
    """A multi-frame object with what its functional groups say of a frame (index from 0) where single frames have it.

    Of those groups (PS3.3 C.7.6.16) that tell how the frame is shown: Frame VOI LUT, Pixel Value Transformation, Pixel
    Measures, Plane Orientation.
    """
    groups = []
    if ds.get("SharedFunctionalGroupsSequence"):
        groups.append(ds.SharedFunctionalGroupsSequence[0])
    if ds.get("PerFrameFunctionalGroupsSequence"):
        groups.append(ds.PerFrameFunctionalGroupsSequence[frame])
    for group in groups:
        for keyword in ("FrameVOILUTSequence", "PixelValueTransformationSequence", "PixelMeasuresSequence",
                        "PlaneOrientationSequence"):
            for item in group.get(keyword, []):
                ds.update(item)
    return ds


def _through_voi_lut(ds, display):
    """The frame through its VOI LUT Sequence (PS3.3 C.11.2.1.1): bytes, as `Display.grey`.

    Not by pydicom 3.0, whose indices into a table with entries of 8 bits have only 8 bits themselves.
    """
    import numpy as np

    item = ds.VOILUTSequence[0]
    _, first, bits = item.LUTDescriptor
    entries = np.frombuffer(item.LUTData, "<u2") if isinstance(item.LUTData, bytes) else np.array(item.LUTData)
    places = np.clip(np.nan_to_num(display.values) - first, 0, len(entries) - 1).astype(int)
    grey = entries[places] / (2**bits - 1) * 255
    return np.where(display.padding, 0, np.round(255 - grey if display.inverted else grey)).astype(np.uint8)


def spacing(ds):
    """How far apart rows and columns are, in any unit: two numbers, for the image's proportions."""
    if ds.get("PixelAspectRatio"):
        return tuple(float(step) for step in ds.PixelAspectRatio)
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        if ds.get(keyword):
            return tuple(float(step) for step in ds[keyword].value)
    for region in ds.get("SequenceOfUltrasoundRegions", [])[:1]:
        if region.PhysicalUnitsXDirection == region.PhysicalUnitsYDirection == 3:                # centimetres
            return abs(region.PhysicalDeltaY), abs(region.PhysicalDeltaX)
    return 1.0, 1.0


def _directions(draw, ds, size):
    from coursekit.figures.image import orientation

    middle, font = TILE // 2, _font(14)
    across, down = (side // 2 - 10 for side in size)
    places = ((middle + across, middle), (middle, middle + down), (middle - across, middle), (middle, middle - down))
    for letters, place in zip(orientation(ds) or (), places, strict=False):
        draw.text(place, letters, fill=YELLOW, font=font, anchor="mm", stroke_width=2, stroke_fill="black")


def lines(ds):
    """What a document without pixels says: a list of str."""
    found = [ds.SOPClassUID.name, f"{ds.PatientName}  {ds.PatientID}"]
    for keyword in ("SeriesDescription", "DocumentTitle", "ContentLabel", "ContentDescription", "PresentationLUTShape",
                    "ImageRotation", "ImageHorizontalFlip"):
        if ds.get(keyword) not in (None, ""):
            found.append(f"{keyword}: {ds[keyword].value}")
    if "EncapsulatedDocument" in ds:
        found.append(f"{ds.get('MIMETypeOfEncapsulatedDocument')}, {len(ds.EncapsulatedDocument):,} bytes")
    for layer in ds.get("GraphicAnnotationSequence", []):
        found += [f"{graphic.GraphicType} of {graphic.NumberOfGraphicPoints} points"
                  for graphic in layer.get("GraphicObjectSequence", [])]
        found += [f"text: {text.UnformattedTextValue}" for text in layer.get("TextObjectSequence", [])]
    return found + list(_content(ds, 0)) if "ValueType" in ds else found


def _content(item, depth):
    """A content item and those below it, of a structured report or a key object selection."""
    name = item.ConceptNameCodeSequence[0].CodeMeaning if item.get("ConceptNameCodeSequence") else item.ValueType
    yield f"{'   ' * depth}{name}{': ' if item.ValueType != 'CONTAINER' else ''}{_value(item)}"
    for child in item.get("ContentSequence", []):
        if "ValueType" in child:                            # else a reference to another item
            yield from _content(child, depth + 1)


def _value(item):
    kind = item.ValueType
    if kind == "NUM" and item.get("MeasuredValueSequence"):
        measured = item.MeasuredValueSequence[0]
        return f"{measured.NumericValue} {measured.MeasurementUnitsCodeSequence[0].CodeValue}"
    if kind == "CODE":
        return item.ConceptCodeSequence[0].CodeMeaning
    if kind in ("IMAGE", "COMPOSITE", "WAVEFORM"):
        return f"...{item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID[-18:]}"
    keyword = {"TEXT": "TextValue", "PNAME": "PersonName", "UIDREF": "UID", "DATETIME": "DateTime", "DATE": "Date",
               "TIME": "Time"}.get(kind)
    return str(item.get(keyword, "")) if keyword else ""


def _font(size):
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _cut(draw, text, size, wide):
    """The text, or as much of it as is not wider than `wide` pixels, with dots."""
    font = _font(size)
    while draw.textlength(text, font=font) > wide:
        text = text.rstrip(".")[:-1] + "..."
    return text
