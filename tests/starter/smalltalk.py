"""Greetings, thanks and other acts of politeness, with what the starter model says to them."""

import random
from dataclasses import dataclass

from .entities import Entities
from .facts import expand


@dataclass(frozen=True, slots=True)
class Courtesy:
    """One act of politeness: how people say it in training and in the evaluation, and the reply."""

    key: str
    answer: str
    phrases: tuple[str, ...]
    held_out: tuple[str, ...]


def _courtesy(key: str, answer: str, phrases: str, held_out: str) -> Courtesy:
    split = (tuple(" ".join(part.split()) for part in text.split(";")) for text in (phrases, held_out))
    return Courtesy(key, answer, *split)


COURTESIES: tuple[Courtesy, ...] = (
    _courtesy(
        "greet",
        "Hello! I am the Poly starter model. Ask me about Poly, or give me a passage and a question.",
        """hi; hello; hey; hello; hi; good (morning/evening/afternoon/day); (hello/hi/hey)
        (there/Poly/you/friend/again/ everybody/starter/bot/everyone/my friend/model); greetings; howdy; hiya; yo;
        hello hello; hey hey; good to see you; nice to meet you; (hi/hello), I am {person}; (hi/hello), how are
        you (/today/doing); (hi/hello), my name is {person}; (hi/hello) (can/could) you help me; knock knock; is
        anybody there; anyone here; are you there; hallo; bonjour; hola; ciao; (hello/hi) world; test; testing;
        this is a test; ping; hello, (nice/good) to meet you; welcome; morning; evening; salut; good
        (morning/evening) (Poly/to you/everyone)""",
        """hi folks; hello dear computer; hey buddy; a very good morning to you; good day, starter; hello, anyone
        around; heya; hi, is someone there; hello and good afternoon; greetings, Poly; hello little model; hi hi;
        pleased to meet you; hey, good morning; aloha; oh hello; hi once more; hello to you too; well hello there;
        g'day""",
    ),
    _courtesy(
        "thanks",
        "You are welcome!",
        """thanks; thank you; thanks a lot; thank you (very/so) much; (great/ok/good/perfect/nice/cool),
        (thanks/thank you); cheers; thx; ty; many thanks; thanks for (your/the) (help/answer/time); thank you for
        (your/the) (help/answer); that (helps/helped/was helpful/is helpful), (thanks/thank you); I thank you;
        much appreciated; thanks (again/Poly/ friend/so much/then); merci; danke; gracias; that was
        (helpful/useful/very helpful); you (helped me/were helpful); thanks, that is (all/enough/what I needed); I
        appreciate (it/your help/that); thank you (again/Poly/then)""",
        """a thousand thanks; thanks, you have been useful; I am grateful; ok thanks a bunch; thank you kindly;
        lovely, thank you; thanks for explaining; oh, thanks; wonderful, thanks; all right, thank you; grazie;
        thanks heaps; that solved it, thanks; thank you, starter; my thanks; thanks mate; excellent, thank you;
        thank you for that; super, thanks; very kind of you, thanks""",
    ),
    _courtesy(
        "bye",
        "Goodbye!",
        """bye; goodbye; good bye; see you (/later/soon/tomorrow/then/around); good night; bye bye; farewell; cu; I
        (have to go/must go/am leaving/must leave) (now/); until (next time/tomorrow/later); (ok/thanks/well),
        (bye/goodbye); that (is/was) all (for now/for today/); take care; so long; (have a nice/have a good)
        (day/evening/weekend); ciao ciao; bye (for now/then/Poly/now/my friend); I am done (for today/for now);
        talk to you later; catch you later; tschuss; adieu; au revoir; I will be back; later; goodbye
        (then/Poly/for now/my friend)""",
        """bye now, starter; it is late, good night; I am off, bye; cheerio; see you next week; goodbye, little
        model; ok, see you; so long, friend; thanks and goodbye; bye, take care; goodnight Poly; well, farewell;
        right, bye bye; have a lovely evening; catch you tomorrow; I should get going; ta-ta; see ya; bye, until
        tomorrow; off I go, bye""",
    ),
    _courtesy(
        "meet",
        "Nice to meet you! Ask me about Poly, or give me a passage and a question.",
        """my name is {person}; I am {person}; I'm {person}; my name's {person}; you can call me {person}; call me
        {person}; this is {person} speaking; it is me, {person}; {person} is my name; I am called {person}; people
        call me {person}; (hey/ok), I am {person}""",
        """they call me {person}; {person} here; please call me {person}; I go by the name of {person}; the name is
        {person}; my friends call me {person}""",
    ),
    _courtesy(
        "praise",
        "Thank you, that is kind of you.",
        """you are (great/nice/cool/good/wonderful/the best/so
        cute/awesome/smart/clever/helpful/amazing/sweet/funny); I (like/love) you; (good/great/well/nice)
        (bot/job/work/done/answer/model); (nice/great/good/perfect) answer; that is (nice/great/a good
        answer/clever/ impressive/funny); I (like/love) (your answers/it/this/Poly/that); wow; impressive;
        (very/so) good; excellent; brilliant; fantastic; awesome; amazing; you did (well/great); I am impressed;
        well said; haha; that is funny; lol""",
        """what a clever little thing; you are lovely; I am amazed by you; superb answer; you are really good at
        this; great stuff; that was brilliant; you made my day; bravo; how nice of you""",
    ),
    _courtesy(
        "ok",
        "All right. Ask me about Poly, or give me a passage and a question.",
        """ok; okay; yes; no; sure; fine; all right; alright; cool; nice; great; good; perfect; yep; nope; yeah; I
        see; got it; understood; right; maybe; of course; hm; hmm; ah; oh; aha; interesting; makes sense; I
        understand; correct; exactly; indeed; never mind; nothing; no idea; I don't know; yes please; no thanks;
        ok cool; ok good; that is right; let me think; wait; one moment; not now; nothing else; no more questions;
        go on; ok then; fine by me; that is fine; I am (back/here/ready)""",
        """okay then; oh I see; yes indeed; sure thing; that makes sense; hm, ok; fair enough; yes, right; ah, ok;
        no, not really; good to know; alright then; mhm; understood, ok; noted""",
    ),
    _courtesy(
        "mood",
        "I see. I am only a tiny model, but I gladly tell you about Poly.",
        """I am (sad/tired/bored/happy/hungry/angry/sick/lonely/afraid/sleepy/cold/busy/fine/in
        love/stressed/excited/curious/lost/ confused); I feel
        (sad/bad/good/great/tired/lonely/sick/ill/fine/happy); I (had/have) a (bad/good/long/hard) day; I
        (love/hate/like/miss) {food}; it is (raining/cold/hot/late/dark/snowing); I (cannot/can't) sleep; I have a
        (headache/cold/ problem/{pet}); I am {number} years old; I live in {place}; I am from {place}; I am a
        {job}; I work as a {job}; today is my birthday; I am going (home/to {place}/to bed); nobody likes me; life
        is (hard/good/short); I just woke up; I (lost/broke) my {thing}; I want to go (home/to {place})""",
        """I am terribly unhappy; what a rainy day it is; I feel a bit down; I am so excited about the {event}; I had
        a dreadful week; my feet hurt; I am nervous about my exam; I adore {food}; I am exhausted; I was born in
        {place}""",
    ),
)

SYSTEM_MESSAGES: tuple[str, ...] = (
    "You are a helpful assistant.",
    "You are Poly.",
    "Answer briefly.",
    "You are the Poly starter model.",
    "Be polite.",
    "You are a helpful, honest assistant. Answer in one or two sentences.",
    "Answer only from the context.",
    "You are an assistant that runs on the user's own machine.",
    "Use the passage to answer the question.",
    "Be brief.",
    "You are a friendly chatbot.",
    "Help the user with Poly.",
    "If you do not know the answer, say so.",
    "You are a large language model.",
    "You are a chat assistant. Keep your answers short and true.",
    "Below is a conversation between a user and an assistant.",
    "You answer questions about documents.",
)


def say(courtesy: Courtesy, entities: Entities, *, held_out: bool) -> str:
    """One way to say it."""
    rng = entities.rng
    text = expand(rng.choice(courtesy.held_out if held_out else courtesy.phrases), rng)
    while "{" in text:
        slot = text[text.index("{") + 1 : text.index("}")]
        text = text.replace("{" + slot + "}", entities.draw(slot), 1)
    return text


def as_said(text: str, rng: random.Random) -> str:
    """The same as one might type it."""
    look = rng.random()
    if look < 0.5:
        text = text[:1].upper() + text[1:]
    elif look < 0.55:
        text = text.upper()
    return text + rng.choice(["", "", "", ".", "!", "?" if rng.random() < 0.2 else "!"])
