// Prints what Node's formatters make in all locales, as far as it holds invisible characters: one line for each locale's
// first example of every kind and pattern of these. Takes some minutes:
//
//     node tests/domain/formatted/formatters.mjs > tests/domain/formatted/texts.txt
//
// Arguments are locales to take instead of all.

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const SCRIPTS = "Adlm Arab Beng Cyrl Deva Guru Hans Hant Hebr Latn Mtei Nkoo Olck Rohg Telu Tfng Vaii".split(" ");
const REGIONS = ("AE AF AT BA BD BH BR CA CH CN DE DJ DZ EG EH ER ES FR GB GN IL IN IQ IR JO KM KW LB LY MA MR MX NP OM PK PS PT QA " +
  "SA SD SN SO SS SY TD TJ TN TW US UZ YE").split(" ");
const DIGITS = [undefined, "latn", "arab", "arabext", "hebr", "deva", "nkoo"];
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
const examples = new Map();

// All locales of this Node: no function lists them.
function locales() {
  const codes = LETTERS.flatMap((a) => LETTERS.flatMap((b) => [a + b, ...LETTERS.map((c) => a + b + c)]));
  // Old codes, such as mo, are returned as others with a region.
  const languages = [...new Set(Intl.NumberFormat.supportedLocalesOf(codes))].filter((code) => !code.includes("-"));
  const more = languages.flatMap((language) => [
    language,
    ...[...SCRIPTS, ...REGIONS].map((part) => `${language}-${part}`),
    ...SCRIPTS.flatMap((script) => ["PK", "IN", "AF", "IR", "MA", "UZ"].map((region) => `${language}-${script}-${region}`)),
  ]);
  return more.filter((locale) => new Intl.NumberFormat(locale).resolvedOptions().locale === locale);
}

function record(kind, locale, make) {
  let text;
  try {
    text = make();
  } catch (error) {
    if (error instanceof RangeError) return; // this locale or Node does not have it
    throw error;
  }
  // Scientific notation splits digits beyond U+FFFF in two.
  if (!text || !INVISIBLE.test(text) || !text.isWellFormed()) return;
  const pattern = `${kind} ${text.replace(/[^\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu, ".")}`;
  if (!examples.has(pattern)) examples.set(pattern, `${kind} ${locale} ${JSON.stringify(text)}`);
}

function numbers(locale) {
  const currencies = ["USD", "ILS", "SAR", "AED", "KWD", "LBP", "EGP", "IRR"].map((currency) => ({ style: "currency", currency }));
  const styles = [
    {},
    { style: "percent" },
    ...currencies,
    { style: "currency", currency: "EGP", currencySign: "accounting" },
    { style: "currency", currency: "IRR", currencyDisplay: "name" },
    { style: "currency", currency: "EUR", currencyDisplay: "code" },
    { style: "currency", currency: "AED", currencyDisplay: "narrowSymbol", notation: "compact" },
    ...["kilometer-per-hour", "celsius", "megabyte", "percent"].flatMap((unit) =>
      ["long", "short", "narrow"].map((unitDisplay) => ({ style: "unit", unit, unitDisplay }))),
    ...["scientific", "engineering", "compact"].map((notation) => ({ notation })),
    { notation: "compact", compactDisplay: "long" },
  ];
  for (const style of styles)
    for (const numberingSystem of DIGITS)
      for (const signDisplay of numberingSystem ? ["auto", "always"] : ["auto", "always", "exceptZero", "negative"]) {
        const format = new Intl.NumberFormat(locale, { ...style, signDisplay, numberingSystem });
        for (const number of [-5, 5, 0, -0, -1234567.891, 1e21, NaN, -Infinity]) record("number", locale, () => format.format(number));
        for (const [start, end] of [[-5, -3], [-3, 3], [3, 50000], [2.9, 3.1]])
          record("numbers", locale, () => format.formatRange(start, end));
      }
}

function dates(locale) {
  const [date, later, evening, ancient] = ["2026-11-28T03:04:05Z", "2026-12-30T15:04:05Z", "2026-11-28T17:04:05Z", "-000044-03-15T00:00:00Z"].map(
    (text) => new Date(text));
  const styles = [
    { dateStyle: "full", timeStyle: "full" },
    { dateStyle: "long" },
    { dateStyle: "medium", timeStyle: "medium" },
    { dateStyle: "short", timeStyle: "short" },
    { year: "numeric", month: "numeric", day: "numeric", era: "short" },
    { month: "short", day: "numeric" },
    { hour: "numeric", minute: "numeric", dayPeriod: "long", timeZoneName: "longOffset" },
    { year: "numeric", month: "2-digit" },
  ];
  const calendars = ["islamic-umalqura", "persian", "hebrew", "buddhist", "japanese", "coptic", "ethiopic", "indian", "roc", "chinese"];
  const variants = [...["gregory", ...calendars].map((calendar) => ({ calendar })), ...["arab", "arabext"].map((numberingSystem) => ({ numberingSystem }))];
  for (const variant of variants)
    for (const style of styles) {
      const format = new Intl.DateTimeFormat(locale, { timeZone: "Asia/Kathmandu", ...variant, ...style });
      for (const each of [date, ancient]) record("date", locale, () => format.format(each));
      for (const end of [later, evening]) record("dates", locale, () => format.formatRange(date, end));
    }
}

function words(locale) {
  for (const style of ["long", "short", "narrow"]) {
    for (const numeric of ["always", "auto"]) {
      const format = new Intl.RelativeTimeFormat(locale, { style, numeric });
      for (const unit of ["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
        for (const number of [-1000, -2, -1, 0, 1, 3]) record("relative", locale, () => format.format(number, unit));
    }
    for (const type of ["conjunction", "disjunction", "unit"])
      record("list", locale, () => new Intl.ListFormat(locale, { type, style }).format(["A", "\u05d0", "\u0628"]));
    for (const [type, codes] of [["region", "US IL PS GB 419"], ["language", "he ar-EG fa-AF uz-Arab en-GB ckb ur"], ["script", "Arab Latn"], ["currency", "USD ILS IRR SAR EGP"]])
      for (const code of codes.split(" ")) record("name", locale, () => new Intl.DisplayNames(locale, { type, style }).of(code));
    for (const numberingSystem of [undefined, "arab", "arabext"]) {
      const format = Intl.DurationFormat && new Intl.DurationFormat(locale, { style, numberingSystem });
      for (const sign of [1, -1])
        record("duration", locale, () => format?.format({ days: 3 * sign, hours: 4 * sign, minutes: 5 * sign }));
    }
  }
}

// Names of which many hold invisible characters, and few have several in a row. One example of each such row.
function longNames(locale) {
  const rows = (text) => text.match(/[\p{Cf}\p{Default_Ignorable_Code_Point}]{2,}/gu) ?? [];
  const recordRows = (kind, make) => {
    for (const row of rows(make()))
      if (!examples.has(`${kind} ${row}`)) examples.set(`${kind} ${row}`, `${kind} ${locale} ${JSON.stringify(make())}`);
  };
  for (const currency of Intl.supportedValuesOf("currency"))
    recordRows("amount", () => new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "name" }).format(5));
  for (const timeZone of Intl.supportedValuesOf("timeZone")) {
    const format = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "long" });
    for (const month of ["01", "07"]) recordRows("zone", () => format.format(new Date(`2026-${month}-01T00:00:00Z`)));
  }
}

for (const locale of process.argv.length > 2 ? process.argv.slice(2) : locales()) {
  numbers(locale);
  dates(locale);
  words(locale);
  longNames(locale);
}
const ascii = (text) => text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
console.log([...examples.values()].map(ascii).join("\n"));
