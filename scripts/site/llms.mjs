// What a coding agent can be given: a short map of the documentation, and the whole of it in one file.

const METHODS = ["get", "put", "post", "delete", "head"];

/** The map (llmstxt.org). */
export function llmsTxt(document, groups) {
  const { title, summary, description } = document.info;
  const lists = groups.map(({ title: name, pages }) => `## ${name}\n${pages.map((page) => `- [${page.label}](${page.url}.md): ${firstSentence(page.markdown)}`).join("\n")}`);
  return `# ${title}

> ${summary}

${description}

The whole documentation in one file: [llms-full.txt](/llms-full.txt).

## Reference
- [OpenAPI 3.1 document](/openapi.json): every route, with schemas of all bodies and the codes of all errors
- [JSON Schema of overlay params](/schemas/overlay.json)
- [JSON Schema of framing params](/schemas/framing.json)
- [JSON Schema of annotate params](/schemas/annotate.json)

${lists.join("\n\n")}
`;
}

/** Every guide, then the routes and the schemas as text. */
export function llmsFullTxt(document, groups) {
  const wanted = groups.filter(({ title }) => title !== "Running it").flatMap(({ pages }) => pages);
  const guides = wanted.map(({ url, markdown }) => `<!-- ${url} -->\n${markdown.replace(/<!--[\s\S]*?-->\n?/g, "").trim()}`);
  const routes = Object.entries(document.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => route(method, path, item[method], document)));
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => `### ${name}\n\`\`\`json\n${JSON.stringify(schema)}\n\`\`\``);
  return `# ${document.info.title} ${document.info.version}

${document.info.description}

${guides.join("\n\n")}

# Routes

${routes.join("\n\n")}

# Schemas

${schemas.join("\n\n")}
`;
}

function route(method, path, operation, document) {
  const { summary, description, parameters = [], requestBody, responses, security = [] } = operation;
  const lines = [`## ${method.toUpperCase()} ${path}`, `${summary}. ${description}`];
  const callers = security.map((needed) => Object.keys(needed).join(" + ") || "nobody in particular");
  lines.push(`- callers: ${callers.join(", or ")}`);
  for (const parameter of parameters) lines.push(`- ${parameter.in} \`${parameter.name}\`${parameter.required ? " (required)" : ""}: ${parameter.description}`);
  if (requestBody) lines.push(`- body: ${nameOf(requestBody.content)}${requestBody.required ? "" : " (optional)"}`);
  for (const [status, given] of Object.entries(responses)) {
    const response = given.$ref ? document.components.responses[given.$ref.split("/").pop()] : given;
    const codes = response["x-problem-codes"];
    lines.push(`- ${status}: ${codes ? codes.map((code) => `\`${code}\``).join(", ") : nameOf(response.content) || response.description}`);
  }
  return lines.join("\n");
}

/** The name of the first schema of a body. */
function nameOf(content = {}) {
  const schema = Object.values(content)[0]?.schema;
  return schema?.$ref ? `\`${schema.$ref.split("/").pop()}\`` : Object.keys(content).join(", ");
}

/** The first sentence after the heading. */
function firstSentence(markdown) {
  const paragraph = markdown.split("\n\n").find((part) => !/^(#|<!--|\||```)/.test(part.trim())) ?? "";
  return /^[\s\S]*?[.:](?=\s|$)/.exec(paragraph.trim())?.[0].replace(/\s+/g, " ").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/:$/, ".") ?? "";
}
