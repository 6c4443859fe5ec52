"""Relations of things, places and events."""

from .schema import schema

THINGS = [
    schema(
        "thing",
        "lead",
        "person",
        "{S} is led by {a}. | {a} is in charge of {s}. | {a} looks after {s}.",
        "Who is in charge of {s}? | Who leads {s}? | Who looks after {s}?",
    ),
    schema(
        "thing",
        "price",
        "number",
        """{S} costs {a} coins. | {S} costs {a} euros. | The price of {s} is {a} dollars. | {S} was sold for {a}
        dollars.""",
        "How much does {s} cost? | What is the price of {s}? | What does {s} cost?",
    ),
    schema(
        "thing",
        "paint",
        "color",
        "{S} is painted {a}. | The colour of {s} is {a}. | {S} is {a}. | They painted {s} {a}.",
        "What colour is {s}? | What is the color of {s}? | Which colour does {s} have? | What color is {s}?",
    ),
    schema(
        "thing",
        "maker",
        "person year",
        """{S} was built by {a} in {b}. | {a} built {s} in {b}. | In {b} {a} built {s}. | {S} was designed by {a} and
        finished in {b}.""",
        "Who built {s}? | Who made {s}? | When was {s} built? | In which year was {s} built? | Who designed {s}?",
    ),
    schema(
        "thing",
        "location",
        "place",
        "{S} stands in {a}. | {S} is in {a}. | You can find {s} in {a}. | {S} is located near {a}.",
        "Where is {s}? | Where does {s} stand? | Where can I find {s}? | In which place is {s}? | What stands in {a}?",
    ),
    schema(
        "thing",
        "indoors",
        "room",
        "{S} is in the {a}. | {S} is kept in the {a}. | {S} stands next to the {a}. | Somebody left {s} in the {a}.",
        "Where is {s}? | Where is {s} kept? | Where can I find {s}?",
    ),
    schema(
        "thing",
        "height",
        "number",
        "{S} is {a} metres high. | {S} is {a} meters tall. | {S} has a height of {a} metres.",
        "How high is {s}? | How tall is {s}? | What is the height of {s}?",
    ),
    schema(
        "thing",
        "weight",
        "number",
        "{S} weighs {a} kilos. | {S} weighs {a} tons. | {S} has a weight of {a} kilograms.",
        "How heavy is {s}? | What does {s} weigh? | How much does {s} weigh? | What is the weight of {s}?",
    ),
    schema(
        "thing",
        "owner",
        "person",
        "{S} belongs to {a}. | {a} owns {s}. | The owner of {s} is {a}.",
        "Who owns {s}? | Who does {s} belong to? | Who is the owner of {s}? | What does {a} own?",
    ),
    schema(
        "thing",
        "material",
        "nonce",
        "{S} is made of {a}. | {S} was made from {a}. | They made {s} out of {a}.",
        "What is {s} made of? | Which material is {s} made of?",
    ),
    schema(
        "thing",
        "hours",
        "time time",
        "{S} opens at {a} and closes at {b}. | {S} is open from {a} to {b}.",
        "When does {s} open? | When does {s} close? | At what time does {s} open? | When is {s} open?",
    ),
    schema(
        "thing",
        "repair",
        "person date",
        "{a} will repair {s} on {b}. | {S} will be repaired by {a} on {b}. | {a} has to repair {s} by {b}.",
        "Who will repair {s}? | When will {s} be repaired? | Who repairs {s}?",
    ),
    schema(
        "thing",
        "use",
        "nonce",
        "{S} is used to cut {a}. | {S} is used for {a}. | People use {s} for {a}.",
        "What is {s} used for? | What do people use {s} for?",
    ),
    schema(
        "thing",
        "parts",
        "number plural",
        "{S} has {a} {b}. | {S} is equipped with {a} {b}. | There are {a} {b} in {s}.",
        "How many {b} does {s} have? | How many {b} are in {s}? | How many {b} are there in {s}?",
    ),
    schema(
        "thing",
        "trouble",
        "nonce",
        """{S} stopped because the {a} was broken. | {S} is closed because of {a}. | {S} failed because the {a} was
        missing.""",
        "Why did {s} stop? | Why is {s} closed? | Why did {s} fail?",
    ),
    schema(
        "thing",
        "content",
        "food",
        "{S} is full of {a}. | {S} contains {a}. | There is {a} in {s}.",
        "What is in {s}? | What does {s} contain? | What is inside {s}?",
    ),
]

PLACES = [
    schema(
        "place",
        "code",
        "code",
        "The code of {s} is {a}. | {S} has the code {a}. | The code for {s} is {a}.",
        "What is the code of {s}? | Which code does {s} have? | What code belongs to {s}?",
    ),
    schema(
        "place",
        "houses",
        "number plural",
        "{S} has {a} {b}. | There are {a} {b} in {s}. | In {s} there are {a} {b}.",
        "How many {b} does {s} have? | How many {b} are in {s}? | How many {b} are there in {s}? | Where are {a} {b}?",
    ),
    schema(
        "place",
        "region",
        "name",
        "{S} is the capital of {a}. | The capital of {a} is {s}.",
        "What is the capital of {a}? | Which town is the capital of {a}?",
    ),
    schema(
        "place",
        "fame",
        "food",
        "{S} is famous for its {a}. | {S} is known for {a}. | People visit {s} for its {a}.",
        """What is {s} famous for? | What is {s} known for? | Which town is famous for its {a}? | Why do people visit
        {s}?""",
    ),
    schema(
        "place",
        "mayor",
        "person",
        "The mayor of {s} is {a}. | {a} is the mayor of {s}. | {a} became mayor of {s} last year.",
        "Who is the mayor of {s}? | What is the name of the mayor of {s}? | Which town has {a} as its mayor?",
    ),
    schema(
        "place",
        "people",
        "number",
        "{S} has {a} inhabitants. | {a} people live in {s}. | About {a} people live in {s}.",
        "How many people live in {s}? | How many inhabitants does {s} have? | What is the population of {s}?",
    ),
    schema(
        "place",
        "river",
        "name",
        "The river {a} flows through {s}. | {S} lies on the river {a}.",
        "Which river flows through {s}? | On which river does {s} lie?",
    ),
    schema(
        "place",
        "distance",
        "number place",
        "{S} is {a} kilometres from {b}. | {S} is {a} miles away from {b}.",
        "How far is {s} from {b}? | How far away is {s}?",
    ),
    schema(
        "place",
        "weather",
        "nonce date",
        "It will be {a} in {s} on {b}. | In {s} it was {a} on {b}. | On {b} it was {a} in {s}.",
        "What was the weather in {s} on {b}? | How is the weather in {s}? | What is the weather like in {s}?",
    ),
]

EVENTS = [
    schema(
        "event",
        "start",
        "time",
        "{S} starts at {a}. | {S} begins at {a}. | {S} will start at {a}.",
        "When does {s} start? | At what time does {s} begin? | When does {s} begin? | When is {s}?",
    ),
    schema(
        "event",
        "day",
        "date",
        "{S} is on {a}. | {S} takes place on {a}. | {S} was moved to {a}. | {S} will be held on {a}.",
        "When is {s}? | On which day is {s}? | When does {s} take place? | What day is {s}?",
    ),
    schema(
        "event",
        "venue",
        "room",
        "{S} is in the {a}. | {S} takes place in the {a}. | {S} will be held in the {a}.",
        "Where is {s}? | Where does {s} take place? | Where will {s} be held?",
    ),
    schema(
        "event",
        "host",
        "person",
        "{a} will open {s}. | {a} organises {s}. | {S} is organised by {a}. | {a} is the host of {s}.",
        "Who organises {s}? | Who is the host of {s}? | Who opens {s}? | Who organised {s}?",
    ),
    schema(
        "event",
        "guests",
        "number",
        "{a} people came to {s}. | {S} had {a} guests. | There were {a} guests at {s}.",
        "How many people came to {s}? | How many guests were at {s}? | How many guests did {s} have?",
    ),
    schema(
        "event",
        "winner",
        "person",
        "{a} won {s}. | {S} was won by {a}. | The winner of {s} was {a}.",
        "Who won {s}? | Who was the winner of {s}?",
    ),
    schema(
        "event",
        "duration",
        "number",
        "{S} lasts {a} minutes. | {S} takes {a} hours. | {S} will last {a} hours.",
        "How long does {s} last? | How long is {s}? | How long does {s} take?",
    ),
]
