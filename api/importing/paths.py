"""File names and file errors in words that any output can carry."""

import os


def printable(name: str) -> str:
    """The name without lone surrogates (bytes that are not UTF-8) and control characters; replaced by U+FFFD."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def why(error: OSError) -> str:
    """The system's reason, without the path."""
    return error.strerror or type(error).__name__
