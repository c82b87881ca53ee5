"""Restart what fell silent, and say what was restarted."""

from collections.abc import Callable

from tokentra.machine import heartbeats
from tokentra.machine.control import Control, State

SERVICES = ("postgres", "redis", "beat")
Say = Callable[[str], None]


class Watchdog:
    def __init__(self, control: Control, workers: tuple[str, ...], say: Say) -> None:
        self.control, self.workers, self.say = control, workers, say
        self.pids: dict[str, int] = {}

    def look(self) -> dict[str, State]:
        """Supervisor restarts what died; this notices it by the new process number."""
        states = self.control.states()
        for name, state in states.items():
            before = self.pids.get(name)
            if before and before != state.pid and state.pid:
                self.say(f"{name} ended unexpectedly and was started again (process {state.pid})")
            if state.pid:
                self.pids[name] = state.pid
        return states

    def wake(self) -> None:
        """A worker counts as silent only when it and all that it needs to be heard are up for long enough."""
        states = self.look()
        if not all(_is_grown(states[service]) for service in SERVICES if service in states):
            return
        grown = tuple(name for name in self.workers if _is_grown(states.get(name)))
        lost = heartbeats.silent(grown) if grown else set()
        if lost and lost == set(self.workers):
            lost = lost | {"beat"}  # nobody was heard: the scheduler may be the one that sleeps
        for name in sorted(lost):
            self.say(f"{name} was silent for {heartbeats.SILENCE:.0f} seconds and is started again")
            self.control.kill(name)
            self.pids.pop(name, None)


def _is_grown(state: State | None) -> bool:
    return state is not None and state.is_up and state.seconds_up > heartbeats.SILENCE
