"""Pictures of Windows: what each session sees of drives and variables, and when cmd reads a block of a batch file."""

from coursekit.figures.picture import Picture, canvas

INK, LINE, FAINT = "#1c2733", "#0b5394", "#5b6873"
USER, SERVICE, SERVER = "#dbe7f3", "#fbe3b5", "#e4efe2"
WRONG = "#a61c1c"
ROW = 21


def sessions(station, sessions, server, share, folder):
    """A workstation with its sessions side by side, and the file server that one of them has mapped.

    station  : its name
    sessions : list of (heading, lines, drive): what lives in the session, and the letter that it has mapped to the share, or None
    server   : the file server's name
    share    : the share as a UNC path
    folder   : the folder in it that each session looks for under the letter
    """
    width, box, gap = 1000, 300, 20
    asked = 104 + max(len(lines) for _, lines, _ in sessions) * ROW + 10
    tall = asked - 22
    letter = next(drive for _, _, drive in sessions if drive)
    picture, axes = canvas(width, tall + 78)
    _box(axes, 8, 8, 2 * box + 3 * gap, tall + 60, "#f7f8f9")
    axes.text(24, 30, f"Workstation {station}", weight="bold", size=11.5, color=INK, va="center")
    server_left = width - 8 - 240
    _box(axes, server_left, 50, 240, tall, SERVER)
    axes.text(server_left + 14, 72, f"File server {server}", weight="bold", size=11, color=INK, va="center")
    axes.text(server_left + 14, 104, f"share {share}", size=10, color=INK, va="center")
    _box(axes, server_left + 14, asked - 16, 212, 32, "white")
    axes.text(server_left + 24, asked, f"folder {folder}", size=10, color=INK, va="center")
    said = []
    for place, (heading, lines, drive) in enumerate(sessions):
        left = 8 + gap + place * (box + gap)
        _box(axes, left, 50, box, tall, USER if drive else SERVICE)
        axes.text(left + 14, 72, heading, weight="bold", size=11, color=INK, va="center")
        for number, line in enumerate(lines):
            axes.text(left + 14, 104 + number * ROW, line, size=10, color=INK, va="center")
        _box(axes, left + 14, asked - 16, box - 28, 32, "white")
        axes.text(left + 24, asked, f"{letter}\\{folder}", family="monospace", size=9.5, color=INK, va="center")
        if drive:
            start = (left + box - 14, asked)
        else:
            _cross(axes, left + 150, asked)
            axes.text(left + 166, asked, "not found", size=10, color=WRONG, va="center", weight="bold")
        said.append(f"{heading}: {'; '.join(lines)}; " + (
            f"drive {drive} leads to {share}, {drive}\\{folder} to the folder {folder} in it" if drive else
            f"no drive leads to the server, {letter}\\{folder} is not found"))
    mapped = next(place for place, session in enumerate(sessions) if session[2])
    if mapped == len(sessions) - 1:
        axes.annotate("", (server_left + 11, asked), start, arrowprops={"arrowstyle": "-|>", "color": LINE, "lw": 2})
    return Picture(picture, f"Workstation {station} with {len(sessions)} sessions, and the file server {server}. {'. '.join(said)}.")


def block_reading(written, read, rounds, title):
    """How cmd takes a block: as it is written, as it stands once it has been read, and what happens in each round.

    written, read : lines of text; a line in which a value was put in is marked
    rounds        : list of (file, exit code, what follows)
    """
    tall = max(len(written) * ROW + 100, len(rounds) * 46 + 82)
    picture, axes = canvas(1000, tall)
    axes.text(12, 22, title, size=10.5, color=FAINT, va="center")
    columns = ((8, 330, "1  As it is written", written), (352, 330, "2  As cmd has read it, once", read))
    for left, width, heading, lines in columns:
        _box(axes, left, 72, width, tall - 82, "white")
        axes.text(left + 4, 54, heading, weight="bold", size=11, color=INK, va="center")
        for number, line in enumerate(lines):
            y = 92 + number * ROW
            if written[number].replace("%%", "%") != read[number]:
                _box(axes, left + 6, y - ROW / 2, width - 12, ROW, SERVICE, 0.8)
            axes.text(left + 12, y, line, family="monospace", size=9.5, color=INK, va="center")
    axes.annotate("", (351, 92), (338, 92), arrowprops={"arrowstyle": "-|>", "color": LINE, "lw": 2})
    axes.annotate("", (695, 92), (682, 92), arrowprops={"arrowstyle": "-|>", "color": LINE, "lw": 2})
    axes.text(700, 54, "3  What happens, file by file", weight="bold", size=11, color=INK, va="center")
    for number, (file, code, follows) in enumerate(rounds):
        y = 72 + number * 46
        _box(axes, 696, y, 296, 40, USER)
        axes.text(706, y + 12, f"{file}: send.exe ends with {code}", size=9.5, color=INK, va="center")
        axes.text(706, y + 28, follows, size=9.5, color=INK, va="center", family="monospace")
    changed = "; ".join(f"{a.strip()} becomes {b.strip()}" for a, b in zip(written, read, strict=True) if a.replace("%%", "%") != b)
    told = "; ".join(f"{file}, exit code {code}: {follows}" for file, code, follows in rounds)
    return Picture(picture, f"{title} When cmd reads the block, {changed}. Then, file by file: {told}.")


def _cross(axes, x, y, half=7):
    for sign in (1, -1):
        axes.plot([x - half, x + half], [y - sign * half, y + sign * half], color=WRONG, linewidth=2.5)


def _box(axes, left, top, width, height, fill, line=1.2):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), width, height, facecolor=fill, edgecolor=INK, linewidth=line))
