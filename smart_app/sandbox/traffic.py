"""A log of the requests the sandbox has answered, kept in memory for tests and the demo."""

from collections import deque

from flask import Flask, Response, g, request

Traffic = deque[tuple[str, str, int, str | None]]
"""Method, path with query, status and client id of each call, oldest first."""


def log_traffic(app: Flask) -> Traffic:
    """Log the last 1,000 calls below /fhir and /auth in `app.extensions["sandbox_log"]` and return that log.

    The client id is the one the view left in `flask.g.client_id`.
    """
    traffic: Traffic = deque(maxlen=1000)
    app.extensions["sandbox_log"] = traffic

    @app.after_request
    def log(response: Response) -> Response:
        if request.path.startswith(("/fhir", "/auth")):
            path = request.full_path if request.query_string else request.path
            traffic.append((request.method, path, response.status_code, g.get("client_id")))
        return response

    return traffic
