"""Pictures and listings of what passes on a network: captured packets, their layers, who talks to whom."""

from coursekit.figures.picture import Picture, canvas, figure
from coursekit.standards import pcap, sniffer

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#5c6873", "#0b5394", "#b45309"
_TINTS = ("#cfe5f7", "#fbe3b5", "#cdeed9", "#f6d3e2", "#e3dcf5")
_FLAGS = ((pcap.SYN, "SYN"), (pcap.FIN, "FIN"), (pcap.RST, "RST"), (pcap.ACK, "ACK"))


def flags(packet):
    """The TCP flags of a packet in words, without PSH: "SYN, ACK"."""
    return ", ".join(name for bit, name in _FLAGS if packet.tcp.flags & bit)


def contents(packets):
    """What the packets carry: {frame number: names of the PDUs or HL7 messages that begin in it}; "C-ECHO-RQ" for a DIMSE message."""
    found = {}
    for talk in pcap.connections(packets):
        seen = sniffer.pdus(talk)
        for one in seen or sniffer.hl7_messages(talk):
            if one.frame:
                found.setdefault(one.first, []).append(one.name)
    return found


class Listing:
    """Packets as text, a row each, as an analyser lists them."""

    def __init__(self, packets, names, numbers=None):
        self._packets, self._names, self._numbers = packets, names, numbers

    def __repr__(self):
        carried = contents(self._packets)
        rows = [f"{'No.':>5} {'ms':>10}  {'from':<9} {'port':>5}    {'to':<9} {'port':>5}  {'flags':<9} {'bytes':>5}  what"]
        for packet in self._packets:
            if self._numbers is not None and packet.number not in self._numbers:
                continue
            ends = (f"{self._names[packet.ip.source]:<9} {packet.tcp.source_port:>5}",
                    f"{self._names[packet.ip.target]:<9} {packet.tcp.target_port:>5}")
            time = (packet.time - self._packets[0].time) / 1000
            what = ", ".join(carried.get(packet.number, [])) or _options(packet)
            rows.append(f"{packet.number:>5} {time:>10.3f}  {ends[0]} -> {ends[1]}  {flags(packet):<9} {len(packet.payload):>5}  "
                        f"{what}".rstrip())
        return "\n".join(rows)


def listing(packets, names, numbers=None):
    """A Listing, which shows as text.

    packets : of `pcap.packets`, all of TCP
    names   : {IP address: name}
    numbers : the frame numbers to show; all by default
    """
    return Listing(packets, names, numbers)


def _options(packet):
    """What a SYN offers: "Win=65535 MSS=1460 WS=256"."""
    if not packet.tcp.flags & pcap.SYN:
        return ""
    values = {kind: int.from_bytes(value, "big") for kind, value in packet.tcp.options}
    said = [f"Win={packet.tcp.window}"] + [f"MSS={values[2]}"] * (2 in values) + [f"WS={1 << values[3]}" for _ in (3,) if 3 in values]
    return " ".join(said)


def ladder(packets, names, title, phases=(), numbers=None):
    """A sequence diagram of a connection: time runs downwards, each packet is an arrow between the two hosts.

    phases  : (first frame, last frame, label) of parts that are named at the right
    numbers : the frames to draw; all by default
    """
    shown = [packet for packet in packets if numbers is None or packet.number in numbers]
    carried, start = contents(packets), packets[0].time
    left, right = shown[0].ip.source, shown[0].ip.target
    row, top = 34, 78
    tall = top + row * len(shown) + 14
    picture, axes = canvas(900, tall)
    x = {left: 210, right: 620}
    lifelines(axes, title, {f"{names[ip]}  {ip}": place for ip, place in x.items()}, tall)
    axes.text(20, 50, "ms", size=9, color=_FAINT, va="center")
    where = {packet.number: top + row * place + 17 for place, packet in enumerate(shown)}
    for number, (first, last, label) in enumerate(phases):
        tint = _TINTS[number % len(_TINTS)]
        axes.add_patch(_box(x[left], where[first] - 17, x[right] - x[left], where[last] - where[first] + 34, tint, line=0))
        axes.text(650, (where[first] + where[last]) / 2 - 3, label, size=9.5, color=_INK, va="center")
        axes.plot((640, 640), (where[first] - 14, where[last] + 12), color=_INK, lw=1.5)
    said = []
    for packet in shown:
        y = where[packet.number] + 4
        what = ", ".join(carried.get(packet.number, []))
        size = len(packet.payload)
        label = f"{what}  ({size} bytes)" if what else f"{size} bytes more" if size else flags(packet)
        arrow(axes, x[packet.ip.source], x[packet.ip.target], y, label)
        time = f"{(packet.time - start) / 1000:.3f}"
        axes.text(20, y, time, size=9, color=_FAINT, va="center", family="monospace")
        axes.text(120, y, f"frame {packet.number}", size=8.5, color=_FAINT, va="center")
        said.append(f"{time} ms {names[packet.ip.source]} sends {label}")
    parts = "".join(f" Frames {first} to {last}: {label}." for first, last, label in phases)
    return Picture(picture, f"{title}. Sequence diagram, {names[left]} at the left, {names[right]} at the right: {'; '.join(said)}.{parts}")


def lifelines(axes, title, places, tall):
    """The title, and under it a line downwards for each party of a sequence diagram. places: {name: x}."""
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    for name, place in places.items():
        axes.text(place, 50, name, size=10, weight="bold", color=_INK, ha="center", va="center")
        axes.plot((place, place), (64, tall - 10), color=_FAINT, lw=1.2)


def arrow(axes, start, end, y, label, ground="none", back=None, bold=False, warm=None):
    """An arrow of a sequence diagram with its label above, on a ground of that colour.

    back : whether it is dashed; if None, when it goes to the left
    bold : whether it is thick, and its label too
    warm : whether it is of another, warmer colour; if None, when it is dashed
    """
    to_right = end > start
    back = not to_right if back is None else back
    warm = back if warm is None else warm
    inset = 2 if to_right else -2
    axes.annotate("", (end - inset, y), (start + inset, y), arrowprops={
        "arrowstyle": "-|>", "color": _WARM if warm else _LINE, "lw": 2.8 if bold else 1.6, "ls": (0, (5, 2)) if back else "-"})
    axes.text((start + end) / 2, y - 5, label, size=9, color=_INK, ha="center", va="bottom", weight="bold" if bold else "normal",
              bbox={"facecolor": ground, "edgecolor": "none", "pad": 1})


def envelopes(parts, title):
    """Layers as envelopes in each other: each begins with its own header, and carries the next.

    parts : (layer, header, bytes of the header) from the outermost on; the last is what is carried
    """
    total = sum(size for _, _, size in parts)
    wide, step = 880, 46
    tall = 56 + step * len(parts) + 22
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    share = (wide - 200) / len(parts)
    said, offset = [], 0
    for number, (layer, header, size) in enumerate(parts):
        y, x = 44 + step * number, 12 + share * number
        last = number == len(parts) - 1
        axes.add_patch(_box(x, y, wide - 24 - share * number, tall - y - 14 - 5 * number, _TINTS[number % len(_TINTS)]))
        axes.text(x + 8, y + 15, layer, size=9.5, weight="bold", color=_INK, va="center")
        axes.text(x + 8, y + 32, header, size=8.5, color=_INK, va="center")
        axes.text(wide - 22, y + 15, f"{size} bytes, offset {offset} to {offset + size - 1}" if not last else f"{size} bytes", size=8.5,
                  color=_INK, va="center", ha="right", family="monospace")
        said.append(f"{layer}, {header}, {size} bytes")
        offset += size
    return Picture(picture, f"{title}. {total} bytes in all, one envelope in the other: {'; inside it '.join(said)}.")


def network_map(networks, centre, outside):
    """Networks around the router that joins them, each with some of its hosts; the outside behind a line.

    networks : (name, network, hosts as text lines)
    centre   : what joins them
    outside  : the same three of the site behind the line, and the line's name as a fourth
    """
    wide, box, high, columns = 1000, 208, 146, 4
    middle = 44 + high + 30
    below = middle + 46 + ((len(networks) - 1) // columns) * (high + 34)
    far = 58 + 18 * len(outside[2])
    tall = below + far + 16
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, "The networks of the hospital", size=11, weight="bold", color=_INK, va="center")
    axes.add_patch(_box(30, middle - 14, wide - 85, 30, "#e9edf1"))
    axes.text(30 + (wide - 85) / 2, middle + 1, centre, size=10, weight="bold", color=_INK, ha="center", va="center")
    said = []
    for number, one in enumerate(networks):
        column, line = number % columns, number // columns
        x, y = 30 + column * (box + 21), 44 if line == 0 else middle + 46
        _network(axes, x, y, box, high, one, _TINTS[number % len(_TINTS)])
        axes.plot((x + box / 2,) * 2, (y + high, middle - 14) if line == 0 else (middle + 16, y), color=_INK, lw=1.6)
        said.append(_told(one))
    *site, line_name = outside
    _network(axes, 30, below, box, far, site, "#ffffff")
    axes.plot((wide - 55, wide - 22, wide - 22, 32 + box), (middle + 1, middle + 1, below + 38, below + 38), color=_WARM, lw=2, ls="--")
    axes.text(wide - 40, below + 24, line_name, size=9.5, color=_WARM, va="center", ha="right")
    return Picture(picture, f"The networks of the hospital, all joined by the {centre}: {'; '.join(said)}. "
                            f"Behind the {line_name}: {_told(site)}.")


def _network(axes, x, y, width, height, one, fill):
    name, network, hosts = one
    axes.add_patch(_box(x, y, width, height, fill))
    axes.text(x + 10, y + 16, name, size=10, weight="bold", color=_INK, va="center")
    axes.text(x + 10, y + 35, network, size=9.5, color=_LINE, va="center", family="monospace")
    for place, host in enumerate(hosts):
        axes.text(x + 10, y + 57 + 18 * place, host, size=9, color=_INK, va="center", family="monospace")


def _told(one):
    name, network, hosts = one
    return f"{name} {network} with {', '.join(' '.join(host.split()) for host in hosts)}"


def sent_over_time(packets, rate, title, explained=False):
    """How much the client of a connection has sent by when, and how much it could have sent at `rate` bytes a second.

    explained : whether a step's height and width are drawn beside it, and the wait for each C-STORE response is named
    """
    talk = pcap.connections(packets)[0]
    points, total = [], 0
    begin = next(packet.time for packet in talk.packets if len(packet.payload) > 1000)
    for packet in talk.packets:
        if packet.source == talk.client and len(packet.payload) > 10 and packet.time >= begin:     # 10: the end of the association
            points.append(((packet.time - begin) / 1e6, total / 1e6))
            total += len(packet.payload)
            points.append(((packet.time - begin) / 1e6, total / 1e6))
    end = points[-1][0]
    picture = figure(860, 330)
    axes = picture.add_axes((0.08, 0.15, 0.89, 0.73))
    axes.plot(*zip(*points), color=_LINE, lw=1.8, label="sent")
    more = _explain_steps(axes, packets, begin, points) if explained else ""
    full = total / rate
    axes.plot((0, full), (0, total / 1e6), color=_WARM, lw=1.8, ls="--", label="at the rate of the line")
    axes.set_xlabel("seconds", size=9)
    axes.set_ylabel("MB", size=9)
    axes.tick_params(labelsize=8)
    axes.set_title(title, size=11, loc="left", color=_INK)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return Picture(picture, f"{title}. {total / 1e6:.2f} MB are sent within {end:.2f} seconds, in steps: a burst, then a pause until the "
                            f"receiver has acknowledged. At the rate of the line they would be sent within {full:.3f} seconds.{more}")


def _explain_steps(axes, packets, begin, points):
    """Draw how high and how wide a step is, and name the waits for a C-STORE response; returns the same in words."""
    window, trip = packets[1].tcp.window / 1e6, (packets[1].time - packets[0].time) / 1e6
    x, y = max(point for point in points if point[1] <= points[-1][1] / 6)       # the foot of a rise in the first image
    style = {"arrowstyle": "<->", "color": _INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x + 0.2 * trip, y), (x + 0.2 * trip, y + window), arrowprops=style)
    axes.text(x + 1.25 * trip, y + window / 2, "up: about one window", size=8.5, color=_INK, va="center")
    axes.annotate("", (x - trip, y - 0.7 * window), (x, y - 0.7 * window), arrowprops=style)
    axes.text(x + 1.25 * trip, y - 0.7 * window, "along: one round trip", size=8.5, color=_INK, va="center")
    waits = []
    for number, what in contents(packets).items():
        if "C-STORE-RSP" in what:
            end = (packets[number - 1].time - begin) / 1e6
            last, high = max(point for point in points if point[0] < end)
            waits.append(end - last)
            axes.axvspan(last, end, color=_TINTS[1], lw=0)
            axes.text((last + end) / 2, high - 1.8 * window, "waiting for the\nC-STORE response", size=8.5, color=_INK, ha="center",
                      va="top")
    waiting = " and ".join(f"{wait:.3f}" for wait in waits)
    return (f" A step is about one window high, {window:.3f} MB, and one round trip wide, {trip:.3f} seconds. After each image the line is "
            f"flat while the sender waits for the C-STORE response: {waiting} seconds.")


def time_sequence(talk, side, title, seconds=None):
    """A time-sequence graph: when each byte of one side of a connection went, and when it was confirmed.

    talk : a `pcap.Conversation`; side : pcap.CLIENT or pcap.SERVER, whose bytes they are
    seconds : (from, to) since the connection's first frame, to enlarge that stretch; all by default

    A segment that is sent again is as high as it is large, with a cross; a single byte gets a ring. A SYN that nobody answers is drawn.
    """
    sent, again, single, confirmed, syns = _sequence(talk, side)
    high = max((top for _, _, top in sent + again), default=0)
    confirmed = [(at, min(upto, high)) for at, upto in confirmed]                       # a FIN counts as one more
    last = (talk.packets[-1].time - talk.packets[0].time) / 1e6
    told = _sequence_told(sent, again, single, confirmed, syns, high)
    begin, end = seconds or (0, last)
    scale, unit = (1000, "milliseconds") if end - begin < 0.1 else (1, "seconds")
    picture = figure(860, 360)
    axes = picture.add_axes((0.08, 0.14, 0.89, 0.75))
    if confirmed:
        axes.step(*_scaled(confirmed + [(last, confirmed[-1][1])], scale), where="post", color=_FAINT, lw=1.6, ls="--",
                  label="confirmed by the other side", zorder=3)
    for drawn, color, label in ((sent, _LINE, "sent"), (again, _WARM, None)):
        if drawn:
            axes.vlines(*_scaled(drawn, scale), color=color, lw=3.5, label=label)
    alone = [] if sent else syns
    marks = ((alone[:1], "o", _LINE, _LINE, "SYN"), (alone[1:], "X", _WARM, "white", "SYN sent again"),
             ([(at, (low + top) / 2) for at, low, top in again], "X", _WARM, "white", "sent again"),
             ([(at, low) for at, low, _ in single], "o", "white", _WARM, "a single byte"))
    for points, marker, face, edge, label in marks:
        if points:
            axes.plot(*_scaled(points, scale), ls="", marker=marker, ms=8, color=face, markeredgecolor=edge,
                      markeredgewidth=1.8 if label == "a single byte" else 0.8, label=label, zorder=4)
    if seconds:
        inside = [point for some in (sent, again) for at, *ends in some if begin <= at <= end for point in ends]
        room = 0.06 * (max(inside) - min(inside)) if inside else 1
        axes.set_xlim(begin * scale, end * scale)
        axes.set_ylim(min(inside, default=0) - room, max(inside, default=0) + room)
        told += f" Shown is the stretch from {begin * scale:g} to {end * scale:g} {unit}."
    elif not high:
        axes.set_ylim(-0.5, 1)
        axes.set_yticks([0])
    axes.set_xlabel(f"{unit} since the connection's first frame", size=9)
    axes.set_ylabel("kB since the beginning", size=9)
    axes.tick_params(labelsize=8)
    axes.set_title(title, size=11, loc="left", color=_INK)
    if sent or confirmed or syns:
        low = confirmed and confirmed[-1][1] < high / 2                                 # then the line runs where the legend would be
        axes.legend(frameon=False, fontsize=9, loc="upper right" if low else "lower right")
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)
    return Picture(picture, f"{title}. Time-sequence graph: {told}")


def _sequence(talk, side):
    """What a side of a connection sent: (seconds, first kB, last kB) of each segment for the first time, again, and of single bytes;
    (seconds, kB) of what was confirmed, and of each SYN."""
    start, base, high = talk.packets[0].time, None, 0
    sent, again, single, confirmed, syns = [], [], [], [], []
    for packet in talk.packets:
        seconds = (packet.time - start) / 1e6
        if (packet.source != talk.client) == side:
            if packet.tcp.flags & pcap.SYN:
                syns.append((seconds, 0))
            if base is None or packet.tcp.flags & pcap.SYN:
                base = packet.tcp.seq + bool(packet.tcp.flags & pcap.SYN)
            if packet.payload:
                at = packet.tcp.seq - base & 0xFFFFFFFF
                found = single if len(packet.payload) == 1 else sent if at + len(packet.payload) > high and at >= high - 1 else again
                found.append((seconds, at / 1000, (at + len(packet.payload)) / 1000))
                high = max(high, at + len(packet.payload))
        elif base is not None and packet.tcp.flags & pcap.ACK:
            confirmed.append((seconds, (packet.tcp.ack - base & 0xFFFFFFFF) / 1000))
    return sent, again, single, confirmed, syns


def _sequence_told(sent, again, single, confirmed, syns, high):
    """The same in words."""
    def at(points):
        return ", ".join(f"{point[0]:.3f}" for point in points)

    if not sent and syns:
        answered = "it is confirmed" if confirmed else "nothing is confirmed"
        return f"no byte goes. The SYN goes {_times(len(syns))}, at {at(syns)} seconds; {answered}."
    said = [f"{high:.1f} kB go in {len(sent)} segments within {max((x for x, _, _ in sent + again), default=0):.3f} seconds"]
    if again:
        sizes = sorted({round((top - low) * 1000) for _, low, top in again})
        size = f"of {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")
        what = "1 segment is" if len(again) == 1 else f"{len(again)} segments are"
        said.append(f"{what} sent again, {size} bytes, at {at(again)} seconds")
    if single:
        said.append(f"a single byte goes {_times(len(single))}, at {at(single)} seconds")
    if not again and not single:
        said.append("nothing is sent again")
    said.append(f"{confirmed[-1][1]:.1f} kB are confirmed at the end" if confirmed else "nothing is confirmed")
    if confirmed and confirmed[-1][1] < high:
        said.append(f"nothing more is confirmed after {next(x for x, upto in confirmed if upto == confirmed[-1][1]):.3f} seconds")
    return "; ".join(said) + "."


def _times(count):
    return "once" if count == 1 else f"{count} times"


def _scaled(points, scale):
    """Points as columns for matplotlib, the seconds in another unit."""
    first, *rest = zip(*points)
    return [at * scale for at in first], *map(list, rest)



def _box(x, y, width, height, fill, line=1):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK if line else "none", linewidth=line)
