// Vercel's AI SDK, with its providers for both vendors.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, Output, stepCountIs, streamText, tool as described } from "ai";
import { z } from "zod";

const ways = {
  anthropic: () => createAnthropic()("claude-sonnet-4-6"),
  "openai chat": () => createOpenAI().chat("gpt-4o-mini"),
  "openai responses": () => createOpenAI()("gpt-4o-mini"),
};
const asked = (api, more) => ({
  model: ways[api](),
  prompt: "Search the logs: why did the last deploy fail?",
  ...more,
});

export const APIS = ways;
export const plain = async (api) => (await generateText(asked(api))).text;

export async function* streamed(api) {
  for await (const part of streamText(asked(api, { onError() {} })).fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") yield part.text;
  }
}

export async function tool(api, run) {
  const search_logs = described({
    description: "Search the deploy logs.",
    inputSchema: z.object({ query: z.string() }),
    execute: async (given) => run(given),
  });
  const more = { tools: { search_logs }, stopWhen: stepCountIs(5) };
  return (await generateText(asked(api, more))).text;
}

export const structure = async (api, shape) =>
  (await generateText(asked(api, { output: Output.object({ schema: shape }) }))).output;
