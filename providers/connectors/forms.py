"""What a person pastes to connect a provider; each field becomes a Secret as soon as it is read."""

from django import forms

from providers.connectors.base import Credentials
from tokentra.lib.secret import Secret


class SecretField(forms.CharField):
    """Never drawn again with what was typed; its cleaned value is a Secret."""

    widget = forms.PasswordInput

    def __init__(self, *, placeholder: str, label: str, help_text: str) -> None:
        attributes = {
            "autocomplete": "off",
            "autocapitalize": "off",
            "spellcheck": "false",
            "placeholder": placeholder,
        }
        super().__init__(
            label=label,
            help_text=help_text,
            max_length=1_000,
            widget=forms.PasswordInput(attrs=attributes, render_value=False),
            error_messages={"required": "Paste the key here."},
        )

    def clean(self, value: object) -> Secret:
        return Secret.pasted(super().clean(value))


class CredentialsForm(forms.Form):
    """The form of a connector: its fields are the names of its credentials, and nothing else."""

    @property
    def credentials(self) -> Credentials:
        return {name: value for name, value in self.cleaned_data.items() if isinstance(value, Secret)}


class OpenAIForm(CredentialsForm):
    admin_key = SecretField(
        label="Admin key",
        placeholder="sk-admin-…",
        help_text=(
            "Choose “Read only”, or “Restricted” with Usage: Read and Organization administration: Read,"
            " and an expiry date if your rules ask for one. We store the key encrypted and use it only"
            " for the calls listed here; you can remove it at any time."
        ),
    )


class AnthropicForm(CredentialsForm):
    admin_key = SecretField(
        label="Admin key",
        placeholder="sk-ant-admin01-…",
        help_text=(
            "An Anthropic admin key cannot be limited: it can do everything an admin can, including"
            " managing members and keys. We store it encrypted and use it only for the calls listed here;"
            " you can remove it at any time."
        ),
    )
