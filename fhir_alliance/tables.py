"""What is kept: every table, its columns and what is sealed in it."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


class Moment(sa.TypeDecorator[datetime]):
    """An instant, kept in UTC: what goes in carries an offset (else ValueError), what comes out carries UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an instant into UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored instant needs an offset")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give a stored instant its offset back, which SQLite does not keep."""
        return value and value.replace(tzinfo=UTC)


def _text(name: str, *more: Any, null: bool = False, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String, *more, nullable=null, **options)


def _moment(name: str, *, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Moment, nullable=null)


def _sealed(name: str, *, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=null)


sessions = sa.Table(
    "sessions",
    metadata,
    _text("id_hash", primary_key=True),
    _moment("created_at"),
    _moment("seen_at"),
    _moment("ended_at", null=True),
)

pending_launches = sa.Table(
    "pending_launches",
    metadata,
    _text("state_hash", primary_key=True),
    _text("pre_hash"),
    _text("ehr"),
    _sealed("payload"),
    _moment("created_at"),
    _moment("used_at", null=True),
)

# `client` names the registered client the permission was given to: only that one can refresh it. `fhir_base` and
# `client_mark` say which EHR and which client these were then, whatever the settings say later.
grants = sa.Table(
    "grants",
    metadata,
    _text("id", primary_key=True),
    _text("ehr"),
    _text("client"),
    _text("patient", null=True),
    _text("user"),
    _text("scopes"),
    _sealed("access_token"),
    _sealed("refresh_token", null=True),
    _moment("expires_at"),
    _moment("created_at"),
    _moment("ended_at", null=True),
    _text("fhir_base", null=True),
    _text("client_mark", null=True),
)

launches = sa.Table(
    "launches",
    metadata,
    _text("handle", primary_key=True),
    _text("session_hash", sa.ForeignKey("sessions.id_hash"), index=True),
    _text("ehr"),
    _text("role"),
    _text("user_reference"),
    _text("user_key"),
    _text("patient"),
    _text("encounter", null=True),
    _text("grant_id", sa.ForeignKey("grants.id")),
    _sealed("context"),
    _moment("confirmed_at", null=True),
    _moment("created_at"),
    _moment("seen_at"),
    _moment("ended_at", null=True),
)

# `launch` is where the form went on, `tablet` on which of the clinic's tablets, if it was one.
handovers = sa.Table(
    "handovers",
    metadata,
    _text("code_hash", primary_key=True),
    _text("short_hash", unique=True),
    _text("from_launch", sa.ForeignKey("launches.handle")),
    _text("form"),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("used_at", null=True),
    _text("launch", null=True),
    _text("tablet", null=True),
)

# A clinic's tablet, by what recognises its cookie; before that by what recognises the code that registers it.
tablets = sa.Table(
    "tablets",
    metadata,
    _text("id", primary_key=True),
    _text("name"),
    _text("code_hash", unique=True),
    _moment("invited_at"),
    _text("device_hash", null=True, unique=True),
    _moment("registered_at", null=True),
    _moment("removed_at", null=True),
)

# A link that a patient answers by without a sign-in: `link_hash` recognises it, its launch waits for who has it.
patient_links = sa.Table(
    "patient_links",
    metadata,
    _text("id", primary_key=True),
    _text("link_hash", unique=True),
    _text("launch", sa.ForeignKey("launches.handle"), unique=True),
    _text("ehr"),
    _text("patient"),
    _text("form"),
    _text("made_by"),
    _moment("made_at"),
    _moment("expires_at"),
    sa.Column("tries_left", sa.Integer, nullable=False),
    _moment("opened_at", null=True),
    _moment("revoked_at", null=True),
    sa.Index(None, "ehr", "patient"),
)

# A draft of a patient at home is theirs on every device; one on a device in other hands is `held_by` its launch alone.
# `encounter` is empty for a form about no visit; `expires_at` is when the form is not asked any more.
drafts = sa.Table(
    "drafts",
    metadata,
    _text("key", primary_key=True),
    _text("ehr"),
    _text("patient"),
    _text("encounter"),
    _text("form"),
    _text("held_by"),
    sa.Column("version", sa.Integer, nullable=False),
    _sealed("answers"),
    _text("audience_digest"),
    _moment("started_at"),
    _moment("updated_at"),
    _moment("expires_at", null=True),
    sa.UniqueConstraint("ehr", "patient", "encounter", "form", "held_by"),
)

# `launch` is no foreign key: a submission outlives the launch it came from. `payload` is all that there is to write;
# on a lesser rung `pieces` is what is written instead, and the payload is kept for the clinician's view. A response
# that others wrote has the `harvested_version` that was scored; its `response_id` is then known from the start.
# A correction is a submission of its own: `corrects` is the key of the first version of the form, which all later ones
# share in the chart; `cause` is why and `asked_by` who asked for it. `mode` is the way by which a form came to the
# person, `device` the kind of device that it was answered on.
submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    _text("key", unique=True),
    _text("ehr"),
    _text("patient"),
    _text("encounter", null=True),
    _text("launch"),
    _text("grant_id", sa.ForeignKey("grants.id")),
    _text("form"),
    _text("rater"),
    sa.Column("declined", sa.Boolean, nullable=False),
    _text("instrument_digest"),
    _text("answers_digest"),
    _text("language"),
    _text("audience_digest"),
    _text("therapist", null=True),
    _sealed("payload"),
    _sealed("shown"),
    _text("state"),
    _text("reason", null=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    _moment("next_attempt_at"),
    _moment("leased_until", null=True),
    _text("lease_owner", null=True),
    _moment("accepted_at"),
    _moment("delivered_at", null=True),
    _text("response_id", null=True),
    _text("rung", server_default="observations"),
    _sealed("pieces", null=True),
    _moment("kept_until", null=True),
    _text("fhir_base", null=True),
    _text("corrects", null=True),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    _text("kind", server_default="original"),
    _text("cause", null=True),
    _text("asked_by", null=True),
    _text("harvested_version", null=True),
    _text("mode", null=True),
    _text("device", null=True),
    sa.Index(None, "ehr", "patient", "sequence"),
    sa.Index(None, "ehr", "therapist", "patient"),
    sa.Index(None, "ehr", "response_id", "harvested_version", unique=True),
    sa.Index(None, "state", "next_attempt_at"),
    sa.Index(None, "corrects", "version", unique=True),
    sqlite_autoincrement=True,
)

# `entries` are the statuses of a transaction's entries, as JSON, where the EHR did not give all of them the same.
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("submission", sa.ForeignKey("submissions.key"), index=True),
    _moment("started_at"),
    _text("step"),
    _text("outcome", null=True),
    sa.Column("status", sa.Integer, nullable=True),
    _text("entries", null=True),
    sqlite_autoincrement=True,
)

# Whether somebody has to act on an answer, and who did; `said` holds the answers in words.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("submission", sa.ForeignKey("submissions.key"), unique=True),
    _text("ehr"),
    _text("patient"),
    _sealed("said"),
    _moment("answered_at"),
    _moment("opened_at"),
    _moment("notified_at", null=True),
    _moment("escalated_at", null=True),
    _moment("acknowledged_at", null=True),
    _text("acknowledged_by", null=True),
    _text("change", null=True),
    _moment("changed_at", null=True),
    _moment("withdrawn_told_at", null=True),
    sa.Index(None, "ehr", "patient"),
    sa.Index(None, "acknowledged_at"),
    sqlite_autoincrement=True,
)

alert_attempts = sa.Table(
    "alert_attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False, index=True),
    _text("kind"),
    _moment("started_at"),
    _text("outcome", null=True),
    sqlite_autoincrement=True,
)

# Programs that read at our own FHIR endpoint: what they hold, and the proofs they have used already.
reader_tokens = sa.Table(
    "reader_tokens",
    metadata,
    _text("token_hash", primary_key=True),
    _text("reader"),
    _text("scopes"),
    _moment("expires_at"),
)

reader_proofs = sa.Table(
    "reader_proofs",
    metadata,
    _text("jti_hash", primary_key=True),
    _moment("expires_at"),
)

# What was found out about an EHR: a row for each time that it was different; `facts` is a JSON list of words.
ehr_findings = sa.Table(
    "ehr_findings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("ehr"),
    _text("kind"),
    _text("facts"),
    _moment("found_at"),
    _moment("checked_at"),
    sa.Index(None, "ehr", "kind"),
    sqlite_autoincrement=True,
)

# A row while something waits for longer than a level at an EHR; `claimed_until` keeps others from telling of it too.
backlog_alarms = sa.Table(
    "backlog_alarms",
    metadata,
    _text("ehr", primary_key=True),
    _text("level", primary_key=True),
    _moment("opened_at"),
    _moment("told_at", null=True),
    _moment("claimed_until", null=True),
    sa.Column("tries", sa.Integer, nullable=False),
)

# An administrator's one-time link, and the session that it began.
admissions = sa.Table(
    "admissions",
    metadata,
    _text("link_hash", primary_key=True),
    _text("name"),
    _moment("made_at"),
    _text("session_hash", null=True, unique=True),
    _moment("begun_at", null=True),
    _moment("seen_at", null=True),
    _moment("ended_at", null=True),
)

# How far the responses of others were looked for at an EHR, and what became of those that are not scored.
harvest_rounds = sa.Table(
    "harvest_rounds",
    metadata,
    _text("ehr", primary_key=True),
    _moment("looked_until"),
    _moment("tried_at"),
)

harvest_refusals = sa.Table(
    "harvest_refusals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("ehr"),
    _text("response"),
    _text("version"),
    _text("patient", null=True),
    _text("reason"),
    _moment("found_at"),
    sa.UniqueConstraint("ehr", "response", "version"),
    sa.Index(None, "ehr", "patient"),
    sqlite_autoincrement=True,
)

# A form that was found due about a visit, each once, by a `schedule` of the settings; what became of it is read from
# the submissions.
assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("ehr"),
    _text("patient"),
    _text("encounter"),
    _text("form_url"),
    _text("form"),
    _text("rater"),
    sa.Column("number", sa.Integer, nullable=False),
    _text("why"),
    _text("trigger"),
    _moment("opens_at"),
    _moment("closes_at"),
    _moment("assigned_at"),
    _moment("cancelled_at", null=True),
    _text("cancelled_why", null=True),
    _moment("declined_at", null=True),
    _text("schedule", server_default="site"),
    _text("clinic", server_default=""),
    _text("therapist", server_default=""),
    sa.UniqueConstraint("ehr", "patient", "encounter", "form_url"),
    sa.Index(None, "ehr", "therapist"),
    sa.Index(None, "closes_at"),
    sqlite_autoincrement=True,
)

# A reminder of a form, so many hours after it opens, written down before it is sent: each once, whatever happens. Its
# `link_hash` recognises the address in it, which leads where `link` does; without an `outcome` nobody knows.
reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("assignment", sa.Integer, sa.ForeignKey("assignments.id"), primary_key=True),
    sa.Column("hours", sa.Integer, primary_key=True),
    _moment("begun_at"),
    _text("link", sa.ForeignKey("patient_links.id"), null=True),
    _text("link_hash", null=True, unique=True),
    _text("outcome", null=True),
)

# What may have changed about a visit, or an appointment, by its reference: `wanted_at` is when it is looked at next,
# NULL while there is no reason to; `fingerprint` is of what it was like then.
visit_looks = sa.Table(
    "visit_looks",
    metadata,
    _text("ehr", primary_key=True),
    _text("reference", primary_key=True),
    _text("trigger"),
    _text("fingerprint"),
    _moment("wanted_at", null=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    _moment("looked_at", null=True),
    sa.Index(None, "ehr", "wanted_at"),
)

# What is agreed with a patient about being asked, where that differs from the site's schedule; `unasked` are the
# canonicals (without version) of forms that are not asked, with spaces between them.
patient_wishes = sa.Table(
    "patient_wishes",
    metadata,
    _text("ehr", primary_key=True),
    _text("patient", primary_key=True),
    sa.Column("pause_first", sa.Date, nullable=True),
    sa.Column("pause_last", sa.Date, nullable=True),
    sa.Column("never", sa.Boolean, nullable=False),
    _text("schedule"),
    sa.Column("unreminded", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("unasked", server_default=""),
)

# How far the visits of an EHR were looked through.
visit_rounds = sa.Table(
    "visit_rounds",
    metadata,
    _text("ehr", primary_key=True),
    _moment("looked_until"),
    _moment("tried_at"),
)

# An assignment as a Task in the EHR: `told` is the digest of what was sent last, written down before it is sent,
# `held` of what the EHR had when it was read back.
task_mirrors = sa.Table(
    "task_mirrors",
    metadata,
    _text("ehr", primary_key=True),
    sa.Column("assignment", sa.Integer, primary_key=True, autoincrement=False),
    _text("shape", primary_key=True),
    _text("task", null=True),
    _text("told"),
    _text("held"),
    _text("state"),
    _text("reason", null=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    _moment("next_at"),
)

# The Subscription by which an EHR tells of visits: all up to `last_event` was heard, nothing after `highest_event`.
visit_subscriptions = sa.Table(
    "visit_subscriptions",
    metadata,
    _text("ehr", primary_key=True),
    _text("topic"),
    _text("secret_hash"),
    _text("subscription", null=True),
    _text("state"),
    sa.Column("last_event", sa.BigInteger, nullable=False),
    sa.Column("highest_event", sa.BigInteger, nullable=False),
    _moment("asked_at"),
    _moment("checked_at"),
    _moment("heard_at", null=True),
)

# A reason to look that a therapist was shown, by `key` out of all that it is about; newer data makes another row. It is
# `raised` as long as the view shows it, and quiet once it has an answer.
reasons = sa.Table(
    "reasons",
    metadata,
    _text("key", primary_key=True),
    _text("ehr"),
    _text("patient"),
    _text("therapist"),
    _text("code"),
    _text("rater"),
    _text("reason"),
    _text("rules"),
    _text("rests_on"),
    _text("look"),
    _moment("raised_at"),
    sa.Column("raised", sa.Boolean, nullable=False),
    _sealed("answer", null=True),
    _text("answered_by", null=True),
    _moment("answered_at", null=True),
    _moment("kept_until"),
    _sealed("facts", null=True),
    sa.Index(None, "ehr", "patient"),
    sa.Index(None, "ehr", "therapist"),
)

# What a patient and a therapist agreed to try, one thing a visit, and how it went when they looked at it again.
agreements = sa.Table(
    "agreements",
    metadata,
    _text("key", primary_key=True),
    _text("ehr"),
    _text("patient"),
    _text("therapist"),
    _text("visit"),
    _sealed("choice"),
    _text("agreed_by"),
    _moment("agreed_at"),
    _sealed("outcome", null=True),
    _text("looked_by", null=True),
    _moment("looked_at", null=True),
    _moment("kept_until"),
    sa.Index(None, "ehr", "patient"),
)

# What clinicians did with a CDS Hooks card, by the card's uuid: nothing of a patient.
card_feedback = sa.Table(
    "card_feedback",
    metadata,
    _text("ehr", primary_key=True),
    _text("card", primary_key=True),
    _text("service"),
    _text("outcome"),
    _text("reason", null=True),
    _moment("given_at"),
    _moment("received_at"),
)

# Append-only: triggers of the first migration refuse every change.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _moment("at"),
    _text("event"),
    _text("actor"),
    _text("ehr"),
    _text("patient", null=True),
    _text("launch", null=True),
    _text("outcome"),
    _text("request_id", null=True),
    _text("previous"),
    _text("hash"),
    sqlite_autoincrement=True,
)
