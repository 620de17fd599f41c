"""All that a message to a patient says beside an address: nothing about health, the clinic or a visit."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Saying(StrEnum):
    """What is said: beside a link that the birth date opens, or beside the address of the portal."""

    LINK = "link"
    SIGN_IN = "sign-in"


WORDS: Final[Mapping[str, Mapping[Saying, str]]] = {
    "en": {
        Saying.LINK: "A form is waiting for you. You need your birth date to open it.",
        Saying.SIGN_IN: "A form is waiting for you. Sign in to open it.",
    },
    "es": {
        Saying.LINK: "Un formulario le espera. Para abrirlo necesita su fecha de nacimiento.",
        Saying.SIGN_IN: "Un formulario le espera. Inicie sesión para abrirlo.",
    },
    "de": {
        Saying.LINK: "Ein Fragebogen ist für Sie offen. Zum Öffnen brauchen Sie Ihr Geburtsdatum.",
        Saying.SIGN_IN: "Ein Fragebogen ist für Sie offen. Melden Sie sich an, um ihn zu öffnen.",
    },
    "fr": {
        Saying.LINK: "Un formulaire vous attend. Il faut votre date de naissance pour l’ouvrir.",
        Saying.SIGN_IN: "Un formulaire vous attend. Connectez-vous pour l’ouvrir.",
    },
    "hi": {
        Saying.LINK: "आपके लिए एक फ़ॉर्म बाकी है। खोलने के लिए आपकी जन्मतिथि चाहिए।",
        Saying.SIGN_IN: "आपके लिए एक फ़ॉर्म बाकी है। खोलने के लिए साइन इन करें।",
    },
}
"""The words by language, as a BCP 47 primary tag; English is always there."""


def words_in(languages: tuple[str, ...], saying: Saying) -> str:
    """Return the words in the first of some languages that there are words in, else in English."""
    spoken = next((each for each in languages if each in WORDS), "en")
    return WORDS[spoken][saying]
