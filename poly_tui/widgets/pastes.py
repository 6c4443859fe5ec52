"""Long texts that were pasted: a chip stands for each of them where the prompt is written."""

__all__ = ["Pastes"]

MOST_LINES = 10
MOST_CHARACTERS = 1000


class Pastes:
    """Gives long texts short names, and puts the texts back in their place."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """A text, or a chip for it if it is long."""
        n_lines = text.count("\n") + 1
        if n_lines <= MOST_LINES and len(text) <= MOST_CHARACTERS:
            return text
        size = f"{n_lines} lines" if n_lines > 1 else f"{len(text)} characters"
        return self.chip(f"paste {len(self._texts) + 1}: {size}", text)

    def chip(self, name: str, text: str) -> str:
        """A chip of that name for a text; another name if that stands for something else."""
        chip, number = f"[{name}]", 1
        while self._texts.get(chip, text) != text:
            number += 1
            chip = f"[{name} ({number})]"
        self._texts[chip] = text
        return chip

    def unfolded(self, text: str) -> str:
        """A text with all that was pasted in full."""
        parts: list[str] = []
        while text:
            places = [(text.find(chip), chip) for chip in self._texts if chip in text]
            if not places:
                break
            place, chip = min(places)
            parts += [text[:place], self._texts[chip]]  # what is in a paste is not looked at again
            text = text[place + len(chip) :]
        return "".join([*parts, text])

    def chip_before(self, text: str) -> str:
        """The chip that a text ends in, or ""."""
        return next((chip for chip in self._texts if text.endswith(chip)), "")
