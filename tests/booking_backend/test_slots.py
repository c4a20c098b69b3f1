import pytest

from booking_backend.slots import Applicant, Draft, Mistake, parse_applicant


def parsed(name: str, number: str) -> Applicant | dict[str, Mistake]:
    return parse_applicant(Draft(name=name, file_number=number))


@pytest.mark.parametrize(
    "typed", ["75A1234567", "75a1234567", " 75 A 123-45.67 ", "75/A/1234567", "７５Ａ１２３４５６７", "٧٥A١٢٣٤٥٦٧"]
)
def test_a_file_number_is_read_however_it_is_spelled(typed: str) -> None:
    assert parsed("Amina", typed) == Applicant(name="Amina", file_number="75A1234567")


@pytest.mark.parametrize(
    ("typed", "mistake"),
    [
        ("", Mistake.NUMBER_MISSING),
        (" - ", Mistake.NUMBER_MISSING),
        ("123456789", Mistake.NUMBER_LENGTH),
        ("12345678901", Mistake.NUMBER_LENGTH),
        ("12345é7890", Mistake.NUMBER_ODD),
        ("12345;7890", Mistake.NUMBER_ODD),
        ("123456789\x00", Mistake.NUMBER_ODD),
    ],
)
def test_a_wrong_file_number_says_what_is_wrong(typed: str, mistake: Mistake) -> None:
    assert parsed("Amina", typed) == {"file_number": mistake}


@pytest.mark.parametrize("name", ["Ng", "U", "Jean-Noël d’Été", "أمينة ديالو", "李 小龙", "Nguyễn Thị Mai"])
def test_names_of_the_world_are_names(name: str) -> None:
    assert isinstance(parsed(name, "1234567890"), Applicant)


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("  ", Mistake.NAME_MISSING),
        ("1234", Mistake.NAME_ODD),
        ("Amina\u202e", Mistake.NAME_ODD),
        ("Amina\ud800", Mistake.NAME_ODD),
        ("a" * 101, Mistake.NAME_LONG),
    ],
)
def test_a_wrong_name_says_what_is_wrong(name: str, mistake: Mistake) -> None:
    assert parsed(name, "1234567890") == {"name": mistake}


def test_all_mistakes_are_told_at_once_in_the_order_of_the_form() -> None:
    assert parsed("", "") == {"name": Mistake.NAME_MISSING, "file_number": Mistake.NUMBER_MISSING}


def test_spaces_around_and_inside_a_name_are_tidied() -> None:
    assert parsed("  Amina \t  Diallo ", "1234567890") == Applicant(name="Amina Diallo", file_number="1234567890")
