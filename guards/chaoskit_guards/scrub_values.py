"""How much a value looks like a credential, from its shape alone.

There are five strengths, and what stands beside the value demands one of them (`scrub_named`):

- `NOTHING` can be no credential: empty, a placeholder, a reference to where the secret is kept, a
  place, a version, a date, the name of an algorithm, of a type or of a state.
- `WORDS` is made of letters in the order in which languages have them.
- `NUMBERED` is words and numbers that signs keep apart, as in `eu-west-1`, or a plain number.
- `CHOSEN` mixes letters with digits or signs within a word, as people do in passwords, or has
  letters in an order that no word has.
- `MADE` does so for long: a machine made it.
"""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import itertools
import re

__all__ = [
    "CHOSEN",
    "LEAST",
    "MADE",
    "NOTHING",
    "NUMBERED",
    "WORDS",
    "has_few_digits",
    "is_attribute",
    "is_code",
    "is_dummy",
    "is_phrase",
    "is_prose",
    "is_uuid",
    "is_worded",
    "strength",
]

NOTHING, WORDS, NUMBERED, CHOSEN, MADE = range(5)

LEAST = 0, 1, 1, 6, 16
"""The characters of the shortest value of each strength."""

_LONG_WORD = 32  # characters of the longest word
_MOST = 64  # characters that are looked at

_REFERENCE = re.compile(
    r"""\$\{\{?[^{}]{0,128}\}?\}?|\{\{[^{}]{1,128}\}\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_]{3,}%
    |(?:<[^<>]{0,64}>[:.@]?){1,3}|\#?\{(?:[\w\s"'\\{}].*)?|ENC[\[(].*
    |\[[A-Za-z][A-Za-z _-]{0,24}\]|(?:[a-z]{1,6}[-_]){0,3}[xX]{6,}
    |(?:env|file|vault|ssm|keyring|keychain|ref|op|k8s)[:+][\w/.:\#@+-]{1,128}""",
    re.VERBOSE,
)
"""Where a secret is kept, rather than the secret."""

_STANDS_IN = re.compile(
    r"""\$(?:[A-Za-z_]\w*|\d|\(.*)|%%?\(?\w+\)?%{0,2}.*|@\w+@|\W*|\\.*|\w+:["'].*
    |[\[(][\^?].*|\.[*+].*|!\w+\ .*|[a-z_]+(?::[\w,]+)?(?:\|[a-z_]+(?::[\w,]+)?)+
    |(?:[a-z]*[-_])?x{3,}(?:[-_]x+)*|\((?:[a-z]+\ ?)+.{0,4}
    |[\w-]{0,16}(?:\.{2,3}|…|\*{3,16})[\w"']{0,4}|.*[-_\ ]here(?:[-_]\d+|\W*)
    |your\w*.*|(?:my|the|some|insert|enter|put|replace|add|paste|dummy|fake|sample|example|invalid)
     [-_\ ].*|change[-_\ ](?:me|it)|n/a
    |(?:process\.env|os\.environ|os\.getenv|env|secrets|vars|settings|config|self|args|opts
    |options|kwargs|params|request|req|ctx)[.\[(].*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""What only shows where a secret goes, unless it looks made by a machine."""

_PLACE = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|arn:aws|(?:~|\.{0,2})/(?:[a-z._-]+[0-9]{0,3}/)*[a-z._-]+[0-9]{0,3}/?\Z"
    r"|[A-Za-z]:\\|projects/|data:|urn:|/(?:home|usr|etc|var|opt|run|tmp|mnt|app|root|Users)/"
    r"|[\w.+-]{1,48}@[a-z0-9-]{1,32}(?:\.[a-z]{2,12})+\Z"
)
_KNOWN = re.compile(
    r"""(?:sha-?\d+|md5|[hrep]s\d{3}|oauth-?[12](?:\.\d)?a?|base-?\d\d(?:url)?(?:[ _-][a-z]+)?
    |utf-?\d+|aes-?\d+.*|ed25519
    |rsa-?\d*.*|ecdsa-.*|pbkdf2.*|pkcs\W?\d+|argon2\w*|scram-sha-.*|x\.?509
    |v\d+(?:[a-z]+\d*)?|ipv[46]|\d+(?:[./]\d+)+
    |[\[(^~<>=v\ ]{0,4}\d+[.:][\dx*]+[\w.+~:-]*
     (?:[,|\ <>=^~]{1,6}\d+[.:][\dx*]+[\w.+~:-]*){0,3}[\])]?
    |\#[0-9a-f]{3,8}|\d{4}-\d\d-\d\d.*|\d\d?:\d\d.*
    |\d+(?:\.\d+)*(?:ns|us|ms|s|m|h|d|w|min|kb|mb|gb|k|px|em|rem|%|x)
    |0x(?:[0-9a-f]{1,8}|[0-9a-f]{40})|auth0|saml2?|http/?\d.*|tls-?v?\d.*)""",
    re.VERBOSE | re.IGNORECASE,
)
_SAYS = frozenset(
    """str string int integer number float bool boolean bytes object array list dict null none nil
    undefined true false yes no on off any optional secretstr char varchar text uuid type default
    accepted available bad changed checked correct denied disabled empty enabled encrypted error
    expired failed found given hidden include incorrect input invalid issued locked mismatch missing
    needed never not ok omit placeholder present prompt provided received redacted refused rejected
    required reset revoked rotated same-origin sent set stored success unchanged unknown unset
    updated used valid verified weak wrong protected masked refreshed basic bearer digest negotiate
    oauth cleartext example sample read write inherit todo tbd na fixme changeme changeit
    bcrypt ecdsa rsa saml hmac""".split()
)
"""Types and states: the only words that are taken for no password whatever they stand beside."""

_LETTERS = re.compile(r"[_.@/-]{0,2}[^\W\d_]+(?:[ ._/:,@'’-]{1,3}[^\W\d_]+)*[!?.,:;*_/=-]{0,3}")
_PART = r"(?:[A-Za-z]++\d{0,4}|\d{1,8}[A-Za-z]{0,2}|[a-z]{1,2}\d{1,3}[a-z])"
_APART = re.compile(rf"{_PART}(?:[ ._/:@,-]{_PART})+")
_THREE = re.compile(r"[A-Za-z]{3}")
_ALPHA = re.compile(r"[^\W\d_]")
_ASCII = re.compile(r"[A-Za-z]")
_DIGIT = re.compile(r"\d")
_CASES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TURN = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PHRASE = re.compile(r"[^\W\d_]{2,}(?:[ ._-][^\W\d_]{2,}){2,23}")
_PROSE = re.compile(
    r"\b(?:the|a|an|is|are|be|to|must|your|at|of|for|not|and|or|with|in|was|has|if|that|this|on"
    r"|from|by|will|should|can|cannot|can't|does|do|doesn't|don't|invalid|required|incorrect"
    r"|please|enter|too|expired|missing)\b|\?\Z"
    r"|\A[^\W\d_]+(?:[,;:]? [^\W\d_]+){2,24}[.!]\Z",  # a sentence of any language
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[)\],;}({\[<|^=]|!(?:=|[A-Za-z_.]+(?:\Z|[(\[]))|--|-[A-Za-z]|\$[A-Za-z_{(]|[*&]+[A-Za-z_#]"
    r"|[:@][A-Za-z_]\w*\Z|[a-z_]{2,32}=(?!=)|[*&]?[A-Za-z_]\w*(?::=|->|=>|::)"
    r"|[*&:]{0,2}(?:[A-Za-z_$]\w*(?:\.|->|::?))*(?:[A-Za-z_$]\w*)?[(\[{]"
    r"|(?:await|new|lambda)\b|.{0,48}(?:\]\(|://)"
)
_CODE_SIGN = re.compile(r"[^\w.+/~-]|\A-|\A(?:await|new|lambda)\Z")
_ATTRIBUTE = re.compile(r"[A-Za-z_$]\w*(?:[.:][A-Za-z_$]\w*)+[;,)]*")
_DUMMY = re.compile(
    r"x{6}|your[-_]|[-_]your|[-_]example|example[-_]|placeholder|redacted|dummy|[-_]here\Z",
    re.IGNORECASE,
)
_FOLLOWERS = (
    "bcdfgiklmnprstuvy abcdefgijlmnoprstuy acehiklmorstu abcdefilmnoprstuvy acdefgilmnprstvwxy"
    " acdefgilnoprstuy aceghilmnoprstu adegilmnoprstuy abcdefglmnoprstvz aeiosu abcdefilnoprstuy"
    " adegilmopstuy abdeilmopstuy acdefgiklnoprstuv abcdfgiklmnoprstuvw acdeghiloprstuwy clu"
    " acdegiklmnoprstuvy acehiklmopstuwy acehiloprstuy abcdefgilmnoprst aceimnorsu acdeghilnoprsu"
    " acdefilmpstxy abcdefgilmnoprstuwz aeinotuz"
).split()
"""Of each letter from `a` to `z` the letters that follow it in one word of a hundred or more."""
_USUAL = frozenset((chr(97 + at), c) for at, after in enumerate(_FOLLOWERS) for c in after)


def strength(value: str, least: int = NOTHING) -> int:
    """Return how much a value looks like a credential; what is below `least` may be less still."""
    value = value[:_MOST].strip()
    word = value.isascii() and value.isalpha() and value.islower()
    shape = (WORDS if is_worded(value) else CHOSEN) if word else _shape(value)
    if shape < least or shape == NOTHING:
        return shape
    plain = word or value.rstrip("=!?-_").isalnum()
    if not plain and (_REFERENCE.fullmatch(value) or _PLACE.match(value)):
        return NOTHING
    if shape == MADE:
        return MADE
    low = value.lower()
    if low in _SAYS or low.startswith("your") or (plain and len(low) > 2 and not low.strip("x")):
        return NOTHING
    if not plain and _STANDS_IN.fullmatch(value):
        return NOTHING
    return NOTHING if not word and _DIGIT.search(value) and _KNOWN.fullmatch(value) else shape


def _shape(value: str) -> int:
    if _LETTERS.fullmatch(value):
        if is_worded(value):
            return WORDS
        worded = False
    elif value.isdigit():
        return WORDS if len(value) < 4 else NUMBERED if len(value) < LEAST[MADE] else CHOSEN
    elif _ALPHA.search(value) is None:
        return NUMBERED if _DIGIT.search(value) else NOTHING
    elif _ASCII.search(value) is None or len(value) < LEAST[CHOSEN]:
        return WORDS
    else:
        worded = is_worded(value)
        if worded and _APART.fullmatch(value) and _THREE.search(value):
            return NUMBERED
        if " " in value and is_prose(value):
            return WORDS
    if len(value) < LEAST[MADE] or " " in value or (worded and has_few_digits(value)):
        return CHOSEN
    return MADE if len(value) >= 2 * LEAST[MADE] or len(_TURN.findall(value)) >= 4 else CHOSEN


def is_worded(value: str) -> bool:
    """Tell whether the letters follow one another as in words; short words may be anything."""
    parts = (
        [value]
        if value.isascii() and value.isalpha() and value.islower()
        else _CASES.findall(value)
    )
    letters = " ".join(parts).lower()
    length = len(letters) - len(parts) + 1
    if length < 8:
        return True
    most = 1 + length / (3 if length < LEAST[MADE] else 4)
    if len(parts) > most or max(map(len, parts)) > _LONG_WORD:
        return False
    usual = sum(map(_USUAL.__contains__, itertools.pairwise(letters)))
    return length - len(parts) - usual <= 1 + (length - 4) // 6


def is_code(value: str) -> bool:
    """Tell whether an unquoted value is an expression that looks the secret up."""
    return _CODE_SIGN.search(value) is not None and _CODE.match(value) is not None


def is_attribute(value: str, *, human: bool) -> bool:
    """Tell whether a value is made of identifiers with dots between them."""
    if _ATTRIBUTE.fullmatch(value) is None:
        return False
    return has_few_digits(value) and not (human and _DIGIT.search(value))


def has_few_digits(value: str) -> bool:
    """Tell whether a value has no more digits than a name may have: less than three."""
    return len(_DIGIT.findall(value)) < 3


def is_uuid(value: str) -> bool:
    """Tell whether a value identifies something rather than opens it, if its name is unclear."""
    return _UUID.fullmatch(value) is not None


def is_dummy(value: str) -> bool:
    """Tell whether something in the format of a key only shows the format."""
    return _DUMMY.search(value) is not None


def is_prose(value: str) -> bool:
    """Tell whether a value is a sentence or a question."""
    return _PROSE.search(value) is not None


def is_phrase(value: str) -> bool:
    """Tell whether a value is at least three words in a row, as a passphrase is."""
    return _PHRASE.fullmatch(value) is not None and not is_prose(value)
