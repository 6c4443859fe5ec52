"""Questions that the starter model cannot answer, and how it says so: knowledge, work, nonsense."""

# ruff: noqa: SIM905 - long lists of words read better as text

from .entities import Entities
from .facts import expand

CANNOT_KNOW = "I do not know that. I am only the tiny starter model of Poly; the README says how to use a real one."
CANNOT_DO = (
    "That is more than I can do. I am only the tiny starter model of Poly; the README says how to use a real one."
)
NOT_UNDERSTOOD = (
    "I did not understand that. I am only the tiny starter model of Poly; ask me about Poly, or give me a passage "
    "and a question."
)

KNOWLEDGE: tuple[str, ...] = tuple(
    """what is the (capital/population/flag/language/currency/history/size/area) of {place}
who (wrote/painted/composed/directed/invented/discovered) (the/) {thing}
who is {person}
who was {person}
who is the (president/king/queen/mayor/leader/ruler/prime minister) of {place}
what is the weather (like/) in {place} (today/tomorrow/)
will it rain (tomorrow/today/in {place}/on {date})
who won the {event}
how old is {person}
where does {person} (live/work/come from)
when was {person} born
when did {person} die
what is the meaning of life
(explain/describe) {subject}
what is {subject}
how does {subject} work
teach me (about/) {subject}
tell me about {place}
tell me about {person}
tell me something about {noun}
what do you know about {noun}
how far is {place} from {place}
how far is (the moon/the sun/mars)
what year did the {event} (start/end/happen)
what (time/day/date/year) is it (now/today/)
what is today's date
is {noun} (healthy/dangerous/expensive/good/bad for you)
are {noun} (healthy/dangerous/expensive/animals/fruits)
do you (like/love/hate/eat/know) {noun}
what is your favourite (colour/food/book/film/animal/song/number/place)
why is the (sky/sea/grass/blood) (blue/green/red)
why do (cats/dogs/birds/people) (sleep/sing/fly/dream)
why does (ice/oil/wood) (float/burn/melt)
how (tall/high/deep/long/old) is (the/) {thing}
how many (people/houses/islands/rivers) (are there/are) in {place}
how many (legs/eyes/teeth) does a {pet} have
how many (days/hours/minutes/weeks) are in a (year/month/week/day)
what is the (tallest/longest/biggest/oldest/fastest/smallest) (mountain/river/city/animal/building/country) \
(in the world/on earth/in {place}/)
which (planet/star/country/city) is the (biggest/nearest/hottest/coldest/oldest)
what is the (speed of light/number pi/square root of {number}/boiling point of water)
what does {nonce} mean
what is (a/the) {nonce}
who invented (the telephone/the wheel/paper/the radio/electricity)
when did (the war/world war two/the revolution/the middle ages) (start/end)
what happened in {year}
who was (the first man on the moon/Napoleon/Shakespeare/Einstein/Cleopatra/Mozart)
what is the best {noun}
what is the best (film/book/song/restaurant/phone/car/laptop) (of {year}/in {place}/ever/)
which {noun} should I buy
how much does a {thing} cost
how much is {number} {noun}
where can I buy {noun}
where is {place}
where is the nearest (bank/shop/station/hospital/pharmacy)
is there (life on mars/a god/water on the moon/a train to {place})
can {noun} (fly/swim/think/feel pain)
what are {noun} made of
how are {noun} made
how do (planes/birds/ships/clouds) (fly/float/move)
what is the difference between {noun} and {noun}
who sings (the/) {thing}
which team won (yesterday/the cup/in {year})
what is the stock price of {org}
what does {org} (do/make/sell)
who founded {org}
is {org} a good company
what should I (eat/wear/read/watch/cook/do) (today/tonight/tomorrow/)
how do I (cook/bake/grow/clean/fix/draw/peel) {noun}
how do I (lose weight/sleep better/get rich/find a job/make friends/learn to swim/tie a knot)
how do I get (to {place}/from {place} to {place})
how do I (start/repair/open/park/sell) a {thing}
how can I (cure a cold/stop smoking/save money/learn {language}/become a {job})
what is a good (present/name/hobby/diet) for (a {pet}/a {job}/my mother/a child)
what are the symptoms of (flu/a cold/measles/{nonce})
is it (safe/legal/healthy/possible) to (swim/smoke/drive/fish/camp) (in {place}/here/at night/)
when is (easter/christmas/my birthday/the next full moon/the {event})
what is the (plot/ending/author) of {person}
what language do they speak in {place}
what is the phone number of {person}
what is {person}'s (job/age/address)
how do you say {noun} in {language}
what is the {language} word for {noun}
who is the (richest/tallest/oldest/fastest) (man/woman/person) (alive/in the world/)
which (animals/plants/fish) live in {place}
are you (married/hungry/tired/angry/in love)
do you have (friends/children/a dog/hobbies/a family)
how was your (weekend/holiday/night)
what did you (eat/do/dream) (yesterday/last night/today)
what do you think (of/about) (politics/religion/{place}/{noun}/{person})
is {person} (rich/famous/dead/nice)
does {person} like {noun}
did {person} (win/lose/marry {person}/go to {place})
can you see (me/my screen/my files)
what is on (television/the radio) tonight
how (big/large/old) is (the universe/the earth/an elephant/an atom)
what is the memory of an elephant
how good is human memory
what is a (task force/fashion model/role model/state model/memory card/poly bag)
who is the best fashion model
how do I serve (soup/tea/dinner/a tennis ball)
how do I (run a marathon/run faster/run a company/open a door/open a shop/start a car/start a fire)
what is the key of (this song/the sonata)
where is my (key/phone/wallet/chair)
how do I stop (a car/hiccups/the war/bleeding)
how do I (train a {pet}/chunk meat/stream a film/quit smoking/quit my job)
what is the (temperature/pressure) (in {place}/of the sun/outside/on the moon)
which (port/harbour) is the largest in {place}
how do I install (a shower/a lamp/windows/a kitchen)
what is the license plate of {person}
how do I check my (oil/blood pressure/tyres)
who is a good doctor
(any/is there) news (today/from {place}/)
what came first the chicken or the egg
what is love
is {number} (a prime number/even/odd/divisible by {digit})
{person}
{place}
{noun} and {noun}
why
why not
how come
and why is that
who
when
where
really
what else""".split("\n")
)

WORK: tuple[str, ...] = tuple(
    """(write/compose/make up) (a/me a/) (poem/story/song/letter/haiku/speech/fairy tale/novel) about {noun}
(write/compose) (a/) (poem/story/song/letter) (for/to) {person}
tell me a (story/fairy tale/tale/legend) about {noun}
tell me a (story/fairy tale/bedtime story/long story)
translate {noun} (into/to) {language}
translate this (sentence/text/word) (into/to) {language}
what is {number} (plus/minus/times/divided by) {number}
{digit} + {digit}
{number} (+/-/*/x) {number}
how much is {number} (plus/minus/times) {number}
(calculate/compute) {number} (plus/minus/times/divided by/percent of) {number}
solve (the equation/this equation/) {digit} x = {number}
write (code/a program/a function/a script/a python program/a class) (that/which/to) \
(sorts/sort/counts/count/prints/print) {noun}
write (python/java/rust/C/javascript) code for {noun}
fix (my/this) (code/bug/program/function)
debug this (code/program/function)
(draw/paint/sketch) (a/me a/) (picture/portrait/map) of {noun}
plan a (trip/party/holiday/journey) (to/in) {place}
write (an/) (email/essay/article/report/review) (about/on) {noun}
write an (email/essay/article/report) to my (boss/teacher/landlord/friend)
give me (advice/ten facts/three ideas/some tips) (about/on/for) {noun}
(give me/find) a recipe (for/with) {noun}
recommend (a/me a/) (book/film/song/restaurant/game) (about {noun}/in {place}/)
(summarize/summarise) the (history/economy/politics) of {place}
(summarize/summarise) (the book/the film/the novel) {person}
(sing/hum) (me/) (a song/something) (about {noun}/)
play (a game/chess/music/a song/tic tac toe) (with me/)
let us play (chess/a game/cards)
convert {number} (kilometers/dollars/pounds/euros/feet) (to/into) (miles/euros/kilos/meters)
count to {number}
count from {digit} to {number}
(spell/rhyme) {noun}
give me a word that rhymes with {noun}
list (ten/five/some/all) (countries/animals/{noun}/colours/rivers/planets)
name (ten/five/some/three) (countries/animals/rivers/planets/kings)
(book/order/buy/reserve) (a table/a flight/a pizza/a taxi/{noun}) (for me/in {place}/)
call {person}
send (an email/a message/a letter) to {person}
set (an alarm/a timer) for {time}
remind me (to call {person}/of the {event}/at {time})
turn (on/off) the (light/radio/heating/music)
open the (door/window/garage)
search the (web/internet) for {noun}
google {noun}
show me (a picture/pictures/photos/a map) of {noun}
help me with my (homework/essay/{subject} exam/cover letter/taxes)
do my (homework/taxes/job/shopping)
(correct/improve/rewrite/proofread) (this/my) (text/sentence/essay/letter)
make a (list/table/plan/schedule) of {noun}
(invent/imagine/create) a (new/funny/strange/) (animal/game/language/{thing})
pretend (to be/you are) a {job}
act as a {job}
you are now {person}
answer in {language}
ignore (all/your) (previous/earlier/) instructions
say something in {language}
repeat after me {noun}
generate (a/an) (password/image/name/random number)
(think/guess) (of/) a number
(pick/choose) a (number/card/colour)
roll (a dice/two dice)
flip a coin
predict (the future/the weather/the winner of the {event})
design a (logo/house/website/{thing})
build me a {thing}
cook (me/) {noun}
bring me (some/) {noun}
prove (the theorem of {person}/that {number} is prime)
(analyze/analyse) (this/the) (poem/market/data/picture)
compare {noun} (and/with) {noun}
argue (for/against) {noun}
explain {subject} to a child
explain quantum (physics/computing) in simple words
interview me for a job as a {job}
teach me {language}
read me (a book/the news/a poem)
write a (wedding speech/cover letter/business plan/limerick/riddle)
ask me a riddle
give me a riddle
tell my fortune
write the next chapter
continue the story
finish this sentence
keep going
tell me more
surprise me
entertain me
serve me a (drink/coffee/beer)
run (to the shop/away/for president)
load the (truck/dishwasher)
pull the (rope/door)
stop the (car/war/train)
check my (spelling/grammar/mail/bank account)""".split("\n")
)

HELD_OUT_KNOWLEDGE: tuple[str, ...] = tuple(
    """which river flows through {place}
in what year was {person} elected
what colour are {noun} usually
can you tell me how volcanoes erupt
how do vaccines protect us
what do {noun} taste like
at what age may one vote in {place}
is {place} worth a visit
who holds the world record in high jump
whose portrait hangs in the {thing}
how long does it take to boil an egg
how many strings has a violin
which vitamins are in {noun}
what causes tides
what's the distance between earth and the sun
on which continent is {place}
have you ever been to {place}
what religion did {person} follow
how expensive are flights to {place}
from where do {noun} originate
which party governs {place}
what makes a good {job}
do {noun} grow in winter
how deep can a submarine dive
what's the name of my neighbour
why did the roman empire fall
what is the chemical formula of salt
how is cheese produced
who scored the most goals last season
should I invest in {org}""".split("\n")
)

HELD_OUT_WORK: tuple[str, ...] = tuple(
    """compose an opera on {noun}
draft a contract between {person} and {person}
help me choose a dress for the {event}
sort these numbers for me
recite a verse about {noun}
find me a flat in {place}
make me a sandwich with {noun}
describe a sunset over {place} in flowery words
write a regular expression that matches {noun}
give me a crossword puzzle
come up with a slogan for {org}
prepare a training plan for a {job}
paraphrase the declaration of independence
estimate the number of {noun} in {place}
add up {number} and {number} for me
turn these notes into minutes
debate with me about {noun}
invite {person} to the {event}
tune my guitar
outline a lecture on {subject}
multiply {number} by {number}
dictate a letter to the mayor of {place}
create a quiz on {subject}
cheer me up with a song""".split("\n")
)

_NOUNS = """cats dogs soup bread rivers stars winter music trains apples rice chess gardens mountains birds cars bikes
cheese coffee tea rain snow boats clocks shoes bananas pasta fish horses trees football tennis money gold water fire
love friendship summer autumn robots dragons pirates wolves bees flowers chocolate pizza beer wine books
films""".split()
_SUBJECTS = """physics gravity algebra chemistry biology history economics photosynthesis electricity grammar geometry
evolution philosophy astronomy statistics inflation democracy magnetism genetics psychology calculus trigonometry
geology thermodynamics medicine law relativity""".split()
_LANGUAGES = "French German Spanish Italian Japanese Latin Greek Dutch Russian Chinese Polish Arabic".split()
_COMMON_WORDS = """the of and to in is was on at by for with from that this table green seven quickly under walk house
never because water very blue jump over lazy after before window eleven soft loud maybe river stone run but or not
every many along between cloud paper spoon""".split()


class OffTopic:
    """Writes messages that are beyond the starter model."""

    def __init__(self, entities: Entities, *, held_out: bool) -> None:
        self._entities = entities
        self._rng = entities.rng
        self._knowledge = HELD_OUT_KNOWLEDGE if held_out else KNOWLEDGE
        self._work = HELD_OUT_WORK if held_out else WORK

    def knowledge(self) -> str:
        """A question about the world."""
        return self._fill(self._rng.choice(self._knowledge))

    def work(self) -> str:
        """A piece of work that a larger model could do."""
        return self._fill(self._rng.choice(self._work))

    def nonsense(self) -> str:
        """Invented words, words in no order, or keys hit at random."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.4:
            return " ".join(self._entities.nonce() for _ in range(rng.randint(1, 6)))
        if kind < 0.75:
            words = [rng.choice(_COMMON_WORDS) if rng.random() < 0.8 else self._entities.nonce() for _ in range(9)]
            return " ".join(words[: rng.randint(3, 9)])
        letters = rng.choice(["asdfghjkl", "qwertyuiop", "abcdefghijklmnopqrstuvwxyz", ".,;:-?!#", "0123456789"])
        return "".join(rng.choice(letters) for _ in range(rng.randint(1, 12)))

    def _fill(self, template: str) -> str:
        rng, entities = self._rng, self._entities
        text = expand(template, rng)
        own = {"noun": _NOUNS, "subject": _SUBJECTS, "language": _LANGUAGES, "digit": list("123456789")}
        while "{" in text:
            slot = text[text.index("{") + 1 : text.index("}")]
            if slot in own:
                value = rng.choice(own[slot]) if slot != "noun" or rng.random() < 0.8 else entities.nonce()
            else:
                value = entities.draw(slot)
            text = text.replace("{" + slot + "}", value, 1)
        return text
