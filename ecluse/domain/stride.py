"""How lanes share the calls: stride scheduling (Waldspurger 1995), the sums that `call.lua` does inside Redis.

Every call costs its lane 1/weight; the lane that spent least is next. A lane that was empty starts level with the
others: it saves no credit, and its share goes to those who wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What each lane has spent, and how far the lanes together have come."""

    used: Mapping[str, float] = field(default_factory=dict)
    level: float = 0.0


def shared(
    most: int, waiting: Mapping[str, int], weights: Mapping[str, float], credit: Credit
) -> tuple[dict[str, int], Credit]:
    """How many to call from each lane, at most `most` together, and the credit after it."""
    busy = [credit.used.get(name, 0.0) for name, count in waiting.items() if count > 0]
    take = dict.fromkeys(waiting, 0)
    if not busy:
        return take, credit
    level = max(min(busy), credit.level)
    used = {name: max(credit.used.get(name, 0.0), level) for name in waiting}
    for _ in range(most):
        able = [name for name in waiting if take[name] < waiting[name]]
        if not able:
            break
        best = min(able, key=used.__getitem__)
        level = used[best]
        take[best] += 1
        used[best] += 1 / weights[best]
    spent = {**credit.used, **{name: used[name] for name in waiting if take[name] > 0}}
    return take, Credit(used=spent, level=level)
