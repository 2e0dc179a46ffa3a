"""Pictures for the command line: a line of `ls -l` taken apart, the way from a service to its file, a pipeline with what passes through."""

from coursekit.figures.picture import Picture, canvas

INK, FAINT, LINE = "#1c2733", "#5d6975", "#0b5394"
TINTS = ("#e3dcf5", "#cfe5f7", "#cdeed9", "#fbe3b5", "#e7ebee")
LETTER = 9.65                                   # width of a letter of 16 px monospace, in pixels


def _box(axes, left, top, width, height, fill, edge=INK):
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch((left, top), width, height, boxstyle="round,pad=0,rounding_size=5", facecolor=fill, edgecolor=edge, linewidth=1)
    axes.add_patch(box)


def permissions(line):
    """A line of `ls -l` of a file, with its parts named; the three classes of letters are numbered.

    line : such as "-rw-r----- 1 hvmwl hvmwl 421 Jan 14 13:37 allowed-aets.ini"
    """
    mode, _, owner, group = line.split()[:4]
    owner_at = line.index(owner, len(mode))
    group_at = line.index(group, owner_at + len(owner))
    parts = [  # start, length, label, tint
        (0, 1, "kind: - file, d folder, l link", 4), (1, 3, "1 the owner may", 0), (4, 3, "2 its group may", 1),
        (7, 3, "3 all others may", 2),
        (owner_at, len(owner), "the owner (class 1)", 0), (group_at, len(group), "the group (class 2)", 1),
    ]
    scale, left, middle = 1.5, 30, 126
    step = LETTER * scale
    fig, axes = canvas(max(900, round(left * 2 + len(line) * step)), 262)
    for place, (start, length, label, tint) in enumerate(parts):
        x = left + start * step
        _box(axes, x, middle - 21, length * step, 40, TINTS[tint])
        centre = x + length * step / 2
        level = (190, 26, 52, 78, 218, 190)[place]          # the classes 1, 2, 3 from top to bottom
        axes.plot((centre, centre), (middle - 21, level + 9) if level < middle else (middle + 19, level - 11), color=FAINT, lw=1)
        axes.text(left if place == 0 else centre - 4, level, label, va="center", size=11, color=INK)
    for number, letter in enumerate(line):
        axes.text(left + (number + 0.5) * step, middle, letter, family="monospace", size=17, ha="center", va="center", color=INK)
    rule = "The first class that fits decides: the owner by 1 alone, a member of the group by 2 alone, anybody else by 3."
    axes.text(left, 246, rule, size=10.5, color=INK, va="center")
    whose = ((f"the owner {owner}", 1), (f"the group {group}", 4), ("all others", 7))
    classes = [f"{who}: {_in_words(mode[at:at + 3])}" for who, at in whose]
    return Picture(fig, f"The line {line!r} taken apart. First letter: kind of file. Then three letters each for {'; '.join(classes)}. "
                        "Behind the number of names come owner and group. The first class that fits decides.")


def _in_words(letters):
    words = [word for letter, word in zip(letters, ("read", "write", "run")) if letter != "-"]
    return " and ".join(words) or "nothing"


def signposts():
    """The way from a running service to the file that it reads, station by station, with the command that shows each."""
    stations = [
        ("process", "runs now, with its\ncommand line", "ps -ef"), ("unit", "how it is started,\nas which user", "systemctl cat"),
        ("override", "comes later,\ncounts more", "systemctl cat"), ("environment", "the file behind\nEnvironmentFile=", "cat"),
        ("link", "stands for\nanother path", "ls -l\nreadlink -f"), ("file", "what is\nreally read", "cat"),
    ]
    width, gap, top = 140, 28, 58
    fig, axes = canvas(len(stations) * (width + gap) + 10, 230)
    axes.text(20, 24, "From the service to its file: each station names the next", size=12, weight="bold", color=INK, va="center")
    for place, (name, says, command) in enumerate(stations):
        left = 20 + place * (width + gap)
        _box(axes, left, top, width, 88, TINTS[3] if name == "file" else TINTS[1])
        axes.text(left + width / 2, top + 22, name, size=12, weight="bold", ha="center", va="center", color=INK)
        axes.text(left + width / 2, top + 58, says, size=10, ha="center", va="center", color=INK, linespacing=1.3)
        axes.text(left + width / 2, top + 122, command, size=10.5, family="monospace", ha="center", va="center", color=LINE)
        if place:
            axes.annotate("", (left - 3, top + 44), (left - gap + 3, top + 44), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6})
    said = "; ".join(f"{name}, {says}, shown by {command}" for name, says, command in
                     [(name, says.replace("\n", " "), command.replace("\n", " and ")) for name, says, command in stations])
    return Picture(fig, f"The way from a service to the file that it reads, six stations, of which each names the next: {said}.")


def stations(run, parts, most=7, longest=76):
    """A pipeline as stations, each with the first and the last of the lines that leave it.

    run   : carries out a command line and returns an object with `lines`
    parts : the commands of the pipeline, in order
    most, longest : how many lines are shown, and how many letters of each
    """
    outputs = [run(" | ".join(parts[:number])).lines for number in range(1, len(parts) + 1)]
    some = [lines if len(lines) <= most else [*lines[:most // 2], "…", *lines[most // 2 - most + 1:]] for lines in outputs]
    shown = [[line if len(line) <= longest else line[:longest - 1] + "…" for line in lines] for lines in some]
    letter, gap = 8.1, 34
    titles = [part if len(part) <= 36 else part[:35] + "…" for part in parts]
    widths = [max(letter * max(map(len, lines), default=0) + 18, 8.1 * len(title) + 22, 110) for title, lines in zip(titles, shown)]
    tall = max(map(len, shown), default=0)
    fig, axes = canvas(round(sum(widths) + gap * (len(parts) - 1) + 40), 96 + 20 * (tall + 1))
    left = 20
    for place, (title, lines, all_lines, width) in enumerate(zip(titles, shown, outputs, widths)):
        _box(axes, left, 16, width, 34, TINTS[1])
        axes.text(left + width / 2, 33, title, family="monospace", size=9.5, weight="bold", ha="center", va="center", color=INK)
        for number, line in enumerate(lines):
            axes.text(left + 8, 76 + 20 * number, line, family="monospace", size=9, va="center", color=INK)
        count = f"{len(all_lines):,} line{'s' * (len(all_lines) != 1)}"
        axes.text(left + 8, 80 + 20 * tall, count, size=9.5, va="center", color=FAINT, style="italic")
        if place:
            axes.text(left - gap / 2, 33, "|", family="monospace", size=17, weight="bold", ha="center", va="center", color=LINE)
            middle = 66 + 10 * tall
            axes.annotate("", (left - 4, middle), (left - gap + 4, middle), arrowprops={"arrowstyle": "->", "color": LINE, "lw": 1.6})
        left += width + gap
    said = "; ".join(f"{part} lets {len(lines):,} lines out, the first: {lines[0].strip() if lines else 'none'}"
                     for part, lines in zip(parts, outputs))
    return Picture(fig, f"A pipeline of {len(parts)} commands and the lines that pass through it. {said}.")
