"""The response surface against the worked numbers of reference 5.6."""

from decimal import Decimal

from fhir_alliance.trajectory.surface import ResponseSurface

from .cases import decimals, worked

CASE = worked("agreement")["surface"]


def test_worked_surface() -> None:
    """Slopes, curvatures and three points of the surface are those of the reference."""
    b0, b1, b2, b3, b4, b5 = decimals(CASE["b"])

    surface = ResponseSurface(b0=b0, b1=b1, b2=b2, b3=b3, b4=b4, b5=b5)

    assert [surface.a1, surface.a2, surface.a3, surface.a4, surface.a5] == decimals(CASE["a"])
    for point in CASE["at"]:
        assert surface.at(Decimal(point["x"]), Decimal(point["y"])) == point["z"]
