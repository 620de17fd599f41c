"""A patient's drafts are the patient's, whatever launch they began in; who said "not today" is remembered."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"

_BEFORE = sa.text(
    "SELECT d.*, l.ehr, l.patient, l.encounter, l.role FROM drafts d JOIN launches l ON l.handle = d.launch "
    "ORDER BY d.updated_at DESC"
)


def upgrade() -> None:
    op.add_column("assignments", sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True))
    kept = [dict(row) for row in op.get_bind().execute(_BEFORE.columns(*_moments())).mappings()]
    op.drop_table("drafts")
    table = op.create_table(
        "drafts",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("encounter", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("held_by", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("audience_digest", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_drafts")),
        sa.UniqueConstraint(
            "ehr",
            "patient",
            "encounter",
            "form",
            "held_by",
            name=op.f("uq_drafts_ehr_patient_encounter_form_held_by"),
        ),
    )
    if kept:
        op.bulk_insert(table, _owned(kept))


def _moments() -> list[sa.Column[Any]]:
    names = ("launch", "form", "key", "audience_digest", "ehr", "patient", "encounter", "role")
    return [
        *(sa.Column(name, sa.String()) for name in names),
        sa.Column("version", sa.Integer()),
        sa.Column("answers", sa.LargeBinary()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
    ]


def _owned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each patient their drafts; of several of one form the latest is theirs, the others stay of their launch."""
    found, taken = [], set()
    for row in rows:
        launch, role = row.pop("launch"), row.pop("role")
        row["encounter"] = row["encounter"] or ""
        own = (row["ehr"], row["patient"], row["encounter"], row["form"])
        row["held_by"] = launch if role != "patient" or own in taken else ""
        taken |= {own} if role == "patient" else set()
        found.append({**row, "expires_at": None})
    return found
