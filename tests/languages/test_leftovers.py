"""English that is left on a page is found."""

from .leftovers import english_left

GERMAN = "<p>Wir haben Ihre Antworten erhalten.</p>"


def test_a_sentence_that_was_forgotten_is_found() -> None:
    """A whole message, a part of one with a name in it, and a question of the form each count; German does not."""
    assert english_left(GERMAN, "de") == []
    assert english_left(f"{GERMAN}<h2>You can close this page.</h2>", "de") == ["You can close this page."]
    assert english_left("<p>You can answer until <time>tomorrow</time>.</p>", "de") == ["You can answer until"]
    assert english_left("<legend>I felt safe with my therapist today.</legend>", "de") != []


def test_what_chooses_a_language_does_not_count() -> None:
    """The names of languages, styles and scripts are no words of the page."""
    assert english_left("<nav>You can close this page.</nav><style>You can close this page.</style>", "de") == []
