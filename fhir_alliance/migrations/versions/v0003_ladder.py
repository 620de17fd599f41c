"""The rung of the write ladder that each submission takes, and what is written there instead."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("rung", sa.String(), nullable=False, server_default="observations"))
    op.add_column("submissions", sa.Column("pieces", sa.LargeBinary(), nullable=True))
    op.add_column("submissions", sa.Column("kept_until", sa.DateTime(timezone=True), nullable=True))
