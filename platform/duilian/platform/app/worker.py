"""The worker: which tasks there are, and who listens to which event."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from duilian.billing.service import count_report, count_training
from duilian.customization.anchors.later import ANCHORS
from duilian.customization.labels import importing
from duilian.customization.labels.importing import PREDICT, Importer
from duilian.customization.labels.imports import IMPORT
from duilian.customization.training.costs import prices
from duilian.customization.training.unlearning import FORGET
from duilian.customization.vocabulary.service import LEARN
from duilian.infra import events, mail, telemetry
from duilian.infra.database import Database
from duilian.infra.jobs import Worker
from duilian.infra.objects import ObjectStore
from duilian.infra.seals import SealKey
from duilian.infra.settings import Settings
from duilian.infra.telemetry.instrumentation import instrument_engine, instrument_object_store
from duilian.platform.app import tables
from duilian.platform.console import account_letters
from duilian.platform.labelling.gather import GATHER, Gatherer, on_report
from duilian.platform.labelling.predict import Predictor
from duilian.platform.labelling.tidy import TIDY, Tidier
from duilian.platform.labelling.unlearner import Unlearner
from duilian.platform.measuring.anchoring import AnchorScorer
from duilian.platform.measuring.service import MEASURE, Measurer
from duilian.platform.media.recordings import Assembler
from duilian.platform.onboarding import drafts
from duilian.platform.privacy import recipients
from duilian.platform.privacy.closing import TenantEraser
from duilian.platform.privacy.erasing import ERASE, Eraser
from duilian.platform.privacy.retention import RETENTION, Retention
from duilian.platform.reports.compose import ReportComposer
from duilian.platform.reports.counterfactual import PROBE, Prober
from duilian.platform.revising.service import PROPOSE, REPLAY, Proposer
from duilian.platform.scoring.process import AnswerProcessor, give_up
from duilian.platform.scoring.rescore import RESCORE, Rescorer
from duilian.platform.scoring.shadow import ShadowScorer
from duilian.platform.scoring.shadowing import SHADOW
from duilian.platform.sessions.answering import PROCESS, REPORT
from duilian.platform.training import trainer
from duilian.platform.training.benches import bench_of
from duilian.platform.training.service import TRAIN
from duilian.platform.training.trainer import Trainer
from duilian.platform.vocabulary import learner
from duilian.platform.vocabulary.learner import VocabularyLearner
from duilian.serving.client import ServingClient
from duilian.tenants import domains, renewing
from duilian.tenants.audit_seals import SEAL, Sealer
from duilian.tenants.closures import DELETE
from duilian.tenants.keyring import Keyring, open_database, open_keyring
from duilian.tenants.renewing import Renewer
from duilian.tenants.rotation import RENEW

ERASE_DRAFTS = "onboarding.erase_drafts"
log = logging.getLogger(__name__)
LISTENERS: dict[str, list[events.Listener]] = {
    "report.ready": [count_report, on_report],
    "data.recall": [recipients.tell],
    "training.measured": [count_training],
}


async def run_worker(settings: Settings) -> None:
    """Until it is told to stop."""
    assert tables.metadata.tables
    telemetry.setup("duilian-worker", settings)
    keyring = open_keyring(settings)
    database = open_database(settings, keyring)
    instrument_engine(database.engine)
    instrument_object_store()
    async with ServingClient(settings.serving_url, settings.serving_token) as serving:
        try:
            await _worker(settings, database, keyring, serving).run(settings.worker_concurrency)
        finally:
            await database.close()
            telemetry.shutdown()


def _worker(settings: Settings, database: Database, keyring: Keyring, serving: ServingClient) -> Worker:
    store = ObjectStore(settings)
    assembler, seal_key = Assembler(database, store), SealKey(settings.audit_key_file)

    async def on_dead(task: str, tenant_id: UUID, arguments: dict[str, Any], error: BaseException) -> None:
        log.error("job given up", extra={"task": task, "error": type(error).__name__})
        if task == PROCESS:
            await give_up(database, tenant_id, **arguments)
        if task == RENEW:
            await renewing.give_up(database, tenant_id, **arguments)
        if task == IMPORT:
            await importing.give_up(database, tenant_id, **arguments)
        if task == TRAIN:
            await trainer.give_up(database, tenant_id, **arguments)
        if task == LEARN:
            await learner.give_up(database, tenant_id, **arguments)

    worker = Worker(settings.database_url, on_dead)
    worker.add(PROCESS, AnswerProcessor(database, store, assembler, serving).run)
    worker.add(RESCORE, Rescorer(database, store, serving).run)
    worker.add(REPORT, ReportComposer(database).run)
    worker.add(PROBE, Prober(database, store, serving).run)
    worker.add(events.DELIVER, events.deliverer(database, LISTENERS))
    worker.add(RENEW, Renewer(database, store, keyring).run)
    worker.add(SEAL, Sealer(database, seal_key).run)
    worker.add(mail.SEND, mail.sender(database, settings))
    worker.add(account_letters.RESET, account_letters.resetter(database, settings))
    worker.daily(SEAL, "00:10", database)
    worker.add(ERASE, Eraser(database, store).run)
    worker.add(RETENTION, Retention(database).run)
    worker.daily(RETENTION, "01:20", database)
    worker.add(DELETE, TenantEraser(database, store, keyring, seal_key).run)
    worker.add(domains.CHECK, domains.checker(database, settings.dns_resolvers))
    worker.daily(domains.CHECK, "02:40", database)
    worker.add(IMPORT, Importer(database, store, serving).run)
    worker.add(PREDICT, Predictor(database, store, serving).run)
    worker.add(GATHER, Gatherer(database).run)
    worker.add(TIDY, Tidier(database, store).run)
    worker.daily(TIDY, "01:50", database)
    worker.add(FORGET, Unlearner(database, store).run)
    worker.daily(FORGET, "02:10", database)
    worker.add(MEASURE, Measurer(database).run)
    worker.daily(MEASURE, "03:10", database)
    worker.add(ANCHORS, AnchorScorer(database, store, serving).run)
    worker.daily(ANCHORS, "03:40", database)
    bench, price = bench_of(settings), prices(settings.core_hour_price)
    worker.add(TRAIN, Trainer(database, store, serving, settings, bench, price).run)
    worker.add(LEARN, VocabularyLearner(database, store, serving).run)
    proposer = Proposer(database)
    worker.add(PROPOSE, proposer.run)
    worker.daily(PROPOSE, "04:10", database)
    worker.add(REPLAY, proposer.replay)
    worker.add(SHADOW, ShadowScorer(database, store, serving).run)
    worker.hourly(ERASE_DRAFTS, lambda: drafts.erase_old(database))
    return worker
