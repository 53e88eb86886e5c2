// The page of endpoints: /openapi.json, put into words. All of it reaches the document as text.

const calls = document.getElementById("calls");

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Between backticks stands what is to be written as it is.
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function table(head, rows) {
  const cells = (tag, row) => element("tr", {}, ...row.map((cell) => element(tag, {}, ...[cell].flat())));
  const body = element("tbody", {}, ...rows.map((row) => cells("td", row)));
  return element("table", {}, element("thead", {}, cells("th", head)), body);
}

function listing(text) {
  return element("pre", { tabindex: "0" }, element("code", {}, text));
}

function example(content) {
  if (content?.example === undefined) return [];
  return [listing(typeof content.example === "string" ? content.example : JSON.stringify(content.example, null, 2))];
}

function curl(method, path, { security, requestBody }) {
  const parts = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${location.origin}${path}`];
  if (security.length) parts.push('-H "Authorization: Bearer $CHATR_KEY"');
  if (requestBody) {
    const [[type, { example }]] = Object.entries(requestBody.content);
    parts.push(`-H 'Content-Type: ${type}'`, `-d '${JSON.stringify(example)}'`);
  }
  return parts.join(" \\\n  ");
}

function fields({ parameters, requestBody }) {
  const shape = Object.values(requestBody?.content ?? {})[0]?.schema;
  const inBody = Object.entries(shape?.properties ?? {}).map(([name, { description }]) => ({
    name,
    description,
    in: "body",
    required: shape.required.includes(name),
  }));
  return [...parameters, ...inBody].map((field) => [
    element("code", {}, field.name),
    field.required ? `${field.in}, required` : field.in,
    prose(field.description),
  ]);
}

function codes(reference, responses) {
  const { content } = responses[reference.$ref.split("/").at(-1)];
  const [{ schema }] = Object.values(content);
  return schema.properties.code.enum.map((code) => element("a", { href: `#${code}` }, element("code", {}, code)));
}

function refusals(operation, responses) {
  const no = Object.entries(operation.responses).filter(([, response]) => response.$ref);
  const items = no.map(([status, reference]) =>
    element("li", {}, `${status} `, ...codes(reference, responses).flatMap((code) => [code, " "])),
  );
  return element("ul", { class: "codes" }, ...items);
}

function call(method, path, operation, responses) {
  const title = element("h3", {}, element("b", { class: method }, method.toUpperCase()), " ", element("code", {}, path));
  const summary = element("summary", {}, title, element("span", {}, operation.summary));
  if (operation.security.length) summary.append(element("span", { class: "badge" }, "with a key"));
  const yes = operation.responses[200];
  const takes = fields(operation);
  return element(
    "details",
    { id: operation.operationId },
    summary,
    listing(curl(method, path, operation)),
    ...(takes.length ? [table(["field", "where", "what"], takes)] : []),
    element("h4", {}, "Answer"),
    element("p", {}, ...prose(yes.description)),
    ...Object.values(yes.content).flatMap(example),
    element("h4", {}, "Refusals"),
    refusals(operation, responses),
  );
}

function sections({ paths, components }) {
  const found = new Map();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [tag] = operation.tags;
      if (!found.has(tag)) found.set(tag, element("section", {}, element("h2", {}, tag)));
      found.get(tag).append(call(method, path, operation, components.responses));
    }
  }
  return found.values();
}

// One row for each code, which is where the `type` of a problem leads.
function refusalTable({ components }) {
  const found = new Map();
  for (const [name, { content }] of Object.entries(components.responses)) {
    for (const { value } of Object.values(Object.values(content)[0].examples)) {
      const row = found.get(value.code) ?? { statuses: new Set(), sentences: new Set() };
      found.set(value.code, row);
      row.statuses.add(name.split(".")[0]);
      row.sentences.add(value.error);
    }
  }
  const rows = [...found].sort().map(([code, { statuses, sentences }]) => [
    [...statuses].join(", "),
    element("code", { id: code }, code),
    [...sentences].map((sentence) => element("p", {}, sentence)),
  ]);
  return element("section", { id: "refusals" }, element("h2", {}, "refusals"), table(["status", "code", "says"], rows));
}

function unfold() {
  const place = document.getElementById(location.hash.slice(1));
  if (place) place.open = true;
}

async function show() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error((await response.json()).error);
  const openapi = await response.json();
  const intro = element("p", {}, ...prose(openapi.info.description));
  calls.replaceChildren(intro, ...sections(openapi), refusalTable(openapi));
  unfold();
  if (location.hash) location.replace(location.hash); // now there is such a place
}

addEventListener("hashchange", unfold);
show()
  .catch((error) => calls.replaceChildren(element("p", { role: "alert" }, `This cannot be shown: ${error.message}`)))
  .finally(() => calls.setAttribute("aria-busy", "false"));
