"""When the scheduler rings and for which task: all of it on this screen. No Django: it is what the scheduler loads."""

from celery.schedules import crontab

from tokentra.machine import heartbeats
from tokentra.machine.programs import worker_names

# what stands beside the entry, the task that is rung for, how often (seconds, or by the clock in UTC)
RINGS: tuple[tuple[str, str, float | crontab], ...] = (
    ("deliver mail", "accounts.tasks.deliver_mail", 15.0),
    ("close organizations", "accounts.tasks.close_organizations", 60.0),
    ("tidy accounts", "accounts.tasks.tidy_accounts", crontab(hour=3, minute=40)),
    ("wrap second factors anew", "accounts.tasks.rewrap_second_factors", 3600.0),
    ("look at domains", "accounts.tasks.look_at_domains", 3600.0),
    ("wrap sign-on secrets anew", "accounts.tasks.rewrap_sign_ons", 3600.0),
    ("add up events", "usage.tasks.add_up_events", 15.0),
    ("add up tags", "usage.tasks.add_up_tags", 15.0),
    ("move days", "usage.tasks.move_days", 15.0),
    ("fill samples", "usage.tasks.fill_samples", 15.0),
    ("make partitions", "usage.tasks.make_partitions", crontab(hour=0, minute=20)),
    ("forget events", "usage.tasks.forget_events", crontab(hour=2, minute=10)),
    ("audit rollups", "usage.tasks.audit_rollups", crontab(hour=3, minute=40)),
    ("sync what is due", "providers.tasks.sync_due", 15.0),
    ("wrap secrets anew", "providers.tasks.rewrap_secrets", 3600.0),
    ("tidy readings", "providers.tasks.tidy_readings", 3600.0),
    ("look at budgets", "budgets.tasks.look_at_budgets", 15.0),
    ("sweep reservations", "budgets.tasks.sweep_reservations", 30.0),
    ("look for alerts", "budgets.tasks.look_for_alerts", 15.0),
    ("deliver alerts", "budgets.tasks.deliver_alerts", 15.0),
    ("watch organizations", "budgets.tasks.watch_organizations", 300.0),
    ("wrap channel secrets anew", "budgets.tasks.rewrap_channel_secrets", 3600.0),
    ("tidy rooms", "budgets.tasks.tidy_rooms", crontab(hour=4, minute=20)),
    ("tidy alerts", "budgets.tasks.tidy_alerts", crontab(hour=4, minute=10)),
    ("follow up", "onboarding.tasks.follow_up", 300.0),
    ("forward journal", "onboarding.tasks.forward_journal", 15.0),
    ("tidy forwards", "onboarding.tasks.tidy_forwards", crontab(hour=3, minute=50)),
)


def beat_schedule() -> dict[str, dict[str, object]]:
    """As Celery wants it. A heartbeat goes by its worker's own queue, and is old after `heartbeats.KEPT_FOR`."""
    rings: dict[str, dict[str, object]] = {name: {"task": task, "schedule": every} for name, task, every in RINGS}
    for worker in worker_names():
        options = {"queue": heartbeats.queue(worker), "expires": heartbeats.KEPT_FOR}
        task = heartbeats.task(worker)
        rings[f"heartbeat {worker}"] = {"task": task, "schedule": heartbeats.INTERVAL, "options": options}
    return rings
