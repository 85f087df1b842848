// OpenAI Agents for TypeScript, on both APIs of OpenAI.
import {
  Agent,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  run as lived,
  setTracingDisabled,
  tool as described,
} from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

setTracingDisabled(true);
const ways = {
  "openai chat": OpenAIChatCompletionsModel,
  "openai responses": OpenAIResponsesModel,
};
const asked = "Search the logs: why did the last deploy fail?";

function agent(api, more) {
  const model = new ways[api](new OpenAI(), "gpt-4o-mini");
  return new Agent({ name: "oncall", instructions: "Answer questions on deploys.", model, ...more });
}

export const APIS = ways;
export const plain = async (api) => (await lived(agent(api), asked)).finalOutput;

export async function* streamed(api) {
  const stream = await lived(agent(api), asked, { stream: true });
  for await (const event of stream) {
    if (event.data?.type === "output_text_delta") yield event.data.delta;
  }
  await stream.completed;
}

export async function tool(api, run) {
  const search_logs = described({
    name: "search_logs",
    description: "Search the deploy logs.",
    parameters: z.object({ query: z.string() }),
    execute: async (given) => run(given),
  });
  return (await lived(agent(api, { tools: [search_logs] }), asked)).finalOutput;
}

export const structure = async (api, shape) =>
  (await lived(agent(api, { outputType: shape }), asked)).finalOutput;
