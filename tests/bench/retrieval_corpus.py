"""The documentation that every Python carries in itself, as Markdown: the topics of the language reference, and the
docstrings of the standard library, one document a module. The sources of modules are read, not run.
"""

import ast
import importlib
import inspect
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics
from types import ModuleType

__all__ = ["documents", "normalised"]

_PARTS = """
async attribute-access augassign callable-types class context-managers customization dynamic-features else exceptions
for function id-classes if in naming numeric-types sequence-types try typesseq-mutable while with
"""
"""Topics that stand word for word in larger ones, such as "while" in "compound"."""

_LEFT_OUT = """
aifc antigravity asynchat asyncore cgi cgitb chunk crypt ctypes curses dbm distutils encodings ensurepip idlelib imghdr
imp lib2to3 mailcap msilib multiprocessing nntplib nturl2path pdb pipes pydoc pydoc_data smtpd sndhdr sunau telnetlib
test this tkinter turtle turtledemo uu wsgiref xdrlib xmlrpc
"""
"""Modules that Python 3.11 to 3.13 do not have everywhere, or that say little; and pdb, whose docstring is nearly the
topic "debugger".
"""

_COMPILED = ("atexit", "faulthandler", "gc", "itertools", "marshal", "math", "sys", "time", "zlib")
"""Modules without a source, which are safe to import."""

_LEAST = 200
"""Characters of a document of the library; fewer say nothing but its name."""


def documents() -> dict[str, str]:
    """The texts by the names of their files: `language/import.md`, `library/urllib.parse.md`."""
    language = {f"language/{name}.md": _topic(text) for name, text in topics.items() if name not in _PARTS.split()}
    library = {f"library/{name}.md": text for name, text in _modules() if len(text) >= _LEAST}
    return dict(sorted({**language, **library}.items()))


def normalised(text: str) -> str:
    """A text with every run of white space as one space."""
    return " ".join(text.split())


_UNDERLINED = re.compile(r"^(\S.*)\n([*=~-])\2{3,}$", re.MULTILINE)
_LEVELS = {"*": "#", "=": "##", "-": "###", "~": "####"}
_COMMENT = re.compile(r"^ {0,3}(?=#)", re.MULTILINE)


def _topic(text: str) -> str:
    """A topic with headings that Markdown knows."""
    return _UNDERLINED.sub(lambda found: f"{_LEVELS[found[2]]} {found[1]}", _without_hashes(text))


def _without_hashes(text: str) -> str:
    """A text whose lines do not look like headings: comments in code are indented as Markdown has it."""
    return _COMMENT.sub("    ", text)


def _modules() -> Iterator[tuple[str, str]]:
    root = Path(sysconfig.get_path("stdlib"))
    for top in sys.stdlib_module_names.difference(_LEFT_OUT.split()):
        for path in (*root.glob(f"{top}.py"), *root.joinpath(top).rglob("*.py")):
            name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
            if any(part.startswith(("_", "test")) for part in name.split(".")):
                continue
            tree = ast.parse(path.read_bytes())
            yield name, "\n\n".join([f"# {name}", *_docstring(tree), *_members(tree, name, "##")]) + "\n"
    for name in _COMPILED:
        yield name, "\n\n".join(_compiled(importlib.import_module(name))) + "\n"


def _members(parent: ast.Module | ast.ClassDef, name: str, mark: str) -> Iterator[str]:
    """What is public and has a docstring in a module or a class, each under a heading."""
    for node in parent.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        inner = list(_members(node, f"{name}.{node.name}", mark + "#")) if isinstance(node, ast.ClassDef) else []
        docstring = _docstring(node)
        if docstring or inner:
            signature = "" if isinstance(node, ast.ClassDef) else f"({ast.unparse(node.args)})"
            yield "\n\n".join([f"{mark} {name}.{node.name}{signature}", *docstring, *inner])


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    docstring = ast.get_docstring(node)
    return [_without_hashes(docstring)] if docstring else []


def _compiled(module: ModuleType) -> Iterator[str]:
    yield f"# {module.__name__}"
    yield _without_hashes(inspect.getdoc(module) or "")
    for name, member in sorted(vars(module).items()):
        docstring = inspect.getdoc(member) if callable(member) and not name.startswith("_") else None
        if docstring:
            yield f"## {module.__name__}.{name}"
            yield _without_hashes(docstring)
