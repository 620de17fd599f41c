"""Corrections: which form a submission corrects, as which version, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("corrects", sa.String(), nullable=True))
    op.add_column("submissions", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("submissions", sa.Column("kind", sa.String(), nullable=False, server_default="original"))
    op.add_column("submissions", sa.Column("cause", sa.String(), nullable=True))
    op.add_column("submissions", sa.Column("asked_by", sa.String(), nullable=True))
    op.create_index(op.f("ix_submissions_corrects_version"), "submissions", ["corrects", "version"], unique=True)
