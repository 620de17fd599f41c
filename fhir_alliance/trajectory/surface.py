"""The response surface of outcome over patient's and therapist's ratings: for a cohort of many dyads, not for one."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class ResponseSurface:
    """z = b0 + b1*X + b2*Y + b3*X^2 + b4*X*Y + b5*Y^2, X the patient's and Y the therapist's centred rating.

    Along the line of agreement (X = Y) the surface has slope a1 and curvature a2, along the line of disagreement
    (X = -Y) slope a3 and curvature a4; a5 is whether the ridge lies on the line of agreement (RSA package).
    """

    b0: Decimal
    b1: Decimal
    b2: Decimal
    b3: Decimal
    b4: Decimal
    b5: Decimal

    def at(self, patient: Decimal, therapist: Decimal) -> Decimal:
        """Return the outcome that the surface has at a pair of ratings."""
        linear = self.b0 + self.b1 * patient + self.b2 * therapist
        return linear + self.b3 * patient**2 + self.b4 * patient * therapist + self.b5 * therapist**2

    @property
    def a1(self) -> Decimal:
        """Slope along the line of agreement."""
        return self.b1 + self.b2

    @property
    def a2(self) -> Decimal:
        """Curvature along the line of agreement."""
        return self.b3 + self.b4 + self.b5

    @property
    def a3(self) -> Decimal:
        """Slope along the line of disagreement."""
        return self.b1 - self.b2

    @property
    def a4(self) -> Decimal:
        """Curvature along the line of disagreement."""
        return self.b3 - self.b4 + self.b5

    @property
    def a5(self) -> Decimal:
        """How far the ridge is turned away from the line of agreement; 0 when it lies on it."""
        return self.b3 - self.b5
