// The official SDKs for TypeScript, by their own helpers for tools, streams and structures.
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";

const asked = [{ role: "user", content: "Search the logs: why did the last deploy fail?" }];
const claude = { model: "claude-sonnet-4-6", max_tokens: 300, messages: asked };
const chat = { model: "gpt-4o-mini", messages: asked };
const responses = { model: "gpt-4o-mini", input: asked };
const schema = {
  type: "object",
  properties: { query: { type: "string" } },
  required: ["query"],
  additionalProperties: false,
};
const described = { name: "search_logs", description: "Search the deploy logs." };

const ways = {
  anthropic: {
    plain: async () => (await new Anthropic().messages.create(claude)).content[0].text,
    async *streamed() {
      for await (const event of new Anthropic().messages.stream(claude)) {
        if (event.type === "content_block_delta") yield event.delta.text;
      }
    },
    async tool(run) {
      const tools = [betaTool({ ...described, inputSchema: schema, run })];
      const last = await new Anthropic().beta.messages.toolRunner({ ...claude, tools });
      return last.content[0].text;
    },
    async structure(shape) {
      const output_config = { format: zodOutputFormat(shape) };
      return (await new Anthropic().messages.parse({ ...claude, output_config })).parsed_output;
    },
  },
  "openai chat": {
    plain: async () =>
      (await new OpenAI().chat.completions.create(chat)).choices[0].message.content,
    async *streamed() {
      for await (const chunk of await new OpenAI().chat.completions.create({ ...chat, stream: true })) {
        yield chunk.choices[0]?.delta.content;
      }
    },
    async tool(run) {
      const parsed = { ...described, parameters: schema, function: run, parse: JSON.parse };
      const tools = [{ type: "function", function: parsed }];
      return new OpenAI().chat.completions.runTools({ ...chat, tools }).finalContent();
    },
    async structure(shape) {
      const response_format = zodResponseFormat(shape, "cause");
      const made = await new OpenAI().chat.completions.parse({ ...chat, response_format });
      return made.choices[0].message.parsed;
    },
  },
  "openai responses": {
    plain: async () => (await new OpenAI().responses.create(responses)).output_text,
    async *streamed() {
      for await (const event of new OpenAI().responses.stream(responses)) {
        if (event.type === "response.output_text.delta") yield event.delta;
      }
    },
    async tool(run) {
      const tools = [{ type: "function", ...described, parameters: schema, strict: true }];
      const client = new OpenAI();
      let said = await client.responses.create({ ...responses, tools });
      for (;;) {
        const calls = said.output.filter((item) => item.type === "function_call");
        if (!calls.length) return said.output_text;
        const input = calls.map(({ call_id, arguments: text }) => ({
          type: "function_call_output",
          call_id,
          output: run(JSON.parse(text)),
        }));
        said = await client.responses.create({
          ...responses,
          tools,
          input,
          previous_response_id: said.id,
        });
      }
    },
    async structure(shape) {
      const text = { format: zodTextFormat(shape, "cause") };
      return (await new OpenAI().responses.parse({ ...responses, text })).output_parsed;
    },
  },
};

export const APIS = ways;
export const plain = (api) => ways[api].plain();
export const streamed = (api) => ways[api].streamed();
export const tool = (api, run) => ways[api].tool(run);
export const structure = (api, shape) => ways[api].structure(shape);
