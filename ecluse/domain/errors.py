"""Everything that can go wrong, drawn once. A class's docstring is its public message; the argument is for the log.

The core knows no status codes: `gateway.problems` gives every class here its row, and a test fails if one has none.
"""


class EcluseError(Exception):
    """Something went wrong on our side. Please try again in a moment."""

    retry_after_seconds: int | None = None

    @property
    def public(self) -> str:
        """What may be told to anybody."""
        return (type(self).__doc__ or "").strip()


class UnknownRoom(EcluseError):
    """There is no room of this name here."""


class UnknownLane(EcluseError):
    """This room has no lane of this name."""


class LaneClosed(EcluseError):
    """This lane is by invitation only. Choose another, or join with your invitation."""


class InvitationRefused(EcluseError):
    """This invitation is not valid here: it was altered, is of another room, has expired or was taken back."""


class InvitationUsed(EcluseError):
    """This invitation was used already. It gives one place only; who has that place keeps it."""


class InvitationQuota(EcluseError):
    """This issuer may not give so many invitations."""

    @property
    def public(self) -> str:
        """The general sentence, then how many are left."""
        return f"{super().public} {self}".strip()


class UnknownInvitation(EcluseError):
    """There are no such invitations."""


class PersonNeeded(EcluseError):
    """Places here belong to a person: join with your number in the field `person`. Nothing was sent on."""


class PersonInvalid(EcluseError):
    """This is not the number that is asked for here."""

    def __init__(self, text: str = "", fault: str = "form") -> None:
        super().__init__(text)
        self.fault = fault

    @property
    def public(self) -> str:
        """The general sentence, then what is wrong with this number."""
        return f"{super().public} {self}".strip()


class PersonKnown(EcluseError):
    """This number already has a place in this line. Send it again with `confirm` to get that very place."""


class PersonKeyChanged(EcluseError):
    """No new place can be given for a moment. Those already in line keep theirs; try again later."""

    retry_after_seconds = 60


class BadInput(EcluseError):
    """The request could not be read. Check the fields against the documentation and send it again."""

    @property
    def public(self) -> str:
        """The general sentence, then what was wrong with this request."""
        return f"{super().public} {self}".strip()


class BodyTooLarge(EcluseError):
    """The body is larger than this room accepts."""


class AmbiguousRequest(EcluseError):
    """This request can be read in more than one way, so it was refused. Send a plain path, one Host and one length."""


class TokenError(EcluseError):
    """This proof cannot be read. Join the line again to get a new one."""


class Forged(TokenError):
    """This ticket or pass was not issued here, or was altered. Join the line again to get a new one."""


class WrongRoom(TokenError):
    """This ticket or pass belongs to another room. Join the line of this room."""


class Expired(TokenError):
    """This ticket or pass is too old. Join the line again to get a new one."""


class NoTicket(EcluseError):
    """You have no place in this line yet. Join it first."""


class NotCalled(EcluseError):
    """It is not your turn yet. Your place is kept; try again in a few seconds."""


class LimitsFull(EcluseError):
    """It is your turn, and the limit is reached for a moment. Your call is kept; try again in a few seconds."""


class Missed(EcluseError):
    """Your turn passed before you entered. Join again with the same ticket: you get your place back, once."""


class Gone(EcluseError):
    """This ticket is finished: its turn was missed twice, it left, or its visit ended. Join the line again."""


class Moved(EcluseError):
    """Your place was moved to another device. If that was not you, take it back with its code."""


class Inside(EcluseError):
    """This place was used: somebody entered with it. It can be neither moved nor followed any more."""


class MistypedCode(EcluseError):
    """This code cannot be right. Check each character: twelve letters and digits, as on the ticket."""


class UnknownCode(EcluseError):
    """No place has this code. It may have expired, or belong to another line."""


class TooManyTries(EcluseError):
    """Too many tries in a short time. Wait a little, then try again."""

    retry_after_seconds = 60

    def __init__(self, *args: object, retry_after_seconds: int = 60) -> None:
        super().__init__(*args)
        self.retry_after_seconds = retry_after_seconds


class AddressesFull(EcluseError):
    """As many people asked to be told as can be. Your place is kept: keep the page open, or try again later."""


class ChangedTooOften(EcluseError):
    """For one ticket an address can be given five times. Your place is kept, and so is the last address."""


class RoomFull(EcluseError):
    """The line is as long as it may be. Try again later; those already in line keep their places."""

    retry_after_seconds = 60


class RoomClosed(EcluseError):
    """This room is closed. The page says when it opens and what else you can do."""

    retry_after_seconds = 300


class Waiting(EcluseError):
    """There is a line for this service. You have a place in it; wait for your turn at the addresses given."""


class PassNeeded(EcluseError):
    """There is a line for this service. Open the page itself first; images, styles and HEAD requests take no place."""


class FormNotSent(EcluseError):
    """Your form was NOT sent: there is a line for this service. Wait for your turn, then send the form again."""


class CrossSite(EcluseError):
    """This action must come from our own page, not from another site."""


class TooManyStreams(EcluseError):
    """Too many streams are open here. Poll the board instead."""

    retry_after_seconds = 10


class StoreAway(EcluseError):
    """The line cannot be reached for a moment. Places are kept; this page keeps trying."""

    retry_after_seconds = 5


class OriginAway(EcluseError):
    """The service behind the line does not answer. Your visit is kept; try again in a moment."""

    retry_after_seconds = 10


class OriginSlow(EcluseError):
    """The service behind the line took too long. Your visit is kept; try again in a moment."""

    retry_after_seconds = 10


class OriginBusy(EcluseError):
    """The service behind the line is busy. You do not go back to the line: try again in a few seconds."""

    retry_after_seconds = 5


class VisitTooFast(EcluseError):
    """Your visit is kept, but asks more often than it may: this request was NOT sent on. Wait, then send it again."""

    retry_after_seconds = 1

    def __init__(self, *args: object, retry_after_seconds: int = 1) -> None:
        super().__init__(*args)
        self.retry_after_seconds = retry_after_seconds


class KeyNeeded(EcluseError):
    """Send an operator key as Authorization: Bearer, or sign in."""


class SignInRefused(EcluseError):
    """This name and password are not accepted."""


class RoleTooLow(EcluseError):
    """Your key may look at this, not change it."""


class VersionConflict(EcluseError):
    """Somebody changed this room since you read it. Read it again, then repeat your change."""


class WrongMoment(EcluseError):
    """A draw takes its value from outside once: after its list of tickets is fixed, and before it is decided."""


class UnknownSession(EcluseError):
    """There is no such session."""


class AideKeyNeeded(EcluseError):
    """Send a helper key as Authorization: Bearer, or sign in with it."""


class RoomNotYours(EcluseError):
    """Your key is for other rooms than this one."""


class QuotaFull(EcluseError):
    """You hold as many places in this line as you may at once: one must be used or given up first."""


class UnknownPlace(EcluseError):
    """You hold no such place, or it is over."""


class NotFound(EcluseError):
    """There is nothing at this address."""


class MethodNotAllowed(EcluseError):
    """This address does not take this method."""
