// Makes src/schema.ts, the types of what travels between client and API, of the API's description: of the queries of lists,
// and of those schemas that the operations of a client use, without their examples. `npm run generate` writes the file; a test compares it.
import fs from "node:fs";
import { fileURLToPath } from "node:url";

import openapiTypescript, { astToString } from "openapi-typescript";

const DESCRIPTION = new URL("../../openapi.json", import.meta.url);
export const SCHEMA = new URL("src/schema.ts", import.meta.url);
const HEADER = "// Generated of the API's description by `npm run generate`. Not to be changed by hand.\n";
/** What renderers and the render service call is not a client's. */
const NOT_OURS = "Renderer";

export const description = () => JSON.parse(fs.readFileSync(DESCRIPTION, "utf8"));

/** `[method, path, operation]` of everything that a client may call. */
export function operations({ paths }) {
  const all = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => [method, path, operation]));
  return all.filter(([, , { operationId, tags }]) => operationId && !tags?.includes(NOT_OURS));
}

/** The text of src/schema.ts. */
export async function schemaTypes() {
  const document = description();
  const used = new Set();
  const visit = (node) => {
    if (node === null || typeof node !== "object") return;
    for (const [name, value] of Object.entries(node)) {
      const schema = name === "$ref" && /^#\/components\/schemas\/(.+)$/.exec(value)?.[1];
      if (schema && !used.has(schema)) {
        used.add(schema);
        visit(document.components.schemas[schema]);
      }
      visit(value);
    }
  };
  visit(operations(document).map(([, , operation]) => resolved(operation, document)));
  const schemas = Object.fromEntries([...used].sort().map((name) => [name, withoutExamples(document.components.schemas[name])]));
  const { openapi, info } = document;
  const nodes = await openapiTypescript({ openapi, info, paths: listQueries(document), components: { schemas } }, { alphabetize: true, defaultNonNullable: false, silent: true });
  return HEADER + astToString(nodes).replace(/^\/\*\*[^]*?\*\/\s*/, "");
}

/** The lists, with nothing but their queries. */
function listQueries(document) {
  const lists = operations(document).filter(([, , { parameters = [] }]) => parameters.some(({ name }) => name === "cursor"));
  const query = ({ operationId, parameters }) => ({ operationId, parameters: parameters.filter((parameter) => parameter.in === "query"), responses: {} });
  return withoutExamples(Object.fromEntries(lists.map(([method, path, operation]) => [path, { [method]: query(operation) }])));
}

/** An operation with the shared responses and bodies that it refers to. */
function resolved(operation, { components }) {
  const follow = (node) => {
    const [, kind, name] = /^#\/components\/(responses|requestBodies|parameters)\/(.+)$/.exec(node?.$ref ?? "") ?? [];
    return kind ? components[kind][name] : node;
  };
  return { ...operation, requestBody: follow(operation.requestBody), responses: Object.values(operation.responses ?? {}).map(follow) };
}

function withoutExamples(node) {
  if (Array.isArray(node)) return node.map(withoutExamples);
  if (node === null || typeof node !== "object") return node;
  const kept = Object.entries(node).filter(([name, value]) => name !== "examples" && !(name === "example" && value !== null));
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutExamples(value)]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) fs.writeFileSync(SCHEMA, await schemaTypes());
