"""TokenTra's own API keys: making and ending them, and telling whose request a key comes with."""

from django.apps import AppConfig


class SdkKeysConfig(AppConfig):
    name = "sdk_keys"
    verbose_name = "API keys"
