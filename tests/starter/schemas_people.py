"""Relations of people and of companies."""

from .schema import schema

PEOPLE = [
    schema(
        "person",
        "home",
        "place",
        """{S} lives in {a}. | {S} has a house in {a}. | {S} moved to {a} and lives there now. | The home of {s} is in
        {a}. | {S} still lives in {a} today.""",
        """Where does {s} live? | In which town does {s} live? | What is the home of {s}? | Where is {s}'s home? | Who
        lives in {a}?""",
    ),
    schema(
        "person",
        "origin",
        "place",
        "{S} comes from {a}. | {S} is from {a}. | {S} grew up in {a}. | {S} comes from a village near {a}.",
        "Where does {s} come from? | Where is {s} from? | Who comes from {a}?",
    ),
    schema(
        "person",
        "job",
        "job",
        """{S} works as a {a}. | {S} is a {a}. | {S} earns a living as a {a}. | {S} has been a {a} for years. | The job
        of {s} is {a}.""",
        """What is the job of {s}? | What does {s} do for work? | What does {s} do for a living? | What is {s}'s job? |
        Who is a {a}? | Who works as a {a}?""",
    ),
    schema(
        "person",
        "employer",
        "org",
        "{S} works for {a}. | {a} employs {s}. | The employer of {s} is {a}. | {S} has a job at {a}.",
        """Who does {s} work for? | Which company employs {s}? | Where is {s} employed? | Who works for {a}? | Who is
        {s}'s employer?""",
    ),
    schema(
        "person",
        "food",
        "food",
        """{S} likes {a}. | {S} likes to eat {a}. | {S} loves {a} more than anything else. | The favourite food of {s}
        is {a}.""",
        "What does {s} like to eat? | What does {s} like? | What is {s}'s favourite food? | Who likes {a}?",
    ),
    schema(
        "person",
        "birth",
        "year",
        "{S} was born in {a}. | {S} was born in the year {a}. | The birth year of {s} is {a}.",
        "When was {s} born? | In which year was {s} born? | What is the birth year of {s}? | Who was born in {a}?",
    ),
    schema(
        "person",
        "age",
        "number",
        "{S} is {a} years old. | {S} turned {a} last week. | The age of {s} is {a}.",
        "How old is {s}? | What is the age of {s}? | What is {s}'s age?",
    ),
    schema(
        "person",
        "pet",
        "pet name",
        "{S} has a {a} called {b}. | {S} keeps a {a} named {b}. | {b} is the {a} of {s}.",
        "What is the {a} of {s} called? | What is the name of {s}'s {a}? | Which pet does {s} have? | Who has a {a}?",
    ),
    schema(
        "person",
        "spouse",
        "person",
        "{S} is married to {a}. | {S} married {a} last spring.",
        "Who is {s} married to? | Who did {s} marry?",
    ),
    schema(
        "person",
        "purchase",
        "thing place",
        "{S} bought a {a} in {b}. | {S} bought a {a} at the market of {b}. | Last week {s} bought a {a} in {b}.",
        "What did {s} buy? | Where did {s} buy the {a}? | Who bought a {a}? | Where was the {a} bought?",
    ),
    schema(
        "person",
        "travel",
        "place date",
        "{S} travels to {a} on {b}. | On {b} {s} travels to {a}. | {S} will travel to {a} on {b}.",
        """Where does {s} travel to? | When does {s} travel to {a}? | Who travels to {a}? | Where will {s} travel on
        {b}?""",
    ),
    schema(
        "person",
        "study",
        "nonce org",
        "{S} studies {a} at {b}. | {S} went to {b} to study {a}. | {S} is a student of {a} at {b}.",
        "What does {s} study? | Where does {s} study? | Who studies {a}? | Where does {s} study {a}?",
    ),
    schema(
        "person",
        "teach",
        "nonce",
        "{S} teaches {a}. | {S} teaches {a} to children. | {S} has taught {a} for many years.",
        "What does {s} teach? | Who teaches {a}? | Which subject does {s} teach?",
    ),
    schema(
        "person",
        "phone",
        "number",
        "The phone number of {s} is {a}. | {S} can be called at {a}. | Call {s} at {a}.",
        """What is the phone number of {s}? | What is {s}'s phone number? | How can I call {s}? | Which number reaches
        {s}?""",
    ),
    schema(
        "person",
        "arrival",
        "time",
        "{S} arrives at {a}. | {S} will arrive at {a}. | {S} is expected to arrive at {a}.",
        "When does {s} arrive? | At what time does {s} arrive? | When will {s} arrive?",
    ),
    schema(
        "person",
        "discovery",
        "nonce year",
        "{S} discovered {a} in {b}. | In {b} {s} discovered {a}. | {a} was discovered by {s} in {b}.",
        "What did {s} discover? | Who discovered {a}? | When was {a} discovered? | When did {s} discover {a}?",
    ),
]

GROUPS = [
    schema(
        "org",
        "founder",
        "person",
        "{a} founded {s}. | {S} was founded by {a}. | The founder of {s} is {a}.",
        "Who founded {s}? | Who is the founder of {s}? | By whom was {s} founded? | What did {a} found?",
    ),
    schema(
        "org",
        "base",
        "place",
        "{S} is based in {a}. | The main office of {s} is in {a}. | {S} has its office in {a}.",
        """Where is {s} based? | Where is the office of {s}? | In which place is {s} based? | Which company is based in
        {a}?""",
    ),
    schema(
        "org",
        "opening",
        "year",
        "{S} opened in {a}. | {S} was opened in {a}. | {S} was founded in {a}.",
        "When did {s} open? | In which year did {s} open? | What year did {s} open?",
    ),
    schema(
        "org",
        "product",
        "nonce",
        "{S} makes {a}. | {S} produces {a}. | {S} sells {a}. | {S} is a maker of {a}.",
        "What does {s} make? | What does {s} produce? | What does {s} sell? | Who makes {a}?",
    ),
    schema(
        "org",
        "boss",
        "person",
        "The head of {s} is {a}. | {a} is the director of {s}. | {a} runs {s}. | {S} is run by {a}.",
        "Who runs {s}? | Who is the head of {s}? | Who is the director of {s}? | Who is the boss of {s}?",
    ),
    schema(
        "org",
        "staff",
        "number",
        "{S} has {a} employees. | {S} employs {a} people. | {a} people work for {s}.",
        "How many employees does {s} have? | How many people work for {s}? | How many people does {s} employ?",
    ),
    schema(
        "org",
        "sale",
        "org number",
        "{S} bought {a} for {b} million. | {a} was bought by {s} for {b} million.",
        "What did {s} buy? | Who bought {a}? | For how much was {a} bought? | How much did {s} pay for {a}?",
    ),
]
