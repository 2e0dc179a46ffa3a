"""Tools for drawing: grids, shapes, soft edges, blur, noise.

Only + - * / and square roots on floats, and whole numbers: their results are the same on every machine, which numpy
does not promise of its exponentials, sines and sums. Chance comes from `Draws` alone.
"""

import numpy as np


def grid(rows, columns, spacing):
    """x and y in mm of each pixel's centre, from the middle of the image, y downwards."""
    x = (np.arange(columns) - (columns - 1) / 2) * spacing
    y = (np.arange(rows) - (rows - 1) / 2) * spacing
    return np.broadcast_to(x, (rows, columns)), np.broadcast_to(y[:, None], (rows, columns))


def ellipse(x, y, cx, cy, a, b, tilt=(1.0, 0.0)):
    """0 at the centre of an ellipse, 1 at its rim, growing outside. `tilt` is the direction of its first axis, of length 1."""
    u = (x - cx) * tilt[0] + (y - cy) * tilt[1]
    v = (y - cy) * tilt[0] - (x - cx) * tilt[1]
    return np.sqrt(u * u / (a * a) + v * v / (b * b))


def soft(value, low, high):
    """0 below `low`, 1 above `high`, a smooth step between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def blur(whole, radius, times=1):
    """Whole numbers averaged over a square of side 2·radius+1; the rim is repeated outwards."""
    side = 2 * radius + 1
    for _ in range(times):
        for axis in (0, 1):
            padded = np.pad(whole, [(radius + 1, radius) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            sums = np.cumsum(padded, axis=axis, dtype=np.int64)
            upper = np.take(sums, np.arange(side, sums.shape[axis]), axis=axis)
            lower = np.take(sums, np.arange(0, sums.shape[axis] - side), axis=axis)
            whole = (upper - lower) // side
    return whole


def noise(draws, shape, half_range, grain=0):
    """Noise as whole numbers around 0: the sum of four uniform draws, averaged over `grain`."""
    count = shape[0] * shape[1]
    total = sum(draws.between(-half_range, half_range, count) for _ in range(4)).reshape(shape)
    return blur(total, grain) if grain else total


def clouds(draws, shape, radius):
    """A smooth random field of values 0..1, as evenly spread as ranks."""
    field = blur(draws.below(1 << 20, shape[0] * shape[1]).reshape(shape), radius, 3)
    order = np.sort(field.ravel())
    return np.searchsorted(order, field.ravel()).reshape(shape) / field.size


def band(x, y, x0, y0, x1, y1, bow, half):
    """How deep a pixel lies in a bowed band from (x0, y0) to (x1, y1), 1 at its middle and 0 outside; and where along it, 0..1."""
    t = (x - x0) / (x1 - x0)
    middle = y0 + (y1 - y0) * t + bow * 4 * t * (1 - t)
    across = np.abs(y - middle) / half
    ends = soft(t, -0.02, 0.04) * (1 - soft(t, 0.96, 1.02))
    return np.clip(1 - across, 0, 1) * ends, t


def cover(depth, spacing):
    """How much of a pixel an object covers, 0 to 1: `depth` is how far, in mm, the pixel's centre lies inside its edge."""
    return np.clip(depth / spacing + 0.5, 0.0, 1.0)


def disc(x, y, cx, cy, radius, spacing):
    """How much of each pixel a disc covers, 0 to 1."""
    return cover(radius - np.sqrt((x - cx) ** 2 + (y - cy) ** 2), spacing)


def paint(picture, value, amount):
    """Put `value` over `picture`, in place, where `amount` is 1; mix where it is between 0 and 1."""
    picture += (value - picture) * amount


def exp(power):
    """The exponential function of a float or an array of them, from whole steps and a series: the same on every machine."""
    power = np.asarray(power, dtype=float)
    small, total, term = power / 1024.0, 1.0, 1.0
    for n in range(1, 17):  # of powers up to 700 the small one is below 0.7, where the series is exact to a float
        term = term * small / n
        total = total + term
    for _ in range(10):
        total = total * total
    return total


def normal(draws, shape):
    """Noise of mean 0 and standard deviation 1, as floats: the sum of eight uniform draws of 16 bits each."""
    count = int(np.prod(shape))
    words = draws.raw(2 * count).reshape(2, count)
    mask = np.uint64(0xFFFF)
    total = sum(((words >> np.uint64(bits)) & mask).astype(np.int64).sum(axis=0) for bits in (0, 16, 32, 48))
    return ((total - 4 * 65535) / 53509.9).reshape(shape)  # 53509.9: the standard deviation of that sum


def poisson(draws, mean):
    """Counts with the Poisson distribution of mean `mean` (an array, each below 500), by inversion: an int64 array."""
    mean = np.asarray(mean, dtype=float)
    if mean.size and not (mean.min() >= 0 and mean.max() < 500):
        raise ValueError("a mean below 0 or from 500 on")
    flat = mean.ravel()
    chance = (draws.raw(flat.size) >> np.uint64(11)) * 2.0**-53
    counts = np.zeros(flat.size, dtype=np.int64)
    left = np.arange(flat.size)
    term = exp(-flat)
    reached, k = term.copy(), 0
    while True:
        keep = (chance >= reached) & (k < 2000)
        if not keep.any():
            return counts.reshape(mean.shape)
        left, chance, reached, term, flat = left[keep], chance[keep], reached[keep], term[keep], flat[keep]
        k += 1
        counts[left] = k
        term = term * flat / k
        reached = reached + term
