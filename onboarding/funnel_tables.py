"""The tables of the funnel page: each is drawn on the page, and is a CSV file with the same cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.urls import reverse

from onboarding.funnel import Group, Report
from onboarding.funnel_sql import DIRECT, UNKNOWN
from onboarding.funnel_steps import BY_KEY, CONNECTED, LAST, SIGNUP, STEPS, STOPS, TARGETS, USES, By, Target
from tokentra.lib.csv_cells import line, safe
from tokentra.lib.money import DASH
from tokentra.lib.periods import Grain

MOST_ROWS = 20
COMPARED = ("People", "Provider or event", "First data", "Share at first data", "Median time", "90% within")
GRAINS = {Grain.DAY: "Day of sign-up", Grain.WEEK: "Week of sign-up, from Monday", Grain.MONTH: "Month of sign-up"}


@dataclass(frozen=True, slots=True)
class Cell:
    """`exact` is what the file says where people read a shorter form; `bar` is a length from 0 to 100."""

    text: str
    href: str = ""
    exact: str = ""
    bar: str = ""
    is_name: bool = False


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    headers: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    most: int = MOST_ROWS

    @property
    def shown(self) -> Sequence[Sequence[Cell]]:
        return self.rows[: self.most]

    @property
    def hidden(self) -> int:
        return len(self.rows) - len(self.shown)

    def csv(self) -> Iterator[str]:
        yield line(safe(header) for header in self.headers)
        for row in self.rows:
            yield line(safe(cell.exact or cell.text) for cell in row)


@dataclass(frozen=True, slots=True)
class Tile:
    """A target with what is true."""

    target: Target
    goal: str
    actual: str
    is_met: bool | None  # None: nobody to judge
    of: str
    recent: str = ""
    hrefs: tuple[tuple[str, str], ...] = ()

    @property
    def verdict(self) -> str:
        return "No figure yet" if self.is_met is None else "Target met" if self.is_met else "Target missed"


class Tables:
    def __init__(self, report: Report) -> None:
        self.report = report

    def people(self, **filters: str) -> str:
        return f"{reverse('admin:onboarding_funnel_people')}?{self.report.ask.query(**filters)}"

    def count(self, number: int, **filters: str) -> Cell:
        return Cell(f"{number:,}", self.people(**filters) if number else "", str(number))

    # the tables, in the order of the page

    def targets(self) -> Table:
        rows = [
            (
                Cell(t.target.label, is_name=True), Cell(t.goal), Cell(t.actual), Cell(t.verdict), Cell(t.of),
                Cell(t.recent), Cell(t.target.definition),
            )
            for t in self.tiles()
        ]  # fmt: skip
        headers = ("Metric", "Target", "Actual", "Verdict", "Of", "Left out", "Definition")
        return Table("targets", "Targets", headers, rows)

    def steps(self) -> Table:
        everybody = self.report.everybody
        rows, before = [], everybody.people
        for step in STEPS:
            here = everybody.reached.get(step.key, 0)
            name = f"{step.label} (optional)" if step.is_optional else step.label
            of_before = Cell(DASH, exact="") if step is SIGNUP else Cell(share(here, before))
            of_all = Cell(share(here, everybody.people), bar=width(here, everybody.people))
            missed = Cell(DASH) if step is SIGNUP else self.count(everybody.people - here, missed=step.key)
            rows.append((Cell(name, is_name=True), self.count(here, reached=step.key), of_before, of_all, missed))
            before = before if step.is_optional else here
        headers = ("Step", "People", "Of the last required step", "Of all sign-ups", "Not reached")
        return Table("steps", "Steps", headers, rows)

    def dropoff(self) -> Table:
        groups = self.report.by(By.FURTHEST)
        rows = []
        for key in STOPS:
            group = groups.get(key, Group())
            if key != LAST.key:
                gone = self.count(group.dropped, furthest=key, state="dropped")
                on_way = self.count(group.on_way, furthest=key, state="on_way")
                whole = self.report.everybody.dropped
                part = Cell(share(group.dropped, whole), bar=width(group.dropped, whole))
                rows.append((Cell(BY_KEY[key].label, is_name=True), gone, part, on_way))
        headers = ("Furthest step", "Dropped off", "Share of all dropped", "Still on the way")
        days = self.report.ask.days
        note = f"Dropped off: not at first data and not seen for {days} days. Seen since: still on the way."
        return Table("dropoff", "Where people stop", headers, rows, note)

    def cohorts(self) -> Table:
        rows = []
        for key, group in sorted(self.report.by(By.COHORT).items(), reverse=True):
            counts = [self.count(group.reached[s.key], cohort=key, reached=s.key) for s in STEPS]
            done = Cell(share(group.activated, group.people), bar=width(group.activated, group.people))
            rows.append((Cell(key, is_name=True), *counts, done, lasting(group.median)))
        headers = (GRAINS[self.report.ask.grain], *(s.label for s in STEPS), "Share at first data", "Median time")
        return Table("cohorts", "Cohorts", headers, rows, most=60)

    def compared(self, by: By, title: str) -> Table:
        """The largest first, those nobody knows anything of last."""
        groups = self.report.by(by).items()
        ordered = sorted(groups, key=lambda each: (each[0] == UNKNOWN, -each[1].people, each[0]))
        rows = []
        for key, group in ordered:
            only = {by.value: key}
            done = Cell(share(group.activated, group.people), bar=width(group.activated, group.people))
            rows.append((
                Cell(name_of(by, key), exact=key, is_name=True), self.count(group.people, **only),
                self.count(group.reached["provider"], reached="provider", **only),
                self.count(group.activated, reached="data", **only), done,
                lasting(group.median), lasting(group.p90),
            ))  # fmt: skip
        return Table(f"{by.value}s", title, (title.removeprefix("By ").capitalize(), *COMPARED), rows)

    def segments(self) -> Table:
        return self.compared(By.SEGMENT, "By segment")

    def paths(self) -> Table:
        return self.compared(By.PATH, "By path")

    def sources(self) -> Table:
        return self.compared(By.SOURCE, "By source")

    def adoption(self) -> Table:
        whole = self.report.everybody.people
        rows = []
        for use in USES:
            number = self.report.uses.get(use.event.value, 0)
            part = Cell(share(number, whole), bar=width(number, whole))
            rows.append((Cell(use.label, is_name=True), self.count(number, has=use.event.value), part))
        note = "Of the organizations that these people founded, whoever there did it."
        return Table("adoption", "What is in use", ("Use", "Organizations", "Share"), rows, note)

    def events(self) -> Table:
        journal = reverse("admin:accounts_journalentry_changelist")
        rows = [
            (
                Cell(event.value, is_name=True),
                Cell(f"{count:,}", f"{journal}?event={event.value}" if count else "", str(count)),
                moment(last),
            )
            for event, (count, last) in self.report.lines.items()
        ]
        note = "Lines written in the period, by everybody, sample workspaces included."
        return Table("events", "Journal events", ("Event", "Lines", "Latest"), rows, note, most=200)

    def tiles(self) -> list[Tile]:
        return [self.tile(target) for target in TARGETS]

    def tile(self, target: Target) -> Tile:
        everybody = self.report.everybody
        if target.below:
            actual, of = {
                "first_provider": (everybody.to_provider, everybody.connected),
                "first_data": (everybody.median, everybody.activated),
            }[target.key]
            step = {"first_provider": CONNECTED.key, "first_data": "data"}[target.key]
            return Tile(
                target,
                f"under {lasting(target.below).text}",
                lasting(actual).text,
                None if actual is None else actual < target.below,
                f"{of:,} of {everybody.people:,} people",
                hrefs=(("People", self.people(reached=step)),) if of else (),
            )
        verdict = everybody.verdicts.get(target.key)
        met, judged, recent = (verdict.met, verdict.judged, verdict.recent) if verdict else (0, 0, 0)
        links = (("Met", "yes", met), ("Not met", "no", judged - met), ("Left out", "recent", recent))
        return Tile(
            target,
            f"over {target.above}%",
            share(met, judged),
            met * 100 > (target.above or 0) * judged if judged else None,
            f"{met:,} of {judged:,} people",
            f"{recent:,} too recent, left out" if recent else "",
            tuple((label, self.people(**{target.key: answer})) for label, answer, number in links if number),
        )


KINDS = ("targets", "steps", "dropoff", "adoption", "cohorts", "segments", "paths", "sources", "events")


def share(part: int, whole: int) -> str:
    """With one place, so that 59.6 does not read as the 60 that it missed."""
    return f"{Decimal(part) * 100 / Decimal(whole):.1f}%" if whole else DASH


def width(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.2f}" if whole else "0"


def lasting(time: timedelta | None) -> Cell:
    """Two units at most, in words; whole seconds in a file."""
    if time is None:
        return Cell(DASH)
    seconds = int(time.total_seconds())
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60))
    first = next((place for place, (_, number) in enumerate(units) if number), len(units) - 1)
    told = [f"{number} {unit}" for unit, number in units[first : first + 2] if number]
    return Cell(" ".join(told) or "0 s", exact=f"{seconds} s")


def moment(at: datetime | None) -> Cell:
    return Cell(f"{at:%Y-%m-%d %H:%M}", exact=at.isoformat()) if at else Cell(DASH, exact="")


def name_of(by: By, key: str) -> str:
    if key == UNKNOWN:
        return "Not known yet"
    if by is By.SOURCE:
        return "Direct" if key == DIRECT else key
    return key.replace("_", " ").capitalize()
