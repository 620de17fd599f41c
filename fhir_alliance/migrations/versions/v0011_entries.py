"""What became of each entry of a transaction that an EHR took only in part."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("entries", sa.String(), nullable=True))
