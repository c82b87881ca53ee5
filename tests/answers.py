"""What an answer says, whether it came at once or as a stream."""

from django.http.response import HttpResponseBase


def body_of(answer: HttpResponseBase) -> str:
    """A stream is read to its end, which also ends the transaction behind it."""
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
