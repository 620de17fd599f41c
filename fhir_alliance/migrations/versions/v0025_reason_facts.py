"""What a reason to look rests on, sealed: one that was answered opens again when that changes."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("reasons", sa.Column("facts", sa.LargeBinary(), nullable=True))
