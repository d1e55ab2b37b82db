"""The states of an interview and of an answer, and which may follow which.

interview: invited → consented → in_progress → submitted → reported
           invited | consented | in_progress → human_route (the candidate asked for a person, or refused recording)
           invited | consented | in_progress → expired (the deadline passed)
           any → erased (by request or retention: a skeleton is left)
answer:    pending → open → recording → saved → processed | failed, or skipped when the interview is handed in
           `failed` means: cannot be scored, with the reason in `failure`.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    INVITED = "invited"
    CONSENTED = "consented"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    REPORTED = "reported"
    HUMAN_ROUTE = "human_route"
    EXPIRED = "expired"
    ERASED = "erased"


UNFINISHED = frozenset({Status.INVITED, Status.CONSENTED, Status.IN_PROGRESS})


class AnswerState(StrEnum):
    PENDING = "pending"
    OPEN = "open"
    RECORDING = "recording"
    SAVED = "saved"
    PROCESSED = "processed"
    FAILED = "failed"
    SKIPPED = "skipped"


SETTLED = frozenset({AnswerState.PROCESSED, AnswerState.FAILED, AnswerState.SKIPPED})
ANSWERED = SETTLED | {AnswerState.SAVED}
