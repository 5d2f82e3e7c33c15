"""The unified social credit code (统一社会信用代码), GB 32100-2015: eighteen characters, the last a check."""

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = [pow(3, i, 31) for i in range(17)]


def is_uscc(text: str) -> bool:
    """Whether `text` is a code whose check character is right. Upper case only."""
    if len(text) != 18 or any(character not in _ALPHABET for character in text) or not text[2:8].isdigit():
        return False
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(text, _WEIGHTS, strict=False))
    return _ALPHABET[(31 - total % 31) % 31] == text[17]
