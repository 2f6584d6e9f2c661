// The language of the page.

import { english } from "./words-en.js";
import { russian } from "./words-ru.js";

const WORDS = { en: english, ru: russian };
const KEY = "language";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

let chosen = WORDS[remembered()] ? remembered() : navigator.language.startsWith("ru") ? "ru" : "en";

export const language = () => chosen;

export function switchLanguage() {
  chosen = chosen === "en" ? "ru" : "en";
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // The browser keeps nothing. The choice holds until the page is left.
  }
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));

/** The text of this name. */
export const word = (name, values = {}) => filled(WORDS[chosen][name] ?? name, values);

/** The text of this name, if there is one. */
export const known = (name, values = {}) => (name in WORDS[chosen] ? word(name, values) : null);

/** A text with a count: "1 file", "2 files". */
export function plural(name, count, values = {}) {
  const forms = WORDS[chosen][name];
  const form = forms[new Intl.PluralRules(chosen).select(count)] ?? forms.other;
  return filled(form, { n: new Intl.NumberFormat(chosen).format(count), ...values });
}
