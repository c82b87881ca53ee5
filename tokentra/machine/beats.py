"""When the scheduler rings for each worker's heartbeat."""

from tokentra.machine.heartbeats import INTERVAL
from tokentra.machine.programs import worker_names

BEATS = [(f"heartbeat {name}", f"tokentra.machine.heartbeat.{name}", INTERVAL) for name in worker_names()]
