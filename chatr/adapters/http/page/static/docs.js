// The page of endpoints: shows openapi.json as text, with an example and the errors of each endpoint.

const main = document.getElementById("endpoints");
// The room may be below a path, which a proxy may have removed: the address of this page is right in any case.
const roomUrl = new URL(".", location.href).href.slice(0, -1);

function element(tag, attributes, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

// Text between backticks becomes <code>.
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function table(titles, rows) {
  const cells = (tag, row) => element("tr", {}, ...row.map((cell) => element(tag, {}, ...[cell].flat())));
  const body = element("tbody", {}, ...rows.map((row) => cells("td", row)));
  return element("table", {}, element("thead", {}, cells("th", titles)), body);
}

// Scrolls sideways, so it can be focused: without a pointer it is scrolled with the keyboard.
function codeBlock(text) {
  return element("pre", { tabindex: "0" }, element("code", {}, text));
}

function responseExample(content) {
  if (content?.example === undefined) return [];
  return [codeBlock(typeof content.example === "string" ? content.example : JSON.stringify(content.example, null, 2))];
}

function curlCommand(method, path, { security, requestBody }) {
  const parts = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${roomUrl}${path}`];
  if (security.length) parts.push('-H "Authorization: Bearer $CHATR_KEY"');
  if (requestBody) {
    const [[type, { example }]] = Object.entries(requestBody.content);
    parts.push(`-H 'Content-Type: ${type}'`, `-d '${JSON.stringify(example)}'`);
  }
  return parts.join(" \\\n  ");
}

// Returns a table row for each parameter and for each property of the body.
function fieldRows({ parameters, requestBody }) {
  const schema = Object.values(requestBody?.content ?? {})[0]?.schema;
  const properties = Object.entries(schema?.properties ?? {}).map(([name, { description }]) => ({
    name,
    description,
    in: "body",
    required: schema.required.includes(name),
  }));
  return [...parameters, ...properties].map((field) => [
    element("code", {}, field.name),
    field.required ? `${field.in}, required` : field.in,
    prose(field.description),
  ]);
}

function codeLinks(reference, responses) {
  const { content } = responses[reference.$ref.split("/").pop()];
  const [{ schema }] = Object.values(content);
  return schema.properties.code.enum.map((code) => element("a", { href: `#${code}` }, element("code", {}, code)));
}

// Error responses are references into the document's components; the successful response is not.
function errorList(operation, responses) {
  const errors = Object.entries(operation.responses).filter(([, response]) => response.$ref);
  const items = errors.map(([status, reference]) =>
    element("li", {}, `${status} `, ...codeLinks(reference, responses).flatMap((code) => [code, " "])),
  );
  return element("ul", { class: "codes" }, ...items);
}

function endpoint(method, path, operation, responses) {
  const title = element("h3", {}, element("b", { class: method }, method.toUpperCase()), " ", element("code", {}, path));
  const summary = element("summary", {}, title, element("span", {}, operation.summary));
  if (operation.security.length) summary.append(element("span", { class: "badge" }, "needs a key"));
  const success = operation.responses[200];
  const rows = fieldRows(operation);
  return element(
    "details",
    { id: operation.operationId },
    summary,
    codeBlock(curlCommand(method, path, operation)),
    ...(rows.length ? [table(["field", "where", "what"], rows)] : []),
    element("h4", {}, "Response"),
    element("p", {}, ...prose(success.description)),
    ...Object.values(success.content).flatMap(responseExample),
    element("h4", {}, "Errors"),
    errorList(operation, responses),
  );
}

// Returns a section for each tag, with the endpoints that have it.
function sections({ paths, components }) {
  const byTag = new Map();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [tag] = operation.tags;
      if (!byTag.has(tag)) byTag.set(tag, element("section", {}, element("h2", {}, tag)));
      byTag.get(tag).append(endpoint(method, path, operation, components.responses));
    }
  }
  return byTag.values();
}

// A row for each error code. Its id is the code, because the `type` of a problem (RFC 9457) links there.
function errorTable({ components }) {
  const byCode = new Map();
  for (const [name, { content }] of Object.entries(components.responses)) {
    for (const { value } of Object.values(Object.values(content)[0].examples)) {
      const row = byCode.get(value.code) ?? { statuses: new Set(), sentences: new Set() };
      byCode.set(value.code, row);
      row.statuses.add(name.split(".")[0]); // components are named STATUS.CODE
      row.sentences.add(value.error);
    }
  }
  const rows = [...byCode].sort().map(([code, { statuses, sentences }]) => [
    [...statuses].join(", "),
    element("code", { id: code }, code),
    [...sentences].map((sentence) => element("p", {}, sentence)),
  ]);
  return element("section", { id: "errors" }, element("h2", {}, "errors"), table(["status", "code", "error"], rows));
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target) target.open = true;
}

async function showEndpoints() {
  const response = await fetch("openapi.json");
  if (!response.ok) throw new Error((await response.json()).error);
  const openapi = await response.json();
  const introduction = element("p", {}, ...prose(openapi.info.description));
  main.replaceChildren(introduction, ...sections(openapi), errorTable(openapi));
  openTarget();
  // The target did not exist when the browser looked for it: this makes it look again.
  if (location.hash) location.replace(location.hash);
}

addEventListener("hashchange", openTarget);
showEndpoints()
  .catch((error) =>
    main.replaceChildren(element("p", { role: "alert" }, `The endpoints could not be loaded: ${error.message}`)),
  )
  .finally(() => main.setAttribute("aria-busy", "false"));
