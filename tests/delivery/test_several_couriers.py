"""Several couriers on one database: each form is sent by one of them, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

FORMS = 20


def test_f09_each_form_is_sent_once(
    site: "Site", ehr: "FakeEhr", make_site: Callable[..., "Site"], accept: Callable[..., str]
) -> None:
    """Four couriers that take what is due at the same time send every form once, and none twice (F09)."""
    keys = [accept(key=str(UUID(int=number + 1))) for number in range(FORMS)]
    others = [make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token") for _ in range(3)]
    couriers: list[Any] = [each.courier for each in (site, *others)]

    def work(courier: Any) -> int:
        tried = 0
        while done := courier.deliver_due(site.clock.now):
            tried += done
        return tried

    with ThreadPoolExecutor(4) as threads:
        tried = list(threads.map(work, couriers))
    site.deliver()

    assert {site.standing(key) for key in keys} == {("delivered", None)}
    assert sum(tried) <= FORMS
    assert len(ehr.posts) == FORMS
    assert ehr.count()["QuestionnaireResponse"] == FORMS
