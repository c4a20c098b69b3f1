"""Tickets and passes: what was signed comes back, and nothing else does."""

import base64
import hmac
import json
from collections.abc import Callable

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.clock import ManualClock
from ecluse.domain.errors import Expired, Forged, TokenError, WrongRoom
from ecluse.tokens import Pass, PassSigner, SigningKey, Ticket, TicketSigner, new_id

NOW = 1_800_000_000
ROOM = "sarcelles"
KEY = SigningKey.from_secret("a first secret of more than sixteen characters")
OLD = SigningKey.from_secret("an older secret of more than sixteen characters")
STRANGER = SigningKey.from_secret("somebody else's secret, long enough as well")
TICKET = Ticket(room=ROOM, lane="main", id="AbCdEfGhI_-", number=2_822_894_198_560, epoch="q1w2e3r4", issued_at=NOW)
PASS = Pass(room=ROOM, session="AbCdEfGhI_-", lane="main", issued_at=NOW, expires_at=NOW + 600)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

patient = settings(deadline=None)
Read = Callable[[str], object]


def tickets(*keys: SigningKey, now: float = NOW) -> TicketSigner:
    return TicketSigner(keys or (KEY,), clock=ManualClock(now))


def passes(*keys: SigningKey, now: float = NOW) -> PassSigner:
    return PassSigner(keys or (KEY,), clock=ManualClock(now))


def read_ticket(token: str) -> object:
    return tickets().read(token, ROOM)


def read_pass(token: str) -> object:
    return passes().read(token, ROOM)


SIGNED: list[tuple[str, Read]] = [(tickets().sign(TICKET), read_ticket), (passes().sign(PASS), read_pass)]
both = pytest.mark.parametrize(("token", "read"), SIGNED, ids=["ticket", "pass"])


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def header_of(key: SigningKey) -> dict[str, object]:
    return {"alg": "HS256", "typ": "JWT", "kid": key.kid}


def jws(header: object, claims: object, secret: bytes, digest: str = "sha256") -> str:
    """A compact JWS over any header and claims, by hand."""
    body = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{body}.{b64(hmac.digest(secret, body.encode(), digest))}"


CLAIMS: dict[str, object] = {
    "iss": "ecluse", "aud": ROOM, "sub": PASS.session, "iat": NOW, "exp": NOW + 600, "lane": "main",
}  # fmt: skip


ids = st.text(ALPHABET, min_size=11, max_size=11)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40)


@patient
@given(
    room=names, lane=names, ticket_id=ids, drawn=st.booleans(), number=st.integers(0, 10**16 - 1),
    epoch=st.text(ALPHABET, min_size=8, max_size=8), age=st.integers(0, 86_400),
    person=st.none() | st.from_regex(r"(0|[1-9][0-9]{12})-[A-Za-z0-9_-]{22}", fullmatch=True),
)  # fmt: skip
def test_any_ticket_comes_back_as_it_was_signed(
    room: str, lane: str, ticket_id: str, drawn: bool, number: int, epoch: str, age: int, person: str | None
) -> None:
    ticket = Ticket(
        room=room, lane=lane, id=ticket_id, drawn=drawn, number=number, epoch=epoch, issued_at=NOW - age, person=person
    )  # fmt: skip
    token = tickets().sign(ticket)
    assert tickets().read(token, room) == ticket
    assert not set(token) & set(' ",;\\=')


@patient
@given(room=names, lane=names, session=ids, person=st.none() | st.text(max_size=80), age=st.integers(0, 3000))
def test_any_pass_comes_back_as_it_was_signed(room: str, lane: str, session: str, person: str | None, age: int) -> None:
    granted = Pass(
        room=room, session=session, lane=lane, person=person, issued_at=NOW - age, expires_at=NOW + 1
    )  # fmt: skip
    assert passes().read(passes().sign(granted), room) == granted


def test_new_ids_are_eleven_url_safe_characters_and_differ() -> None:
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(each) == 11 and set(each) <= set(ALPHABET) for each in made)


@both
def test_every_flipped_byte_is_refused(token: str, read: Read) -> None:
    read(token)
    for index in range(len(token)):
        for bit in (1, 2, 0x20):
            altered = token[:index] + chr(ord(token[index]) ^ bit) + token[index + 1 :]
            with pytest.raises(TokenError):
                read(altered)


@both
def test_every_exchanged_character_of_the_signature_is_refused(token: str, read: Read) -> None:
    # The last character of a base64 text has unused bits: several spellings decode to the same bytes.
    start = token.rindex(".") + 1
    for index in range(start, len(token)):
        for char in ALPHABET.replace(token[index], ""):
            with pytest.raises(Forged):
                read(token[:index] + char + token[index + 1 :])


@both
def test_every_shortened_token_is_refused(token: str, read: Read) -> None:
    for length in range(len(token)):
        with pytest.raises(Forged):
            read(token[:length])


@both
@pytest.mark.parametrize("tail", ["=", "==", "A", ".", ".A", " ", "\n", "\r\n", "\0", "~", "%00", "é", "x" * 2000])
def test_anything_appended_or_put_before_is_refused(token: str, read: Read, tail: str) -> None:
    for altered in (token + tail, tail + token):
        with pytest.raises(Forged):
            read(altered)


@both
def test_a_signature_written_in_another_base64_is_refused(token: str, read: Read) -> None:
    body, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    plain = base64.b64encode(raw).decode()
    spellings = {
        plain, plain.rstrip("="), signature + "=", raw.hex(), signature.upper(), signature.lower(),
        signature[:10] + "\n" + signature[10:], signature[:10] + "=" + signature[10:],
    } - {signature}  # fmt: skip
    for spelling in spellings:
        with pytest.raises(Forged):
            read(f"{body}.{spelling}")


@both
@pytest.mark.parametrize("digits", ["٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९"])
def test_digits_of_other_scripts_are_refused(token: str, read: Read, digits: str) -> None:
    altered = token.translate(str.maketrans("0123456789", digits))
    assert altered != token
    with pytest.raises(Forged):
        read(altered)


def test_a_ticket_whose_fields_are_not_of_its_grammar_is_refused_even_when_signed() -> None:
    signer = tickets()._signers[0]
    good = "1~sarcelles~main~AbCdEfGhI_-~n~5~q1w2e3r4~1800000000"
    assert isinstance(read_ticket(signer.sign(good.encode()).decode()), Ticket)
    for bad in (
        good.replace("1~s", "2~s"), good.replace("~n~", "~x~"), good.replace("~5~", "~05~"), good.replace("~5~", "~-5~"),
        good.replace("~5~", "~5.0~"), good.replace("~5~", "~1e3~"), good.replace("~5~", "~" + "9" * 17 + "~"),
        good + f"~0-{'A' * 22}", good.replace("1~s", "2~s") + "~0-short", good.replace("1~s", "2~s") + f"~00-{'A' * 22}",
        good.replace("1~s", "2~s") + f"~-{'A' * 22}", good.replace("1~s", "2~s") + "~", good + "~",
        good.replace("AbCdEfGhI_-", "short"), good + "~more", good + "\n", good.replace("main", "MAIN"), "", "~" * 7,
    ):  # fmt: skip
        with pytest.raises(Forged):
            read_ticket(signer.sign(bad.encode()).decode())


@both
def test_a_token_of_one_room_opens_no_other(token: str, read: Read) -> None:
    for other in ("evry", "sarcelle", "sarcelles2", "Sarcelles", ""):
        with pytest.raises(WrongRoom):
            (tickets() if read is read_ticket else passes()).read(token, other)


@pytest.mark.parametrize("keys", [(KEY,), (KEY, OLD), (OLD, KEY)])
def test_a_ticket_is_no_pass_and_a_pass_no_ticket_under_any_key_of_the_list(keys: tuple[SigningKey, ...]) -> None:
    for key in keys:
        with pytest.raises(Forged):
            passes(*keys).read(tickets(key).sign(TICKET), ROOM)
        with pytest.raises(Forged):
            tickets(*keys).read(passes(key).sign(PASS), ROOM)


def test_the_signature_of_a_ticket_cannot_be_put_under_a_pass() -> None:
    ticket, granted = tickets().sign(TICKET), passes().sign(PASS)
    with pytest.raises(Forged):
        read_pass(granted.rpartition(".")[0] + "." + ticket.rpartition(".")[2])
    with pytest.raises(Forged):
        read_ticket(ticket.rpartition(".")[0] + "." + granted.rpartition(".")[2])


def test_a_pass_over_the_body_of_a_ticket_is_no_ticket() -> None:
    body = tickets().sign(TICKET).rpartition(".")[0]
    signed = f"{body}.{b64(hmac.digest(KEY.secret, body.encode(), 'sha256'))}"
    with pytest.raises(Forged):
        read_ticket(signed)


def test_a_ticket_lives_its_hours_and_no_second_more() -> None:
    token = tickets().sign(TICKET)
    assert tickets(now=NOW + 86_400).read(token, ROOM) == TICKET
    with pytest.raises(Expired):
        tickets(now=NOW + 86_401).read(token, ROOM)


def test_a_pass_ends_at_its_second() -> None:
    token = passes().sign(PASS)
    assert passes(now=NOW + 599.9).read(token, ROOM) == PASS
    with pytest.raises(Expired):
        passes(now=NOW + 600).read(token, ROOM)


def test_a_token_from_the_future_is_forged_but_for_clocks_that_differ_a_little() -> None:
    for signed, reader in ((tickets().sign(TICKET), tickets), (passes().sign(PASS), passes)):
        assert reader(now=NOW - 60).read(signed, ROOM)
        with pytest.raises(Forged):
            reader(now=NOW - 121).read(signed, ROOM)


def test_pyjwt_reads_our_pass() -> None:
    granted = Pass(**{**{name: getattr(PASS, name) for name in PASS.__slots__}, "person": "c0ffee"})
    token = passes().sign(granted)
    assert jwt.get_unverified_header(token) == header_of(KEY)
    claims = jwt.decode(
        token, KEY.secret, algorithms=["HS256"], audience=ROOM, issuer="ecluse",
        options={"verify_exp": False, "verify_iat": False, "require": ["exp", "aud", "iss", "sub", "iat"]},
    )  # fmt: skip
    assert claims == {**CLAIMS, "person": "c0ffee"}


def test_we_read_a_pass_that_pyjwt_signed_under_our_header() -> None:
    body = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header_of(KEY), CLAIMS))
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(body.encode(), algorithm.prepare_key(KEY.secret))
    token = f"{body}.{b64(signature)}"
    assert read_pass(token) == PASS
    assert token == passes().sign(PASS)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "JWT", "kid": KEY.kid},
        {"alg": "none"},
        {"alg": "RS256", "typ": "JWT", "kid": KEY.kid},
        {"alg": "HS384", "typ": "JWT", "kid": KEY.kid},
        {"alg": "hs256", "typ": "JWT", "kid": KEY.kid},
        {"alg": "HS256", "typ": "JWT"},
        {"alg": "HS256", "typ": "JWT", "kid": OLD.kid},
        {"alg": "HS256", "typ": "JWT", "kid": "../../dev/null"},
        {"alg": "HS256", "typ": "JWT", "kid": KEY.kid, "crit": ["exp"]},
        {"alg": "HS256", "typ": "JWT", "kid": KEY.kid, "jwk": {"kty": "oct", "k": "AAAA"}},
        {"kid": KEY.kid, "typ": "JWT", "alg": "HS256"},
    ],
    ids=str,
)
def test_a_pass_with_any_other_header_is_refused_even_under_the_right_key(header: dict[str, object]) -> None:
    digest = "sha384" if header["alg"] == "HS384" else "sha256"
    signed = jws(header, CLAIMS, KEY.secret, digest)
    for token in (signed, signed.rpartition(".")[0] + "."):
        with pytest.raises(Forged):
            read_pass(token)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"}, {"iss": None}, {"sub": 7}, {"sub": None}, {"lane": None}, {"lane": ["main"]},
        {"exp": str(NOW + 600)}, {"exp": None}, {"exp": NOW + 600.5}, {"iat": None}, {"iat": "yesterday"},
        {"person": 12}, {"person": {}},
    ],
    ids=str,
)  # fmt: skip
def test_a_pass_with_claims_of_the_wrong_kind_is_refused_even_when_signed(change: dict[str, object]) -> None:
    assert read_pass(jws(header_of(KEY), CLAIMS, KEY.secret)) == PASS
    with pytest.raises(Forged):
        read_pass(jws(header_of(KEY), {**CLAIMS, **change}, KEY.secret))


@pytest.mark.parametrize("audience", [[ROOM], [ROOM, "evry"], None, 7, "*"], ids=str)
def test_a_pass_for_several_rooms_or_none_opens_none(audience: object) -> None:
    with pytest.raises(WrongRoom):
        read_pass(jws(header_of(KEY), {**CLAIMS, "aud": audience}, KEY.secret))


@pytest.mark.parametrize("claims", [[], "text", 7, None], ids=str)
def test_claims_that_are_no_object_are_refused(claims: object) -> None:
    with pytest.raises(Forged):
        read_pass(jws(header_of(KEY), claims, KEY.secret))
