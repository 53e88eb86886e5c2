// Finds the words of a search in a text as the server's index does: case and accents do not matter, and each character of a
// script that is written without spaces is a word.

const WIDE =
  "\\xa6\\xa9\\xae\\xb0\\u2100-\\u214f\\u2190-\\u2bff\\u2e80-\\u2fdf\\u0e00-\\u109f\\u1780-\\u17ff\\u1950-\\u1aaf\\u1b00-\\u1b7f\\ua980-\\ua9ff\\uaa60-\\uaadf" +
  "\\u3000-\\u9fff\\uf900-\\ufaff\\uff66-\\uff9f\\ufffc\\ufffd\\u{1d000}-\\u{1d3ff}\\u{1f000}-\\u{3ffff}";
const WORD = new RegExp(`[${WIDE}]|(?:(?![${WIDE}])[\\p{L}\\p{N}\\p{M}\\p{Co}\\p{So}])+`, "gu");

const plain = (word) => word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function wordsOf(text) {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({ word: plain(word), index, end: index + word.length }));
}

// The phrases of a query: one for each piece between spaces. A piece such as a.b is a phrase of two words.
function phrasesOf(query) {
  const phrases = query.split(/\s+/).map((piece) => wordsOf(piece).map(({ word }) => word));
  return phrases.filter((phrase) => phrase.length).sort((one, other) => other.length - one.length);
}

export const hasWords = (query) => phrasesOf(query).length > 0;

// Returns the text cut at the phrases: each second part is one of them.
function split(text, phrases) {
  const words = wordsOf(text);
  const parts = [];
  let position = 0;
  for (let first = 0; first < words.length; first += 1) {
    const found = phrases.find((phrase) => phrase.every((word, index) => words[first + index]?.word === word));
    if (!found) continue;
    const { end } = words[first + found.length - 1];
    parts.push(text.slice(position, words[first].index), text.slice(words[first].index, end));
    position = end;
    first += found.length - 1;
  }
  return [...parts, text.slice(position)];
}

// Returns what String.split takes for a pattern, or null for a query without words.
export function foundWords(query) {
  const phrases = phrasesOf(query);
  return phrases.length ? { [Symbol.split]: (text) => split(text, phrases) } : null;
}
