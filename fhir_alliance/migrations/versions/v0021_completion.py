"""What figures of completion are counted by, and single forms that a patient is not asked."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("mode", sa.String(), nullable=True))
    op.add_column("submissions", sa.Column("device", sa.String(), nullable=True))
    op.add_column("assignments", sa.Column("clinic", sa.String(), nullable=False, server_default=""))
    op.add_column("patient_wishes", sa.Column("unasked", sa.String(), nullable=False, server_default=""))
