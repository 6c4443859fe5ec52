"""A draft of a task: what is saved, what is to become of it, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass

from poly_tui.screens.tune.fields import BIASER, Field, Where, fields
from poly_tui.screens.tune.values import Values, is_same, lookup, with_value, without_value

__all__ = ["Draft", "Version", "effective_default"]


@dataclass(frozen=True, slots=True)
class Version:
    """A task at one time: its values, and the text of the file with its schema, if it names one."""

    values: Values
    schema_text: str | None = None

    @property
    def schema_file(self) -> str | None:
        """The file that holds the schema, as it is written in the configuration."""
        named = lookup(self.values, (*BIASER, "json_schema_file"))
        return named if isinstance(named, str) else None


NOTHING = Version({})
"""What is saved of a task that is new."""


class Draft:
    """The draft of the task `name`. `base` is the task that an engine knows it by: the one that it is a copy of, until
    it is saved.
    """

    def __init__(self, name: str, saved: Version) -> None:
        self.name = name
        self.base = name
        self._saved = saved
        self._versions = [saved]

    @classmethod
    def copied(cls, name: str, original: "Draft") -> "Draft":
        """The draft of a new task, which begins as what another one is now."""
        draft = cls(name, NOTHING)
        draft.base = original.base
        draft._versions = [original.current]
        return draft

    @property
    def saved(self) -> Version:
        """What the file says."""
        return self._saved

    @property
    def current(self) -> Version:
        """What the draft says."""
        return self._versions[-1]

    @property
    def is_new(self) -> bool:
        """Whether the file has no such task."""
        return not self._saved.values

    def value(self, where: Where) -> object | None:
        """The value that is given at a place."""
        return lookup(self.current.values, where)

    def set(self, where: Where, value: object) -> None:
        """Give a value to a field."""
        self._go_on(Version(with_value(self.current.values, where, value), self.current.schema_text))

    def unset(self, where: Where) -> None:
        """Have a field take its default."""
        self._go_on(Version(without_value(self.current.values, where), self.current.schema_text))

    def set_biaser(self, biaser: Mapping[str, object], schema_text: str | None = None) -> None:
        """Have the answer look like this; `schema_text` is what its file is to say, if it names one."""
        self._go_on(Version(with_value(self.current.values, BIASER, biaser), schema_text))

    def reset(self, where: Where) -> None:
        """Have a field be as it is saved."""
        saved = lookup(self._saved.values, where)
        text = self._saved.schema_text if where == BIASER else self.current.schema_text
        values = self.current.values
        changed = without_value(values, where) if saved is None else with_value(values, where, saved)
        self._go_on(Version(changed, text))

    def undo(self) -> bool:
        """Take the last change back; False if there is none."""
        if len(self._versions) == 1:
            return False
        self._versions.pop()
        return True

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return len(self._versions) > 1

    def is_changed(self, where: Where) -> bool:
        """Whether a field is not as it is saved."""
        if where == BIASER and self.current.schema_text != self._saved.schema_text:
            return True
        return not is_same(self.value(where), lookup(self._saved.values, where))

    @property
    def changes(self) -> tuple[Field, ...]:
        """The fields that are not as they are saved."""
        return tuple(field for field in fields() if self.is_changed(field.where))

    def revert(self) -> None:
        """Have all be as it is saved. What was changed can still be had back."""
        self._go_on(self._saved)

    def mark_saved(self, version: Version) -> None:
        """Note that the file says this version now. What was changed before can still be taken back."""
        self._saved = version
        self.base = self.name

    def take_saved(self, saved: Version) -> None:
        """Go on from what the file says now: what was changed here stays changed, the rest is as it is there."""
        changes = self.changes
        current, values = self.current, saved.values
        text = saved.schema_text
        for field in changes:
            value = lookup(current.values, field.where)
            values = without_value(values, field.where) if value is None else with_value(values, field.where, value)
            text = current.schema_text if field.where == BIASER else text
        self._saved = saved
        self._versions = [saved]
        if changes:
            self._go_on(Version(values, text))

    def _go_on(self, version: Version) -> None:
        if not is_same(version, self.current):
            self._versions.append(version)


def effective_default(field: Field, values: Values) -> object | None:
    """What counts where a field has no value."""
    if field.where == ("repeat_penalty",) and "biaser" in values:
        return 1.0  # the quote that ends a text would else become the less likely the more there were
    return field.default
