"""What a permission and a submission are bound to: the EHR's address, and the client with its keys."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("grants", sa.Column("fhir_base", sa.String(), nullable=True))
    op.add_column("grants", sa.Column("client_mark", sa.String(), nullable=True))
    op.add_column("submissions", sa.Column("fhir_base", sa.String(), nullable=True))
