"""What can be wrong with the chats that are kept."""

from poly_engine.errors import NotFound, PolyError

__all__ = ["ChatNotFound", "ChatsDamaged", "ChatsFailed"]


class ChatsFailed(PolyError):
    """The file of the chats cannot be used, and is left as it is."""

    code = "chats_failed"


class ChatsDamaged(ChatsFailed):
    """The file of the chats is damaged."""

    code = "chats_damaged"


class ChatNotFound(NotFound):
    """There is no chat of that number."""

    code = "chat_not_found"
    kind = "chat"
