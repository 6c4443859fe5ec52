"""The books of the KV cells: which sequence refers to which cells, and how many are free."""

from collections import Counter


class CellLedger:
    """Counts references to KV cells, as the unified cache of llama.cpp does: a copied prefix shares its cells, and a
    cell is free when no slot refers to it.

        slot 0   ■ ■ ■ ■ □ □        ■ cells of a prelude, computed once, referred to by both slots
        slot 1   ■ ■ ■ ■ ○ ○ ○      □ ○ cells of one slot alone: 9 cells are in use here, not 13

    The numbers of the cells are our own: llama.cpp places tokens where it likes, only their count matters.
    """

    def __init__(self, n_cells: int, n_slots: int) -> None:
        self._references = [0] * n_cells
        self._free = list(range(n_cells - 1, -1, -1))
        self._of_slot: list[list[int]] = [[] for _ in range(n_slots)]

    @property
    def n_free(self) -> int:
        """How many cells no slot refers to."""
        return len(self._free)

    def length(self, slot: int) -> int:
        """How many cells a slot refers to, which is how many of its tokens are in the cache."""
        return len(self._of_slot[slot])

    def n_released(self, slots: list[int]) -> int:
        """How many cells would come free if all of `slots` were trimmed to nothing."""
        counts: Counter[int] = Counter()
        for slot in slots:
            counts.update(self._of_slot[slot])
        return sum(1 for cell, count in counts.items() if count == self._references[cell])

    def append(self, slot: int, n: int) -> None:
        """Take `n` free cells for the next tokens of a slot."""
        assert n <= len(self._free), f"{n} cells wanted, {len(self._free)} free"
        for _ in range(n):
            cell = self._free.pop()
            self._references[cell] = 1
            self._of_slot[slot].append(cell)

    def share(self, source: int, target: int, n: int) -> None:
        """Let an empty slot refer to the first `n` cells of another."""
        assert not self._of_slot[target], f"slot {target} is not empty"
        cells = self._of_slot[source][:n]
        for cell in cells:
            self._references[cell] += 1
        self._of_slot[target] = cells

    def trim(self, slot: int, n: int) -> None:
        """Keep the first `n` cells of a slot and let go of the rest."""
        cells = self._of_slot[slot]
        for cell in cells[n:]:
            self._references[cell] -= 1
            if not self._references[cell]:
                self._free.append(cell)
        del cells[n:]

    def check_integrity(self) -> None:
        """Assert that the counts are what the slots say, and that every cell is either free or referred to."""
        counts = [0] * len(self._references)
        for cells in self._of_slot:
            for cell in cells:
                counts[cell] += 1
        assert counts == self._references, "reference counts differ from what the slots refer to"
        free = [cell for cell, count in enumerate(counts) if not count]
        assert sorted(self._free) == free, f"{len(self._free)} cells are on the free list, {len(free)} are free"
