"""LiteLLM, sync and async, plain and streamed, on both vendors."""
# ruff: noqa: T201 - a script prints

import asyncio
import os

import litellm

BASES = {
    "anthropic/claude-sonnet-4-6": os.environ["ANTHROPIC_BASE_URL"],
    "openai/gpt-4o-mini": os.environ["OPENAI_BASE_URL"],
}
asked = [{"role": "user", "content": "Why did the last deploy fail?"}]


async def streamed(model, base):
    """The text of a streamed answer."""
    stream = await litellm.acompletion(
        model, asked, api_base=base, stream=True, max_tokens=300, num_retries=2
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


for model, base in BASES.items():
    told = litellm.completion(model, asked, api_base=base, max_tokens=300, num_retries=2)
    print(told.choices[0].message.content)
    print(asyncio.run(streamed(model, base)))
