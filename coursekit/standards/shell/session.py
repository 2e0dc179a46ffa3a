"""A session at a server: its files and users, and command lines carried out on them."""

import os
import posixpath
import re
import shutil
from pathlib import Path

from coursekit.standards.shell import editing, files, system, text
from coursekit.standards.shell.base import EACCES, EISDIR, ELOOP, ENOENT, ENOTDIR, Failed, Node
from coursekit.standards.shell.words import Command, Refused, parse, wildcard

MOST_LINES = 60
MOST_OUTPUT = 20_000_000
MOST_WORDS = 1_000
UTILITIES = files.UTILITIES | text.UTILITIES | editing.UTILITIES | system.UTILITIES
EDITORS = ("vi", "vim", "nano", "emacs", "ed", "mcedit", "sudoedit")
OTHERS = ("ssh", "su", "watch", "screen", "tmux", "journalctl", "locate", "bash", "sh")
INTERACTIVE = {name: "`echo ... | sudo tee -a FILE` adds a line to a file." for name in EDITORS}
INTERACTIVE |= {name: "`ps -ef` lists the processes once." for name in ("top", "htop")}
INTERACTIVE |= {name: "It is not needed here." for name in OTHERS}
MISSING = {"dos2unix": r" (it is not installed, as on many servers; `tr -d '\r'` takes the carriage returns out)"}
STANDARD = {                                    # folders of every server (Filesystem Hierarchy Standard), and their modes
    "/boot": 0o755, "/media": 0o755, "/mnt": 0o755, "/root": 0o700, "/run": 0o755, "/tmp": 0o1777, "/usr/bin": 0o755, "/usr/lib": 0o755,
    "/usr/local/bin": 0o755, "/usr/sbin": 0o755, "/var/cache": 0o755, "/var/lib": 0o755, "/var/tmp": 0o1777,
}


class Output:
    """What a command line printed.

    text   : standard output
    errors : standard error
    status : the exit status, 0 when all went well
    """

    def __init__(self, text, errors, status, shown):
        self.text, self.errors, self.status, self._shown = text, errors, status, shown

    @property
    def lines(self):
        """The lines of standard output."""
        return self.text.splitlines()

    def __repr__(self):
        lines = self._shown.replace("\0", "\\0").encode("utf-8", "replace").decode("utf-8").splitlines()
        if len(lines) > MOST_LINES:
            lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES:,} more lines. `| head` shows the first, `| wc -l` counts them."]
        if self.status:
            lines.append(f"[exit status {self.status}]")
        return "\n".join(lines) or "(prints nothing)"


class Shell:
    """A user's session at a server: its files, its users, and the command line.

    entries   : objects with path, content, mode, owner 'user:group', target (None when it is no link) and when
    users     : dict from a user to the tuple of its groups, its own first; `user` is logged in and may use sudo
    now       : datetime, the server's clock
    processes : tuples (pid, user, start, arguments)
    recorded  : dict from a command line to what it printed, for what depends on disks and open files
    services  : dict from a service to the pid of its main process
    numbers   : dict from a user or group to its number
    hears     : dict from a service to a function of the session and a verb ('reload', 'restart', 'stop', 'start'), called when it is told
    """

    def __init__(self, entries, users, user, now, host, processes=(), recorded=(), services=(), numbers=(), hears=()):
        self.users, self.user, self.now, self.host = dict(users), user, now, host
        self.processes, self.recorded, self.services = tuple(processes), dict(recorded), dict(services)
        self.numbers, self.hears = dict(numbers), dict(hears)
        self.nodes, self.names = {}, {}
        self.told = []                          # (service, verb, files as they were then) of each that was told to read its files again
        self.opened = []                        # files that chmod has let everybody write, if only for a moment
        self.variables = {"HOME": f"/home/{user}", "USER": user, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                          "SHELL": "/bin/bash", "HOSTNAME": host}
        self.status, self.here, self._errors, self._substituted = 0, "/", [], []
        self.ended = {}                         # dict from a service that was stopped to its last process and that one's files in /proc
        self._who = None                        # whose rights count on the way to a file, while a command is carried out
        self._folder("/")
        for entry in entries:
            owner, _, group = entry.owner.partition(":")
            kind = "f" if entry.target is None else "l"
            self._add(entry.path, Node(kind, entry.content, entry.mode, owner, group, entry.when, entry.target or ""))
        for path in (self.variables["HOME"], *STANDARD):
            self._folder(path)
            self.nodes[path] = self.nodes[path]._replace(mode=STANDARD.get(path, 0o755))
        for path in sorted(self.names, key=lambda path: -path.count("/")):
            self.nodes[path] = self._dated(path, self.nodes[path])
        self.here = self.variables["HOME"]

    def _folder(self, path):
        if path not in self.nodes:
            if path != "/":
                self._folder(posixpath.dirname(path))
                self.names[posixpath.dirname(path)].add(posixpath.basename(path))
            self.nodes[path] = Node("d", b"", 0o755, "root", "root", None)
            self.names[path] = set()

    def _add(self, path, node):
        self._folder(posixpath.dirname(path))
        self.names[posixpath.dirname(path)].add(posixpath.basename(path))
        self.nodes[path] = node

    def _dated(self, path, node):
        """A folder of the given tree is as new as its newest file, and belongs to whom all its files belong, if that is one user."""
        if node.when:
            return node
        inside = [self.nodes[posixpath.join(path, name)] for name in self.names[path]]
        owners = {(one.owner, one.group) for one in inside if one.kind != "d"}
        owner, group = owners.pop() if len(owners) == 1 and not any(one.kind == "d" for one in inside) else ("root", "root")
        if path == f"/home/{self.user}":
            owner = group = self.user
        return node._replace(owner=owner, group=group,
                             when=max((one.when for one in inside if one.when), default=self.now))

    def __deepcopy__(self, memo):
        return self.copy()

    def copy(self):
        """Another session on a copy of the server as it is now; neither sees what happens on the other."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.nodes, other.variables = dict(self.nodes), dict(self.variables)
        other.told, other.opened = list(self.told), list(self.opened)
        other.names = {path: set(names) for path, names in self.names.items()}
        return other

    def lay_out(self, folder):
        """Write the files into a new folder, for a terminal of the learner's own, and return a sentence that says so.

        Absolute links are made relative, so that they stay inside; where the system knows no links, a copy takes their place. Owners are
        not kept. A folder that is there already stays as it is.
        """
        top = Path(folder)
        try:
            top.mkdir(parents=True)
        except FileExistsError:
            return f"There is a folder or file {top.name} here already, and it was left as it is. Give another name for a fresh copy."
        links = []
        for path in sorted(self.nodes):
            node, place = self.nodes[path], top / path.lstrip("/")
            if node.kind == "d":
                place.mkdir(exist_ok=True)
            elif node.kind == "f":
                place.write_bytes(node.content)
                place.chmod(node.mode | 0o600)          # else the folder could not be removed on some systems
            else:
                links.append((path, place))
        for path, place in links:
            try:
                inside = self.real(path)
            except Failed:
                continue
            aim = posixpath.relpath(posixpath.join(posixpath.dirname(path), self.nodes[path].target), posixpath.dirname(path))
            try:
                os.symlink(aim, place, target_is_directory=self.nodes[inside].kind == "d")
            except (OSError, NotImplementedError):
                behind = top / inside.lstrip("/")
                shutil.copytree(behind, place) if behind.is_dir() else shutil.copyfile(behind, place)
        return f"{len(self.nodes):,} files, folders and links are now in the folder {top.name}."

    def __repr__(self):
        return f"<{self.user} at {self.host}: {len(self.nodes):,} files, folders and links>"

    # ---- the command line

    def sh(self, line):
        """Carry out command lines and return what they print, as an Output. Never raises for what is typed."""
        if not isinstance(line, str):
            return Output("", "", 2, "Give the command line as text, between quotes.")
        shown = []
        try:
            out, errors = self._run(line, shown, 0)
        except RecursionError:
            return Output("", "", 2, "This shell cannot follow commands nested so deeply.")
        return Output(out, errors, self.status, "".join(shown))

    def _run(self, text, shown, depth):
        outs, errors = [], []
        try:
            sequence = parse(text)
        except Refused as refused:
            self.status = 2
            shown.append(f"{refused}\n")
            return "", f"{refused}\n"
        for how, pipeline in sequence:
            if (how == "&&" and self.status) or (how == "||" and not self.status):
                continue
            out, error = self._pipeline(pipeline, depth)
            outs.append(out)
            errors.append(error)
            shown += [error, out]
        return "".join(outs), "".join(errors)

    def _pipeline(self, commands, depth):
        data, errors = "", []
        for command in commands:
            data, error = self._command(command, data, depth)
            errors.append(error)
            if len(data) > MOST_OUTPUT:
                self.status = 1
                return "", "this shell stops at twenty million characters of output.\n"
        return data, "".join(errors)

    def _command(self, command: Command, data, depth):
        outer, self._substituted = (self._substituted, self._who), []
        self._who = self.user
        try:
            out, error = self._carried_out(command, data, depth)
            return out, "".join(self._substituted) + error           # what $( ) complained of comes first
        finally:
            self._substituted, self._who = outer

    def _carried_out(self, command, data, depth):
        try:
            words = self._expanded(command.words, depth)
            for kind, word in command.redirections:
                if kind == "<":
                    data = self._text(self._one(word, depth), self.user)
        except Failed as failed:
            self.status = 1
            return "", f"bash: {failed.path}: {failed.why}\n"
        except Refused as refused:
            self.status = 2
            return "", f"{refused}\n"
        while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL):
            name, _, value = words.pop(0).partition("=")
            if not words:
                self.variables[name] = value
        # What goes into a file: it is opened, and emptied, before the command starts, and by the user who typed the line.
        aims = {1: None, 2: None}
        try:
            for kind, word in command.redirections:
                if kind in (">", ">>", "2>", "2>>"):
                    path = self._one(word, depth)
                    if path != "/dev/null":
                        self._write(path, b"" if ">>" not in kind else None, self.user)
                    aims[2 if kind.startswith("2") else 1] = path
                elif kind == "2>&1":
                    aims[2] = aims[1] or "&1"
                elif kind == "&>":
                    path = self._one(word, depth)
                    if path != "/dev/null":
                        self._write(path, b"", self.user)
                    aims = {1: path, 2: path}
        except (Failed, Refused) as failed:
            self.status = 1
            return "", f"bash: {failed.path}: {failed.why}\n" if isinstance(failed, Failed) else f"{failed}\n"
        out, error, self.status = self.call(words, data, self.user) if words else ("", "", 0)
        if aims[2] == "&1":
            out, error = error + out, ""
        for number, text in ((1, out), (2, error)):
            if aims[number] and aims[number] != "&1":
                if text and aims[number] != "/dev/null":
                    self._write(aims[number], None, self.user, append=text.encode("utf-8", "surrogateescape"))
                out, error = ("", error) if number == 1 else (out, "")
        return out, error

    def call(self, words, data, who):
        """Carry out one utility: (standard output, standard error, exit status)."""
        name, arguments = words[0], list(words[1:])
        name = posixpath.basename(name) if name.startswith(("/bin/", "/usr/bin/")) else name
        utility = UTILITIES.get(name)
        if utility is None:
            if "/" in name:
                return "", f"this shell starts no programs of the server: {name}\n", 126
            if name in INTERACTIVE:
                return "", f"this shell does not have `{name}`. {INTERACTIVE[name]}\n", 2
            return "", f"bash: {name}: command not found{MISSING.get(name, '')}\n", 127
        outer, self._errors = (self._errors, self._who), []
        self._who = who
        try:
            got = utility(self, arguments, data, who)
            out, status = got if isinstance(got, tuple) else (got, 1 if self._errors else 0)
        except Refused as refused:
            out, status = "", 2
            self.complain(str(refused))
        except Failed as failed:
            out, status = "", 1
            self.complain(f"{name}: {failed.path}: {failed.why}")
        except re.error as error:
            out, status = "", 2
            self.complain(f"{name}: {error.msg if error.msg.startswith('this shell') else 'invalid regular expression'}")
        finally:
            errors, (self._errors, self._who) = self._errors, outer
        return out, "".join(errors), status

    def _called(self, words, data, who):
        """`call` within a utility: what the other complains of, this one complains of."""
        out, error, status = self.call(words, data, who)
        self._errors += [error] if error else []
        return out, status

    @staticmethod
    def knows(name):
        """Whether there is a utility of that name."""
        return name in UTILITIES

    def complain(self, text):
        """A line on standard error."""
        self._errors.append(text + "\n")

    # ---- words

    def _one(self, word, depth):
        words = self._expanded([word], depth)
        if len(words) != 1:
            raise Refused("this shell takes one file behind > or <.")
        return words[0]

    def _expanded(self, words, depth):
        """The words with variables, substitutions, braces, ~ and wildcards replaced."""
        found = []
        for word in words:
            for number, pieces in enumerate(_braced(word)):
                if number == MOST_WORDS:
                    raise Refused("this shell does not write out so many { } at a time.")
                found += self._globbed(self._filled(pieces, depth))
        if sum(map(len, found)) > MOST_OUTPUT // 20:
            raise Refused("this shell takes no command line of more than a million characters.")
        return found

    def _filled(self, pieces, depth):
        """The word as a list of words, each a list of (text, whether it was quoted)."""
        words, current = [], []
        for text, quote in pieces:
            if quote == "'":
                current.append((text, True))
                continue
            if text.startswith("~") and not quote and not current and (text == "~" or text[1] == "/"):
                text = self.variables["HOME"] + text[1:]
            parts = re.split(r"(\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`|\$\w+|\$\{\w+\}|\$\?)", text)
            for number, part in enumerate(parts):
                if number % 2 == 0:
                    if part:
                        current.append((part, bool(quote)))
                    continue
                value = self._value(part, depth)
                if quote:
                    current.append((value, True))
                    continue
                fields = value.split()
                if fields and value[0].isspace() and current:
                    words, current = [*words, current], []
                for place, field in enumerate(fields):
                    if place:
                        words, current = [*words, current], []
                    current.append((field, False))
            if quote and not text:
                current.append(("", True))
        return [*words, current] if current else words

    def _value(self, part, depth):
        if part.startswith(("$(", "`")):
            if depth > 3:
                raise Refused("this shell does not nest $( ) more than three deep.")
            out, errors = self._run(part[2:-1] if part[0] == "$" else part[1:-1], [], depth + 1)
            self._substituted.append(errors)
            return out.rstrip("\n")
        name = part.strip("${}")
        return str(self.status) if name == "?" else self.here if name == "PWD" else self.variables.get(name, "")

    def _globbed(self, words):
        found = []
        for pieces in words:
            text = "".join(part for part, _ in pieces)
            if any(not quoted and re.search(r"[*?[]", part) for part, quoted in pieces):
                pattern = "".join(re.sub(r"([*?[])", r"[\1]", part) if quoted else part for part, quoted in pieces)
                found += self._matching(pattern) or [text]
            else:
                found.append(text)
        return found

    def _matching(self, pattern):
        """The paths that fit a pattern, sorted; hidden files only when the pattern names the dot."""
        paths = ["/" if pattern.startswith("/") else ""]
        parts = [part for part in pattern.split("/") if part]
        for number, part in enumerate(parts):
            test, more = re.compile(wildcard(part)), []
            for path in paths:
                try:
                    folder = self.real(path or ".")
                except Failed:
                    continue
                if not self.may(self.nodes[folder], self.user, "r"):
                    continue
                for name in sorted(self.names.get(folder, ())):
                    if test.fullmatch(name) and (part.startswith(".") or not name.startswith(".")):
                        more.append(posixpath.join(path, name))
            paths = more
            if number < len(parts) - 1:
                paths = [path for path in paths if self.is_folder(path)]
        return [path + "/" for path in paths] if pattern.endswith("/") else paths

    # ---- files

    def full(self, path):
        """The absolute form of a path, with . and .. taken out."""
        path = posixpath.normpath(posixpath.join(self.here, path))
        return "/" + path.lstrip("/")

    def real(self, path, last=True):
        """The path behind all links, `last` also behind a link that the path itself names. Raises Failed.

        Each folder on the way must let through, by its `x`, whoever is acting.
        """
        given, hops = path, 0
        if path == "":
            raise Failed(path, ENOENT)
        todo = [part for part in posixpath.join(self.here, path).split("/") if part and part != "."]
        at = "/"
        while todo:
            part = todo.pop(0)
            if part == "..":
                at = posixpath.dirname(at)
                continue
            if self._who and not self.may(self.nodes[at], self._who, "x"):
                raise Failed(given, EACCES)
            step = posixpath.join(at, part)
            node = self.nodes.get(step)
            if node is None:
                raise Failed(given, ENOENT)
            if node.kind == "l" and (last or todo or given.endswith("/")):
                hops += 1
                if hops > 40:
                    raise Failed(given, ELOOP)
                todo = [one for one in node.target.split("/") if one and one != "."] + todo
                at = "/" if node.target.startswith("/") else at
                continue
            if node.kind == "f" and todo:
                raise Failed(given, ENOTDIR)
            at = step
        return at

    def node(self, path, last=True):
        """The Node at a path. Raises Failed."""
        return self.nodes[self.real(path, last)]

    def is_folder(self, path):
        """Whether a path leads to a folder."""
        try:
            return self.node(path).kind == "d"
        except Failed:
            return False

    def may(self, node, who, what):
        """Whether a user may read ('r'), write ('w') or run ('x') it. The first class that fits decides, and no other."""
        if who == "root":
            return True
        groups = self.users.get(who, (who,))
        shift = 6 if node.owner == who else 3 if node.group in groups else 0
        return bool(node.mode >> shift & {"r": 4, "w": 2, "x": 1}[what])

    def may_remove(self, place, who):
        """Whether a user may remove or rename what lies at a place: by the folder's `w`, and in a folder like /tmp only what is theirs."""
        folder = self.nodes[posixpath.dirname(place)]
        own = who in ("root", folder.owner, self.nodes[place].owner)
        return self.may(folder, who, "w") and (own or not folder.mode & 0o1000)

    def tell(self, service, verb):
        """A service is told to read its files again, to end or to start."""
        self.told.append((service, verb, dict(self.nodes)))
        if service in self.hears:
            self.hears[service](self, verb)

    def read(self, path, who):
        """The bytes of a file. Raises Failed."""
        if path == "/dev/null":
            return b""
        outer, self._who = self._who, who
        try:
            node = self.node(path)
        finally:
            self._who = outer
        if node.kind == "d":
            raise Failed(path, EISDIR)
        if not self.may(node, who, "r"):
            raise Failed(path, EACCES)
        return node.content

    def _text(self, path, who):
        return self.read(path, who).decode("utf-8", "surrogateescape")

    def _place(self, path):
        """Where a path that may not exist yet would lie."""
        try:
            return self.real(path)
        except Failed as failed:
            if failed.why != ENOENT or path.endswith("/"):
                raise
            folder = self.real(posixpath.dirname(path) or ".")
            if self.nodes[folder].kind != "d":
                raise Failed(path, ENOTDIR) from None
            return posixpath.join(folder, posixpath.basename(path))

    def _write(self, path, content, who, append=b""):
        """Put content into a file (None: leave what is there), then append. Owner and mode of a file that exists stay."""
        place = self._place(path)
        node = self.nodes.get(place)
        if node is None:
            if not self.may(self.nodes[posixpath.dirname(place)], who, "w"):
                raise Failed(path, EACCES)
            node = Node("f", b"", 0o644, who, self.users.get(who, (who,))[0], self.now)
        elif node.kind == "d":
            raise Failed(path, EISDIR)
        elif not self.may(node, who, "w"):
            raise Failed(path, EACCES)
        before = node.content if content is None else content
        self._add(place, node._replace(content=before + append, when=self.now if append or content is not None else node.when))

    def _remove(self, place):
        for name in list(self.names.get(place, ())):
            self._remove(posixpath.join(place, name))
        self.names.pop(place, None)
        self.nodes.pop(place)
        self.names[posixpath.dirname(place)].discard(posixpath.basename(place))

    def walk(self, top, follow=False, closed=None):
        """Yield (path, place) for a path and all below it, sorted; links are not followed but for `top` if `follow`.

        closed : called with the path of each folder that whoever is acting may not look into; None looks into all
        """
        place = self.real(top, last=follow)
        yield top, place
        for name in self._inside(top, place, closed):
            yield from self._below(posixpath.join(top, name), posixpath.join(place, name), closed)

    def _below(self, path, place, closed):
        yield path, place
        for name in self._inside(path, place, closed):
            yield from self._below(f"{path}/{name}", f"{place}/{name}", closed)

    def _inside(self, path, place, closed):
        if closed and place in self.names and self._who and not all(self.may(self.nodes[place], self._who, what) for what in "rx"):
            closed(path)
            return ()
        return sorted(self.names.get(place, ()))

    def inputs(self, name, paths, data, who):
        """Yield (path, text) of each file named, or of standard input; complain of those that cannot be read."""
        for path in paths or ["-"]:
            try:
                yield path, data if path == "-" else self._text(path, who)
            except Failed as failed:
                self.complain(f"{name}: {self._said(name, path, failed.why)}")

    @staticmethod
    def _said(name, path, why):
        if name in ("head", "tail"):
            return f"cannot open '{path}' for reading: {why}" if why != EISDIR else f"error reading '{path}': {why}"
        return f"cannot read: {path}: {why}" if name == "sort" and why != EISDIR else f"{path}: {why}"

    def named(self, name, arguments, flags="", valued="", long=(), many=""):
        """Options and operands, read as getopt does: ({letter: value or True}, [operands]). Raises Refused for an unknown option.

        many : the valued options that may come several times; their values are joined by line ends
        """
        options, operands = {}, []
        todo = list(arguments)
        while todo:
            word = todo.pop(0)
            if word == "--":
                operands += todo
                break
            if word.startswith("--"):
                key, equals, value = word[2:].partition("=")
                if key not in long:
                    raise Refused(f"{name}: this shell does not know the option --{key}. {_known(flags, valued)}")
                options.setdefault(key, []).append(value if equals else True)
                continue
            if not word.startswith("-") or word == "-":
                operands.append(word)
                continue
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter in flags:
                    options[letter] = True
                elif letter in valued:
                    if not letters and not todo:
                        raise Refused(f"{name}: option requires an argument -- '{letter}'")
                    value = letters or todo.pop(0)
                    options[letter] = f"{options[letter]}\n{value}" if letter in many and letter in options else value
                    letters = ""
                else:
                    raise Refused(f"{name}: this shell does not know the option -{letter}. {_known(flags, valued)}")
        return options, operands


def _known(flags, valued):
    letters = " ".join(f"-{letter}" for letter in flags + valued)
    return f"It knows {letters}." if letters else "It knows none."


def _braced(word):
    """The words that {a,b} in a word stands for."""
    for place, (text, quote) in enumerate(word):
        match = None if quote else re.search(r"(?<!\$)\{([^{}\s]*,[^{}\s]*)\}", text)
        if match:
            for part in match[1].split(","):
                yield from _braced([*word[:place], (text[:match.start()] + part + text[match.end():], ""), *word[place + 1:]])
            return
    yield word
