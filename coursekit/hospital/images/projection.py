"""What projection X-ray images share: rays through shapes, the detector and its noise, the exposure index, the header.

Lengths are in mm from the middle of the image, x to the right, y downwards. A shape is drawn as the length of each ray
inside it; times the attenuation of its stuff and summed over all shapes that makes what the beam loses (Beer-Lambert).
"""

import math

import numpy as np

from coursekit.hospital.images import common, drawing


def chord(x, y, cx, cy, a, b, depth, tilt=(1.0, 0.0)):
    """The length of each ray inside an ellipsoid with half axes `a` and `b`, which is `depth` mm deep at its middle."""
    away = drawing.ellipse(x, y, cx, cy, a, b, tilt)
    return depth * np.sqrt(np.clip(1 - away * away, 0, None))


def rounded(points, times=3):
    """A line of many points that rounds the corners of a line of few; both are lists of tuples of numbers."""
    for _ in range(times):
        cut = [points[0]]
        for one, other in zip(points, points[1:], strict=False):
            cut.append(tuple(0.75 * a + 0.25 * b for a, b in zip(one, other, strict=True)))
            cut.append(tuple(0.25 * a + 0.75 * b for a, b in zip(one, other, strict=True)))
        points = [*cut, points[-1]]
    return points


def along(values, points):
    """A rounded line of few `points` (value, height), read at all `values`; its ends go on level."""
    line = np.array(rounded([(float(a), float(b)) for a, b in points]))
    place = np.clip(np.searchsorted(line[:, 0], values, side="right") - 1, 0, len(line) - 2)
    (first, low), (last, high) = line[place].T, line[place + 1].T
    share = np.clip((values.T - first) / (last - first), 0, 1)
    return (low * (1 - share) + high * share).T


def tube(x, y, line):
    """The length of each ray inside a round tube: the part of the picture that holds it, as two slices, and mm there.

    x, y : from ``drawing.grid``
    line : points (x, y, radius) along the tube. Where the tube meets itself the longest ray counts, so that bends and
           joints do not show.
    """
    left, top, step = x[0, 0], y[0, 0], x[0, 1] - x[0, 0]

    def span(values, start, count):
        low = min(max(int((min(values) - start) / step), 0), count)
        return low, max(min(int((max(values) - start) / step) + 2, count), low)

    def box(points):
        rows = span([p[1] - p[2] for p in points] + [p[1] + p[2] for p in points], top, x.shape[0])
        columns = span([p[0] - p[2] for p in points] + [p[0] + p[2] for p in points], left, x.shape[1])
        return rows, columns

    (first, last), (begin, end) = box(line)
    squared = np.zeros((last - first, end - begin))
    for one, other in zip(line, line[1:], strict=False):
        (a, b), (c, d) = box((one, other))
        if a == b or c == d:
            continue
        u, v = x[a:b, c:d] - one[0], y[a:b, c:d] - one[1]
        dx, dy = other[0] - one[0], other[1] - one[1]
        t = np.clip((u * dx + v * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
        radius = one[2] + (other[2] - one[2]) * t
        u, v = u - t * dx, v - t * dy
        part = squared[a - first : b - first, c - begin : d - begin]
        np.maximum(part, radius * radius - u * u - v * v, out=part)
    return (slice(first, last), slice(begin, end)), 2 * np.sqrt(squared)


def smooth(values, radius, times=1):
    """`drawing.blur` of numbers, to a millionth part."""
    return drawing.blur(np.round(values * 1048576).astype(np.int64), radius, times) / 1048576


def clouds(draws, shape, radius):
    """What `drawing.clouds` gives, the same values: ranks by counting instead of sorting, for images of this size."""
    field = drawing.blur(draws.below(1 << 20, shape[0] * shape[1]).reshape(shape), radius, 3)
    field -= field.min()
    counts = np.bincount(field.ravel())
    return ((np.cumsum(counts) - counts) / field.size)[field]


def warped(draws, values, radius, reach):
    """`values` with every place moved by up to `reach` pixels, neighbours alike: no outline stays a circle or a straight line."""
    place = np.indices(values.shape).astype(float)
    for axis in (0, 1):
        place[axis] += 2 * reach * (clouds(draws, values.shape, radius) - 0.5)
        np.clip(place[axis], 0, values.shape[axis] - 1.001, out=place[axis])
    whole = place.astype(np.int64)
    row, column = place - whole
    first = whole[0] * values.shape[1] + whole[1]
    flat = values.ravel()
    upper = flat[first] * (1 - column) + flat[first + 1] * column
    first += values.shape[1]
    return upper * (1 - row) + (flat[first] * (1 - column) + flat[first + 1] * column) * row


# --- letters of lead

LETTERS = {  # strokes on a field 4 wide and 6 high
    "L": [[(0, 0), (0, 6), (3.4, 6)]],
    "R": [[(0, 6), (0, 0), (2, 0), (3.6, 0.4), (3.6, 2.9), (2, 3.2), (0, 3.2)], [(1.8, 3.2), (3.7, 6)]],
    "C": [[(3.6, 1.1), (2.9, 0), (1, 0), (0, 1.2), (0, 4.8), (1, 6), (2.9, 6), (3.6, 4.9)]],
    "M": [[(0, 6), (0, 0), (2, 3.6), (4, 0), (4, 6)]],
    "O": [[(2, 0), (0.8, 0), (0, 1.2), (0, 4.8), (0.8, 6), (3.2, 6), (4, 4.8), (4, 1.2), (3.2, 0), (2, 0)]],
}


def marker(x, y, text, left, top, height, bold=0.3):
    """How much of each pixel a marker of lead letters covers, 0 to 1; a blank is a gap."""
    covered, unit = np.zeros(x.shape), height / 6
    for letter in text:
        for stroke in LETTERS.get(letter, []):
            line = [(left + a * unit, top + b * unit, bold * height / 2) for a, b in stroke]
            place, inside = tube(x, y, line)
            np.maximum(covered[place], np.clip(inside / (bold * height * 0.5), 0, 1), out=covered[place])
        left += 6 * unit
    return covered


# --- the detector


def expose(draws, lost, spacing, region, kerma, quanta, scatter, reach):
    """The dose at the detector, with its quantum noise: an array in µGy, whose variance is proportional to its mean.

    lost    : what the beam loses on its way, as a power of e
    region  : True where the anatomy of interest is; the median there becomes `kerma` (µGy)
    quanta  : absorbed in a mm² for each µGy
    scatter : the scattered share, of what leaves the body averaged over `reach` mm; air scatters nothing
    """
    primary = drawing.exp(-np.clip(lost, 0, None))
    meant = primary + scatter * smooth(primary * (1 - primary), round(reach / spacing), 3)
    found = np.sort(meant[region])
    meant = meant * (kerma / found[found.size // 2])
    per_pixel = quanta * spacing * spacing
    noisy = meant + drawing.normal(draws, meant.shape) * np.sqrt(meant / per_pixel)
    return np.clip(noisy, 0, None)


def stored(dose, per_ugy, bits):
    """Stored values proportional to the dose, `per_ugy` for each µGy; the detector is saturated at the highest."""
    return np.clip(np.floor(dose * per_ugy + 0.5), 0, 2**bits - 1).astype(np.uint16)


def loss(raw, bits):
    """How many powers of e a raw value lies below the highest, as floats: 0 where the detector is saturated."""
    top = 2**bits - 1
    # Rounded, so that the last bit of a machine's logarithm does not matter.
    table = np.array([round(math.log(top / max(value, 1)) * 65536) for value in range(top + 1)])
    return table[raw] / 65536


def rendered(raw, bits, region, radius, share, detail, filled=0.0):
    """What a device makes of the raw image to be looked at: 12 bits, more where less came through.

    region : True where the anatomy of interest is; the open beam becomes black
    radius : in pixels, of the slow course, which is pressed together to a `share`; the rest is taken `detail` times
    filled : powers of e to add where the body is thinner than elsewhere, so that its rim can be seen as well
    """
    lost = loss(raw, bits)
    found = np.sort(lost[region])
    low, level = found[found.size // 200] - 0.15, found[found.size // 2]
    air = np.sort(lost, axis=None)[lost.size // 200]
    body = drawing.soft(lost - air, 0.03, 0.25)
    lost = np.clip(lost + filled, low, None)
    slow = smooth(lost, radius, 2)
    shown = level + share * (slow - level) + detail * (lost - slow)
    found = np.sort(shown[region])
    low, high = found[found.size // 100], found[-found.size // 100]
    values = (480 + 3050 * (shown - low) / (high - low)) * body
    return np.clip(np.floor(values + 0.5), 0, 4095).astype(np.uint16)


def exposure_index(raw, region, per_ugy):
    """The exposure index (IEC 62494-1): 100 times the detector's air kerma in µGy, from the median of the relevant region.

    The kerma is that of the calibration beam, RQA5, which gives the same stored value; so the index tells the signal
    in the detector and not the patient's dose.
    """
    found = np.sort(raw[region])
    return round(100 * float(found[found.size // 2]) / per_ugy)


def deviation_index(index, target):
    """10 log10 (EI / EIT), to one decimal (IEC 62494-1): 0 on target, +3 at twice, -3 at half the exposure."""
    return round(10 * math.log10(index / target), 1)


# --- the header


def header(ds, pixels, bits, spacing, processing):
    """DX Series, DX Image, Image Pixel and the spacing of DX Detector (PS3.3 C.8.11.1, C.8.11.3, C.8.11.4).

    spacing    : mm at the detector's face
    processing : True for what the detector measured, proportional to the dose; False for the image that is looked at,
                 which falls with the logarithm of the dose
    """
    ds.PresentationIntentType = "FOR PROCESSING" if processing else "FOR PRESENTATION"
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PresentationLUTShape = 1, "MONOCHROME2", "IDENTITY"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = ("LIN", 1) if processing else ("LOG", -1)
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.AcquisitionContextSequence = []
    ds.ImagerPixelSpacing = [common.number(spacing, 6)] * 2
    common.encoding(ds, pixels, bits)


def came_from(ds, sop_class, instance):
    """Name the For Processing image from which `ds` was made."""
    ds.SourceImageSequence = [common.item(
        ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance,
        PurposeOfReferenceCodeSequence=[common.code("121322", "DCM", "Source image for image processing operation")])]


def view(ds, code, meaning, modifiers=None):
    """View Code Sequence: a SNOMED CT code; with an empty View Modifier Code Sequence where the module wants one."""
    ds.ViewCodeSequence = [common.code(code, "SCT", meaning)]
    if modifiers is not None:
        ds.ViewCodeSequence[0].ViewModifierCodeSequence = modifiers
