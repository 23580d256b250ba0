"""Which code a result came from: a digest of modules and of all that they import from the package."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_PACKAGE = "descant"
_ROOT = Path(__file__).parent
_DECIDES_NOTHING = frozenset({"descant.errors", "descant.files", "descant.progress"})
"""They tell and write; no number comes from them."""


@cache
def code_digest(modules: tuple[str, ...], *, root: Path = _ROOT, package: str = _PACKAGE) -> str:
    """Of the source of modules and of all that they import from the same package, directly or not.

    Comments, docstrings and layout do not count, nor do imports for type checkers alone.

    Args:
        modules: Their full names.
        root: The package's folder.
        package: Its name.
    """
    digest = hashlib.sha256()
    for name in sorted(_reached(modules, root, package)):
        digest.update(f"{name}\n{_said(_file(name, root, package))}\n".encode())
    return digest.hexdigest()[:16]


def _reached(modules: Iterable[str], root: Path, package: str) -> set[str]:
    waiting, found = list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in _imports(_file(name, root, package)) if _is_ours(other, root, package)]
    return found


def _is_ours(name: str, root: Path, package: str) -> bool:
    return name.startswith(f"{package}.") and name not in _DECIDES_NOTHING and _file(name, root, package).is_file()


def _file(name: str, root: Path, package: str) -> Path:
    place = root.joinpath(*name.removeprefix(package).strip(".").split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    """A module without what only people and type checkers read."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                setattr(node, field, [statement for statement in body if not _is_silent(statement)])
    return tree


def _is_silent(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text and isinstance(statement.value.value, str)  # type: ignore[attr-defined]


@cache
def _said(path: Path) -> str:
    return ast.unparse(_tree(path))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Names of what a module imports, anywhere in it; what comes `from` a package may be a module, too."""
    names: list[str] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(dict.fromkeys(names))
