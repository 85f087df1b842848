"""What the issuers of credentials say they look like: a literal beginning, and what follows it."""

from __future__ import annotations

import re

__all__ = ["FORMATS"]

_CLASSES = {
    "A": "[A-Za-z0-9]",
    "H": "[0-9a-f]",
    "L": "[a-z0-9]",
    "U": "[A-Z0-9]",
    "W": r"[\w-]",
}
_COUNTED = re.compile(r"<([AHLUW])(\d+)(?:-(\d+)|(\+))?>")

_ISSUERS = r"""
anthropic sk-ant- (?:(?=[\w-]{0,64}[0-9A-Z])<W8+>|[a-z]{20,}+)
openai sk- (?:proj-|svcacct-|admin-|or-v1-|lf-)?(?:(?=[\w-]{0,64}[0-9A-Z])<W16+>|[a-z]{32,}+)
aws AKIA,ASIA <U12-20>(?![a-z]) ABSK [A-Za-z0-9+/]{40,}+={0,2}
aws bedrock-api-key- [A-Za-z0-9+/=]{20,}+
alibaba LTAI <A12-24>
tencent AKID <A28-36>
github gh [pousr]_<A20+> github_pat_ \w{20,}+
gitlab gl (?:pat|ptt|rt|rtr|dt|soat|cbt|ft|fft|imt|agent|oas|ffct|wt)-[A-Za-z0-9_.-]{16,}+
gitlab GR1348941 <W20+>
slack xox [a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{11,}+ xapp- <W11+>
slack hooks.slack.com/ (?:services|workflows|triggers)/[A-Za-z0-9/_+-]{16,}+
discord discord.com/api/webhooks/,discordapp.com/api/webhooks/ \d+/<W20+>
teams webhook.office.com/ [\w/@-]{40,}+
stripe sk_,rk_ (?:live|test|prod)_<A10+> whsec_ [A-Za-z0-9+/=]{16,}+
elevenlabs sk_ <H40+>
google AIza <W30+> GOCSPX- <W20+> ya29. [\w.-]{16,}+ 1//0 <W24+> AQ. Ab8R<W30+>
huggingface hf_,api_org_ <A20+>
groq gsk_ <A20+>
xai xai- <A20+>
cerebras csk- <A20+>
perplexity pplx- <A20+>
nvidia nvapi- <W20+>
fireworks fw_ <A20+>
together tgp_v1_ <W20+>
voyage pa- [A-Za-z0-9_]{40,}+
pinecone pcsk_ \w{20,}+
jina jina_ <W30+>
firecrawl fc- <H32>
e2b e2b_ <H32+>
browserbase bb_live_ <W20+>
tavily tvly- <W16+>
replicate r8_ <A20+>
langsmith lsv2_ (?:pt|sk)_\w{20,}+
sendgrid SG. <W12+>\.<W12+>
mailgun key- <H32>
brevo xkeysib-,xsmtpsib- [A-Za-z0-9-]{30,}+
resend re_ (?=[A-Za-z0-9_]{0,40}\d)<A8>_<A20+>
twilio SK <H32>
npm npm_ <A20+>
pypi pypi- <W32+>
crates cio <A32>
nuget oy2 <L43>
docker dckr_ (?:pat|oat)_<W20+>
rubygems rubygems_ <H32+>
clojars CLOJARS_ <A40+>
artifactory AKCp <A50+> cmVmdGtu <A40+>
databricks dapi <H32>(?:-\d)? dose <H32>
digitalocean do [opr]_v1_<H32+>
dynatrace dt0c01. [A-Za-z0-9.]{40,}+
shopify shp (?:at|ca|pa|ss)_[0-9a-fA-F]{24,}+
vault hv [sbr]\.<W20+> s. (?=[A-Za-z]{0,23}\d)<A24>\b(?!\.)
grafana gl (?:sa|c)_[\w+/=-]{20,}+
newrelic NRAK- <U20+> NRII- <W20+> NRJS- <H16+>
honeycomb hc (?:aik|ail|xik)_<L40+>
linear lin_api_ <A30+> lin_oauth_ <H30+>
notion ntn_ <A30+> secret_ <A43>
figma figd_ <W30+>
atlassian AT (?:ATT3|CTT3|BB)[\w=+/-]{30,}+
trello ATTA <H60+>
supabase sbp_ <H32+> sb_secret_ <W20+>
postman PMAK- [0-9a-f-]{40,}+
planetscale pscale_ (?:tkn|pw|oauth)_[\w.=-]{24,}+
neon napi_ <L40+>
sentry sntr y[su]_[\w+/=]{32,}+
facebook EAA <A60+>
square sq0 (?:csp|atp|idp)-<W20+> EAAA <W56+>
hubspot pat- (?:na|eu)\d-<H8>(?:-<H4>){3}-<H12>
plaid access- (?:sandbox|development|production)-[0-9a-f-]{36}
razorpay rzp_ (?:live|test)_<A14+>
mollie live_ (?=[A-Za-z]{0,40}\d)<A30+>
flutterwave FLWSECK (?:_TEST)?-[A-Za-z0-9-]{20,}+
age AGE-SECRET-KEY-1 <U40+>
airtable pat <A14>\.<H64>
doppler dp. (?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{30,}+
pulumi pul- <H40>
prefect pn [ub]_<A36>
readme rdme_ <L60+>
sonar sq [apu]_<H40>
sourcegraph sgp_ \w{40,}+
tailscale tskey- <W20+>
typeform tfp_ [\w.=-]{40,}+
fly fm [12][ar]?_[A-Za-z0-9+/=]{60,}+ fo1_ <W40+>
netlify nf [cpoub]_<A36+>
vercel vc [kpir]_<A24+>
render rnd_ <A24+>
buildkite bk (?:ua|at|ct)_<H40>
circleci CCIPAT_ \w{40,}+
heroku HRKU- <W30+>
harness pat. <W22>\.<H24>\.<A20>
ngrok ak_ (?=[A-Za-z]{0,40}\d)<A27+>
openshift sha256~ <W43>
1password ops_ eyJ[\w=-]{60,}+ A3- <U6>-(?:[A-Z0-9]{5,11}-){3}[A-Z0-9-]{5,}+
asana 1/ \d{16}(?:/\d{16})?:<H32>
contentful CFPAT- <W40+>
shippo shippo_ (?:live|test)_<H40>
adafruit aio_ <A28>
duffel duffel_ (?:live|test)_[\w=-]{40,}+
easypost EZ [AT]K<A54>
mapbox sk. eyJ<W20+>\.<W20+>
yandex t1. [A-Z0-9a-z_-]+[=]{0,2}\.[A-Z0-9a-z_-]{86}[=]{0,2} AQVN <W35-38>
jwt eyJ <W6+>\.<W6+>(?:\.[\w-]*+){0,3}
"""
"""The kind, then in pairs the beginnings and the body that follows each of them.

A body is a regular expression in which `<A20+>` are twenty or more letters and digits, `<H32>` 32
hexadecimal ones, `<U12-20>` capitals, `<L43>` small letters, `<W6+>` letters with `-` and `_`.
"""


def _body(short: str) -> str:
    def counted(match: re.Match[str]) -> str:
        letters, least, most, more = match.groups()
        if not (most or more):
            return f"{_CLASSES[letters]}{{{least}}}"
        return f"{_CLASSES[letters]}{{{least},{most or ''}}}+"

    return _COUNTED.sub(counted, short)


def _formats() -> list[tuple[str, str, str]]:
    rows = []
    for line in _ISSUERS.split("\n")[1:-1]:
        kind, *pairs = line.split(" ")
        for heads, short in zip(pairs[::2], pairs[1::2], strict=True):
            rows += [(kind, head, _body(short)) for head in heads.split(",")]
    return rows


FORMATS = tuple(_formats())
"""The kind, the literal beginning and the body, as a regular expression, of each format."""
