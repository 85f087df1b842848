// What asking.py is, for programs in JavaScript: node asking.mjs PROGRAM PACKAGE...
// It is copied beside the node_modules that the program needs.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { z } from "zod";

const Cause = z.object({ summary: z.string(), certain: z.boolean() });

async function done(does, api) {
  const queries = [];
  const searchLogs = ({ query }) => {
    queries.push(query);
    return `2026-11-20 ERROR migration 0042: lock timeout (${query})`;
  };
  const given = { tool: [searchLogs], structure: [Cause] }[does.name] ?? [];
  try {
    const made = does(api, ...given);
    if (!(Symbol.asyncIterator in made)) return { said: await made, queries };
    const pieces = [];
    for await (const piece of made) if (piece) pieces.push(piece);
    return { said: pieces.join(""), pieces: pieces.length };
  } catch (error) {
    console.error(error);
    const raised = error.constructor.name;
    return { raised, message: String(error.message).slice(0, 400), queries };
  }
}

const [file, ...packages] = process.argv.slice(2);
const program = await import(pathToFileURL(file));
const manifest = (name) => new URL(`node_modules/${name}/package.json`, import.meta.url);
const version = (name) => JSON.parse(readFileSync(manifest(name))).version;
const tell = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
tell({
  versions: Object.fromEntries(packages.map((name) => [name, version(name)])),
  apis: Object.keys(program.APIS),
  can: Object.keys(program).filter((name) => typeof program[name] === "function"),
});
for await (const line of createInterface({ input: process.stdin })) {
  const { does, api, environment } = JSON.parse(line);
  Object.assign(process.env, environment);
  tell(await done(program[does], api));
}
