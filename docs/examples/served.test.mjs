// Tests of any language drive the server by HTTP: each has a session of its own, which the base
// URL names. Here it is Node's own test runner and the official SDK of OpenAI.
//
//     npm install openai
//     chaoskit serve &
//     node --test served.test.mjs
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";

const server = process.env.CHAOS_URL ?? "http://127.0.0.1:8642";

test("a refused call is made again", async () => {
  const base = `${server}/~refused-${process.pid}`;
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "any", maxRetries: 2 });

  const fault = { fault: "server_error", status: 503, when: { calls: 1 } };
  const added = await fetch(`${base}/_chaos/faults`, { method: "POST", body: JSON.stringify(fault) });
  assert.equal(added.status, 200, await added.text());

  const reply = await client.chat.completions.create({
    model: "gpt-5-mini",
    messages: [{ role: "user", content: "Why did the last deploy fail?" }],
  });
  assert.ok(reply.choices[0].message.content);

  const verdict = await (await fetch(`${base}/_chaos/verdict`)).json();
  assert.equal(verdict.verdict, "PASS", JSON.stringify(verdict, null, 1));
});
