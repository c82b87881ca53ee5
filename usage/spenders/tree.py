"""The calls of one run as a tree: each under the one that its sender names as its parent. Pure.

Of spans that are no calls nothing is kept, so that a call below one stands under the next call above it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

DEEPEST = 8  # levels that are drawn; what lies deeper stands at the last one

C = TypeVar("C")  # a call: id, ref, parent, above, amount, is_parent, currency


@dataclass(frozen=True)
class Node(Generic[C]):
    """`cost` is that of the call and all below it, in dollars; what was paid in others is not in it."""

    call: C
    depth: int
    below: int
    cost: Decimal

    @property
    def indent(self) -> int:
        return min(self.depth, DEEPEST)


def name_of(call: Any) -> str:
    return call.ref or str(call.id)


def grown(calls: Sequence[C]) -> list[Node[C]]:
    """In the order in which they are read, from above. A parent that is not here, or a circle, makes a root."""
    each: Sequence[Any] = calls
    names = {name_of(call) for call in each}
    by_id = {call.id: name_of(call) for call in each}
    children: dict[str, list[Any]] = defaultdict(list)
    roots: list[Any] = []
    for call in each:
        parent = call.parent if call.parent in names else by_id.get(call.above)
        if parent and parent != name_of(call):
            children[parent].append(call)
        else:
            roots.append(call)
    order: list[tuple[Any, int]] = []
    seen: set[int] = set()
    walk(roots, children, order, seen)
    for call in each:  # circles have no root: each begins at its first call
        if id(call) not in seen:
            walk([call], children, order, seen)
    return weighed(order)


def walk(roots: Iterable[Any], children: dict[str, list[Any]], order: list[tuple[Any, int]], seen: set[int]) -> None:
    waiting = [(call, 0) for call in reversed([*roots])]
    while waiting:
        call, depth = waiting.pop()
        if id(call) in seen:
            continue
        seen.add(id(call))
        order.append((call, depth))
        waiting += [(child, depth + 1) for child in reversed(children.get(name_of(call), []))]


def weighed(order: Sequence[tuple[Any, int]]) -> list[Node[Any]]:
    """From the end: what lies below each, as long as it lies deeper."""
    sums: list[tuple[int, Decimal]] = [(0, Decimal(0))] * len(order)
    path: list[int] = []
    for place, (call, depth) in enumerate(order):
        del path[depth:]
        path.append(place)
        own = Decimal(0) if call.is_parent or call.currency else call.amount or Decimal(0)
        for above in path:
            below, cost = sums[above]
            sums[above] = (below + (above != place), cost + own)
    return [Node(call, depth, *sums[place]) for place, (call, depth) in enumerate(order)]
