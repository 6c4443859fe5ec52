"""All relations that passages are made of, and which of them are too close to be told apart."""

# ruff: noqa: SIM905 - long lists of words read better as text

from .schema import Schema, schema
from .schemas_people import GROUPS, PEOPLE
from .schemas_things import EVENTS, PLACES, THINGS

ATTRIBUTE_TOPIC = "attribute"
"""Schemas of this topic have the attribute's name in slot {a}; they only clash when that is the same."""

_ATTRIBUTES = [
    schema(
        subject,
        ATTRIBUTE_TOPIC,
        "attribute value",
        """The {a} of {s} is {b}. | The {a} of {s} is {b}. | {S} has the {a} {b}. | {b} is the {a} of {s}. | The {a}
        for {s} is {b}. | {s}'s {a} is {b}. | The {a} of {s} was {b}.""",
        """What is the {a} of {s}? | What is {s}'s {a}? | Which {a} does {s} have? | Tell me the {a} of {s}. | What was
        the {a} of {s}? | Give the {a} of {s}. | {S} {a}?""",
    )
    for subject in ("person", "thing", "place", "org", "event")
]

SCHEMAS: tuple[Schema, ...] = (*PEOPLE, *THINGS, *PLACES, *GROUPS, *EVENTS, *(_ATTRIBUTES * 3))
"""All relations; the open one (any attribute of anything) counts three times, for it teaches the general skill."""

CLASHING_TOPICS: frozenset[frozenset[str]] = frozenset(
    frozenset(pair.split("/"))
    for pair in (
        "home/origin job/employer job/teach location/indoors start/day venue/location lead/owner maker/owner "
        "lead/maker boss/founder price/sale product/sale houses/people hours/trouble day/venue start/venue "
        "content/parts founder/opening birth/age employer/study study/teach repair/maker boss/lead host/winner "
        "indoors/content use/material travel/home purchase/owner purchase/home mayor/fame arrival/travel "
        "fame/product weather/fame region/river employer/boss job/study distance/location"
    ).split()
)
"""Pairs of relations so close that a question about one might be answered by the other."""

CLASHING_ATTRIBUTES: dict[str, frozenset[str]] = {
    topic: frozenset(names.split())
    for topic, names in {
        "home": "address home",
        "origin": "origin",
        "job": "job title",
        "birth": "year date day",
        "age": "age",
        "phone": "phone number",
        "lead": "leader captain manager director chairman guard owner",
        "price": "price fee rate toll tax",
        "paint": "colour color",
        "maker": "architect author year",
        "location": "address origin",
        "height": "height length",
        "weight": "weight",
        "owner": "owner landlord tenant",
        "material": "material",
        "code": "code codename",
        "region": "capital",
        "mayor": "leader",
        "people": "population size",
        "founder": "founder",
        "base": "address",
        "opening": "year date age",
        "boss": "director leader owner manager chairman",
        "staff": "size",
        "start": "date day",
        "day": "date day",
        "host": "sponsor leader",
        "duration": "length",
        "distance": "length",
    }.items()
}
"""Per relation, the attributes that say nearly the same."""

FILLERS: tuple[str, ...] = (
    "It was a quiet day.",
    "Nobody was surprised.",
    "The rest is well known.",
    "That was a long time ago.",
    "This is a short note.",
    "Everyone agreed with that.",
    "Many people have asked about it.",
    "It had rained before.",
    "More news will follow soon.",
    "Please keep this text.",
    "There is not much else to say.",
    "The sun was shining.",
    "Things have changed since then.",
    "Some of this may be new to you.",
    "The weather was fine.",
    "All went well.",
    "This has been checked twice.",
    "The details are still being discussed.",
    "It is a nice story.",
    "So much for that.",
)
