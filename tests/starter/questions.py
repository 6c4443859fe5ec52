"""How people ask: frames around the phrases of a fact, and the carelessness of typing."""

# ruff: noqa: SIM905 - long lists of words read better as text

import random
import zlib

from .facts import Fact, expand

_THING_FRAMES = (
    "what is {}",
    "what is {}",
    "what's {}",
    "explain {}",
    "tell me about {}",
    "what does {} mean",
    "describe {}",
    "can you explain {}",
    "what do you know about {}",
    "{}",
    "{}",
    "define {}",
    "help with {}",
    "info on {}",
    "I do not understand {}",
    "I don't get {}",
    "what about {}",
    "and {}",
    "how does {} work",
    "what is {} for",
    "what is {} good for",
    "I have a question about {}",
    "could you tell me about {}",
    "what does {} do",
    "I want to know about {}",
    "say something about {}",
    "how do I use {}",
    "is there {}",
    "when do I use {}",
    "why {}",
    "more about {}",
    "what is meant by {}",
    "please explain {}",
    "teach me about {}",
    "what exactly is {}",
    "do you know {}",
    "what can you tell me about {}",
    "give me information on {}",
    "have you heard of {}",
)
_DEED_FRAMES = (
    "how do I {}",
    "how do I {}",
    "how can I {}",
    "how can I {}",
    "how to {}",
    "how to {}",
    "how do you {}",
    "what do I do to {}",
    "what is the way to {}",
    "can you tell me how to {}",
    "I want to {}",
    "I would like to {}",
    "I need to {}",
    "is it possible to {}",
    "how would I {}",
    "which command do I use to {}",
    "can I {}",
    "can one {}",
    "show me how to {}",
    "help me {}",
    "{}",
    "{}",
    "is there a way to {}",
    "what should I type to {}",
    "I try to {}",
    "how does one {}",
    "what are the steps to {}",
    "how is it possible to {}",
    "what must I do to {}",
    "how could I {}",
    "please tell me how to {}",
    "I'd like to {}",
    "what do I need to {}",
    "where can I {}",
    "how should I {}",
    "what is the best way to {}",
    "explain how to {}",
    "what lets me {}",
    "what if I want to {}",
    "and how do I {}",
    "I wish to {}",
    "let me {}",
    "may I {}",
    "what is needed to {}",
    "I am trying to {}",
    "how might I {}",
    "tell me how I can {}",
    "is there a command to {}",
    "is there a setting to {}",
    "what helps to {}",
)
_BEFORE = (
    "",
    "",
    "",
    "",
    "",
    "",
    "please ",
    "hey, ",
    "ok, ",
    "so ",
    "hi, ",
    "quick question: ",
    "hello, ",
    "well, ",
    "and ",
    "excuse me, ",
    "one question: ",
    "sorry, ",
    "tell me, ",
    "thanks, ",
    "now ",
    "but ",
    "hm, ",
    "good, ",
    "next: ",
)
_AFTER = (
    "",
    "",
    "",
    "",
    "",
    "",
    " please",
    " in Poly",
    " with Poly",
    " exactly",
    " here",
    " then",
    " again",
    " now",
    ", please",
    " in short",
    " actually",
    " by the way",
    ", if I may ask",
    ", any idea",
    " for me",
    ", do you know",
)
_SYNONYMS = {
    "get": ("obtain", "have", "receive"),
    "show": ("display", "print", "give"),
    "use": ("apply", "employ", "take"),
    "make": ("let", "have", "force"),
    "start": ("begin", "launch", "fire up", "get going"),
    "want": ("wish", "need"),
    "open": ("launch", "bring up", "start", "see"),
    "command": ("verb", "subcommand", "call"),
    "key": ("button", "option"),
    "change": ("set", "modify", "adjust", "alter", "pick"),
    "file": ("document",),
    "document": ("file", "text", "paper"),
    "documents": ("files", "texts", "papers", "reports", "books"),
    "answer": ("reply", "response", "output"),
    "answers": ("replies", "responses", "output"),
    "output": ("answer", "text", "reply", "result"),
    "server": ("daemon", "service"),
    "config": ("configuration", "settings", "setup"),
    "set": ("choose", "change", "fix"),
    "stop": ("end", "break off", "halt", "finish"),
    "quit": ("leave", "end", "exit", "close", "shut"),
    "create": ("make", "add", "define", "write", "have"),
    "add": ("create", "put in", "include"),
    "search": ("query", "look through", "look in"),
    "find": ("locate", "see", "get"),
    "model": ("language model", "LLM"),
    "text": ("words", "writing", "prose"),
    "bigger": ("larger", "better", "stronger"),
    "explain": ("clarify", "describe"),
    "describe": ("explain",),
    "tell": ("say to", "show"),
    "machine": ("computer", "PC", "laptop", "box"),
    "computer": ("machine", "PC"),
    "users": ("people", "clients"),
    "shell": ("terminal", "command line", "console"),
    "terminal": ("console", "shell"),
    "works": ("functions", "runs"),
    "work": ("function", "run", "go"),
    "faster": ("quicker", "speedier"),
    "limit": ("restrict", "bound", "cap"),
    "setting": ("option", "parameter", "key"),
    "option": ("setting", "parameter"),
    "see": ("view", "look at", "get", "read"),
    "list": ("show", "print", "name"),
    "check": ("test", "examine", "inspect", "verify"),
    "give": ("hand", "pass", "provide"),
    "big": ("large", "huge"),
    "download": ("fetch", "get", "load"),
    "support": ("allow", "handle", "know"),
    "word": ("phrase", "string"),
    "chat": ("talk", "converse"),
    "token": ("piece",),
    "memory": ("memory store",),
    "run": ("execute", "start", "use"),
    "default": ("usual", "standard", "preset"),
    "endpoint": ("route", "URL", "path"),
    "prompt": ("input", "message"),
    "mistakes": ("errors", "faults", "typos"),
    "wrong": ("broken", "amiss"),
    "store": ("keep", "save", "put"),
    "network": ("net", "LAN"),
    "internet": ("web", "net", "wifi"),
    "cores": ("processors", "CPUs"),
    "repeat": ("say again",),
    "new": ("fresh", "further"),
    "possible": ("doable", "feasible"),
    "keep": ("hold", "save"),
    "pieces": ("parts", "chunks"),
    "smaller": ("shorter",),
    "longer": ("larger", "bigger"),
    "conversation": ("dialogue",),
}
_DROPPABLE = frozenset(
    "the a an do does is are i can you me my to of in for with please it be how what which poly there that".split()
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def is_reserved(question: str) -> bool:
    """Whether this wording, one in eleven, is kept for the evaluation."""
    return zlib.crc32(normal(question).encode()) % 11 == 0


def normal(question: str) -> str:
    """The question without case, punctuation and outer spaces: what makes two wordings the same."""
    return " ".join("".join(c if c.isalnum() or c in "_-/=" else " " for c in question.lower()).split())


def wording(fact: Fact, rng: random.Random) -> str:
    """A random plain question for the fact, reserved or not."""
    kinds = [
        (fact.questions, ("{}",), 2 * len(fact.questions)),
        (fact.deeds, _DEED_FRAMES, 3 * len(fact.deeds)),
        (fact.things, _THING_FRAMES, 2 * len(fact.things)),
    ]
    phrases, frames, _ = rng.choices(kinds, [weight for *_, weight in kinds])[0]
    return rng.choice(frames).format(expand(rng.choice(phrases), rng))


def as_typed(question: str, rng: random.Random) -> str:
    """The question with politeness, other words, missing words, slips and sloppy punctuation."""
    words = question.split()
    if rng.random() < 0.5:
        words = [rng.choice(_SYNONYMS[word]) if word in _SYNONYMS and rng.random() < 0.3 else word for word in words]
    if rng.random() < 0.25 and len(words) > 3:
        share = rng.choice([0.15, 0.3, 1.0])
        words = [word for word in words if word.lower() not in _DROPPABLE or rng.random() > share] or words
    if rng.random() < 0.12:
        words = [_slip(word, rng) if rng.random() < 0.3 else word for word in words]
    return punctuated(rng.choice(_BEFORE) + " ".join(words) + rng.choice(_AFTER), rng)


def punctuated(question: str, rng: random.Random) -> str:
    """The question with one of the usual beginnings and ends of a typed line."""
    look = rng.random()
    if look < 0.55:
        question = question[:1].upper() + question[1:]
    elif look < 0.7:
        question = question.lower()
    elif look < 0.72:
        question = question.upper()
    return question + rng.choice(["?", "?", "?", "", "", ".", "!", " ?"])


def _slip(word: str, rng: random.Random) -> str:
    """The word with two letters swapped, one missing, doubled or wrong."""
    if len(word) < 4 or not word.isalpha():
        return word
    at = rng.randint(0, len(word) - 2)
    kind = rng.randint(0, 3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + (word[at] * 2 if kind == 2 else rng.choice(_LETTERS)) + word[at + 1 :]
