"""What is shown in place of a screen that has no room."""

from textual.widgets import Static

__all__ = ["RoomCard"]


class RoomCard(Static):
    """Asks for a larger window. The style sheet shows it where there are less than 40 columns or 10 rows."""

    def __init__(self) -> None:
        super().__init__("Poly needs 40 columns and 10 rows. Nothing is lost: make this window larger.")
