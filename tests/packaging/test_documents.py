"""What the documentation shows works as it stands there."""

import re
from pathlib import Path

from fhir_alliance.instruments.catalogue import installed

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pack_of_the_documentation_loads(tmp_path: Path) -> None:
    """The wording pack that a site copies is read without a fault, and its words and licence are the ones shown."""
    (shown,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "wording-packs.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "srs.en.yaml").write_text(shown, "utf-8")

    catalogue = installed(tmp_path)

    words = catalogue.instrument("srs").wordings["en"]
    assert catalogue.faults == ()
    assert words.anchors_of("4") == ("a lost hour", "a good hour")
    assert words.record is not None
    assert not words.text_in_ehr
