"""The source of a reference solution, as the learner would have written it."""

import ast
import inspect
import textwrap


class FunctionSource:
    """The source text of a solution.

    The same text is shown by `.solution()`, put into the solved notebook and, as the function itself, run by the tests.
    """

    def __init__(self, function):
        self._text = textwrap.dedent(inspect.getsource(function)).rstrip()
        self._tree = ast.parse(self._text).body[0]
        self._lines = self._text.splitlines()

    def as_assignment(self, names):
        """The body with its closing `return value` turned into `names = value`; nothing where that would be `names = names`."""
        body = self._tree.body
        last = body[-1]
        returns = [node for node in ast.walk(self._tree) if isinstance(node, ast.Return)]
        if not isinstance(last, ast.Return) or len(returns) != 1:
            raise ValueError(f"solution of {names}: a solution has one `return`, as its last statement")
        lines = list(self._lines)
        line = lines[last.lineno - 1]
        if isinstance(last.value, ast.Name) and last.value.id == names and len(body) > 1:
            return textwrap.dedent("\n".join(lines[self._first_line() : last.lineno - 1])).rstrip()
        lines[last.lineno - 1] = f"{line[: last.col_offset]}{names} = {line[last.col_offset + len('return '):]}"
        return textwrap.dedent("\n".join(lines[self._first_line() :]))

    def as_function(self, name):
        """The whole function under another name."""
        return "\n".join([self.signature(name), *self._lines[self._first_line() :]])

    def signature(self, name):
        """The line `def name(parameters):`."""
        return f"def {name}({ast.unparse(self._tree.args)}):"

    def parameters(self):
        """The names of the parameters."""
        return [argument.arg for argument in self._tree.args.args]

    def _first_line(self):
        """Index of the first line after the signature, comments included."""
        first = self._tree.body[0].lineno - 1
        while first > 1 and self._lines[first - 1].strip().startswith("#"):
            first -= 1
        return first
