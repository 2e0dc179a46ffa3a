"""The rooms use each other in one direction only, and importing the package loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import coursekit

PACKAGE = Path(coursekit.__file__).parent
MAY_USE = {  # as docs/architecture.md says; every room may use `errors` and the package's version
    "errors": set(),
    "shipped": set(),
    "standards": set(),
    "checking": set(),
    "hospital": {"standards", "shipped"},
    "figures": {"standards"},
    "systems": {"standards"},
    "learner": {"checking", "lessons", "hospital", "shipped"},
    "lessons": {"checking", "figures", "hospital", "standards", "systems"},
    "authoring": {"figures", "hospital", "lessons", "shipped", "standards"},
    "cli": {"authoring", "hospital", "learner", "lessons", "shipped"},
    "__main__": {"cli"},
    "__init__": {"hospital", "learner"},
}
HEAVY = {"pandas", "numpy", "matplotlib", "pydicom", "pynetdicom", "IPython", "nbformat", "ipywidgets", "sqlite3"}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield node.module
            if node.module == "coursekit":
                yield from (f"coursekit.{alias.name}" for alias in node.names)


def _room(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def test_rooms_use_each_other_in_one_direction():
    wrong, used = [], set()
    for path in PACKAGE.rglob("*.py"):
        if "_shipped" in path.parts:
            continue
        room = _room(path)
        for name in _imports(path):
            parts = name.split(".")
            if parts[0] == "coursekit" and len(parts) > 1 and not parts[1].startswith("__"):
                used.add((room, parts[1]))
                if parts[1] not in MAY_USE[room] | {room, "errors"}:
                    wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []
    assert ("lessons", "checking") in used and ("hospital", "errors") in used  # the reading of imports works


def test_every_room_is_in_the_document():
    document = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in PACKAGE.iterdir():
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py" and path.stem != "__main__":
            assert f"{path.name}/" in document or path.name in document, path.name


def test_every_dependency_has_its_reason_in_the_document():
    import tomllib

    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    document = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = project["dependencies"] + project["optional-dependencies"]["test"]
    for requirement in names:
        name = requirement.split(">")[0].split("[")[0].split(";")[0].strip()
        assert name in document, name


def _loaded_by(code):
    code = f"import sys\n{code}\nprint(' '.join(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    return set(ran.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert not _loaded_by("import coursekit") & HEAVY
    assert "pandas" in _loaded_by("import pandas")  # the measurement works


def test_the_kinds_of_answer_load_no_library_of_data():
    assert not _loaded_by("import coursekit.checking") & (HEAVY - {"sqlite3"})


def test_no_text_stands_alone_in_the_code():
    """A line of a text that was split outside of parentheses is a statement of its own: Python drops it, and the text breaks off."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            body = node.body if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) else []
            for statement in body[1:]:
                alone = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
                assert not alone, f"{path.name} line {statement.lineno}: {statement.value.value[:40]!r}"
