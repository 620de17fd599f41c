"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _sign_in()
    _launches()
    _submissions()
    _audit()


def _sign_in() -> None:
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_sessions")),
    )
    op.create_table(
        "pending_launches",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("pre_hash", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_pending_launches")),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=True),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )


def _launches() -> None:
    op.create_table(
        "launches",
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("session_hash", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("user_reference", sa.String(), nullable=False),
        sa.Column("user_key", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("encounter", sa.String(), nullable=True),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("context", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_launches_grant_id_grants")),
        sa.ForeignKeyConstraint(["session_hash"], ["sessions.id_hash"], name=op.f("fk_launches_session_hash_sessions")),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_launches")),
    )
    op.create_index(op.f("ix_launches_session_hash"), "launches", ["session_hash"], unique=False)
    op.create_table(
        "handovers",
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("short_hash", sa.String(), nullable=False),
        sa.Column("from_launch", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["from_launch"], ["launches.handle"], name=op.f("fk_handovers_from_launch_launches")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_handovers")),
        sa.UniqueConstraint("short_hash", name=op.f("uq_handovers_short_hash")),
    )
    op.create_table(
        "drafts",
        sa.Column("launch", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("audience_digest", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["launch"], ["launches.handle"], name=op.f("fk_drafts_launch_launches")),
        sa.PrimaryKeyConstraint("launch", "form", name=op.f("pk_drafts")),
        sa.UniqueConstraint("key", name=op.f("uq_drafts_key")),
    )


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("encounter", sa.String(), nullable=True),
        sa.Column("launch", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("instrument_digest", sa.String(), nullable=False),
        sa.Column("answers_digest", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("audience_digest", sa.String(), nullable=False),
        sa.Column("therapist", sa.String(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_submissions_grant_id_grants")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_submissions")),
        sa.UniqueConstraint("key", name=op.f("uq_submissions_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_submissions_ehr_patient_sequence"), "submissions", ["ehr", "patient", "sequence"], unique=False
    )
    op.create_index(
        op.f("ix_submissions_state_next_attempt_at"), "submissions", ["state", "next_attempt_at"], unique=False
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["submission"], ["submissions.key"], name=op.f("fk_attempts_submission_submissions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attempts_submission"), "attempts", ["submission"], unique=False)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=True),
        sa.Column("launch", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    _append_only()


def _append_only() -> None:
    refused = "the audit trail is append-only"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
        )
        action = "EXECUTE FUNCTION audit_refuses()"
        op.execute(f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT {action}")
    else:
        action = f"BEGIN SELECT RAISE(ABORT, '{refused}'); END"
    for change in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit FOR EACH ROW {action}")
