"""The transcript: one widget that shows a whole conversation as cached rows, and keeps up with any stream."""

from poly_tui.transcript.block import Block, Part
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.transcript import Transcript

__all__ = ["Block", "Kind", "Look", "Part", "Passage", "Transcript"]
