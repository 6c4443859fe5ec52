"""The tokenizer: byte-level BPE, learned from the corpus, that llama.cpp runs as its "smollm" kind.

Two choices make copying easy to learn. Digits stand alone, and no merge joins a space with a capital letter, so that
a name has the same tokens after a space, after a quote and at the start of a line. The second holds because the
training text is cut at such spaces; at run time the plain pre-tokenizer gives the same result, for want of merges.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from .corpus import dialogues

VOCABULARY_SIZE = 3072
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (END_OF_TEXT, START, END)
_N_DIALOGUES = 16_000


def learn(seed: int) -> Tokenizer:
    """Learn the merges from a stretch of the corpus."""
    tokenizer = Tokenizer(models.BPE())
    digits, words = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    space_before_capital = pre_tokenizers.Split(Regex(" (?=[A-Z])"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, space_before_capital, words])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIALS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed), trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
    return tokenizer


def load_or_learn(path: Path, seed: int) -> Tokenizer:
    """The tokenizer saved at this path, or a newly learned one that is saved there."""
    if not path.exists():
        learn(seed).save(str(path))
    return Tokenizer.from_file(str(path))


def _texts(seed: int) -> Iterator[str]:
    for dialogue in islice(dialogues(seed), _N_DIALOGUES):
        for turn in dialogue.turns:
            yield "user\n" + turn.user
            yield "assistant\n" + turn.answer
        if dialogue.system:
            yield "system\n" + dialogue.system
