"""The memory of the authorization server."""

from concurrent.futures import ThreadPoolExecutor

from smart_app.sandbox.auth.vault import Vault


def test_a_value_is_over_after_its_seconds() -> None:
    """A value can be read until its time is over, and not at that moment or later."""
    now = [0.0]
    vault: Vault[str] = Vault(lambda: now[0])
    key = vault.put("here", seconds=10)

    now[0] = 9.9
    before = vault.get(key)
    now[0] = 10.0
    after = vault.get(key)

    assert (before, after) == ("here", None)


def test_a_value_is_taken_once() -> None:
    """Of many simultaneous takers exactly one gets the value."""
    vault: Vault[str] = Vault(lambda: 0.0)
    key = vault.put("one", seconds=10)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(vault.take, [key] * 64))

    assert sorted(value for value in taken if value) == ["one"]


def test_a_taken_key_is_free_again_only_after_its_time() -> None:
    """A key of the caller's own is refused while it is taken, and accepted afterwards."""
    now = [0.0]
    vault: Vault[bool] = Vault(lambda: now[0])
    first = vault.add("jti", True, seconds=5)
    second = vault.add("jti", True, seconds=5)

    now[0] = 5.0
    third = vault.add("jti", True, seconds=5)

    assert (first, second, third) == (True, False, True)


def test_what_is_over_does_not_pile_up() -> None:
    """Values that are over leave the memory when new ones come."""
    now = [0.0]
    vault: Vault[int] = Vault(lambda: now[0])
    for number in range(1000):
        now[0] = float(number)
        vault.put(number, seconds=10)

    assert len(vault._entries) == 10
