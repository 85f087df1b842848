"""Whether a value beside a telling name is a secret, or only speaks of one."""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import re

__all__ = [
    "is_blank",
    "is_dummy",
    "is_phrase",
    "is_placeholder",
    "is_random",
    "is_secret_value",
    "is_strong",
]

_BLANK = re.compile(
    r"""(?:<[^<>]*>|(?-i:\$[A-Z_][A-Z0-9_]*|%[A-Z_]{3,}%)|\$\{\{?[^{}]*\}?\}|\$\([^()]*\)|\{\{?[^{}]*\}?\}
    |%s|%\(\w+\)s|x{3,}|[*.•●_\-\#…]{2,}
    |[\w-]{0,16}(?:\.{3}|…|\*{3,16})\w{0,4}|same-origin|include|omit
    |your[-_ ].*|.*[-_ ]here|change[-_ ]?me|placeholder|example|todo|tbd|n/?a|redacted
    |\[[a-z _-]{0,24}\]|\((?:hidden|masked|not\ set|unset|none|empty|redacted)\)
    |(?-i:\([a-z]+(?:\ [a-z]+){1,5}\))|[^\W\d_]{2,16}(?:\ [^\W\d_]{2,16}){0,5}\ ?\?
    |(?:process\.env|os\.environ|os\.getenv|env|secrets|vars|settings|config|self|args|opts
    |options|kwargs|params|request|req|ctx)[.\[(].*
    |(?:str|string|int|integer|number|float|bool|boolean|bytes|object|array|list|dict|null|none
    |nil|undefined|true|false|yes|no|on|off|any|optional|required|secretstr|char|varchar|text)
    \??(?:\s*\|.*)?)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""What is no secret even where only a secret may stand."""

_REFERENCE = re.compile(
    r"""\$\{\{?[\w .:/?|'"-]{1,128}\}?\}|\{\{[^{}]{1,128}\}\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_]{3,}%
    |<[\w -]{1,64}>|\[[A-Za-z][a-z _-]{0,24}\]|(?:[a-z]{1,6}[-_]){0,3}[xX]{6,}
    |(?:env|file|vault|ssm|keyring|keychain|ref|op|k8s)[:+][\w/.:\#@+-]{1,128}""",
    re.VERBOSE,
)
"""Where a secret is kept, rather than the secret."""

_NAMELESS = re.compile(
    r"""(?:\$[a-z_]\w*|\$\(.*|\$\{\w+:?[?+=-].*|(?-i:\([a-z]+\ ?.*)|%[a-z_]\w*%|@\w+@|:[a-z_]\w*
    |\$\d|\?
    |\[\^.*|\(\?.*|\.[*+].*|\\[sdw].*
    |(?:my|the|some|insert|enter|put|replace|add|paste|change|dummy|fake|sample)[-_ ].*
    |(?:dummy|empty|hidden|password|passwd|passphrase|uuid|cleartext|file|env|vault|keychain
    |prompt|keyring|fixme|changeit))""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""What is no secret in running text and code."""

_LOOKUP = re.compile(
    r"[A-Za-z_$][\w.$]*[(\[]|[A-Za-z_$]\w*(?:(?:\.|->|::)[A-Za-z_$]\w*)+[;,)]*\Z"
    r"|await\b|new\b|lambda\b|&?\*?[A-Za-z_]\w*(?:::|->)|!(?:Ref|Sub|GetAtt|vault)\b"
)
_PLACE = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|arn:aws|(?:~|\.{0,2})/(?:[a-z._-]+[0-9]{0,3}/)*[a-z._-]+[0-9]{0,3}/?\Z"
    r"|[A-Za-z]:\\|projects/|data:|/(?:home|usr|etc|var|opt|run|tmp|mnt|app|root|Users)/"
)
_PROSE = re.compile(
    r"\b(?:the|a|an|is|are|be|to|must|your|at|of|for|not|and|or|with|in|was|has|if|that|this|on"
    r"|from|by|will|should|can|cannot|invalid|required|incorrect|please|enter)\b",
    re.IGNORECASE,
)
_SPEAKS = re.compile(
    r"\b(?:must|should|cannot|can't|can not|may not|does not|do not|doesn't|don't|is (?:required"
    r"|missing|invalid|not|too)|too (?:short|long|weak)|at least|at most|required|please|invalid"
    r"|incorrect|expired)\b",
    re.IGNORECASE,
)
_STATUS = frozenset(
    """accepted authentication available bad changed checked correct cancelled denied disabled empty
    enabled encrypted error expired failed field form found given hidden incorrect input invalid
    issued length locked login manager missing mismatch needed never none not ok policy present
    provided received refused rejected required reset revoked rotated sent set strength stored
    success too type unknown unset updated usage used valid validation verified weak wrong protected
    strong secure secret password token key value default unchanged refreshed redacted masked basic
    digest negotiate oauth bearer hmac""".split()
)
_KNOWN = re.compile(
    r"""(?:sha-?\d+|md5|[hrep]s\d{3}|oauth-?[12](?:\.\d)?a?|base-?\d\d|utf-?\d+|aes-?\d+.*|ed25519
    |rsa-?\d*.*|ecdsa.*|pbkdf2.*|argon2\w*|scram-sha-.*|bcrypt|x\.?509|v\d+(?:[a-z]+\d*)?|ipv[46]
    |\d+(?:\.\d+)*(?:ns|us|ms|s|m|h|d|w|min|kb|mb|gb|k|px|em|rem|%|x)|\d+(?:\.\d+)+|\d{4}-\d\d-\d\d.*
    |\d+(?:/\d+)+|\d\d?:\d\d.*|0x[0-9a-f]{1,6}|0x[0-9a-f]{40}|auth0|saml2?|http/?\d.*|tls-?v?\d.*)""",
    re.VERBOSE | re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_ALPHA = re.compile(r"[^\W\d_]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_-]*")
_CAMEL = re.compile(r"[A-Z]?[a-z]{2,}(?:[A-Z]{1,4}[a-z]{2,})*[A-Z]{0,3}\d{0,2}")
_FOREIGN = re.compile(r"[^A-Za-z0-9]*")
_PHRASE = re.compile(r"[^\W\d_]{2,}(?:[ ._-][^\W\d_]{2,}){2,23}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PIECE = re.compile(r"[A-Za-z0-9+/]{16,}")
_DUMMY = re.compile(
    r"x{6}|your[-_]|[-_]your|[-_]example|example[-_]|placeholder|redacted|dummy|[-_]here\Z",
    re.IGNORECASE,
)


def is_blank(value: str) -> bool:
    """Tell whether a value is empty, a type, a placeholder or a look-up rather than a secret."""
    value = value.strip()
    if not value or _REFERENCE.fullmatch(value) or _BLANK.fullmatch(value) is not None:
        return True
    return (" " in value or len(value) < 12) and _SPEAKS.search(value) is not None


def is_placeholder(value: str) -> bool:
    """Tell the same where only a secret is expected: what looks random is one all the same."""
    return _REFERENCE.fullmatch(value.strip()) is not None or (
        is_blank(value) and not is_random(value)
    )


def is_dummy(value: str) -> bool:
    """Tell whether something in the format of a key only shows the format."""
    return _DUMMY.search(value) is not None


def is_random(value: str) -> bool:
    """Tell whether a value looks made by a machine: digits among letters, or odd case, or long."""
    if len(value) < 6:
        return False
    digits = _DIGIT.search(value) is not None
    alpha = _ALPHA.search(value) is not None
    if digits and (alpha or len(value) >= 12):
        return _KNOWN.fullmatch(value) is None
    inner = value[1:]
    mixed = inner.lower() != inner and inner.upper() != inner
    if value.isalnum():
        return mixed and len(value) >= 8 and _CAMEL.fullmatch(value) is None
    return alpha and mixed


def is_strong(value: str) -> bool:
    """Tell whether a value is a secret by its looks, under a name that need not be one's."""
    if len(value) < 16 or _UUID.fullmatch(value) or _PLACE.match(value) or not is_random(value):
        return False
    piece = _PIECE.search(value)
    if piece is None or " " in value:
        return False
    word = piece.group()
    digits = sum(c.isdigit() for c in word)
    return (digits >= 2 and digits < len(word)) or (is_random(word) and word.upper() != word)


def _is_lookup(value: str, *, human: bool) -> bool:
    """Tell whether code looks the secret up here; so many digits are in no look-up."""
    if not (_FOREIGN.fullmatch(value) or _LOOKUP.match(value)):
        return False
    if is_strong(value):
        return False
    digits = sum(c.isdigit() for c in value)
    return digits < (1 if human else 3) or any(c in "()[]" for c in value)


def is_phrase(value: str) -> bool:
    """Tell whether a value is at least three words in a row, as a passphrase is."""
    return _PHRASE.fullmatch(value) is not None and not _PROSE.search(value)


def is_secret_value(value: str, *, by: str, human: bool, quoted: bool, last: bool) -> bool:
    """Tell whether the value of an assignment is a secret.

    Args:
        value: what stands there.
        by: `=`, `:`, `flag`, `is` or `pair`: how the name and the value are joined.
        human: the name is one for which people choose the value (a password).
        quoted: the value stands in quotes.
        last: nothing but an end follows: of the line, the list, the object.
    """
    value = value[:64]
    odd, spaced = is_random(value), " " in value
    if not (odd or spaced or _may_be_plain(value, by=by, human=human, quoted=quoted, last=last)):
        return False
    if is_blank(value) or _NAMELESS.fullmatch(value) or _PLACE.match(value):
        return False
    if not quoted and _is_lookup(value, human=human):
        return False
    if spaced:
        return not _PROSE.search(value) and (human or quoted)
    if odd:
        return True
    if value.lower() in _STATUS and (by == "is" or not (quoted or by == "flag")):
        return False
    if by == "is":
        return True
    if quoted or (by == "=" and human):
        least = 4 if not human else 1 if quoted else 3
        return len(value) >= least and not value.startswith("--")
    if _IDENTIFIER.fullmatch(value):
        return human and len(value) >= 4 and value.islower() and "_" not in value
    return len(value) >= 4


def _may_be_plain(value: str, *, by: str, human: bool, quoted: bool, last: bool) -> bool:
    """Tell whether a value that does not look random can be a secret at all."""
    if quoted:
        return by != "pair"
    if by in ("is", "pair"):
        return False
    if value.isdigit():
        return human
    return last or (human and by == "=")
