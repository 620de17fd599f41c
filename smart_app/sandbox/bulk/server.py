"""The addresses of bulk exports: kick-off, status, files, deletion; each with the token of the client that began it."""

import gzip
from math import ceil
from time import time
from wsgiref.handlers import format_date_time

from flask import Blueprint, Response, g, jsonify, request

from smart_app.sandbox.auth.vault import Clock
from smart_app.sandbox.bulk.exports import Exports, manifest
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.outcomes import Malformed, NotFound
from smart_app.sandbox.fhir.store import ResourceStore

POLL_SECONDS = 1
"""How often a status may be asked for: who asks earlier is told to wait (429)."""


def add_bulk(fhir: Blueprint, store: ResourceStore, config: SandboxConfig, *, clock: Clock = time) -> None:
    """Add the addresses to the FHIR server, whose tokens and errors hold for them as well."""
    exports = Exports(store, seconds=config.bulk_seconds, careless=config.allowed.careless_exports, clock=clock)

    @fhir.get("/Group/<group>/$export")
    def kick_off(group: str) -> Response:
        """Begin an export."""
        if "respond-async" not in request.headers.get("Prefer", ""):
            raise Malformed("an export needs the header Prefer: respond-async")
        key = exports.begin(g.access, group, list(request.args.items(multi=True)), request=request.url)
        return Response(status=202, headers={"Content-Location": f"{config.fhir_base}/bulk/{key}"})

    @fhir.get("/bulk/<key>")
    def status(key: str) -> Response:
        """Say how far an export is, or what came of it."""
        export = exports.get(key, g.access)
        now = clock()
        if now >= export.ready_at:
            answer = jsonify(manifest(export, lambda name: f"{config.fhir_base}/bulk/{key}/{name}"))
            answer.headers["Expires"] = format_date_time(export.until)
            return answer
        wait = str(max(POLL_SECONDS, ceil(export.ready_at - now)))
        too_soon = now < export.next_poll
        export.next_poll = now + POLL_SECONDS
        return Response(status=429 if too_soon else 202, headers={"Retry-After": wait, "X-Progress": "in progress"})

    @fhir.delete("/bulk/<key>")
    def end(key: str) -> Response:
        """Forget an export."""
        exports.get(key, g.access)
        exports.forget(key)
        return Response(status=202)

    @fhir.get("/bulk/<key>/<name>")
    def file(key: str, name: str) -> Response:
        """Give out one file, packed for who takes that."""
        export = exports.get(key, g.access)
        if name not in export.files or clock() < export.ready_at:
            raise NotFound("there is no such file")
        body = b"".join(line + b"\n" for line in export.files[name])
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return Response(
            gzip.compress(body) if packed else body, headers=headers, content_type="application/fhir+ndjson"
        )
