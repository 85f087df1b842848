"""Instructor: what it is for, and the client beneath it."""

import anthropic
import instructor
import openai

APIS = {
    "anthropic": "claude-sonnet-4-6",
    "openai chat": "gpt-4o-mini",
    "openai responses": "gpt-4o-mini",
}
ASKED = {"role": "user", "content": "Why did the last deploy fail?"}


def client(api):
    if api == "anthropic":
        return instructor.from_anthropic(anthropic.Anthropic())
    mode = instructor.Mode.RESPONSES_TOOLS if api.endswith("responses") else instructor.Mode.TOOLS
    return instructor.from_openai(openai.OpenAI(), mode=mode)


def asked(api):
    return {"model": APIS[api], "messages": [ASKED], "max_tokens": 300}


def plain(api):
    made = client(api).create(response_model=None, **asked(api))
    if api == "anthropic":
        return made.content[0].text
    return made.output_text if api.endswith("responses") else made.choices[0].message.content


def structure(api, kind):
    return client(api).create(response_model=kind, **asked(api))


def partial(api, kind):
    return list(client(api).create_partial(response_model=kind, **asked(api)))


def repaired(api, kind):
    return client(api).create(response_model=kind, max_retries=2, **asked(api))
