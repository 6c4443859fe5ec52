"""Passages written by hand, as people might paste them, with questions; for the evaluation only.

An answer counts when it holds the expected words; `None` stands for a question that the passage does not answer.
"""

NATURAL: tuple[tuple[str, tuple[tuple[str, str | None], ...]], ...] = (
    (
        ("Anna lives in Berlin. Bob lives in Paris. Their sister Carla moved to Rome last year."),
        (
            ("Where does Bob live?", "Paris"),
            ("Where does Anna live?", "Berlin"),
            ("Who moved to Rome?", "Carla"),
            ("How old is Bob?", None),
        ),
    ),
    (
        ("The library opens at nine and closes at six. On Sundays it is closed. The head librarian is Maria Lopez."),
        (
            ("When does the library open?", "nine"),
            ("Who is the head librarian?", "Maria Lopez"),
            ("What is the phone number of the library?", None),
        ),
    ),
    (
        (
            "Our team meets every Tuesday in room 12. Please send your report to Jonas before Friday. The budget for "
            "this quarter is 40,000 euros."
        ),
        (
            ("Where does the team meet?", "room 12"),
            ("What is the budget?", "40,000"),
            ("Who gets the report?", "Jonas"),
            ("Who leads the team?", None),
        ),
    ),
    (
        ("The Eiffel Tower is in Paris. It was built in 1889 by the company of Gustave Eiffel. It is 330 metres high."),
        (
            ("How high is it?", "330"),
            ("When was the Eiffel Tower built?", "1889"),
            ("Where is the Eiffel Tower?", "Paris"),
            ("How much does a ticket cost?", None),
        ),
    ),
    (
        (
            "To reset the router, hold the red button for ten seconds. The default password is swordfish. If the "
            "light blinks green, the router is ready."
        ),
        (
            ("What is the default password?", "swordfish"),
            ("How do I reset the router?", "red button"),
            ("When is the router ready?", "green"),
            ("How much does the router weigh?", None),
        ),
    ),
    (
        (
            "Flight KL 204 leaves Amsterdam at 14:20 and lands in Oslo at 16:05. Passengers should be at gate B7 half "
            "an hour earlier."
        ),
        (
            ("When does the flight land in Oslo?", "16:05"),
            ("Which gate should passengers go to?", "B7"),
            ("Who is the pilot?", None),
        ),
    ),
    (
        ("Max has a dog called Rex and a cat called Mimi. Rex is three years old. Mimi sleeps on the sofa all day."),
        (
            ("How old is Rex?", "three"),
            ("What is the name of the cat?", "Mimi"),
            ("Where does Mimi sleep?", "sofa"),
            ("What colour is Rex?", None),
        ),
    ),
    (
        (
            "The company Brightwater was founded by Helen Moss in 1998. It makes pumps and filters. Today it has 350 "
            "employees and is based in Leeds."
        ),
        (
            ("Who founded Brightwater?", "Helen Moss"),
            ("What does the company make?", "pumps"),
            ("How many employees does it have?", "350"),
            ("What was the revenue of Brightwater?", None),
        ),
    ),
    (
        ("Invoice 5531. Customer: Peter Hall. The total amount is 218 dollars. Payment is due on March 3."),
        (
            ("Who is the customer?", "Peter Hall"),
            ("What is the total amount?", "218"),
            ("When is the payment due?", "March 3"),
            ("What is the address of the customer?", None),
        ),
    ),
    (
        (
            "Mount Karo is the highest mountain of the island. It is 2,410 metres tall. The first climbers reached "
            "its top in 1921. Snow lies there until May."
        ),
        (
            ("How tall is Mount Karo?", "2,410"),
            ("When did the first climbers reach the top?", "1921"),
            ("Until when does snow lie there?", "May"),
            ("Who owns the island?", None),
        ),
    ),
    (
        (
            "For the cake you need 200 grams of flour, three eggs and a lemon. Bake it for 40 minutes at 180 degrees. "
            "Let it cool before you cut it."
        ),
        (
            ("How many eggs do I need?", "three eggs"),
            ("How long do I bake the cake?", "40 minutes"),
            ("Who invented the cake?", None),
        ),
    ),
    (
        (
            "Yesterday the mayor opened the new bridge over the Elm. The bridge cost 12 million euros. Work on it "
            "took three years. A choir sang at the opening."
        ),
        (
            ("Who opened the bridge?", "mayor"),
            ("How much did the bridge cost?", "12 million"),
            ("How long did the work take?", "three years"),
            ("How long is the bridge?", None),
        ),
    ),
    (
        (
            "Dr. Chen works at the hospital in Utrecht. She studies sleep. Her office is on the second floor, and her "
            "assistant is called Tim."
        ),
        (
            ("Where does Dr. Chen work?", "Utrecht"),
            ("Who is her assistant?", "Tim"),
            ("What does she study?", "sleep"),
            ("When was Dr. Chen born?", None),
        ),
    ),
    (
        (
            "The server is called atlas. It has 64 GB of memory and 16 cores. Backups run every night at 2 am. The "
            "administrator is Priya Nair."
        ),
        (
            ("What is the server called?", "atlas"),
            ("How much memory does it have?", "64"),
            ("When do backups run?", "2 am"),
            ("Who is the administrator?", "Priya Nair"),
            ("Which operating system runs on the server?", None),
        ),
    ),
    (
        ("Lena was late because her train was cancelled. She took a taxi and paid 30 euros. Her boss was not angry."),
        (
            ("Why was Lena late?", "train"),
            ("How much did she pay?", "30 euros"),
            ("Where does Lena live?", None),
        ),
    ),
    (
        ("The red key opens the cellar. The blue key opens the front door. The spare keys are with Mrs. Jansen."),
        (
            ("What does the red key open?", "cellar"),
            ("Which key opens the front door?", "blue"),
            ("Who has the spare keys?", "Jansen"),
            ("What does the green key open?", None),
        ),
    ),
    (
        (
            "Bees live in hives. A queen lays up to 2,000 eggs a day. Workers collect nectar and make honey from it. "
            "Drones do not sting."
        ),
        (
            ("Where do bees live?", "hives"),
            ("How many eggs does a queen lay?", "2,000"),
            ("What do workers collect?", "nectar"),
            ("How long does a queen live?", None),
        ),
    ),
    (
        (
            "The contract starts on 1 July and ends after two years. Either side may leave it with three months' "
            "notice. The rent is 850 euros a month."
        ),
        (
            ("When does the contract start?", "1 July"),
            ("What is the rent?", "850"),
            ("Who signed the contract?", None),
        ),
    ),
    (
        (
            "Tom gave Sara a green umbrella. Sara lost it in the park. An old man found it and brought it to the "
            "station."
        ),
        (
            ("What did Tom give Sara?", "umbrella"),
            ("Where did Sara lose it?", "park"),
            ("Who found the umbrella?", "old man"),
            ("What is the name of the old man?", None),
        ),
    ),
    (
        (
            "The museum shows 300 paintings. Its most famous picture is The Grey Horse by Ada Finch. Entry is free on "
            "Mondays. Dogs are not allowed."
        ),
        (
            ("How many paintings does the museum show?", "300"),
            ("What is its most famous picture?", "Grey Horse"),
            ("When is entry free?", "Monday"),
            ("Who built the museum?", None),
        ),
    ),
)
