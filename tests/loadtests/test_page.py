import pytest

from loadtests.answers import WrongAnswer
from loadtests.page import read_page

PAGE = """<!doctype html><html><head>{refresh}</head><body>
<main id="main" tabindex="-1" data-room="prefecture" data-state="{state}" data-phase="open" data-now="1" data-id="AbCdEfGhI_-"
 data-ahead="{ahead}" data-words="{{&quot;a&quot;: &quot;b&quot;}}">
<form method="post" action="/_ecluse/rooms/prefecture/claim" data-form="claim"><button>Enter now</button></form>
</main></body></html>"""
REFRESH = '<noscript><meta http-equiv="refresh" content="17"></noscript>'


def body(state: str = "waiting", ahead: str = "41", refresh: str = REFRESH) -> bytes:
    return PAGE.format(state=state, ahead=ahead, refresh=refresh).encode()


def test_a_visitor_without_javascript_reads_state_and_reload_and_forms() -> None:
    page = read_page(body())
    assert page is not None
    assert (page.room, page.state, page.ahead, page.refresh_seconds) == ("prefecture", "waiting", 41, 17)
    assert page.forms == ("/_ecluse/rooms/prefecture/claim",)


def test_a_page_that_stopped_reloading_says_no_seconds() -> None:
    page = read_page(body(refresh=""))
    assert page is not None
    assert page.refresh_seconds is None


def test_the_page_of_the_origin_is_not_the_waiting_page() -> None:
    assert read_page(b"<main><h1>Slots</h1></main>") is None


@pytest.mark.parametrize("wrong", [body(state="lost"), body(ahead="-1"), body(refresh=REFRESH.replace("17", "0"))])
def test_a_page_that_says_what_cannot_be_is_a_wrong_answer(wrong: bytes) -> None:
    with pytest.raises(WrongAnswer, match="WaitingPage unreadable"):
        read_page(wrong)
