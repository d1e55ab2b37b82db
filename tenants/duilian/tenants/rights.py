"""Rights and the roles that carry them. A role is granted at a node of the organisation and holds below it."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    INTERVIEWS_READ = "interviews.read"
    INTERVIEWS_DECIDE = "interviews.decide"
    INVITATIONS_WRITE = "invitations.write"
    CONTENT_READ = "content.read"
    LABELS_READ = "labels.read"  # labelled answers, without their persons' names
    LABELS_WRITE = "labels.write"  # rate answers
    LABELS_ADJUDICATE = "labels.adjudicate"  # decide where two raters differ
    LABELS_MANAGE = "labels.manage"  # import history, undo it, take labels away as a file
    # What follows concerns the tenant as a whole and counts only when granted at the root.
    MEMBERS = "members"  # people, roles, organisation, consultants
    SETTINGS = "settings"  # brand, policy, single sign-on, retention
    KEYS = "keys"  # API keys, encryption keys
    AUDIT = "audit"  # the audit log
    BILLING = "billing"
    OPERATIONS = "operations"  # dead-letter list, replay
    LAB_READ = "lab.read"  # the measurement lab: figures, never single people
    LAB_MANAGE = "lab.manage"  # measure now, choose anchors, open calibration sessions, train models
    LAB_PROMOTE = "lab.promote"  # put a trained model into force, and take it back
    TENANT_DELETE = "tenant.delete"


TENANT_WIDE = frozenset(
    {
        Right.MEMBERS, Right.SETTINGS, Right.KEYS, Right.AUDIT, Right.BILLING, Right.OPERATIONS,
        Right.TENANT_DELETE, Right.LAB_READ, Right.LAB_MANAGE,
        Right.LAB_PROMOTE,
    }
)  # fmt: skip
_INTERVIEWS = frozenset({Right.INTERVIEWS_READ, Right.INTERVIEWS_DECIDE, Right.CONTENT_READ})
_LABELS = frozenset({Right.LABELS_READ, Right.LABELS_WRITE})

ROLES: dict[str, frozenset[Right]] = {
    "owner": frozenset(Right),
    "admin": frozenset(Right) - {Right.TENANT_DELETE},
    "recruiter": _INTERVIEWS
    | _LABELS
    | {Right.INVITATIONS_WRITE, Right.LABELS_ADJUDICATE, Right.LABELS_MANAGE},
    "interviewer": frozenset({Right.INTERVIEWS_READ, Right.CONTENT_READ}) | _LABELS,
    "department_manager": _INTERVIEWS | _LABELS | {Right.LABELS_ADJUDICATE},
    "billing_admin": frozenset({Right.BILLING}),
    "auditor": frozenset(
        {Right.AUDIT, Right.INTERVIEWS_READ, Right.CONTENT_READ, Right.LABELS_READ, Right.LAB_READ}
    ),
    # Labels of imported history, not of interviews: those need the right to read interviews too.
    "consultant": frozenset({Right.CONTENT_READ, Right.SETTINGS, Right.OPERATIONS, Right.LABELS_MANAGE})
    | _LABELS
    | {Right.LAB_READ, Right.LAB_MANAGE, Right.LAB_PROMOTE},
}
