"""The words of the visit check-in, as the synthetic patients and therapists saw them."""

from collections.abc import Mapping

PATIENT: Mapping[int, str] = {
    1: "I felt at ease with my therapist today.",
    2: "My therapist could see how things look from my side.",
    3: "I could say even what was hard to say.",
    4: "I felt safe with my therapist today.",
    5: "My therapist and I want the same thing from our work.",
    6: "What we do in our visits could help me.",
    7: "I felt welcome with my therapist today.",
    8: "I had a say in how we used our time today.",
    9: "I can count on my therapist to be honest with me.",
    10: "What we are aiming for matters to me.",
    11: "My therapist acted as I think a therapist should.",
    12: "I know what to expect from our visits.",
}

THERAPIST: Mapping[int, str] = {
    1: "My patient felt at ease with me today.",
    2: "My patient felt I could see things from their side.",
    3: "My patient could say even what was hard to say.",
    4: "My patient felt safe with me today.",
    5: "My patient and I want the same thing from our work.",
    6: "My patient feels that what we do in our visits could help.",
}

GROUPS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("today", "About today's visit", (1, 2, 3, 4)),
    ("our-work", "About our work", (5, 6)),
    ("more-today", "More about today's visit", (7, 8)),
    ("more-our-work", "More about our work", (9, 10, 11, 12)),
)
"""(linkId, heading, items) of the groups on the form."""

HARDER = "Did anything today make it harder to work together?"
TALK = "Would you like to talk about it next time?"

ANSWERS: Mapping[str, str] = {
    **{str(number): str(number) for number in range(1, 10)},
    "0": "not true at all",
    "10": "completely true",
    "no": "no",
    "a-little": "a little",
    "yes": "yes",
}
"""Answer code -> the words shown for it."""

CAVEAT = "Unvalidated: no norms, no cut-offs, no reliable-change value; not a diagnosis, not for emergencies."

CLOSING = ("closing", "One last thing")
