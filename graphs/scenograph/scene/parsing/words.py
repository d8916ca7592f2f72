"""Closed word classes that the parsing rules go by."""

from __future__ import annotations

NUMBERS = {
    word: value
    for value, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "both": 2}

# "a group of people" is people; "a couple of" says two.
GROUPS = frozenset(
    """group bunch crowd lot number set pack herd flock row pile stack piece slice bit part kind type sort variety
    collection line series handful cluster assortment array couple pair dozen team range string strip load plenty
    gang mass school swarm sheet patch chunk""".split()
)
PAIRS = frozenset({"couple", "pair"})

# Nouns that with a preposition make a longer one: "in front of", "on the side of".
PLACES = frozenset(
    """front top left right side middle center centre edge back bottom corner end rear midst base inside outside
    foot tip""".split()
)

# N1 of N2 where N1 is the thing and N2 what it shows or holds; in other cases N1 is part of N2.
SHOWING = frozenset("picture photo photograph image view painting drawing portrait statue sign map scene".split())
HOLDING = frozenset(
    """cup glass bowl plate bottle box bag basket bucket pot jar can tray vase mug platter carton barrel case pan
    container dish jug bouquet loaf shelf game body pool sea""".split()
)

# Words that name no object of a scene.
EMPTY_NOUNS = frozenset(
    """way something anything everything nothing lot kind sort type thing time day today while other another one
    others front top left right each""".split()
)
PERSON_PRONOUNS = frozenset("someone somebody anyone anybody everyone everybody".split())

MALE = frozenset({"he", "him", "his", "himself"})
FEMALE = frozenset({"she", "her", "hers", "herself"})
NEUTER = frozenset({"it", "its", "itself"})
PLURAL = frozenset({"they", "them", "their", "themselves", "theirs"})
RELATIVE = frozenset({"who", "whom", "that", "which", "whose"})

# "tries to catch": the second verb is what one sees.
CONTROL = frozenset(
    """try attempt prepare begin start get go want wait need continue appear seem learn decide plan look pretend
    struggle help stop keep come use manage""".split()
)

TINTS = frozenset("light dark bright pale deep".split())
COLOURS = frozenset(
    """red orange yellow green blue purple pink brown tan beige white black grey gray gold golden silver blond blonde
    maroon teal turquoise navy khaki cream lavender violet crimson""".split()
)
# Nouns that in front of another noun say what it is made of or looks like.
STUFF = COLOURS | frozenset(
    """brick metal stone concrete cement wood wooden plastic glass leather steel iron gold silver paper denim rubber
    wicker marble straw plaid wool cardboard chrome clay granite tile baby toddler adult male female toy lone""".split()
)
NOT_ATTRIBUTES = frozenset(
    """other several many few various more some same own such different next first second third last entire whole
    certain another most much only front very left right top bottom""".split()
)

SAME = {"wood": "wooden", "blond": "blonde"}
# Adverbs that need a preposition to say where: "next to", "out of".
PLACE_ADVERBS = frozenset("next close adjacent opposite inside outside out away up down near across over off back".split())
