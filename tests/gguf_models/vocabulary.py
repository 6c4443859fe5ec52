"""The vocabularies of the tiny models: small, yet complete enough for any UTF-8 text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, digits, punctuation

from gguf import GGUFWriter, TokenType

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

CHATML_SPECIALS: Mapping[str, Sequence[str]] = {
    "<|endoftext|>": ["padding", "unknown"],
    "<|im_start|>": ["bos"],
    "<|im_end|>": ["eos"],
}

_COMMON_WORDS = (
    "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but "
    "not what all were we when your can said there use an each which she do how their if will hello world model "
    "answer name"
)
# Pieces inside and at the start of words. Behind the words, so that they never spoil one of those.
_FRAGMENTS = ["ing", "tion", "er", "Hello", "The"]
_SPACE_MARKS = "Ġ▁"


@dataclass(frozen=True, slots=True)
class Token:
    """One entry of a vocabulary, spelled as the GGUF file spells it."""

    text: str
    kind: TokenType = TokenType.NORMAL
    score: float = 0.0

    @property
    def is_plain(self) -> bool:
        """It stands for printable ASCII text, so a stream of such tokens is pleasant to read."""
        return self.kind is TokenType.NORMAL and self.text.strip(_SPACE_MARKS).isascii()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer: its tokens, how text is cut into them, and which of them are special."""

    model: str
    tokens: Sequence[Token]
    pre: str = "default"
    merges: Sequence[str] = ()
    special_ids: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    n_token_types: int = 0  # of BERT's sentence kinds; llama.cpp refuses a bert that has none
    chat_template: str | None = None

    def __post_init__(self) -> None:
        # llama.cpp answers two equal texts with GGML_ASSERT, which ends the whole process.
        assert len({token.text for token in self.tokens}) == len(self.tokens), "two tokens have the same text"

    def write(self, writer: GGUFWriter) -> None:
        """Add the tokenizer.* keys to `writer`."""
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list([token.text for token in self.tokens])
        writer.add_token_scores([token.score for token in self.tokens])
        writer.add_token_types([token.kind for token in self.tokens])
        writer.add_token_merges(self.merges)
        if self.n_token_types:
            writer.add_token_type_count(self.n_token_types)
        for name, token_id in self.special_ids.items():
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", token_id)
        for name, flag in self.flags.items():
            writer.add_bool(f"tokenizer.ggml.{name}", flag)
        if self.chat_template is not None:
            writer.add_chat_template(self.chat_template)


def sentence_piece() -> Vocabulary:
    """LLaMA 2's kind: byte fallback, a space before the first word, BOS before every prompt."""
    words = [f"▁{word}" for word in _COMMON_WORDS.split()] + _FRAGMENTS
    # The higher score merges first; single characters come last, as in the original.
    pieces = _prefixes(words) + ["▁"] + [chr(code) for code in range(33, 127)]
    tokens = [
        Token("<unk>", TokenType.UNKNOWN),
        Token("<s>", TokenType.CONTROL),
        Token("</s>", TokenType.CONTROL),
        *(Token(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)),
        *(Token(piece, score=-float(rank)) for rank, piece in enumerate(pieces)),
    ]
    return Vocabulary(
        model="llama",
        tokens=tokens,
        special_ids={"bos": 1, "eos": 2, "unknown": 0},
        flags={"add_bos_token": True, "add_eos_token": False, "add_space_prefix": True},
    )


def byte_level(
    pre: str, specials: Mapping[str, Sequence[str]], *, add_bos: bool = False, chat_template: str | None = None
) -> Vocabulary:
    """GPT-2's kind: byte-level BPE with whole common words.

    `specials` gives the control tokens in the order of their ids, each with its roles: {"</s>": ["eos"]}.
    """
    words = [f"Ġ{word}" for word in _COMMON_WORDS.split()] + _FRAGMENTS
    pieces = _prefixes(words)
    return Vocabulary(
        model="gpt2",
        pre=pre,
        tokens=[*byte_level_alphabet(tuple(specials)), *map(Token, pieces)],
        merges=[f"{piece[:-1]} {piece[-1]}" for piece in pieces],
        special_ids=roles_to_ids(specials),
        flags={"add_bos_token": add_bos},
        chat_template=chat_template,
    )


def byte_level_alphabet(specials: Sequence[str]) -> list[Token]:
    """The control tokens `specials`, then the 256 single bytes in their order."""
    control = [Token(text, TokenType.CONTROL) for text in specials]
    return control + [Token(spell_bytes(bytes([byte]))) for byte in range(256)]


def roles_to_ids(specials: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The id of each role, for control tokens that come first in the vocabulary."""
    return {role: index for index, roles in enumerate(specials.values()) for role in roles}


def spell_bytes(content: bytes) -> str:
    """How a byte-level vocabulary writes `content`: one printable character for each byte, "Ġ" for the space."""
    return "".join(_BYTE_CHARACTERS[byte] for byte in content)


def word_piece() -> Vocabulary:
    """BERT's kind, lower case: common words, and single letters and digits to spell all others with.

    llama.cpp marks the start of a word with "▁" and drops the "##" of what continues one.
    """
    control = [Token(text, TokenType.CONTROL) for text in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    characters = ascii_lowercase + digits
    # Words of one letter are among the characters already.
    starts = [*characters, *punctuation, *(word for word in _COMMON_WORDS.split() if len(word) > 1)]
    continuations = [*characters, "ing", "tion", "er", "ed", "ly", "es"]
    return Vocabulary(
        model="bert",
        tokens=[*control, *(Token(f"▁{text}") for text in starts), *map(Token, continuations)],
        # "seperator" is GGUF's own spelling.
        special_ids={"bos": 2, "eos": 3, "unknown": 1, "seperator": 3, "padding": 0, "mask": 4},
        flags={"add_bos_token": True, "add_eos_token": True, "normalizer.lowercase": True},
        n_token_types=2,
    )


def _prefixes(words: Sequence[str]) -> list[str]:
    """Every beginning of two characters or more, the shorter first: a word grows one character per merge."""
    return list(dict.fromkeys(word[:length] for word in words for length in range(2, len(word) + 1)))


def _byte_characters() -> list[str]:
    """GPT-2's table: a printable Latin-1 byte is its own character, the others follow from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


_BYTE_CHARACTERS = _byte_characters()
