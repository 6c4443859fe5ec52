"""The vocabulary of a model: text to tokens and back."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

import ctypes
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from llama_cpp import llama_cpp as c

from poly_engine.errors import EngineFailed


class Vocabulary:
    """Reads the vocabulary of a loaded model. It never changes, so any thread may use it.

    llama.cpp puts a space before every text of a SentencePiece vocabulary. Since we tokenise a conversation segment
    by segment, that is switched off when the model is loaded, and done here, at the very beginning only.
    """

    def __init__(self, pointer: c.llama_vocab_p, *, has_space_prefix: bool) -> None:
        self._pointer = pointer
        self._has_space_prefix = has_space_prefix
        self.n_tokens: int = c.llama_vocab_n_tokens(pointer)
        self._pieces: dict[int, bytes] = {}

    @cached_property
    def first(self) -> tuple[int, ...]:
        """What every sequence begins with: the BOS (or CLS) token where the model wants it."""
        bos = int(c.llama_vocab_bos(self._pointer))
        return (bos,) if bos >= 0 and c.llama_vocab_get_add_bos(self._pointer) else ()

    @cached_property
    def last(self) -> tuple[int, ...]:
        """What a text to be embedded ends with: the SEP or EOS token where the model wants it."""
        if c.llama_vocab_get_add_sep(self._pointer):
            return (int(c.llama_vocab_sep(self._pointer)),)
        return (int(c.llama_vocab_eos(self._pointer)),) if c.llama_vocab_get_add_eos(self._pointer) else ()

    @cached_property
    def special_names(self) -> dict[str, str]:
        """The texts of the tokens that chat templates name."""
        named = {"bos_token": c.llama_vocab_bos(self._pointer), "eos_token": c.llama_vocab_eos(self._pointer)}
        return {name: self.name(token) if token >= 0 else "" for name, token in named.items()}

    @cached_property
    def longest_piece(self) -> int:
        """Bytes of the longest token: a text has at least its length divided by this in tokens."""
        return max(len(self.piece(token)) for token in range(self.n_tokens))

    def template_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        """Tokenise text that we wrote: special tokens in it are parsed."""
        return self._tokenize(self._spaced(text, is_first=is_first), parse_special=True)

    def plain_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        """Tokenise text that somebody else wrote: nothing in it can become a token that marks a turn.

        llama.cpp parses user-defined tokens even in plain text. Those that look like markup are cut apart first.
        """
        text = self._spaced(text, is_first=is_first)
        if self._markup is None:
            return self._tokenize(text, parse_special=False)
        cuts = [0, *(found.start() + 1 for found in self._markup.finditer(text)), len(text)]
        pieces = [text[begin:end] for begin, end in pairwise(cuts)]
        return [token for piece in pieces for token in self._tokenize(piece, parse_special=False)]

    def piece(self, token: int) -> bytes:
        """The bytes of a token as a user may see them; nothing for a control token."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token, special=False)
        return piece

    def name(self, token: int) -> str:
        """The text of any token, also of a control token; lossy where it is a part of a character."""
        return self._read_piece(token, special=True).decode("utf-8", "replace")

    def is_end(self, token: int) -> bool:
        """Whether a token ends a generation."""
        return token in self._ends

    def is_special(self, token: int) -> bool:
        """Whether a token marks something rather than being text."""
        return bool(c.llama_vocab_is_control(self._pointer, token))

    @cached_property
    def _ends(self) -> frozenset[int]:
        return frozenset(i for i in range(self.n_tokens) if c.llama_vocab_is_eog(self._pointer, i))

    @cached_property
    def _markup(self) -> re.Pattern[str] | None:
        defined = [i for i in range(self.n_tokens) if self._is_user_defined(i)]
        texts = [text for i in defined if re.fullmatch(r"[<\[].+[>\]]", text := self.name(i))]
        texts.sort(key=len, reverse=True)
        return re.compile("|".join(map(re.escape, texts))) if texts else None

    def _is_user_defined(self, token: int) -> bool:
        return bool(c.llama_vocab_get_attr(self._pointer, token) & c.LLAMA_TOKEN_ATTR_USER_DEFINED)

    def _spaced(self, text: str, *, is_first: bool) -> str:
        return " " + text if is_first and self._has_space_prefix and text else text

    def _tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        return [token for piece in _pieces(text) for token in self._tokenize_piece(piece, parse_special=parse_special)]

    def _tokenize_piece(self, text: str, *, parse_special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        while True:
            tokens = (c.llama_token * room)()
            n = c.llama_tokenize(self._pointer, raw, len(raw), tokens, room, False, parse_special)
            if n >= 0:
                return tokens[:n]
            if -n <= room:
                raise EngineFailed(f"a text of {len(raw)} bytes cannot be tokenised")
            room = -n

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            n = c.llama_token_to_piece(self._pointer, token, buffer, room, 0, special)
            if n >= 0:
                return buffer.raw[:n]
            room = -n


_LONGEST_PIECE = 8192
_WORD_BREAK = re.compile(r"(?<=\S)\s(?=\S)")


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text before single spaces, where words end in any vocabulary, or anywhere if it has none in reach.

    llama.cpp's regular expressions recurse: a run of 300,000 letters overflowed the stack (bloom), and one of
    Chinese characters took over 20 s (SentencePiece).
    """
    begin = 0
    while len(text) - begin > _LONGEST_PIECE:
        window = text[begin : begin + _LONGEST_PIECE]
        breaks = [found.start() for found in _WORD_BREAK.finditer(window, _LONGEST_PIECE // 2)]
        end = begin + (breaks[-1] if breaks else _LONGEST_PIECE)
        yield text[begin:end]
        begin = end
    yield text[begin:]
