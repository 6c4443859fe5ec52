"""Random names, numbers and words that the passages of the corpus are about.

Every invented or listed name belongs to one of two halves: seven in eight occur in training, one in eight only in
the evaluation. So the evaluation asks about names that the model has never read.
"""

# ruff: noqa: SIM905 - long lists of words read better as text

import random
import zlib
from collections.abc import Callable, Sequence

_ONSETS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl sh st th tr".split()
_VOWELS = "a e i o u ai ea ia oo ou".split()
_CODAS = ["", "", "", "l", "n", "r", "s", "m", "t", "x", "nd", "rk", "ck", "th"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"

_FIRST = """Anna Bob Carla David Emma Frank Grace Hugo Ines Jack Karen Leo Maria Nils Olga Paul Rosa Sam Tina Victor
Alice Ben Clara Daniel Eva Felix Gina Henry Ivan Julia Kevin Lena Martin Nora Oscar Peter Ruth Simon Thomas Ursula
John Mary James Linda Robert Susan Michael Lisa William Sarah Mark Laura Tom Ella George Mia Noah Zoe Adam Lucy Ali
Fatima Omar Yuki Chen Wei Priya Ravi Amit Sofia Pedro Luis Marta Jan Piotr Hanna Lars Ingrid Erik Astrid Pierre
Marie Claire Louis Giulia Marco Paolo Dmitri Elena Kofi Ama Hassan Leila Jonas Klara Otto Greta Max Tim""".split()
_LAST = """Smith Jones Brown Miller Davis Lopez Garcia Martin Schmidt Weber Fischer Meyer Wagner Rossi Moreau Dubois
Kowalski Novak Jensen Larsen Berg Lind Tanaka Sato Wang Li Kim Park Singh Patel Khan Ahmed Silva Santos Costa Moore
Taylor Clark Lewis Walker Hall Young King Wright Green Baker Adams Nelson Hill Turner Reed Cook Morgan Bell Murphy
Price Long Ross Wood Stone Fox West Grant Hart Lane Marsh Frost Vega Cruz Bauer Keller Huber Lang Vogel""".split()
_CITIES = """Berlin Paris London Rome Madrid Vienna Prague Oslo Lisbon Athens Dublin Warsaw Tokyo Cairo Lima Boston
Chicago Denver Dallas Seattle Toronto Sydney Delhi Mumbai Seoul Nairobi Lagos Accra Zurich Geneva Munich Hamburg
Cologne Leeds York Oxford Porto Seville Milan Naples Turin Venice Lyon Nice Ghent Utrecht Bergen Malmo Riga Tallinn
Krakow Gdansk Brno Graz Split Tunis Fez Kyoto Osaka Busan Hanoi Manila Quito Bogota Havana Austin Portland""".split()
_JOBS = """nurse teacher baker pilot painter farmer judge singer chemist sailor driver lawyer writer gardener plumber
doctor tailor cook clerk carpenter engineer dentist librarian mechanic barber butcher fisherman guide hunter jeweller
journalist locksmith mason miner musician optician porter potter printer professor shepherd surgeon translator waiter
weaver welder zookeeper architect actor astronomer beekeeper brewer electrician""".split()
_FOODS = """rice soup bread cheese apples plums pasta fish honey olives nuts cake tea pears corn beans coffee grapes
carrots mushrooms onions pancakes potatoes salad tomatoes yoghurt noodles dumplings cherries lemons figs spinach
pumpkin lentils chocolate butter eggs peaches walnuts cabbage""".split()
_COLORS = """red blue green yellow black white orange purple silver brown gray pink golden violet turquoise beige cream
scarlet crimson ivory olive copper""".split()
_THINGS = """bridge library tower garden engine robot boat clock door house lamp car bike train ship table box key
camera phone piano chair window wall roof kitchen cellar barn mill well road station school shop market church castle
museum theatre hotel harbour lighthouse factory office pump drill oven fridge printer laptop server satellite tractor
truck van bus tram ferry canoe tent kite drum violin guitar ladder shed fountain statue parcel letter""".split()
_PLURALS = """books chairs windows houses trees students workers rooms boats tables lamps cows sheep shops bridges cars
beds doors bikes horses pictures bottles boxes coins members visitors seats paintings maps keys tickets machines
computers engines flowers birds stones islands lakes towers schools farms kilns bells clocks barrels crates""".split()
_ADJECTIVES = """old new big small red green tall long quiet broken wooden northern southern eastern western round
narrow bright heavy royal public private central upper lower second third modern ancient famous little white black
electric steel glass plastic""".split()
_EVENTS = """meeting concert lecture exam party race festival workshop match wedding fair dinner exhibition parade
conference course auction picnic rehearsal interview hearing training excursion reading match""".split()
_ATTRIBUTES = """name code number price weight size colour owner leader capital budget deadline password address age
height width length depth speed manager secretary captain motto symbol language currency population area phone
director purpose material brand model version licence status priority supplier customer client author editor subject
title topic theme limit quota target score rank grade level type category format date year month day origin source
destination mascot anthem dialect sponsor founder architect chairman treasurer coach teacher tenant landlord guard
driver assistant deputy successor rival nickname password codename frequency temperature pressure voltage capacity
output yield dose rate fee fine toll rent salary bonus tax discount share reserve margin""".split()
_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_ROOMS = """hall garden kitchen library cellar office yard attic lobby studio chapel canteen gym workshop barn park
square courtyard ballroom classroom""".split()
_PETS = "dog cat horse parrot rabbit hamster goat donkey pony turtle duck canary".split()


def is_held_out(word: str) -> bool:
    """Whether this word is kept for the evaluation."""
    return zlib.crc32(word.lower().encode()) % 8 == 0


class Entities:
    """A source of random entities; one seed always gives the same ones."""

    def __init__(self, rng: random.Random, *, held_out: bool) -> None:
        self.rng = rng
        self._held_out = held_out

    def draw(self, kind: str) -> str:
        """A random value of a kind named in the passage schemas, such as "person" or "year"."""
        make: Callable[[], str] = getattr(self, kind)
        return make()

    def _listed(self, words: Sequence[str]) -> str:
        while True:
            word = self.rng.choice(words)
            if is_held_out(word) == self._held_out:
                return word

    def _sometimes_invented(self, words: Sequence[str], share: float) -> str:
        return self.nonce() if self.rng.random() < share else self._listed(words)

    def nonce(self) -> str:
        """An invented lower-case word."""
        rng = self.rng
        while True:
            if rng.random() < 0.12:
                word = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(3, 7)))
            else:
                syllables = rng.choice([1, 2, 2, 2, 3])
                word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))
            if len(word) > 2 and is_held_out(word) == self._held_out:
                return word

    def name(self) -> str:
        """An invented proper name."""
        return self.nonce().capitalize()

    def person(self) -> str:
        """A person, by first name or by both names."""
        first = self.name() if self.rng.random() < 0.5 else self._listed(_FIRST)
        if self.rng.random() < 0.5:
            return first
        last = self.name() if self.rng.random() < 0.5 else self._listed(_LAST)
        return f"{first} {last}"

    def place(self) -> str:
        """A town, real or invented."""
        if self.rng.random() < 0.4:
            return self._listed(_CITIES)
        pattern = self.rng.choice(["{}", "{}", "{}", "{} Harbor", "{} Hill", "Port {}", "{} Bay", "New {}", "Lake {}"])
        return pattern.format(self.name())

    def org(self) -> str:
        """A company, school or club."""
        endings = ["Labs", "Works", "Group", "Systems", "Foods", "Museum", "School", "Club", "Bank", "Motors", "Press"]
        if self.rng.random() < 0.2:
            return self.name()
        stem = self.name() if self.rng.random() < 0.7 else self._listed(_LAST)
        return f"{stem} {self.rng.choice(endings)}"

    def thing(self) -> str:
        """A thing, without article: "red bridge", "Zorblax engine"."""
        noun = self._sometimes_invented(_THINGS, 0.1)
        kind = self.rng.random()
        if kind < 0.35:
            return noun
        if kind < 0.7:
            return f"{self._listed(_ADJECTIVES)} {noun}"
        return f"{self.name()} {noun}"

    def event(self) -> str:
        """An event, without article."""
        noun = self._sometimes_invented(_EVENTS, 0.08)
        kind = self.rng.random()
        if kind < 0.4:
            return noun
        return f"{self._listed(_ADJECTIVES) if kind < 0.6 else self.name()} {noun}"

    def job(self) -> str:
        """A trade, one in three invented."""
        return self._sometimes_invented(_JOBS, 0.35)

    def food(self) -> str:
        """Something to eat, one in three invented."""
        return self._sometimes_invented(_FOODS, 0.35)

    def color(self) -> str:
        """A colour, one in three invented."""
        return self._sometimes_invented(_COLORS, 0.35)

    def plural(self) -> str:
        """Things that can be counted."""
        return self.nonce() + "s" if self.rng.random() < 0.2 else self._listed(_PLURALS)

    def attribute(self) -> str:
        """What something may have: a price, a captain, a zorble."""
        return self._sometimes_invented(_ATTRIBUTES, 0.2)

    def room(self) -> str:
        """Part of a building or of its grounds."""
        return self._sometimes_invented(_ROOMS, 0.1)

    def pet(self) -> str:
        """An animal one keeps."""
        return self.rng.choice(_PETS)

    def number(self) -> str:
        """A whole number of one to four digits."""
        rng = self.rng
        return str(rng.choice([rng.randint(2, 99), rng.randint(100, 9999), rng.randint(2, 20)]))

    def year(self) -> str:
        """A year between 1700 and 2040."""
        return str(self.rng.randint(1700, 2040))

    def date(self) -> str:
        """A day of the year or of the week."""
        if self.rng.random() < 0.3:
            return self.rng.choice(_DAYS)
        return f"{self.rng.choice(_MONTHS)} {self.rng.randint(1, 28)}"

    def time(self) -> str:
        """A time of day."""
        hour = self.rng.randint(1, 12)
        return self.rng.choice([f"{hour} o'clock", f"{hour}:{self.rng.choice(['15', '30', '45', '00'])}", f"{hour} pm"])

    def code(self) -> str:
        """Letters and digits such as "KX-42"."""
        letters = "".join(self.rng.choice(_CAPITALS) for _ in range(self.rng.choice([1, 2, 2, 3])))
        return f"{letters}{self.rng.choice(['-', '-', ''])}{self.number()}"

    def value(self) -> str:
        """Whatever an attribute may be."""
        kinds = ["number", "code", "name", "person", "place", "nonce", "color", "year", "date", "job", "food"]
        return self.draw(self.rng.choice(kinds))
