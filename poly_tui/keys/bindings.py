"""All bindings of the terminal interface, found in the classes that have them."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual.binding import Binding
from textual.dom import DOMNode

import poly_tui
from poly_engine.errors import suggestion

__all__ = ["Bound", "bindings", "problems"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding: what it is called, its keys with commas between, what it does, and the class that has it."""

    id: str
    keys: str
    help: str
    owner: str


def bindings() -> list[Bound]:
    """All that have an id, by ids. Imports every screen and widget."""
    for module in pkgutil.walk_packages(poly_tui.__path__, "poly_tui."):
        if not module.name.startswith(("poly_tui.commands", "poly_tui.__main__")):
            importlib.import_module(module.name)
    found = {
        binding.id: Bound(binding.id, binding.key, binding.description, owner.__name__)
        for owner in _owners(DOMNode)
        for binding in owner.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id is not None
    }
    return [found[name] for name in sorted(found)]


def problems(keymap: Mapping[str, str], known: list[Bound]) -> list[str]:
    """What is wrong with a keymap: ids that there are not, and one key for two things in one place."""
    ids = {one.id for one in known}
    wrong = [f"there is nothing called {name}{suggestion(name, ids)}" for name in keymap if name not in ids]
    users: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in known:
        for key in keymap.get(one.id, one.keys).split(","):
            users[one.owner, key.strip()].add(one.id)
    for (owner, key), names in sorted(users.items()):
        if len(names) > 1 and any(name in keymap for name in names):
            wrong.append(f"{key} would be {' and '.join(sorted(names))} ({owner})")
    return wrong


def _owners(parent: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("poly_tui."):
            yield child
        yield from _owners(child)
