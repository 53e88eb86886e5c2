// The page's texts in its language. The server collects those that scripts use in a script that runs before the modules.

const pageLanguage = document.documentElement.lang;

// A browser may name a locale that its Intl rejects, as Chromium did with en-US@posix.
function known(locale) {
  try {
    return Intl.NumberFormat.supportedLocalesOf(locale).length ? locale : pageLanguage;
  } catch {
    return pageLanguage;
  }
}

// The reader's locale. Words in its language fit into the page's sentences only if that is the language of the page.
export const readersLocale = known(navigator.language);
export const speaksPageLanguage = readersLocale.split("-")[0] === pageLanguage.split("-")[0];

const numbers = new Intl.NumberFormat(readersLocale);
const plurals = new Intl.PluralRules(pageLanguage);

export const formatNumber = (number) => numbers.format(number);

// Returns a text's parts, with the values in place of their names: nodes as they are, numbers as the reader's locale writes them.
// `count` chooses the plural form.
export function textParts(key, values = {}) {
  const entry = globalThis.pageTexts[key];
  const pattern = typeof entry === "string" ? entry : entry[plurals.select(values.count)] ?? entry.other;
  const shown = (name) => (typeof values[name] === "number" ? formatNumber(values[name]) : values[name]);
  // The pattern has one group, so each second part is a name.
  return pattern.split(/\{(\w+)\}/).map((part, index) => (index % 2 ? shown(part) : part)).filter((part) => part !== "");
}

export const text = (key, values) => textParts(key, values).join("");

// Loads a module that a first visit does without, after the texts of all such modules.
export async function loadLater(name) {
  await import(`./texts_later.${pageLanguage}.js`);
  return import(`./${name}`);
}
