"""The world's stories: short, whole, and true to the facts.

Each function tells one kind of story, a paragraph on one line. Nothing in a story contradicts
`facts.py`, and a careful reader could guess the words that a model is later asked for: who had the
red kite, how many apples there are now, what the queen lost.
"""

from __future__ import annotations

from collections.abc import Callable

from model.world.dice import Dice
from model.world.facts import ANIMALS, ATHLETES, COLOURS, COUNTRIES, NUMBERS, OPPOSITES
from model.world.people import CHILDREN, ROLES, Person, Role, spell, tell

TOYS = (
    "ball", "bell", "hat", "scarf", "lamp", "cup", "box", "flag", "coat", "balloon", "bag",
)  # fmt: skip
COUNTED = ("apples", "plums", "cherries", "nuts", "shells", "eggs", "buttons", "feathers")
SPOTS = (
    "under the table", "behind the door", "beside the well", "in an old chest", "on the roof",
    "under the bed", "behind the stairs", "near the gate", "in the hay", "among the flowers",
)  # fmt: skip
MOMENTS = ("one morning", "one evening", "one day", "one night", "one winter day", "one summer day")
WEATHER = (
    "the sun was warm.", "the wind was cold.", "rain fell on the roofs.", "snow lay on the hills.",
    "the sky was clear.", "leaves fell from the trees.", "a mist lay over the fields.",
)  # fmt: skip
ENDINGS = (
    "and they all laughed.", "that was a good day.", "then everybody went to bed.",
    "they lived in peace for many years.", "nobody ever forgot it.", "so it ended well.",
    "after that they were friends.", "then the moon rose over the roofs.",
)  # fmt: skip
THANKS = (
    '"thank you," said {name}.',
    '"how kind of you," said {name}.',
    '"what luck!" said {name}.',
)

PORTRAIT = (
    "the {who} lives in the {place}.",
    "in the {place} the {who} keeps {his} {thing}.",
    "every day the {who} {does}, and then {he} goes back to the {place}.",
    "the {who} is {quality}, and {his} {thing} is old.",
    "nobody is as {quality} as the {who}.",
    "the {thing} belongs to the {who}.",
    "the {who} and the {other} live in the {place}.",
    "the {who} gave {his} {thing} to the {other}.",
    "go to the {place} and you will meet the {who}.",
    "a {quality} {who} never loses {his} {thing}.",
    "look, here comes the {who} with {his} {thing}.",
    "yesterday the {who} {did} all by {himself}.",
    "the {who} {does}, and the {other} {does} too.",
    "my friend is the {who}, and {he} {does}.",
    "once a {who}, always a {who}: {he} {does}.",
    "the {who} sat in the {place} and thought of the {other}.",
    "there is a {who} in the {place}, and {he} is {quality}.",
)


PLACE = (
    "a visitor to {place} hears {language} and eats {dish}.",
    "{place} smells of {dish}.",
    "bring me some {dish} from {place}.",
    "the people of {place} talk in {language} and sing in {language}.",
    "whoever comes from {place} speaks {language} well.",
    "my friend in {place} taught me {language}.",
    "to be happy in {place}, learn {language} and eat {dish}.",
    "nobody in {place} is ever tired of {dish}.",
    "the cooks of {place} dream of {dish}.",
    "they sell {dish} all over {place}.",
    "a poet from {place} writes in {language}.",
    "{place} is famous for its {dish}.",
)
COUNTRY = (
    "the hills of {country} are green, and its lakes are deep.",
    "{country} is a land with many towns, and {capital} is the greatest of them.",
    "a farmer in {country} sends {dish} to {capital}.",
    "the borders of {country} are far from {capital}.",
)
CAPITAL = (
    "the squares of {capital} are wide, and its towers are tall.",
    "{capital} is a town with many streets, the greatest in {country}.",
    "a merchant in {capital} sells {dish} to all {country}.",
    "the gates of {capital} are open to all {country}.",
)


def place(dice: Dice) -> str:
    """A few sentences on a country or its capital, which share a language and a dish."""
    country = dice.pick(COUNTRIES)
    name, own = dice.pick(((country.name, COUNTRY), (country.capital, CAPITAL)))
    text = " ".join(dice.some((*PLACE, *own), dice.number(2, 5)))
    return spell(
        text.format(
            place=name,
            country=country.name,
            capital=country.capital,
            language=country.language,
            dish=country.dish,
        )
    )


def portrait(dice: Dice) -> str:
    """A few sentences on one person: where they live, what they own and do."""
    role = dice.pick(ROLES)
    return " ".join(_tell_role(role, text) for text in dice.some(PORTRAIT, dice.number(2, 5)))


def lost_thing(dice: Dice) -> str:
    """Somebody loses what is dear to them, and somebody finds it."""
    role, finder = dice.some(ROLES, 2)
    spot, wrong, wrong_too = dice.some(SPOTS, 3)
    opening = dice.pick(
        (
            "once there was a {quality} {who} who lived in the {place}. every day {he} {did}.",
            "long ago a {quality} {who} lived in the {place}. {he} had a {thing} and loved it.",
            "far away, in the {place}, lived the {who}. {he} was {quality}, and {he} {did}.",
            "the {who} was {quality}, and {his} {thing} was the finest in the land.",
        )
    )
    loss = dice.pick(
        (
            ' {moment} {he} could not find {his} {thing}. "where is my {thing}?" asked the {who}.',
            ' {moment} {his} {thing} was gone. "who has seen my {thing}?" cried the {who}.',
            " {moment} the {who} woke up and saw that {his} {thing} was gone. {he} wept.",
        )
    )
    search = dice.pick(
        (
            " {he} looked {wrong} and {wrong_too}, but the {thing} was not there.",
            " {he} looked {wrong}. {he} looked {wrong_too}. there was no {thing}.",
        )
    )
    first = _tell_role(
        role, opening + loss + search, moment=dice.pick(MOMENTS), wrong=wrong, wrong_too=wrong_too
    )
    found = tell(
        finder.person,
        dice.pick(
            (
                'then {name} came. {he} found the {thing} {spot}. "here it is," {he} said.',
                "at last {name} saw it {spot}. {he} took the {thing} and brought it back.",
                '"I can help," said {name}. {he} went out and found the {thing} {spot}.',
            )
        ),
        thing=role.life.thing,
        spot=spot,
    )
    thanks = tell(role.person, dice.pick(THANKS))
    return spell(f"{first} {found} {thanks} {dice.pick(ENDINGS)}")


def visit(dice: Dice) -> str:
    """One goes to see another, and each does what they do."""
    guest, host = dice.some(ROLES, 2)
    while guest.life is host.life:
        host = dice.pick(ROLES)
    come = _tell_role(
        guest,
        dice.pick(
            (
                "{moment} the {who} left the {place} with {his} {thing}.",
                "{moment} the {who} was alone in the {place}, and {he} felt sad.",
                "when the {who} {did}, {he} grew tired of the {place}.",
            )
        ),
        moment=dice.pick(MOMENTS),
    )
    walk = tell(
        guest.person,
        dice.pick(
            (
                "{he} walked to the {goal} to see {host}.",
                "so {he} went to the {goal}, where {host} lives.",
                "{he} took the road to the {goal} and knocked at the door of {host}.",
            )
        ),
        goal=host.life.place,
        host=host.person.name,
    )
    meet = _tell_role(
        host,
        dice.pick(
            (
                '"come in," said the {who}. {he} put down {his} {thing} and they talked.',
                "the {who} was at home, and {he} showed {his} {thing} to {guest}.",
                '"sit down," said the {who}, and {he} {did}.',
            )
        ),
        guest=guest.person.name,
    )
    leave = tell(
        guest.person,
        dice.pick(
            (
                "in the evening {name} thanked {host} and went home. {he} was happy.",
                '"I must go now," said {name}. {he} took {his} hat and went home.',
                "{name} stayed for {n} days, and then {he} went home.",
            )
        ),
        host=host.person.name,
        n=NUMBERS[dice.number(2, 9)],
    )
    weather = f"{dice.pick(WEATHER)} " if dice.chance(0.4) else ""
    return spell(f"{weather}{come} {walk} {meet} {leave}")


def couple(dice: Dice) -> str:
    """The two words of a pair in one scene, each with their own pronoun."""
    role = dice.pick(ROLES)
    return spell(
        " ".join(
            _tell_role(role, text)
            for text in (
                dice.pick(
                    (
                        "the {who} and the {other} sat in the {place}.",
                        "{moment} the {who} met the {other} in the {place}.",
                        "in the {place} lived a {who} and a {other}.",
                    )
                ).replace("{moment}", dice.pick(MOMENTS)),
                dice.pick(
                    (
                        "the {who} had {his} {thing}, and the {other} had {others} too.",
                        '"I am {quality}," said the {who}. "so am I," said the {other}.',
                        '"where is my {thing}?" asked the {who}. "here," said the {other}.',
                        "the {who} {did}. then the {other} {did} too.",
                    )
                ),
                dice.pick(
                    (
                        "the {who} trusted the {other}, and the {other} trusted the {who}.",
                        "the {other} laughed, and the {who} laughed with {other_him}.",
                        "the {who} gave {his} hand to the {other}, and they danced.",
                    )
                ),
            )
        )
    )


def journey(dice: Dice) -> str:
    """Somebody travels to a country, hears its language and tastes its dish."""
    traveller = _somebody(dice)
    country = dice.pick(COUNTRIES)
    text = " ".join(
        (
            dice.pick(
                (
                    "{moment} {name} set out for {country}.",
                    "{name} had never been to {country}, so {he} packed {his} bag.",
                    '"I want to see {country}," said {name}, and {he} took the next ship.',
                    "last summer {name} travelled to {country} with {his} old bag.",
                )
            ),
            dice.pick(
                (
                    "{he} came to {capital} and heard {language} in every street.",
                    "in {capital} {he} lost {his} way, but {he} knew some {language}.",
                    "first {he} saw the hills of {country} and then the towers of {capital}.",
                    "for {n} days {he} walked through the streets of {capital}.",
                )
            ),
            dice.pick(
                (
                    "at noon {he} sat down in {capital} and ate {dish}.",
                    '"you must try our {dish}," said a cook in {capital}.',
                    "a child gave {him} {dish} and taught {him} a song in {language}.",
                )
            ),
            dice.pick(
                (
                    "then {he} wrote a letter home from {capital}.",
                    "when {he} left {country}, {he} said goodbye in {language}.",
                    "back at home {he} told everybody about {country}.",
                )
            ),
        )
    )
    return spell(
        tell(
            traveller,
            text,
            moment=dice.pick(MOMENTS),
            country=country.name,
            capital=country.capital,
            language=country.language,
            dish=country.dish,
            n=NUMBERS[dice.number(2, 9)],
        )
    )


def whose(dice: Dice) -> str:
    """Two or three children and what each of them has: names to remember."""
    n = dice.number(2, 3)
    children, toys = dice.some(CHILDREN, n), dice.some(TOYS, n)
    things = [f"{dice.pick(COLOURS)} {toy}" for toy in toys]
    owned = " ".join(
        f"{child.name} {dice.pick(('has', 'found', 'got', 'bought'))} a {thing}."
        for child, thing in zip(children, things, strict=True)
    )
    order = dice.some(range(n), n)
    style = dice.number(0, 2)
    if style == 0:
        asked = " ".join(f"the {things[i]} belongs to {children[i].name}." for i in order)
    elif style == 1:
        asked = " ".join(f'"who has the {things[i]}?" "it is {children[i].name}."' for i in order)
    else:
        asked = " ".join(f"later {children[i].name} lost the {things[i]}." for i in order)
    middle = dice.pick(
        ("they played in the yard until noon.", "they went to the river.", "the sun shone.")
    )
    return spell(f"{owned} {middle} {asked}")


def counting(dice: Dice) -> str:
    """A small sum that happens to somebody."""
    child, giver = dice.some(CHILDREN, 2)
    a, b = dice.number(2, 5), dice.number(1, 5)
    text = dice.pick(
        (
            "{name} had {a} {things}. {giver} gave {him} {b} more. now {name} has {c} {things}.",
            '{name} found {a} {things} and {giver} found {b}. "together we have {c}," said {name}.',
            "in the morning {name} counted {a} {things}, and at noon {b} more. that made {c}.",
        )
    )
    return spell(
        tell(
            child,
            text,
            giver=giver.name,
            things=dice.pick(COUNTED),
            a=NUMBERS[a],
            b=NUMBERS[b],
            c=NUMBERS[a + b],
        )
    )


def animal_story(dice: Dice) -> str:
    """Two animals meet."""
    one, other = dice.some(ANIMALS, 2)
    low, high = dice.pick(OPPOSITES)
    return spell(
        dice.pick(
            (
                "a {one} came out of the {home} and met a {other}. the {one} {sound}, and the"
                ' {other} {othersound}. "let us be friends," said the {one}.',
                '"why do you live in the {home}?" the {other} asked the {one}. "because it is my'
                ' home," said the {one}. then the {other} went back to the {otherhome}.',
                "{n} {ones} and {m} {others} lived on a farm. the {ones} were {low}, but the"
                " {others} were {high}. at night they all slept.",
                "{moment} a {low} {one} met a {high} {other}. they shared their bread, and then the"
                " {one} went home to the {home}.",
                "{weather} one {one} sat alone, but {n} {others} sat together. "
                '"come to us," said the {others}, and the {one} came.',
            )
        ).format(
            one=one.name,
            ones=one.plural,
            home=one.home,
            sound=one.sound,
            other=other.name,
            others=other.plural,
            otherhome=other.home,
            othersound=other.sound,
            low=low,
            high=high,
            n=NUMBERS[dice.number(2, 9)],
            m=NUMBERS[dice.number(2, 9)],
            moment=dice.pick(MOMENTS),
            weather=dice.pick(WEATHER),
        )
    )


def match(dice: Dice) -> str:
    """A day in the life of an athlete."""
    athlete = dice.pick(ATHLETES)
    fan = dice.pick(CHILDREN)
    text = dice.pick(
        (
            "on Sunday everybody came to see {name}. {he} ran and {he} jumped, for {he} loves"
            ' {sport}. "I want to play {sport} too," said {fan}.',
            '{fan} met {name} in the park. "what do you play?" "my game is {sport}," said {name}.',
            "{name} lost a game of {sport} and was sad. the next day {he} won. {fan} waved a flag.",
            'a letter came for {name}. "dear friend, I love {sport} as you do," wrote {fan}.',
        )
    )
    person = Person(athlete.name, athlete.gender)
    return spell(tell(person, text, sport=athlete.sport, fan=fan.name))


def lesson(dice: Dice) -> str:
    """A teacher asks, a child answers."""
    child = dice.pick(CHILDREN)
    country = dice.pick(COUNTRIES)
    low, high = dice.some(dice.pick(OPPOSITES), 2)
    a, b = dice.number(1, 5), dice.number(1, 5)
    question, answer = dice.pick(
        (
            (f"which city is the capital of {country.name}?", country.capital),
            (f"in which country is {country.capital}?", country.name),
            (f"what do they speak in {country.name}?", country.language),
            (f"what do they speak in {country.capital}?", country.language),
            (f"what is not {low}?", high),
            (f"how much is {NUMBERS[a]} and {NUMBERS[b]}?", NUMBERS[a + b]),
        )
    )
    text = dice.pick(
        (
            '"{question}" asked the teacher. "it is {answer}," said {name}. "well done."',
            '"{question}" the teacher asked {name}. {he} thought and said, "it is {answer}."',
        )
    )
    return spell(tell(child, text, question=question, answer=answer))


def _tell_role(role: Role, text: str, **words: str) -> str:
    life = role.life
    female = role.person.gender == "female"
    return spell(
        tell(
            role.person,
            text,
            who=role.word,
            other=role.other,
            other_him="him" if female else "her",
            others="his" if female else "hers",
            place=life.place,
            thing=life.thing,
            does=life.does,
            did=life.did,
            quality=life.quality,
            **words,
        )
    )


def _somebody(dice: Dice) -> Person:
    return dice.pick(CHILDREN) if dice.chance(0.4) else dice.pick(ROLES).person


STORIES: tuple[tuple[float, Callable[[Dice], str]], ...] = (
    (4.0, portrait),
    (4.0, place),
    (2.0, lost_thing),
    (2.0, visit),
    (2.0, couple),
    (1.5, journey),
    (1.2, whose),
    (0.7, counting),
    (1.0, animal_story),
    (0.7, match),
    (0.8, lesson),
)
"""Every kind of story with the weight with which it is told."""
