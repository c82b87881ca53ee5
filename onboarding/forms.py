"""A screen of the questionnaire as a form, drawn from its questions. Nothing in it is required."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import MinLengthValidator
from django.forms.boundfield import BoundField

from accounts.one_line import OneLine
from onboarding.questions import Kind, Option, Question

LONGEST_TYPED = 100
LONGEST_LIST = 10_000


@dataclass(frozen=True, slots=True)
class Card:
    """One option as it is drawn."""

    option: Option
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it is drawn: its field, its cards, and the text behind "Other"."""

    question: Question
    bound: BoundField
    cards: tuple[Card, ...]
    typed: BoundField | None

    @property
    def control(self) -> str:
        return "checkbox" if self.question.kind is Kind.MANY else "radio"


class ScreenForm(forms.Form):
    """`cleaned_data` holds the questions' names, and `<name>_other` for what was typed."""

    def __init__(self, questions: Collection[Question], data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.questions = tuple(questions)
        for question in self.questions:
            self.fields[question.name] = field_of(question)
            if question.has_other:
                self.fields[f"{question.name}_other"] = OneLine(
                    label="Which one?", required=False, max_length=LONGEST_TYPED
                )

    @property
    def asked(self) -> Iterator[Asked]:
        for question in self.questions:
            bound = self[question.name]
            value = bound.value() or []
            chosen = value if isinstance(value, list) else [value]
            cards = tuple(Card(option, option.value in chosen) for option in question.options)
            typed = self[f"{question.name}_other"] if question.has_other else None
            yield Asked(question, bound, cards, typed)


def field_of(question: Question) -> forms.Field:
    choices = [(option.value, option.label) for option in question.options]
    common: dict[str, Any] = {"label": question.text, "help_text": question.hint, "required": False}
    if question.kind is Kind.ONE:
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
    if question.kind is Kind.MANY:
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
    if question.kind is Kind.URL:
        return forms.URLField(max_length=200, assume_scheme="https", **common)
    if question.kind is Kind.EMAILS:
        area = forms.Textarea(attrs={"rows": 4, "placeholder": "bob@company.com"})
        return forms.CharField(max_length=LONGEST_LIST, widget=area, **common)
    return OneLine(max_length=100, validators=[MinLengthValidator(2)], **common)
