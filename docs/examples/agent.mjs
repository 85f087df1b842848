// An agent with the official SDK. Nothing in it knows of chaoskit: the SDK reads ANTHROPIC_BASE_URL
// and ANTHROPIC_API_KEY, the prompt is standard input, the answer is standard output.
//
//     npm install @anthropic-ai/sdk
//     chaoskit run storm.chaos.toml --command 'node agent.mjs' --time-scale 60
import { text } from "node:stream/consumers";
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ maxRetries: 5 });
const reply = await client.messages.create({
  model: "claude-sonnet-4-6",
  max_tokens: 500,
  messages: [{ role: "user", content: await text(process.stdin) }],
});
console.log(reply.content.map((block) => (block.type === "text" ? block.text : "")).join(""));
