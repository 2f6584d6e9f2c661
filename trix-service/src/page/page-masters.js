// What lies in the mount of masters, and what watch folders have taken.

import { ask, post, query } from "./ask.js";
import { keyed, make } from "./dom.js";
import { size, time } from "./format.js";
import { probeTable } from "./probe.js";
import { button, card, more, nothing, row, state, table, tick, tried } from "./parts.js";
import { mayChange } from "./progress.js";
import { language, plural, word } from "./words.js";

const parentOf = (path) => path.split("/").slice(0, -1).join("/");
const below = (path, name) => (path ? `${path}/${name}` : name);
const link = (path) => (path ? `#/masters/${encodeURIComponent(path)}` : "#/masters");

function crumbs(path) {
  const names = path ? path.split("/") : [];
  const steps = [["", word("mountOfMasters")], ...names.map((name, at) => [names.slice(0, at + 1).join("/"), name])];
  return make(
    "nav",
    { class: "crumbs", "aria-label": word("path"), key: "crumbs" },
    make(
      "ol",
      {},
      steps.map(([own, name], at) =>
        make(
          "li",
          {},
          at === steps.length - 1 ? make("span", { "aria-current": "page" }, name) : make("a", { href: link(own) }, name),
        ),
      ),
    ),
  );
}

/** Masters with the files that belong to them. A file whose master is not here stands alone. */
function films(entries) {
  const names = new Set(entries.map((own) => own.name));
  const isStem = (own) => own.film && own.film !== own.name && names.has(own.film);
  const stems = Map.groupBy ? Map.groupBy(entries.filter(isStem), (own) => own.film) : grouped(entries.filter(isStem));
  return entries.filter((own) => !isStem(own)).map((own) => ({ ...own, stems: stems.get(own.name) ?? [] }));
}

function grouped(entries) {
  const groups = new Map();
  for (const own of entries) groups.set(own.film, [...(groups.get(own.film) ?? []), own]);
  return groups;
}

function look(context, path) {
  return tried(async () => {
    context.looked = { path, isBusy: true };
    context.redraw();
    try {
      context.looked = { path, info: await post("/api/probe", { path }) };
    } catch (error) {
      context.looked = { path, error };
    }
    context.redraw();
    document.getElementById("head-looked")?.scrollIntoView({ block: "nearest" });
  });
}

function looked(context) {
  const { path, isBusy, info, error } = context.looked ?? {};
  if (!path) return null;
  const name = path.split("/").pop();
  return keyed("section", "looked", [path, isBusy, language(), info?.bytes].join("|"), () => {
    const close = () => {
      context.looked = null;
      context.redraw();
    };
    const content = isBusy
      ? make("p", { role: "status" }, word("looking", { name }))
      : error
        ? make("p", { class: "wrong-text lines", role: "alert" }, error.message)
        : probeTable(name, info);
    return make(
      "section",
      { class: "card", "aria-labelledby": "head-looked" },
      make(
        "div",
        { class: "head" },
        make("h2", { id: "head-looked" }, word("contentOf", { name })),
        button(word("close"), close),
      ),
      content,
    );
  });
}

function stemsOf(own) {
  if (!own.stems.length) return null;
  const items = own.stems.map((stem) => make("li", {}, stem.name, " ", make("span", { class: "soft" }, size(stem.bytes))));
  return more(plural("stems", own.stems.length), make("ul", { class: "plain" }, items));
}

function entryRow(context, heads, own) {
  const path = below(context.path, own.name);
  if (own.is_folder) {
    return row(heads, [make("a", { href: link(path), class: "folder" }, `${own.name}/`), "", time(own.changed_at), "", ""], {
      key: own.name,
    });
  }
  const badge = own.is_new ? make("span", { class: "badge" }, word("isNew")) : null;
  const name = make("div", {}, make("span", { class: "file" }, own.name), " ", badge, stemsOf(own));
  const actions = make(
    "div",
    { class: "row" },
    button(word("look"), look(context, path), { "aria-label": word("lookAt", { name: own.name }) }),
    mayChange(context.user)
      ? make(
          "a",
          { href: query("#/submit", { source: path }), class: "button", "aria-label": word("chooseName", { name: own.name }) },
          word("choose"),
        )
      : null,
  );
  const job = own.job ? make("a", { href: `#/title/${own.job.id}` }, state(own.job.state)) : "";
  return row(heads, [name, size(own.bytes), time(own.changed_at), job, actions], { key: own.name });
}

function arrivalsTable(context, arrivals) {
  if (!arrivals?.length) return null;
  const heads = [[word("source")], [word("rule")], [word("state")], [word("why"), "wide"], [""]];
  const dismiss = (own) =>
    tried(async () => {
      await post("/api/arrivals/dismiss", { path: own.path });
      await context.reload();
    });
  const choose = ({ path, submission: { title, profiles } }) =>
    query("#/submit", { source: path, title, profiles: profiles.join(",") });
  const rows = arrivals.map((own) => {
    const isOpen = own.state === "waits" && mayChange(context.user);
    const actions = isOpen
      ? make(
          "div",
          { class: "row" },
          make("a", { href: choose(own), class: "button", "aria-label": word("chooseName", { name: own.path }) }, word("choose")),
          button(word("dismiss"), dismiss(own), { "aria-label": word("dismissName", { name: own.path }) }),
        )
      : "";
    const name = own.job ? make("a", { href: `#/title/${own.job}` }, own.path) : own.path;
    return row(heads, [name, own.rule, word(own.state === "submitted" ? "arrival_submitted" : own.state), own.why, actions], {
      key: own.path,
    });
  });
  return card("arrivals", word("arrivals"), table(word("arrivals"), heads, rows, { cards: true }));
}

export const masters = {
  heading: ({ path }) => (path ? `${word("masters")}: ${path}` : word("masters")),
  async load({ path }) {
    const [entries, arrivals] = await Promise.all([ask(query("/api/masters", { path })), path ? null : ask("/api/arrivals")]);
    return { entries, arrivals };
  },
  follows: (change) =>
    change.what.startsWith("master.") || /^job\.(submitted|began|done|failed|cancelled|retried)$/.test(change.what),
  view(context, { entries, arrivals }) {
    const heads = [[word("name"), "wide"], [word("size"), "number"], [word("changed")], [word("lastJob")], [""]];
    const own = films(entries).filter((entry) => !context.onlyNew || entry.is_new || entry.is_folder);
    const filter = tick(word("onlyNew"), {
      checked: Boolean(context.onlyNew),
      onchange: ({ target }) => {
        context.onlyNew = target.checked;
        context.redraw();
      },
    });
    const empty = context.onlyNew && entries.length ? word("noneNew") : word("emptyFolder");
    return [
      make("div", { class: "head", key: "head" }, make("h1", { tabindex: -1 }, word("masters")), filter),
      crumbs(context.path),
      arrivalsTable(context, arrivals),
      looked(context),
      make(
        "div",
        { key: "list", class: "card" },
        own.length
          ? table(
              word("masters"),
              heads,
              own.map((entry) => entryRow(context, heads, entry)),
              { cards: true },
            )
          : nothing(empty),
      ),
      context.path ? make("p", { key: "up" }, make("a", { href: link(parentOf(context.path)) }, word("back"))) : null,
    ];
  },
};
