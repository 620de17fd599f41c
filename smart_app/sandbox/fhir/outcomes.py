"""What can go wrong on the FHIR server, and the OperationOutcome that says so.

FhirProblem
├── Malformed            400  the request cannot be understood
├── Unauthorized         401  no token, or one that is unknown or expired
├── Forbidden            403  the token's scopes do not allow this
├── NotFound             404  no such resource, or none the token may see
├── MethodNotAllowed     405  the interaction is not offered here
├── NotAcceptable        406  another format than JSON is wanted
├── Conflict             409  the id is taken
├── Gone                 410  this page of results can no longer be made
├── PreconditionFailed   412  another version is current, or the condition matches several
├── TooLarge             413  the body is over the limit
├── UnsupportedMedia     415  the body is not FHIR JSON
└── Unprocessable        422  well-formed, but not a resource that may be stored
"""

from collections.abc import Mapping
from typing import Any


class FhirProblem(Exception):
    """A refused request: `detail` says what to mend, `expression` where (FHIRPath), `headers` go with the answer."""

    status = 500
    code = "exception"

    def __init__(self, detail: str, *, expression: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.expression = expression
        self.headers = dict(headers or {})

    def outcome(self) -> dict[str, Any]:
        """Return the OperationOutcome for this problem (FHIR R4, http.html#rest-error)."""
        issue: dict[str, Any] = {"severity": "error", "code": self.code, "diagnostics": self.detail}
        if self.expression:
            issue["expression"] = [self.expression]
        return {"resourceType": "OperationOutcome", "issue": [issue]}

    def within(self, expression: str) -> "FhirProblem":
        """Return the same problem, located inside a larger body such as a Bundle entry."""
        return type(self)(f"{expression}: {self.detail}", expression=expression)


class Malformed(FhirProblem):
    """The request cannot be understood."""

    status = 400
    code = "invalid"


class Unauthorized(FhirProblem):
    """No access token, or one that is unknown or expired."""

    status = 401
    code = "login"


class Forbidden(FhirProblem):
    """The token's scopes do not allow this."""

    status = 403
    code = "forbidden"


class NotFound(FhirProblem):
    """There is no such resource, or none the token may see."""

    status = 404
    code = "not-found"


class MethodNotAllowed(FhirProblem):
    """The interaction is not offered here."""

    status = 405
    code = "not-supported"


class NotAcceptable(FhirProblem):
    """The client wants another format than JSON."""

    status = 406
    code = "not-supported"


class Conflict(FhirProblem):
    """The id is taken already."""

    status = 409
    code = "conflict"


class Gone(FhirProblem):
    """This page of results can no longer be made."""

    status = 410
    code = "not-found"


class PreconditionFailed(FhirProblem):
    """Another version is current, or the condition matches more than one resource."""

    status = 412
    code = "conflict"


class TooLarge(FhirProblem):
    """The body is over the limit."""

    status = 413
    code = "too-long"


class UnsupportedMedia(FhirProblem):
    """The body is not FHIR JSON."""

    status = 415
    code = "not-supported"


class Unprocessable(FhirProblem):
    """The body is well-formed, but not a resource that may be stored."""

    status = 422
    code = "processing"
