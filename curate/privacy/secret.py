"""Keys and tokens of services, known by how they begin.

Forms as the services document them, or as their own tools write them; a service that gives plain random characters can't
be known by its key. What stands in for a key (``sk-xxxxxxxx``, ``ghp_YOUR_TOKEN``) is none.
"""

from __future__ import annotations

import re

from .found import Span
from .plain import begins

FORMS: tuple[tuple[str, str], ...] = (
    # the marks of which one stands there, and what is a key around it
    ("AKIA ASIA ABIA", r"A[KSB]IA[0-9A-Z]{16}(?![0-9A-Za-z])"),  # AWS: access key, key for a while, bearer
    ("AIza", r"AIza[\w-]{30,60}"),  # Google, API key
    ("GOCSPX-", r"GOCSPX-[\w-]{20,40}"),  # Google, OAuth client
    ("ya29.", r"ya29\.[\w-]{20,1000}"),  # Google, OAuth access
    ("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{20,255}"),  # GitHub
    ("github_pat_", r"github_pat_\w{20,255}"),
    ("glpat- gldt- glrt- glptt- glcbt- glft- glsoat- glimt- glagent- gloas-", r"gl[a-z]{2,5}-[\w.-]{16,80}"),  # GitLab
    ("glsa_ glc_", r"gl(?:sa|c)_[\w=+/]{30,300}"),  # Grafana
    ("sk-", r"sk-(?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{16,250}"),  # OpenAI, Anthropic, DeepSeek, OpenRouter ...
    ("k_live_ k_test_", r"[sr]k_(?:live|test)_\w{10,250}"),  # Stripe
    ("whsec_", r"whsec_[A-Za-z0-9+/=]{20,100}"),  # Stripe and Svix, signing
    ("xox", r"xox[abeoprs]-(?:\d-)?[\w-]{10,250}"),  # Slack
    ("xapp-", r"xapp-\d-[\w-]{10,250}"),
    ("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{20,120}"),
    ("discord", r"discord(?:app)?\.com/api/webhooks/\d{15,22}/[\w-]{50,90}"),
    ("hf_", r"hf_[A-Za-z0-9]{20,200}"),  # Hugging Face
    ("npm_", r"npm_[A-Za-z0-9]{30,80}"),
    ("pypi-", r"pypi-[\w-]{16,400}(?<=[\w-]{40})"),
    ("rubygems_", r"rubygems_[0-9a-f]{40,60}"),
    ("SG.", r"SG\.[\w-]{16,32}\.[\w-]{32,64}"),  # SendGrid
    ("SK", r"SK[0-9a-f]{32}(?![0-9A-Za-z])"),  # Twilio
    ("key-", r"key-[0-9a-f]{32}(?![0-9A-Za-z])"),  # Mailgun
    ("-us", r"[0-9a-f]{32}-us\d{1,2}(?![0-9A-Za-z])"),  # Mailchimp
    ("dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{40,80}"),  # DigitalOcean
    ("shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),  # Shopify
    ("sq0", r"sq0[a-z]{3}-[\w-]{20,60}"),  # Square
    ("EAAA", r"EAAA[\w-]{50,100}"),
    ("dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])"),  # Databricks
    ("lin_api_", r"lin_api_[A-Za-z0-9]{30,60}"),  # Linear
    ("ntn_", r"ntn_[A-Za-z0-9]{40,60}"),  # Notion
    ("PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),  # Postman
    ("NRAK-", r"NRAK-[A-Z0-9]{27}"),  # New Relic
    ("dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{36,90}"),  # Doppler
    ("hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{24,300}"),  # HashiCorp Vault
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,80}"),  # Terraform Cloud
    ("sntry", r"sntry[su]_[\w=+/-]{40,300}"),  # Sentry
    ("sbp_", r"sbp_[0-9a-f]{40}"),  # Supabase
    ("gsk_", r"gsk_[A-Za-z0-9]{40,70}"),  # Groq
    ("r8_", r"r8_[A-Za-z0-9]{37,40}"),  # Replicate
    ("pplx-", r"pplx-[A-Za-z0-9]{40,60}"),  # Perplexity
    ("xai-", r"xai-[A-Za-z0-9]{60,90}"),
    ("nvapi-", r"nvapi-[\w-]{50,80}"),
    ("figd_", r"figd_[\w-]{36,60}"),  # Figma
    ("pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),  # Airtable
    ("ATATT3 ATCTT3", r"AT[AC]TT3[\w=-]{50,250}"),  # Atlassian
    ("pscale_", r"pscale_(?:tkn|pw|oauth)_[\w=.-]{30,70}"),  # PlanetScale
    ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    ("ops_eyJ", r"ops_eyJ[\w+/=-]{100,1200}"),  # 1Password
    (":AA", r"\d{8,10}:AA[\w-]{32,35}"),  # Telegram
    ("AccountKey=", r"AccountKey=[A-Za-z0-9+/]{80,90}={0,2}"),  # Azure storage
    ("SharedAccessKey=", r"SharedAccessKey=[A-Za-z0-9+/]{40,48}={0,2}"),  # Azure buses
    ("eyJ", r"eyJ[\w-]{8,300}+\.[\w-]{8,2000}+\.[\w-]{8,2000}"),  # JSON Web Token (RFC 7519), signed
)
MARKS: dict[str, re.Pattern[str]] = {mark: re.compile(form) for marks, form in FORMS for mark in marks.split()}
"""Mark to what is a key around it: a text without a mark holds none, and is not read again."""
_SIGNS = {sign: [mark for mark in MARKS if sign in mark] for sign in "_-."}
_PLAIN = [mark for mark in MARKS if not any(sign in mark for sign in _SIGNS)]
_FEWEST = 6  # different characters; one in a million keys of 16 has fewer
_STANDS_IN = re.compile(r"(?i)your|placeholder|redacted|changeme|xxxxx|\*\*\*")


def find_secret(text: str) -> list[Span]:
    """Return the spans of keys and tokens, in order.

    >>> find_secret("key: hf_" + "aB3dE5gH7jK9mN1pQ3sT")
    [(5, 28)]
    """
    marks = [mark for mark in _PLAIN if mark in text]
    for sign, these in _SIGNS.items():
        if sign in text:
            marks += [mark for mark in these if mark in text]
    if not marks:
        return []
    forms, found = dict.fromkeys(MARKS[mark] for mark in marks), list[Span]()
    for start, end in sorted(match.span() for form in forms for match in form.finditer(text)):
        if _starts(text, start) and not _stands_in(text[start:end]) and (not found or start >= found[-1][1]):
            found.append((start, end))
    return found


def _starts(text: str, at: int) -> bool:
    """Whether a key may begin here; after an underscore too: ``TOKEN_ghp_...``."""
    return text[at - 1 : at] == "_" or begins(text, at)


def _stands_in(key: str) -> bool:
    body = key[4:]
    few = len(set(body)) < _FEWEST and not key.startswith(
        "eyJ"
    )  # three parts with dots: nothing else looks like a web token
    return few or _STANDS_IN.search(body) is not None
