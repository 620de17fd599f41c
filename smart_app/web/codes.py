"""Codes that a person reads from one screen and types at another."""

import secrets
from typing import Final

# No 0, O, 1, I, L: nobody should have to guess what a screen shows.
_ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def new_code(length: int) -> str:
    """Return a random code; each letter is worth almost five bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def plain_code(typed: str) -> str:
    """Return a typed code as it was made: case, spaces and hyphens do not matter."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())
