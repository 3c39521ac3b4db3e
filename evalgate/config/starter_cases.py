"""The twelve cases of the starter project, each with the answers that its recording is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StarterCase:
    """A blunt note, how it reads when it is polite, and what each of the two prompts was answered."""

    id: str
    note: str
    reference: str
    topic: str
    baseline: str
    candidate: str


def starter_cases() -> tuple[StarterCase, ...]:
    """All cases, in the order of the data file. Authored for this project; no model wrote the answers."""
    return tuple(StarterCase(*row) for row in _ROWS)


_ROWS = (
    (
        "report",
        "Send me the report today.",
        "Could you please send me the report today?",
        "work",
        "Send the report. I need it today.",
        "Could you please send me the report today?",
    ),
    (
        "meeting",
        "You are late for the meeting again.",
        "Could we please start the meeting on time from now on?",
        "work",
        "You are late again for our meeting.",
        "Could we please start our meeting on time from now on?",
    ),
    (
        "slides",
        "These slides are unreadable.",
        "Could you please make the slides a little easier to read?",
        "work",
        "The slides cannot be read.",
        "Could you please make these slides a little easier to read?",
    ),
    (
        "invoice",
        "Pay the invoice already.",
        "May I remind you that the invoice is still open?",
        "work",
        "The invoice has to be paid already.",
        "May I kindly remind you that the invoice is still open?",
    ),
    (
        "deadline",
        "I can't do it by Friday.",
        "Would it be possible to have a few more days after Friday?",
        "work",
        "Friday does not work for me.",
        "Would it be possible to have some more days after Friday?",
    ),
    (
        "answer",
        "Why don't you answer my mail?",
        "Have you had a chance to look at my mail?",
        "work",
        "You did not answer my mail. Why?",
        "Have you had a chance to look at my mail yet?",
    ),
    (
        "music",
        "Turn that music down.",
        "Would you mind turning the music down a little?",
        "home",
        "Turn the music down.",
        "Would you mind turning the music down a little?",
    ),
    (
        "dishes",
        "Nobody ever washes the dishes here.",
        "Could we please take turns with the dishes?",
        "home",
        "The dishes are never washed here.",
        "Could we please take turns with washing the dishes?",
    ),
    (
        "door",
        "Shut the door.",
        "Could you please close the door?",
        "home",
        "Close the door now.",
        "Could you please close the door?",
    ),
    (
        "parking",
        "Your car blocks my garage.",
        "Could you please move your car, so that I can reach my garage?",
        "home",
        "Your car is in front of my garage. Move it.",
        "Could you please move your car so that I can get to my garage?",
    ),
    (
        "dog",
        "Your dog barks all night.",
        "Could you please help your dog to be quieter at night?",
        "home",
        "Your dog is loud at night.",
        "Could you please help your dog to be calmer at night?",
    ),
    (
        "book",
        "I want my book back.",
        "Could I please have my book back when you have finished it?",
        "home",
        "Give me my book back.",
        "Could I please have my book back when you have finished reading?",
    ),
)
