"""The vocabulary of a model: text to tokens and back."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

import ctypes
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise

from llama_cpp import llama_cpp as c

from poly_engine.batch.parts import Part, Text
from poly_engine.errors import EngineClosed, EngineFailed

_MARK = c.LLAMA_TOKEN_ATTR_CONTROL | c.LLAMA_TOKEN_ATTR_USER_DEFINED | c.LLAMA_TOKEN_ATTR_UNKNOWN
"""What llama.cpp finds in a text before it tokenises what lies between."""

_MARKUP = re.compile(rb"[<\[].+[>\]]")


class Vocabulary:
    """Reads the vocabulary of a loaded model. It never changes, so any thread may use it, until it is closed: then
    EngineClosed is raised.

    llama.cpp puts a space before every text of a SentencePiece vocabulary, and behind every special token. Since we
    tokenise a conversation segment by segment, that is switched off when the model is loaded, and done here: `is_first`
    says that a text begins a sequence, or stands behind a special token.
    """

    def __init__(self, pointer: c.llama_vocab_p, *, has_space_prefix: bool) -> None:
        self._pointer = pointer
        self._has_space_prefix = has_space_prefix
        self._merges = c.llama_vocab_type(pointer) != c.LLAMA_VOCAB_TYPE_WPM  # whose unknown words are control tokens
        self._pieces: dict[int, bytes] = {}
        self._n_readers = 0
        self._is_closed = False
        self._readers_changed = threading.Condition()
        self.n_tokens: int = c.llama_vocab_n_tokens(pointer)
        self._attributes = [int(c.llama_vocab_get_attr(pointer, token)) for token in range(self.n_tokens)]
        self.ends = frozenset(token for token in range(self.n_tokens) if c.llama_vocab_is_eog(pointer, token))
        """The tokens that end a generation."""
        bos, eos = int(c.llama_vocab_bos(pointer)), int(c.llama_vocab_eos(pointer))
        self.first = (bos,) if bos >= 0 and c.llama_vocab_get_add_bos(pointer) else ()
        """What every sequence begins with: the BOS (or CLS) token where the model wants it."""
        self.last = self._read_last(eos)
        """What a text to be embedded ends with: the SEP or EOS token where the model wants it."""
        named = {"bos_token": bos, "eos_token": eos}
        self.special_names = {name: self.name(token) if token >= 0 else "" for name, token in named.items()}
        """The texts of the tokens that chat templates name."""

    @cached_property
    def longest_piece(self) -> int:
        """Bytes of the longest token: a text has at least its length divided by this in tokens."""
        with self._reading():
            return max(len(self.piece(token)) for token in range(self.n_tokens))

    @property
    def is_closed(self) -> bool:
        """Whether nobody can read it any more."""
        return self._is_closed

    def template_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        """Tokenise text that we wrote: special tokens in it are parsed."""
        if not self._has_space_prefix:
            return self._tokenize(text, parse_special=True)
        tokens: list[int] = []
        for number, part in enumerate(self._marks.split(text)):
            is_mark = bool(number % 2)
            tokens += self._tokenize(self._spaced(part, is_first=is_first and not is_mark), parse_special=is_mark)
            is_first = is_mark or (is_first and not part)
        return tokens

    def plain_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        """Tokenise text that somebody else wrote: nothing in it can become a token that marks a turn.

        llama.cpp parses user-defined tokens even in plain text. Those that look like markup are cut apart first.
        """
        text = self._spaced(text, is_first=is_first)
        cuts = [0, *(found.start() + 1 for found in self._markup.finditer(text)), len(text)]
        pieces = [text[begin:end] for begin, end in pairwise(cuts)]
        return [token for piece in pieces for token in self._without_control(piece)]

    def part_tokens(self, parts: Sequence[Part]) -> list[list[int]]:
        """The tokens of each part of a prompt, made by itself."""
        found: list[list[int]] = []
        is_first = True
        for part in parts:
            tokens = self._part_tokens(part, is_first=is_first)
            is_first = self.is_mark(tokens[-1]) if tokens else is_first
            found.append(tokens)
        return found

    def _part_tokens(self, part: Part, *, is_first: bool) -> list[int]:
        if not isinstance(part, Text):
            return list(part)
        make = self.template_tokens if part.is_ours else self.plain_tokens
        return make(part.text, is_first=is_first) if part.text else []

    def texts_tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """`plain_tokens` of many texts, each of which begins a sequence."""
        return [self.plain_tokens(text, is_first=True) for text in texts]

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of many texts has, as `texts_tokens`."""
        return [len(self.plain_tokens(text, is_first=True)) for text in texts]

    def piece(self, token: int) -> bytes:
        """The bytes of a token as a user may see them; nothing for a control token.

        Only for who holds the model open, such as its worker: this is on the way of every token.
        """
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token, special=False)
        return piece

    def pieces(self) -> list[bytes]:
        """The bytes of every token as they appear in a text; nothing for those that mark something.

        A user-defined token that looks like markup marks something, too, as in `plain_tokens`.
        """
        with self._reading():
            pieces = [self._read_piece(token, special=False) for token in range(self.n_tokens)]
        for token in range(self.n_tokens):
            if self._is_markup(token, pieces[token]) or self.is_end(token):
                pieces[token] = b""
        return pieces

    def is_markup(self, token: int) -> bool:
        """Whether a token marks something, so that no plain text becomes it."""
        return self._is_markup(token, self.name(token).encode())

    def _is_markup(self, token: int, piece: bytes) -> bool:
        is_defined = bool(self._attributes[token] & c.LLAMA_TOKEN_ATTR_USER_DEFINED)
        return self.is_special(token) or (is_defined and _MARKUP.fullmatch(piece) is not None)

    def name(self, token: int) -> str:
        """The text of any token, also of a control token; lossy where it is a part of a character."""
        with self._reading():
            return self._read_piece(token, special=True).decode("utf-8", "replace")

    def names(self, tokens: Sequence[int]) -> list[str]:
        """`name` of each of many tokens."""
        return list(map(self.name, tokens))

    def spelling(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens, also of control tokens, one behind the other."""
        return b"".join(self.spellings(tokens))

    def spellings(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each of many tokens, also of control tokens."""
        with self._reading():
            pieces = {token: self._read_piece(token, special=True) for token in set(tokens)}
        return [pieces[token] for token in tokens]

    def is_end(self, token: int) -> bool:
        """Whether a token ends a generation."""
        return token in self.ends

    def is_special(self, token: int) -> bool:
        """Whether a token marks something rather than being text."""
        return bool(self._attributes[token] & c.LLAMA_TOKEN_ATTR_CONTROL)

    def is_mark(self, token: int) -> bool:
        """Whether a token is found in a text before the rest of it is tokenised: special ones and a few others."""
        return bool(self._attributes[token] & _MARK)

    def close(self) -> None:
        """Wait for who is reading, and let nobody read from now on: the memory is about to be freed."""
        with self._readers_changed:
            self._is_closed = True
            self._readers_changed.wait_for(lambda: not self._n_readers)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._readers_changed:
            if self._is_closed:
                raise EngineClosed("the model was unloaded")
            self._n_readers += 1
        try:
            yield
        finally:
            with self._readers_changed:
                self._n_readers -= 1
                self._readers_changed.notify_all()

    def _read_last(self, eos: int) -> tuple[int, ...]:
        if c.llama_vocab_get_add_sep(self._pointer):
            return (int(c.llama_vocab_sep(self._pointer)),)
        return (eos,) if c.llama_vocab_get_add_eos(self._pointer) else ()

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        return re.compile(f"({_any_of(self._texts(_MARK))})")

    @cached_property
    def _markup(self) -> re.Pattern[str]:
        texts = self._texts(c.LLAMA_TOKEN_ATTR_USER_DEFINED)
        texts = [text for text in texts if _MARKUP.fullmatch(text.encode())]
        return re.compile(f"(?={_any_of(texts)})")  # one may begin within another

    def _texts(self, attributes: int) -> list[str]:
        return [self.name(token) for token, its in enumerate(self._attributes) if its & attributes]

    def _spaced(self, text: str, *, is_first: bool) -> str:
        return " " + text if is_first and self._has_space_prefix and text else text

    def _without_control(self, text: str) -> list[int]:
        """Tokenise text; should the letters of a control token be merged into it, then take it letter by letter."""
        tokens = self._tokenize(text, parse_special=False)
        if not self._merges or not any(map(self.is_special, tokens)):
            return tokens
        tokens = [token for letter in text for token in self._tokenize(letter, parse_special=False)]
        return [token for token in tokens if not self.is_special(token)]

    def _tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        return [token for piece in _pieces(text) for token in self._tokenize_piece(piece, parse_special=parse_special)]

    def _tokenize_piece(self, text: str, *, parse_special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        while True:
            tokens = (c.llama_token * room)()
            with self._reading():
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


def _any_of(texts: Iterable[str]) -> str:
    """A regular expression for any of the texts, the longest that fits; for none, one that never matches."""
    return "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True) if text) or "(?!)"


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
