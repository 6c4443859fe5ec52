"""Sets of keys for hands that are used to other programs, by the ids of the bindings."""

from collections.abc import Mapping

__all__ = ["PRESETS"]

PRESETS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "vim": {
        "chat.page_up": "ctrl+b,pageup",
        "chat.page_down": "ctrl+f,pagedown",
        "transcript.page_up": "ctrl+b,ctrl+u,pageup",
        "transcript.page_down": "ctrl+f,ctrl+d,pagedown",
        "chats.up": "ctrl+k,up",
        "chats.down": "ctrl+j,down",
        "tasks.up": "ctrl+k,up",
        "tasks.down": "ctrl+j,down",
        "rows.page_up": "ctrl+b,pageup",
        "rows.page_down": "ctrl+f,pagedown",
    },
    "emacs": {
        "chat.page_up": "alt+v,pageup",
        "chat.page_down": "ctrl+v,pagedown",
        "transcript.up": "p,k,up",
        "transcript.down": "n,j,down",
        "turns.prompt": "P",
        "transcript.page_up": "alt+v,pageup",
        "transcript.page_down": "ctrl+v,pagedown",
        "chats.up": "ctrl+p,up",
        "chats.down": "ctrl+n,down",
        "tasks.up": "ctrl+p,up",
        "tasks.down": "ctrl+n,down",
        "rows.page_up": "alt+v,pageup",
        "rows.page_down": "ctrl+v,pagedown",
    },
}
