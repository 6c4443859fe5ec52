"""All drafts that are being worked on, and the configuration that they are drafts of."""

from collections.abc import Mapping, Sequence

from poly_tui.screens.tune.draft import Draft, Version
from poly_tui.screens.tune.fields import OVERRIDABLE, Field
from poly_tui.screens.tune.source import Source
from poly_tui.screens.tune.values import Values

__all__ = ["Desk"]


class Desk:
    """The drafts by the names of their tasks. Without a `source` they are of a server: then they can be tried as far as
    a single turn can set something, and not be saved.
    """

    def __init__(self, source: Source | None, served: Mapping[str, Values] | None = None) -> None:
        self.source = source
        self._served = served or {}
        self._drafts: dict[str, Draft] = {}

    @property
    def is_served(self) -> bool:
        """Whether the tasks are those of a server, whose configuration is not at hand."""
        return self.source is None

    @property
    def names(self) -> Sequence[str]:
        """The tasks that there are, then those that are new here."""
        known = tuple(self._served) if self.source is None else self.source.names
        return (*known, *(name for name in self._drafts if name not in known))

    def draft(self, name: str) -> Draft:
        """The draft of a task, begun now if there is none. Raises ConfigError if the file of its schema is gone."""
        if name not in self._drafts:
            version = Version(self._served[name]) if self.source is None else self.source.version(name)
            self._drafts[name] = Draft(name, version)
        return self._drafts[name]

    def saved_of(self, draft: Draft) -> Version:
        """What a draft is compared with: what is saved, of a new task what is saved of the one that it is a copy of."""
        if not draft.is_new:
            return draft.saved
        has_base = draft.base != draft.name and draft.base in self.names
        return self.draft(draft.base).saved if has_base else draft.current

    def copy(self, name: str, original: str) -> Draft:
        """Begin a new task as a copy of what another one is now."""
        self._drafts[name] = Draft.copied(name, self.draft(original))
        return self._drafts[name]

    def drop(self, name: str) -> None:
        """Forget a draft."""
        self._drafts.pop(name, None)

    def refusal_of_name(self, name: str) -> str:
        """Why a new task cannot have a name; nothing if it can."""
        if not name or not name.isprintable():
            return "a name must be printable and not empty"
        return "there is a task of that name" if name in self.names else ""

    def refusal_of(self, field: Field) -> str:
        """Why a field cannot be changed; nothing if it can."""
        if not self.is_served or field.name in OVERRIDABLE:
            return ""
        return "only the server's own configuration can say that: change it where the server runs"

    def take_source(self, source: Source) -> list[str]:
        """Go on with what the file says now. Drafts keep what was changed in them; return the names of tasks that are
        gone from the file, whose drafts are those of new tasks now. Raises ConfigError if the file of a schema is gone.
        """
        versions = {name: source.version(name) for name in self._drafts if name in source.names}
        self.source = source
        gone = []
        for name, draft in list(self._drafts.items()):
            if name in versions:
                draft.take_saved(versions[name])
            elif not draft.is_new:
                if draft.changes:
                    self._drafts[name] = Draft.copied(name, draft)
                else:
                    self.drop(name)
                gone.append(name)
        return gone

    def was_saved(self, name: str, version: Version, source: Source) -> None:
        """Note what the file says now of a task, and of all."""
        self.source = source
        self._drafts[name].mark_saved(version)

    def n_changes(self, name: str) -> int:
        """How many fields of a task are not as they are saved."""
        draft = self._drafts.get(name)
        return len(draft.changes) if draft else 0

    @property
    def unsaved(self) -> str:
        """What would be lost, in words: nothing if nothing would."""
        if self.is_served:
            return ""
        counts = {name: n for name in self.names if (n := self.n_changes(name))}
        parts = [f"{n} change{'s' if n != 1 else ''} of {name}" for name, n in counts.items()]
        verb = "is" if sum(counts.values()) == 1 else "are"
        return f"{', '.join(parts)} {verb} not saved" if parts else ""
