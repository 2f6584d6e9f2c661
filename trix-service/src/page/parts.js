// What pages are made of: tables, fields, bars, dialogs, short messages.

import { make } from "./dom.js";
import { plural, word } from "./words.js";

let count = 0;
const unique = () => `own-${(count += 1)}`;

/** A label and its input. `hint` stands below it. */
export function field(label, input, hint) {
  input.id ||= unique();
  const about = hint ? make("small", { class: "soft", id: `${input.id}-hint` }, hint) : null;
  if (about) input.setAttribute("aria-describedby", about.id);
  return make("div", { class: "field" }, make("label", { for: input.id }, label), input, about);
}

/** A checkbox with its label behind it. */
export function tick(label, attributes, hint) {
  const input = make("input", { type: "checkbox", ...attributes });
  return make("label", { class: "tick" }, input, make("span", {}, label, hint ? make("small", { class: "soft" }, hint) : null));
}

export function choice(label, options, chosen, change) {
  const items = options.map(([value, text]) => make("option", { value, selected: value === chosen }, text));
  return make("select", { "aria-label": label, onchange: change }, items);
}

/** Content that may be wider than the page. */
export const scroll = (label, content, kind = "") =>
  make("div", { class: `scroll ${kind}`.trim(), role: "region", "aria-label": label }, content);

/** Makes regions reachable with the keyboard while their content is larger than they are. */
export function settleRegions() {
  for (const region of document.querySelectorAll(".scroll")) {
    if (region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  }
}

/**
 * A table. Heads: [text] or [text, "number"]; an empty text is a column of actions. Rows are made by `row`.
 * With `cards`, each row becomes a card on a narrow screen.
 */
export function table(label, heads, rows, { cards = false, kind = "" } = {}) {
  const head = ([text, type]) =>
    make("th", { scope: "col", role: "columnheader", class: type }, text || make("span", { class: "hidden" }, word("actions")));
  const own = make(
    "table",
    { class: `${cards ? "cards" : ""} ${kind}`.trim() || null, role: "table", "aria-label": label },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, heads.map(head))),
    make("tbody", { role: "rowgroup" }, rows),
  );
  return cards ? own : scroll(label, own);
}

/** A row: cells in the order of the heads. */
export function row(heads, cells, attributes = {}) {
  const cell = (content, at) =>
    make(
      "td",
      { role: "cell", class: heads[at][1] ?? null, "data-label": heads[at][0] || null },
      Array.isArray(content) ? make("div", {}, content) : content,
    );
  return make("tr", { role: "row", ...attributes }, cells.map(cell));
}

/** Names and values: [[name, value]...]. Those without a value are left out. */
export function facts(pairs) {
  const own = pairs.filter(([, value]) => value != null && value !== "" && value !== false);
  return make(
    "dl",
    { class: "facts" },
    own.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
  );
}

/** A bar from 0 to 1, and the text behind it. Without a value it shows only that something goes on. */
export function bar(label, value, text, kind) {
  const known = value == null ? {} : { value: Math.round(value * 1000) / 1000 };
  return make(
    "div",
    { class: "bar" },
    make("progress", { max: 1, ...known, "aria-label": label, class: kind ?? null }),
    text ? make("span", { class: "soft" }, text) : null,
  );
}

/** Something that opens. */
export function more(summary, content, attributes = {}) {
  return make("details", attributes, make("summary", {}, summary), content);
}

export const card = (key, heading, ...content) =>
  make(
    "section",
    { class: "card", key, "aria-labelledby": heading ? `head-${key}` : null },
    heading ? make("h2", { id: `head-${key}` }, heading) : null,
    content,
  );

export const button = (text, onclick, attributes = {}) => make("button", { type: "button", onclick, ...attributes }, text);

export const state = (name) => make("span", { class: `state ${name}` }, word(name));

/** Says something for six seconds, also to a screen reader. */
export function say(text, kind = "") {
  const line = make("p", { class: kind || null }, text);
  document.getElementById("said").append(line);
  setTimeout(() => line.remove(), 6000 + 40 * text.length);
}

/** Calls `work`, and says what goes wrong. The button is disabled meanwhile. */
export const tried = (work) => async (event) => {
  event?.preventDefault();
  const pressed = event?.submitter ?? (event?.currentTarget instanceof HTMLButtonElement ? event.currentTarget : null);
  if (pressed?.getAttribute("aria-disabled") === "true") return;
  pressed?.setAttribute("aria-disabled", "true");
  try {
    await work(event);
  } catch (error) {
    say(error.message, "wrong");
  } finally {
    pressed?.removeAttribute("aria-disabled");
  }
};

/** Asks in a dialog. True if the user agrees. */
export function confirmed(question, agree) {
  return new Promise((answer) => {
    const dialog = make(
      "dialog",
      { "aria-labelledby": "question" },
      make(
        "form",
        { method: "dialog" },
        make("p", { id: "question" }, question),
        make(
          "div",
          { class: "row end" },
          make("button", { value: "no" }, word("back")),
          make("button", { value: "yes", class: "danger" }, agree),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Rows up to a number, and a button that shows all. */
export function some(state, name, rows, most = 15) {
  const all = state.all?.[name];
  const rest = rows.length - most;
  const show = () => {
    (state.all ??= {})[name] = true;
    state.redraw();
  };
  return {
    rows: all ? rows : rows.slice(0, most),
    rest: !all && rest > 0 ? make("p", {}, button(plural("showAll", rows.length), show)) : null,
  };
}

/** What stands where nothing is. */
export const nothing = (text = word("nothing")) => make("p", { class: "soft empty" }, text);

export const mistake = (error) =>
  make(
    "div",
    { class: "card wrong", role: "alert" },
    make("strong", {}, word("error")),
    make("p", { class: "lines" }, error.message),
  );
