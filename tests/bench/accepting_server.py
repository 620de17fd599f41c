"""The app as it is served, with one view more: the least that anybody could do to make something durable."""

import sys
from pathlib import Path

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy import Column, Integer, MetaData, Table, insert

from fhir_alliance.store import transaction
from smart_app.serving import AllianceServer
from smart_app.web.gates import launched
from smart_app.web.launches import ANSWERING, Launch

EMPTY = Table("bench_empty", MetaData(), Column("id", Integer, primary_key=True))


class BenchServer(AllianceServer):
    """Accepts forms, delivers none."""

    def load(self) -> Flask:
        """Add an empty durable insert to the app, behind the checks that every page of a launch has."""
        app = super().load()
        engine = app.extensions["alliance"].engine
        with transaction(engine) as connection:
            EMPTY.create(connection, checkfirst=True)

        @app.post("/l/<handle>/insert")
        @launched(*ANSWERING)
        def put(_: Launch) -> ResponseReturnValue:
            with transaction(engine) as connection:
                connection.execute(insert(EMPTY))
            return "", 204

        return app


if __name__ == "__main__":
    BenchServer(Path(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), threads=8, workers=1, deliver=False).run()
