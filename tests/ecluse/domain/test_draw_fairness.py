"""Nobody is favoured by the draw: tests at a level of one in a million, on fixed draws."""

import math
import random
from collections import Counter
from hashlib import sha256

import pytest

from ecluse.domain import draw, merkle

SECRET = sha256(b"a secret of these tests").digest()


def tickets(n: int) -> list[str]:
    return sorted(sha256(f"{i}".encode()).hexdigest()[:11] for i in range(n))


def test_places_are_spread_evenly_by_chi_square() -> None:
    n, bins = 50_000, 20
    counts = Counter(int(each * bins) for each in draw.places(SECRET, tickets(n)))
    statistic = sum((counts[each] - n / bins) ** 2 / (n / bins) for each in range(bins))
    assert statistic < 66.1  # the 1 - 1e-6 quantile with 19 degrees of freedom


def test_places_are_spread_evenly_by_kolmogorov_and_smirnov() -> None:
    n = 50_000
    found = sorted(draw.places(SECRET, tickets(n)))
    distance = max(max((i + 1) / n - each, each - i / n) for i, each in enumerate(found))
    assert distance < math.sqrt(math.log(2 / 1e-6) / (2 * n))


def test_each_ticket_of_three_wins_as_often_over_many_draws() -> None:
    n, ids = 30_000, ["a", "b", "c"]
    first = Counter(draw.order(sha256(f"{i}".encode()).digest(), ids)[0][1] for i in range(n))
    assert sum((first[each] - n / 3) ** 2 / (n / 3) for each in ids) < 27.7  # 2 degrees of freedom


@pytest.mark.parametrize("salt", ["monday", "tuesday", "wednesday"])
def test_coming_early_is_worth_nothing(salt: str) -> None:
    """Spearman's correlation of the order of arrival and the rank, within 4.9 standard errors of none."""
    n = 20_000
    arrivals = [sha256(f"{salt}{i}".encode()).hexdigest()[:11] for i in range(n)]
    seed = draw.seed("evry", n, merkle.root(sorted(arrivals)), SECRET)
    rank = {each: i for i, (_, each) in enumerate(draw.order(seed, sorted(arrivals)))}
    apart = sum((i - rank[each]) ** 2 for i, each in enumerate(arrivals))
    assert abs(1 - 6 * apart / (n * (n * n - 1))) < 4.9 / math.sqrt(n - 1)


def test_ids_close_to_each_other_are_drawn_apart() -> None:
    """Ids that a bot would take one after the other: half of the pairs stand one way round."""
    n = 20_000
    found = draw.places(SECRET, [f"ticket-{i:06}" for i in range(n)])
    ways = sum(left < right for left, right in zip(found[::2], found[1::2], strict=True))
    assert abs(ways - n / 4) < 4.9 * math.sqrt(n / 8)


def test_the_order_in_which_the_list_was_gathered_changes_nothing() -> None:
    ids = tickets(500)
    shuffled = random.Random(5).sample(ids, len(ids))
    assert draw.order(SECRET, ids) == draw.order(SECRET, shuffled)
