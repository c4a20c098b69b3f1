"""The words of the booking pages in French and English, and which of the two a visitor reads.

A text that depends on a count has two keys, `.one` and `.other`. `{names}` in braces are filled in by `Words.say`.
"""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

from babel import Locale
from babel.dates import format_date, format_time

LANGUAGES = ("fr", "en")
_LOCALES = {"fr": "fr_FR", "en": "en_GB"}

FRENCH: Mapping[str, str] = {
    "office": "Rendez-vous en préfecture",
    "skip": "Aller au contenu",
    "error": "Erreur",
    "language": "Langue",
    "step": "Étape {number} sur 3",
    "services.title": "Pour quelle démarche venez-vous ?",
    "services.lead": "Choisissez une démarche pour voir les jours et les heures libres. Le rendez-vous est gratuit.",
    "services.full": "Complet pour le moment",
    "services.all_full": "Toutes les places sont prises. De nouvelles dates sont ouvertes chaque semaine.",
    "places.one": "{count} place libre",
    "places.other": "{count} places libres",
    "service.title": "Choisissez un jour et une heure",
    "service.days": "Jours",
    "service.times": "Heures libres le {day}",
    "service.none": "Il n’y a plus de place pour cette démarche. De nouvelles dates sont ouvertes chaque semaine.",
    "service.full_day": "Plus de place ce jour-là. Choisissez un autre jour.",
    "service.change": "Changer de démarche",
    "hold.title": "Vos informations",
    "hold.kept": "Cette place est gardée pour vous jusqu’à {time} ({left}).",
    "hold.lapsed": "Le temps est écoulé : la place n’est plus gardée. Confirmez quand même : "
    "si elle est encore libre, elle est à vous.",
    "hold.left.one": "encore {count} minute",
    "hold.left.other": "encore {count} minutes",
    "hold.more_time": "Il me faut plus de temps",
    "hold.change": "Choisir une autre heure",
    "hold.required": "Les deux informations sont nécessaires.",
    "hold.confirm": "Confirmer le rendez-vous",
    "field.name": "Nom et prénom",
    "field.name.hint": "Comme sur vos papiers.",
    "field.file_number": "Numéro de dossier",
    "field.file_number.hint": "10 chiffres ou lettres, par exemple 75A1234567. Il figure sur votre convocation "
    "ou votre titre.",
    "summary.title.one": "Une information est à corriger",
    "summary.title.other": "{count} informations sont à corriger",
    "booking.title": "Rendez-vous confirmé",
    "booking.lead": "Notez ou imprimez cette page : elle ne sera plus affichée une fois fermée.",
    "booking.reference": "Référence",
    "booking.service": "Démarche",
    "booking.when": "Date et heure",
    "booking.when_value": "{day} à {time}",
    "booking.bring": "Le jour du rendez-vous",
    "booking.bring_value": "Venez dix minutes avant, avec cette référence et les originaux de vos papiers.",
    "booking.end": "Votre visite est terminée : il n’y a rien d’autre à faire.",
    "refusal.title": "Cela n’a pas pu se faire",
    "refusal.back": "Revenir au choix de la démarche",
    "refusal.see_booking": "Voir mon rendez-vous",
    "refusal.taken": "Quelqu’un vient de prendre la dernière place à cette heure. Choisissez une autre heure.",
    "refusal.past": "Cette heure est passée. Choisissez une autre heure.",
    "refusal.no_slot": "Cette heure n’existe pas. Choisissez une heure dans la liste.",
    "refusal.no_hold": "Aucune place n’est gardée à cette adresse. Choisissez de nouveau une heure.",
    "refusal.lapsed": "Le temps est écoulé et quelqu’un d’autre a pris cette place. Choisissez une autre heure ; "
    "rien de ce que vous avez écrit n’est perdu.",
    "refusal.no_more_time": "Le temps a été prolongé dix fois déjà. Confirmez, ou choisissez une autre heure.",
    "refusal.already_booked": "Vous avez déjà un rendez-vous pour cette démarche pendant cette visite.",
    "refusal.number_used": "Ce numéro de dossier a déjà un rendez-vous pour cette démarche. Vérifiez le numéro ; "
    "s’il est juste, le rendez-vous pris reste valable.",
    "refusal.busy": "Le service est très chargé. Rien n’est perdu : réessayez dans quelques secondes.",
    "refusal.no_booking": "Il n’y a pas de rendez-vous à cette adresse pour cette visite.",
    "refusal.not_found": "Il n’y a rien à cette adresse.",
    "refusal.method": "Cette adresse ne s’utilise pas ainsi. Revenez au choix de la démarche.",
    "refusal.bad_form": "Le formulaire n’a pas pu être lu. Revenez en arrière et envoyez-le de nouveau.",
    "refusal.too_large": "Le formulaire envoyé est trop long. Revenez en arrière et raccourcissez les réponses.",
    "refusal.cross_site": "Ce formulaire vient d’un autre site : il a été refusé. Utilisez les pages de ce service.",
    "refusal.internal": "Une erreur est survenue de notre côté. Réessayez dans un instant.",
    "mistake.name_missing": "Écrivez votre nom et votre prénom.",
    "mistake.name_long": "Le nom est trop long : 100 caractères au plus.",
    "mistake.name_odd": "Le nom doit contenir des lettres, sans caractère spécial invisible.",
    "mistake.number_missing": "Écrivez votre numéro de dossier.",
    "mistake.number_length": "Le numéro de dossier a exactement 10 chiffres ou lettres. Comptez-les de nouveau.",
    "mistake.number_odd": "Le numéro de dossier ne contient que des chiffres et des lettres de A à Z.",
}

ENGLISH: Mapping[str, str] = {
    "office": "Prefecture appointments",
    "skip": "Skip to content",
    "error": "Error",
    "language": "Language",
    "step": "Step {number} of 3",
    "services.title": "What are you coming for?",
    "services.lead": "Choose a service to see the free days and times. The appointment is free of charge.",
    "services.full": "Full for now",
    "services.all_full": "Every place is taken. New dates open each week.",
    "places.one": "{count} place free",
    "places.other": "{count} places free",
    "service.title": "Choose a day and a time",
    "service.days": "Days",
    "service.times": "Free times on {day}",
    "service.none": "There is no place left for this service. New dates open each week.",
    "service.full_day": "No place left on that day. Choose another day.",
    "service.change": "Change service",
    "hold.title": "Your details",
    "hold.kept": "This place is kept for you until {time} ({left}).",
    "hold.lapsed": "The time is over: the place is no longer kept. Confirm all the same: "
    "if it is still free, it is yours.",
    "hold.left.one": "{count} minute left",
    "hold.left.other": "{count} minutes left",
    "hold.more_time": "I need more time",
    "hold.change": "Choose another time",
    "hold.required": "Both details are needed.",
    "hold.confirm": "Confirm the appointment",
    "field.name": "Full name",
    "field.name.hint": "As on your papers.",
    "field.file_number": "File number",
    "field.file_number.hint": "10 digits or letters, for example 75A1234567. It is on your letter or your permit.",
    "summary.title.one": "One detail needs correcting",
    "summary.title.other": "{count} details need correcting",
    "booking.title": "Appointment confirmed",
    "booking.lead": "Write this down or print this page: it is not shown again once closed.",
    "booking.reference": "Reference",
    "booking.service": "Service",
    "booking.when": "Date and time",
    "booking.when_value": "{day} at {time}",
    "booking.bring": "On the day",
    "booking.bring_value": "Come ten minutes early, with this reference and the originals of your papers.",
    "booking.end": "Your visit is finished: there is nothing more to do.",
    "refusal.title": "This could not be done",
    "refusal.back": "Back to the choice of service",
    "refusal.see_booking": "See my appointment",
    "refusal.taken": "Somebody has just taken the last place at this time. Choose another time.",
    "refusal.past": "This time has passed. Choose another time.",
    "refusal.no_slot": "There is no such time. Choose one from the list.",
    "refusal.no_hold": "No place is kept at this address. Choose a time again.",
    "refusal.lapsed": "The time ran out and somebody else took this place. Choose another time; "
    "nothing you typed is lost.",
    "refusal.no_more_time": "The time has been extended ten times already. Confirm now, or choose another time.",
    "refusal.already_booked": "You already have an appointment for this service in this visit.",
    "refusal.number_used": "This file number already has an appointment for this service. Check the number; "
    "if it is right, the appointment already made stands.",
    "refusal.busy": "The service is very busy. Nothing is lost: try again in a few seconds.",
    "refusal.no_booking": "There is no appointment at this address for this visit.",
    "refusal.not_found": "There is nothing at this address.",
    "refusal.method": "This address is not used that way. Go back to the choice of service.",
    "refusal.bad_form": "The form could not be read. Go back and send it again.",
    "refusal.too_large": "The form sent is too long. Go back and shorten the answers.",
    "refusal.cross_site": "This form comes from another site and was refused. Use the pages of this service.",
    "refusal.internal": "Something went wrong on our side. Try again in a moment.",
    "mistake.name_missing": "Write your full name.",
    "mistake.name_long": "The name is too long: 100 characters at most.",
    "mistake.name_odd": "The name must contain letters and no invisible special character.",
    "mistake.number_missing": "Write your file number.",
    "mistake.number_length": "The file number has exactly 10 digits or letters. Count them again.",
    "mistake.number_odd": "The file number has only digits and letters from A to Z.",
}

CATALOGS: Mapping[str, Mapping[str, str]] = {"fr": FRENCH, "en": ENGLISH}


class Words:
    """One language, on the clock of one office."""

    def __init__(self, lang: str, zone: tzinfo) -> None:
        self.lang = lang
        self._texts = CATALOGS[lang]
        self._locale = Locale.parse(_LOCALES[lang])
        self._zone = zone

    def say(self, key: str, **values: object) -> str:
        """The text of `key` with its braces filled in. Raises KeyError for a key no catalog has."""
        return self._texts[key].format(**values)

    def count(self, key: str, number: int) -> str:
        """The singular or plural text of `key` for `number`, as this language counts."""
        form = "one" if self._locale.plural_form(number) == "one" else "other"
        return self.say(f"{key}.{form}", count=number)

    def named(self, names: Mapping[str, str]) -> str:
        """The name in this language, or in any other rather than none."""
        return names.get(self.lang) or next(iter(names.values()), "")

    def day_of(self, unix_seconds: int) -> date:
        """The date on the office's clock."""
        return datetime.fromtimestamp(unix_seconds, self._zone).date()

    def day(self, day: date) -> str:
        """A date in full, such as "lundi 24 novembre 2025"."""
        return format_date(day, "EEEE d MMMM y", locale=self._locale)

    def short_day(self, day: date) -> str:
        """A date for a narrow list, such as "lun. 24 nov."."""
        return format_date(day, "EEE d MMM", locale=self._locale)

    def time(self, unix_seconds: int) -> str:
        """The office's clock, such as "14:30"."""
        return format_time(datetime.fromtimestamp(unix_seconds, self._zone), "HH:mm", locale=self._locale)

    def stamp(self, unix_seconds: int) -> str:
        """The same instant for programs, RFC 3339 with the office's offset."""
        return datetime.fromtimestamp(unix_seconds, self._zone).isoformat()


def negotiate(accept_language: str) -> str:
    """The language of LANGUAGES that an Accept-Language header (RFC 9110, 12.5.4) prefers; French if it names none."""
    best, best_weight = LANGUAGES[0], 0.0
    for entry in accept_language[:500].split(","):
        tag, _, parameter = entry.strip().partition(";")
        lang = tag.strip().lower().partition("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if lang in LANGUAGES and weight > best_weight:
            best, best_weight = lang, weight
    return best
