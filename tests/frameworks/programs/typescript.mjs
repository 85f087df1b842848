// The official SDKs for TypeScript: both vendors, plain and streamed.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const messages = [{ role: "user", content: "Why did the last deploy fail?" }];
const claude = new Anthropic();
const told = await claude.messages.create({ model: "claude-sonnet-4-6", max_tokens: 300, messages });
console.log(told.content[0].text);
const stream = claude.messages.stream({ model: "claude-sonnet-4-6", max_tokens: 300, messages });
console.log((await stream.finalMessage()).content[0].text);
const gpt = new OpenAI();
const chat = await gpt.chat.completions.create({ model: "gpt-4o-mini", messages });
console.log(chat.choices[0].message.content);
const answer = await gpt.responses.create({ model: "gpt-4o-mini", input: "Why?" });
console.log(answer.output_text);
