"""Utilities that list, find, copy and change files."""

import datetime
import posixpath
import re

from coursekit.standards.shell.base import EACCES, EISDIR, ENOTDIR, Failed, Node, joined, mode_text, size_of
from coursekit.standards.shell.words import Refused, wildcard


def _ls(shell, arguments, data, who):
    options, paths = shell.named("ls", arguments, "laA1dhtrRSFnip", "", ("color", "all"))
    hidden, long = bool({"a", "A", "all"} & set(options)), "l" in options or "n" in options

    def order(items):
        items = sorted(items, key=lambda item: item[0])
        if "t" in options:
            items.sort(key=lambda item: item[1].when, reverse=True)
        if "S" in options:
            items.sort(key=lambda item: len(item[1].content), reverse=True)
        return items[::-1] if "r" in options else items

    def folder(path, place):
        if not shell.may(shell.nodes[place], who, "r"):
            shell.complain(f"ls: cannot open directory '{path}': {EACCES}")
            return None
        items = [(name, shell.nodes[posixpath.join(place, name)]) for name in shell.names[place] if hidden or not name.startswith(".")]
        items = order(items)
        if "a" in options:
            above = posixpath.dirname(place)
            items = [(".", shell.nodes[place]), ("..", shell.nodes[above])] + items
        return _listing(shell, items, place, options, long, True)
    single, folders = [], []
    status = 0
    for path in paths or ["."]:
        try:
            node = shell.node(path, last=not (long or "d" in options))
            if node.kind == "d" and "d" not in options:
                folders.append(path)
            else:
                single.append((path, node))
        except Failed as failed:
            shell.complain(f"ls: cannot access '{path}': {failed.why}")
            status = 2
    parts = [_listing(shell, order(single), "", options, long, False)] if single else []
    todo = sorted(folders) if len(folders) > 1 else folders
    headed = len(paths) > 1 or "R" in options
    while todo:
        path = todo.pop(0)
        place = shell.real(path)
        inside = folder(path, place)
        if inside is None:
            status = 2
            continue
        parts.append((f"{path}:\n" if headed else "") + inside)
        if "R" in options:
            todo[:0] = [posixpath.join(path, name) for name in sorted(shell.names[place])
                        if shell.nodes[posixpath.join(place, name)].kind == "d" and (hidden or not name.startswith("."))]
    return "\n".join(parts), status


def _listing(shell, items, place, options, long, total):
    def decorated(name, node):
        if long and node.kind == "l":
            return f"{name} -> {node.target}"
        if "F" in options or "p" in options:
            mark = {"d": "/", "l": "@" if "F" in options else ""}.get(node.kind, "*" if "F" in options and node.mode & 0o111 else "")
            return name + mark
        return name
    if not long:
        return joined([decorated(name, node) for name, node in items])
    rows, blocks = [], 0
    for name, node in items:
        size = size_of(node)
        blocks += 0 if node.kind == "l" else -(-size // 4096) * 4
        links = 1
        if node.kind == "d":
            path = posixpath.join(place, name) if place else shell.full(name)
            below = posixpath.normpath(path)
            links = 2 + sum(shell.nodes[posixpath.join(below, one)].kind == "d" for one in shell.names.get(below, ()))
        rows.append((mode_text(node), str(links), node.owner, node.group, _human(size) if "h" in options else str(size),
                     _when(node.when, shell.now), decorated(name, node)))
    wide = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    lines = [f"{row[0]} {row[1]:>{wide[1]}} {row[2]:<{wide[2]}} {row[3]:<{wide[3]}} {row[4]:>{wide[4]}} {row[5]} {row[6]}" for row in rows]
    return (f"total {blocks}\n" if total else "") + joined(lines)


def _human(size):
    for unit in ("", "K", "M", "G", "T"):
        if size < 1024:
            return f"{size}" if not unit else f"{-(-size * 10 // 1) / 10:.1f}{unit}" if size < 10 else f"{-int(-size // 1)}{unit}"
        size = size / 1024
    return f"{size:.0f}P"


def _when(when, now):
    recent = datetime.timedelta(0) <= now - when < datetime.timedelta(days=182)
    return f"{when:%b} {when.day:2d} " + (f"{when:%H:%M}" if recent else f" {when:%Y}")


def _find(shell, arguments, data, who):
    tops = []
    todo = list(arguments)
    while todo and not todo[0].startswith("-") and todo[0] not in ("!", "(", ")"):
        tops.append(todo.pop(0))
    depths = {"maxdepth": 10 ** 6, "mindepth": 0}
    out, actions = [], []

    def value(name):
        if not todo:
            raise Refused(f"find: missing argument to `{name}'")
        return todo.pop(0)

    def either():
        tests = [both()]
        while todo and todo[0] in ("-o", "-or"):
            todo.pop(0)
            tests.append(both())
        return lambda *one: any(test(*one) for test in tests)

    def both():
        tests = []
        while todo and todo[0] not in ("-o", "-or", ")"):
            if todo[0] in ("-a", "-and"):
                todo.pop(0)
                continue
            tests.append(primary())
        return lambda *one: all(test(*one) for test in tests)

    def primary():
        word = todo.pop(0)
        if word in ("!", "-not"):
            test = primary()
            return lambda *one: not test(*one)
        if word == "(":
            test = either()
            if not todo or todo.pop(0) != ")":
                raise Refused("find: invalid expression; expected to find a ')'")
            return test
        if word in ("-name", "-iname"):
            test = re.compile(wildcard(value(word)), re.IGNORECASE if word == "-iname" else 0)
            return lambda path, place, node: bool(test.fullmatch(posixpath.basename(path.rstrip("/")) or "/"))
        if word in ("-path", "-ipath", "-wholename"):
            test = re.compile(wildcard(value(word)), re.IGNORECASE if word == "-ipath" else 0)
            return lambda path, place, node: bool(test.fullmatch(path))
        if word == "-type":
            kinds = value(word).split(",")
            if set(kinds) - set("fdl"):
                raise Refused("find: this shell knows -type f, d and l.")
            return lambda path, place, node: node.kind in kinds
        if word in ("-user", "-group"):
            who_owns, field = value(word), "owner" if word == "-user" else "group"
            return lambda path, place, node: getattr(node, field) == who_owns
        if word in ("-mtime", "-mmin", "-size"):
            return measured(word, value(word))
        if word in ("-newer",):
            when = shell.node(value(word)).when
            return lambda path, place, node: node.when > when
        if word == "-perm":
            given = value(word)
            bits = int(given.lstrip("-/"), 8) if re.fullmatch(r"[-/]?[0-7]{1,4}", given) else None
            if bits is None:
                raise Refused("find: this shell takes -perm in octal digits, such as -perm 600.")
            if given[0] == "-":
                return lambda path, place, node: node.mode & bits == bits
            return lambda path, place, node: bool(node.mode & bits) if given[0] == "/" else node.mode == bits
        if word == "-empty":
            return lambda path, place, node: not (shell.names.get(place) if node.kind == "d" else node.content) and node.kind != "l"
        if word in ("-maxdepth", "-mindepth"):
            number = value(word)
            if not number.isdigit():
                raise Refused(f"find: Expected a positive decimal integer argument to {word}")
            depths[word[1:]] = int(number)
            return lambda *one: True
        if word in ("-print", "-print0", "-ls", "-delete"):
            actions.append(word)
            return {"-print": printed, "-print0": lambda path, *rest: not out.append(path + "\0"),
                    "-ls": lambda path, place, node: not out.append(_listing(shell, [(path, node)], "", {}, True, False)),
                    "-delete": lambda path, place, node: not actions.append((path, place))}[word]
        if word == "-exec":
            actions.append(word)
            return executed()
        if not word.startswith("-"):
            raise Refused(f"find: paths must precede expression: `{word}'")
        raise Refused(f"find: this shell does not know `{word}`.")

    def printed(path, place, node):
        out.append(path + "\n")
        return True

    def measured(word, given):
        match = re.fullmatch(r"([+-]?)(\d+)([ckMG]?)", given)
        if not match:
            raise Refused(f"find: invalid argument `{given}' to `{word}'")
        number = int(match[2])

        def test(path, place, node):
            if word == "-size":
                unit = {"c": 1, "k": 1024, "M": 1024 ** 2, "G": 1024 ** 3}.get(match[3], 512)
                amount = -(-size_of(node) // unit)
            else:
                amount = int((shell.now - node.when).total_seconds() // (86400 if word == "-mtime" else 60))
            return amount > number if match[1] == "+" else amount < number if match[1] == "-" else amount == number
        return test

    def executed():
        words = []
        while todo and todo[0] not in (";", "+"):
            words.append(todo.pop(0))
        if not todo:
            raise Refused("find: missing argument to `-exec': it ends with \\; or +")
        if todo.pop(0) == "+":
            together.append((words, []))
            mine = together[-1][1]
            return lambda path, *rest: not mine.append(path)

        def each(path, place, node):
            got, status = shell._called([word.replace("{}", path) for word in words], "", who)
            out.append(got)
            return status == 0
        return each
    together = []
    test = either() if todo else lambda *one: True
    if todo:
        raise Refused(f"find: invalid expression at `{todo[0]}'")
    for top in tops or ["."]:
        try:
            walk = list(shell.walk(top, closed=lambda path: shell.complain(f"find: '{path}': {EACCES}")))
        except Failed as failed:
            shell.complain(f"find: '{top}': {failed.why}")
            continue
        base = top.rstrip("/").count("/") if top != "/" else 0
        for path, place in walk:
            depth = 0 if path == top else path.count("/") - base
            if depths["mindepth"] <= depth <= depths["maxdepth"] and test(path, place, shell.nodes[place]) and not actions:
                out.append(path + "\n")
    for words, paths in together:
        if paths:
            out.append(shell._called([word for word in words if word != "{}"] + paths, "", who)[0])
    for path, place in [one for one in actions if isinstance(one, tuple)][::-1]:
        if not shell.may(shell.nodes[posixpath.dirname(place)], who, "w"):
            shell.complain(f"find: cannot delete '{path}': {EACCES}")
        else:
            shell._remove(place)
    return "".join(out)


def _pwd(shell, arguments, data, who):
    return (shell.real(shell.here) if "-P" in arguments else shell.here) + "\n"


def _cd(shell, arguments, data, who):
    aim = arguments[0] if arguments else shell.variables["HOME"]
    if aim == "-":
        aim = shell.variables.get("OLDPWD", shell.here)
    try:
        kind = shell.node(aim).kind
    except Failed as failed:
        shell.complain(f"bash: cd: {aim}: {failed.why}")
        return "", 1
    if kind != "d" or not shell.may(shell.node(aim), who, "x"):
        shell.complain(f"bash: cd: {aim}: {ENOTDIR if kind != 'd' else EACCES}")
        return "", 1
    shell.variables["OLDPWD"], shell.here = shell.here, shell.full(aim)
    return ""


def _readlink(shell, arguments, data, who):
    options, paths = shell.named("readlink", arguments, "fenm", "")
    out, status = [], 0
    for path in paths:
        try:
            if options:
                out.append(shell.real(path))
            elif shell.node(path, last=False).kind == "l":
                out.append(shell.node(path, last=False).target)
            else:
                status = 1
        except Failed:
            status = 1
    return joined(out), status


def _realpath(shell, arguments, data, who):
    options, paths = shell.named("realpath", arguments, "em", "")
    out = []
    for path in paths:
        try:
            out.append(shell.real(path))
        except Failed as failed:
            shell.complain(f"realpath: {path}: {failed.why}")
    return joined(out)


def _stat(shell, arguments, data, who):
    options, paths = shell.named("stat", arguments, "L", "c", ("format",))
    form = options.get("c") or next((one for one in options.get("format", ()) if isinstance(one, str)), None)
    out = []
    for path in paths:
        try:
            node = shell.node(path, last="L" in options)
        except Failed as failed:
            shell.complain(f"stat: cannot statx '{path}': {failed.why}")
            continue
        kind = {"f": "regular file" if node.content else "regular empty file", "d": "directory", "l": "symbolic link"}[node.kind]
        signs = {"a": f"{node.mode:o}", "A": mode_text(node), "U": node.owner, "G": node.group,
                 "n": path, "s": str(size_of(node)), "F": kind,
                 "y": f"{node.when:%Y-%m-%d %H:%M:%S}", "N": f"'{path}'" + (f" -> '{node.target}'" if node.kind == "l" else "")}
        if form is None:
            out.append(f"  File: {path}" + (f" -> {node.target}" if node.kind == "l" else ""))
            out.append(f"  Size: {size_of(node)}\t{kind}")
            out.append(f"Access: ({node.mode:04o}/{mode_text(node)})  Uid: {node.owner}   Gid: {node.group}")
            out.append(f"Modify: {node.when:%Y-%m-%d %H:%M:%S}")
        else:
            out.append(re.sub(r"%(.)", lambda match: signs.get(match[1], "?"), form))
    return joined(out)


def _file(shell, arguments, data, who):
    out = []
    for path in arguments:
        try:
            node = shell.node(path, last=False)
            if node.kind == "f" and not shell.may(node, who, "r"):
                said = "regular file, no read permission"
            else:
                said = _kind_of(node)
        except Failed as failed:
            said = f"cannot open `{path}' ({failed.why})"
        out.append((f"{path}:", said))
    wide = max((len(name) for name, _ in out), default=0)
    return joined([f"{name:<{wide}} {said}" for name, said in out]), 0


def _kind_of(node):
    if node.kind == "d":
        return "directory"
    if node.kind == "l":
        return f"symbolic link to {node.target}"
    octets = node.content
    if not octets:
        return "empty"
    if octets[:2] == b"\x1f\x8b":
        return "gzip compressed data"
    if octets[:4] == b"\x7fELF":
        return "ELF 64-bit LSB executable"
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return "data"
    if "\0" in text:
        return "data"
    if text.startswith("\ufeff"):
        said = "Unicode text, UTF-8 (with BOM) text"
    else:
        said = "ASCII text" if text.isascii() else "Unicode text, UTF-8 text"
    return said + (", with CRLF line terminators" if "\r\n" in text else "")


def _may_change(shell, name, path, who):
    """The place of a path whose mode the user may change."""
    place = shell.real(path)
    if who not in ("root", shell.nodes[place].owner):
        raise Failed(path, "Operation not permitted")
    return place


def _chmod(shell, arguments, data, who):
    mode = next((word for word in arguments if not re.fullmatch(r"-[Rv]+", word)), "")
    paths = [word for word in arguments if not re.fullmatch(r"-[Rv]+", word)][1:]
    recursive = any(re.fullmatch(r"-v?R", word) for word in arguments)
    if not paths or not re.fullmatch(r"[0-7]{3,4}|[ugoa]*[-+=][rwxX]*(,[ugoa]*[-+=][rwxX]*)*", mode):
        raise Refused(f"chmod: invalid mode: '{mode}'" if paths else "chmod: missing operand")
    for path in paths:
        try:
            top = _may_change(shell, "chmod", path, who)
        except Failed as failed:
            verb = "changing permissions of" if failed.why.startswith("Operation") else "cannot access"
            shell.complain(f"chmod: {verb} '{path}': {failed.why}")
            continue
        for _, place in shell.walk(top) if recursive else [(top, top)]:
            node = shell.nodes[place]
            if node.kind != "l":
                shell.nodes[place] = node._replace(mode=_changed_mode(node, mode))
                shell.opened += [place] if shell.nodes[place].mode & 2 else []
    return ""


def _changed_mode(node, mode):
    if mode.isdigit():
        return int(mode, 8) & 0o1777
    bits = node.mode
    for part in mode.split(","):
        who, sign, what = re.fullmatch(r"([ugoa]*)([-+=])([rwxX]*)", part).groups()
        each = sum({"r": 4, "w": 2, "x": 1, "X": int(node.kind == "d" or bool(node.mode & 0o111))}[one] for one in set(what))
        shifts = {"u": (6,), "g": (3,), "o": (0,), "a": (6, 3, 0)}
        for shift in sorted({shift for one in who or "a" for shift in shifts[one]}):
            if sign == "=":
                bits &= ~(7 << shift)
            bits = bits & ~(each << shift) if sign == "-" else bits | each << shift
    return bits


def _chown(shell, arguments, data, who, group_only=False):
    words = [word for word in arguments if not re.fullmatch(r"-[Rvh]+", word)]
    recursive = any(re.fullmatch(r"-\w*R\w*", word) for word in arguments)
    name = "chgrp" if group_only else "chown"
    if len(words) < 2:
        raise Refused(f"{name}: missing operand")
    owner, colon, group = words[0].partition(":")
    if group_only:
        owner, group = "", words[0]
    groups = {one for of in shell.users.values() for one in of}
    if owner and owner not in shell.users:
        raise Refused(f"{name}: invalid user: '{words[0]}'")
    if group and group not in groups:
        raise Refused(f"{name}: invalid group: '{words[0]}'")
    for path in words[1:]:
        try:
            top = shell.real(path)
        except Failed as failed:
            shell.complain(f"{name}: cannot access '{path}': {failed.why}")
            continue
        if who != "root":
            shell.complain(f"{name}: changing ownership of '{path}': Operation not permitted")
            continue
        for _, place in shell.walk(top) if recursive else [(top, top)]:
            node = shell.nodes[place]
            shell.nodes[place] = node._replace(owner=owner or node.owner, group=group or (
                shell.users[owner][0] if colon and owner else node.group))
    return ""


def _chgrp(shell, arguments, data, who):
    return _chown(shell, arguments, data, who, True)


def _aim(shell, source, aim):
    """Where a copy of `source` goes when the last operand is `aim`."""
    return posixpath.join(aim, posixpath.basename(source.rstrip("/"))) if shell.is_folder(aim) else aim


def _cp(shell, arguments, data, who):
    options, paths = shell.named("cp", arguments, "parRvfiTn", "", ("preserve", "archive", "backup"))
    if len(paths) < 2:
        raise Refused("cp: missing destination file operand" if paths else "cp: missing file operand")
    keep = bool({"p", "a", "preserve", "archive"} & set(options))
    *sources, aim = paths
    if len(sources) > 1 and not shell.is_folder(aim):
        raise Refused(f"cp: target '{aim}': {ENOTDIR}")
    for source in sources:
        try:
            node = shell.node(source)
            if node.kind == "d" and not {"r", "R", "a"} & set(options):
                shell.complain(f"cp: -r not specified; omitting directory '{source}'")
                continue
            if node.kind == "f" and not shell.may(node, who, "r"):
                shell.complain(f"cp: cannot open '{source}' for reading: {EACCES}")
                continue
            if aim == "/dev/null":
                continue
        except Failed as failed:
            shell.complain(f"cp: cannot stat '{source}': {failed.why}")
            continue
        try:
            goal = _aim(shell, source, aim)
            if node.kind == "d":
                for path, place in list(shell.walk(shell.real(source))):
                    _copied(shell, shell.nodes[place], goal + path[len(shell.real(source)):], who, keep)
            elif shell.nodes.get(shell._place(goal)) is node and shell._place(goal) == shell.real(source):
                shell.complain(f"cp: '{source}' and '{goal}' are the same file")
            else:
                _copied(shell, node, goal, who, keep)
        except Failed as failed:
            shell.complain(f"cp: cannot create regular file '{failed.path}': {failed.why}")
    return ""


def _install(shell, arguments, data, who):
    """install: copy a file and give the copy its owner and mode."""
    options, paths = shell.named("install", arguments, "pvCT", "mog")
    mode = str(options.get("m", "755"))
    if len(paths) != 2 or not re.fullmatch("[0-7]{3,4}", mode):
        raise Refused("install: this shell knows `install [-m MODE] [-o OWNER] [-g GROUP] SOURCE DESTINATION`, the mode in digits.")
    source, aim = paths
    node = shell.node(source)
    if node.kind != "f":
        raise Refused(f"install: omitting directory '{source}'")
    if not shell.may(node, who, "r"):
        raise Failed(source, EACCES)
    if {"o", "g"} & set(options) and who != "root":
        raise Refused(f"install: cannot change ownership of '{aim}': Operation not permitted")
    place = shell._place(_aim(shell, source, aim))
    if place in shell.nodes:
        if not shell.may_remove(place, who):
            raise Failed(aim, EACCES)
        shell._remove(place)                            # install makes the file anew
    shell._write(place, node.content, who)
    fresh = shell.nodes[place]
    shell.nodes[place] = fresh._replace(mode=int(mode, 8), owner=options.get("o", fresh.owner), group=options.get("g", fresh.group),
                                        when=node.when if "p" in options else fresh.when)
    return ""


def _copied(shell, node, goal, who, keep):
    place = shell._place(goal)
    old = shell.nodes.get(place)
    if node.kind == "d":
        if old is None:
            if not shell.may(shell.nodes[posixpath.dirname(place)], who, "w"):
                raise Failed(goal, EACCES)
            shell._folder(place)
            shell.nodes[place] = shell.nodes[place]._replace(owner=who, group=shell.users.get(who, (who,))[0], when=shell.now)
        return
    if node.kind == "l":
        shell._add(place, node)
        return
    shell._write(goal, node.content, who)
    fresh = shell.nodes[place]
    if keep:
        owner = (node.owner, node.group) if who == "root" else (fresh.owner, fresh.group)
        fresh = fresh._replace(mode=node.mode, when=node.when, owner=owner[0], group=owner[1])
    elif old is None:
        fresh = fresh._replace(mode=node.mode & 0o755)
    shell.nodes[place] = fresh


def _mv(shell, arguments, data, who):
    options, paths = shell.named("mv", arguments, "fivnT", "")
    if len(paths) < 2:
        raise Refused("mv: missing destination file operand" if paths else "mv: missing file operand")
    *sources, aim = paths
    if len(sources) > 1 and not shell.is_folder(aim):
        raise Refused(f"mv: target '{aim}': {ENOTDIR}")
    for source in sources:
        try:
            place = shell.real(source, last=False)
            goal = _aim(shell, source, aim)
            folder = shell.real(posixpath.dirname(goal.rstrip("/")) or ".")
            to = posixpath.join(folder, posixpath.basename(goal.rstrip("/")))
        except Failed as failed:
            shell.complain(f"mv: cannot stat '{failed.path}': {failed.why}")
            continue
        if to == place or to.startswith(place + "/"):
            shell.complain(f"mv: '{source}' and '{goal}' are the same file" if to == place else
                           f"mv: cannot move '{source}' to a subdirectory of itself, '{goal}'")
            continue
        if not shell.may_remove(place, who) or not (shell.may_remove(to, who) if to in shell.nodes else
                                                    shell.may(shell.nodes[folder], who, "w")):
            shell.complain(f"mv: cannot move '{source}' to '{goal}': {EACCES}")
            continue
        moved = [(to + one[len(place):], shell.nodes[one]) for _, one in shell.walk(place)]
        shell._remove(place)
        if to in shell.nodes:
            shell._remove(to)
        for path, node in moved:
            if node.kind == "d":
                shell._folder(path)
                shell.nodes[path] = node
            else:
                shell._add(path, node)
    return ""


def _rm(shell, arguments, data, who):
    options, paths = shell.named("rm", arguments, "rRfiv", "")
    for path in paths:
        try:
            place = shell.real(path, last=False)
        except Failed as failed:
            if "f" not in options:
                shell.complain(f"rm: cannot remove '{path}': {failed.why}")
            continue
        if shell.nodes[place].kind == "d" and not {"r", "R"} & set(options):
            shell.complain(f"rm: cannot remove '{path}': {EISDIR}")
        elif place == "/":
            shell.complain("rm: it is dangerous to operate recursively on '/'")
        elif not shell.may_remove(place, who):
            shell.complain(f"rm: cannot remove '{path}': {EACCES}")
        else:
            shell._remove(place)
    return ""


def _mkdir(shell, arguments, data, who):
    options, paths = shell.named("mkdir", arguments, "pv", "m")
    for path in paths:
        place = shell.full(path) if "p" in options else shell._place(path)
        if place in shell.nodes:
            if "p" not in options:
                shell.complain(f"mkdir: cannot create directory '{path}': File exists")
            continue
        above = place
        while above not in shell.nodes:
            above = posixpath.dirname(above)
        if not shell.may(shell.nodes[above], who, "w"):
            shell.complain(f"mkdir: cannot create directory '{path}': {EACCES}")
            continue
        shell._folder(place)
        while place != above:
            shell.nodes[place] = shell.nodes[place]._replace(owner=who, group=shell.users.get(who, (who,))[0], when=shell.now)
            place = posixpath.dirname(place)
    return ""


def _touch(shell, arguments, data, who):
    for path in shell.named("touch", arguments, "acm", "")[1]:
        try:
            shell._write(path, None, who)
            place = shell.real(path)
            shell.nodes[place] = shell.nodes[place]._replace(when=shell.now)
        except Failed as failed:
            shell.complain(f"touch: cannot touch '{path}': {failed.why}")
    return ""


def _ln(shell, arguments, data, who):
    options, paths = shell.named("ln", arguments, "sfnT", "")
    if "s" not in options or len(paths) != 2:
        raise Refused("ln: this shell makes symbolic links: ln -s TARGET NAME")
    target, path = paths
    name = _aim(shell, target, path) if "n" not in options else path
    folder = shell.real(posixpath.dirname(name) or ".")
    place = posixpath.join(folder, posixpath.basename(name))
    if place in shell.nodes and "f" not in options:
        shell.complain(f"ln: failed to create symbolic link '{name}': File exists")
    elif not shell.may(shell.nodes[folder], who, "w"):
        shell.complain(f"ln: failed to create symbolic link '{name}': {EACCES}")
    else:
        shell._add(place, Node("l", b"", 0o777, who, shell.users.get(who, (who,))[0], shell.now, target))
    return ""


def _basename(shell, arguments, data, who):
    if not arguments:
        raise Refused("basename: missing operand")
    suffix = arguments[1] if len(arguments) > 1 else ""
    return posixpath.basename(arguments[0].rstrip("/")).removesuffix(suffix) + "\n"


def _dirname(shell, arguments, data, who):
    if not arguments:
        raise Refused("dirname: missing operand")
    return (posixpath.dirname(arguments[0].rstrip("/")) or ".") + "\n"


UTILITIES = {
    "ls": _ls, "find": _find, "pwd": _pwd, "cd": _cd, "readlink": _readlink, "realpath": _realpath, "stat": _stat, "file": _file,
    "chmod": _chmod, "chown": _chown, "chgrp": _chgrp, "cp": _cp, "mv": _mv, "install": _install,
    "rm": _rm, "mkdir": _mkdir, "touch": _touch, "ln": _ln, "basename": _basename, "dirname": _dirname,
}
