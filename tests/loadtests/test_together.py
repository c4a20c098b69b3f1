from loadtests.moves import Answer, Ask, Moves, Pause, Step, ask, pause
from loadtests.together import together


def question(path: str) -> Ask:
    return Ask(step=Step.BOARD, method="GET", path=path, headers={}, expected=frozenset({200}))


def walker(name: str, first: float, second: float) -> Moves[str]:
    yield from pause(first)
    yield from ask(question(f"{name}1"))
    yield from pause(second)
    yield from ask(question(f"{name}2"))
    return name


def walked(moves: Moves[list[str]], answer_seconds: float = 0.0) -> tuple[list[str], list[str], float]:
    """The outcomes, the questions in their order, and how long all of it took."""
    now = 0.0
    asked: list[str] = []
    answer: Answer | None = None
    while True:
        try:
            move = moves.send(answer)
        except StopIteration as done:
            return done.value, asked, now
        if isinstance(move, Pause):
            now, answer = now + move.seconds, None
        else:
            asked.append(move.path)
            answer = Answer(status=200, sent_at=now, received_at=now + answer_seconds)
            now += answer_seconds


def test_whoever_is_due_first_goes_on_first() -> None:
    outcomes, asked, took = walked(together([walker("a", 5, 10), walker("b", 1, 2)]))
    assert outcomes == ["a", "b"]
    assert asked == ["b1", "b2", "a1", "a2"]
    assert took == 15


def test_those_at_one_desk_begin_one_after_the_other() -> None:
    _, asked, took = walked(together([walker("a", 0, 0), walker("b", 0, 0)], apart_seconds=3))
    assert asked == ["a1", "a2", "b1", "b2"]
    assert took == 3


def test_time_that_answers_take_is_time_for_everybody() -> None:
    _, _, took = walked(together([walker("a", 0, 4), walker("b", 0, 4)]), answer_seconds=1)
    assert took == 7
