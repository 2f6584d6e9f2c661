// Parts, mounts, errors, the notice, profiles, users and tokens.

import { ask } from "./ask.js";
import { keyed, make } from "./dom.js";
import { number, percent, size, time } from "./format.js";
import { live } from "./live.js";
import { bar, card, field, row, say, table, tried } from "./parts.js";
import { peopleCards } from "./people.js";
import { profilesCard } from "./profiles.js";
import { language, known, word } from "./words.js";

/** Time between two looks while the page is open. */
const LOOK = 5000;

const partName = (own) => known(`${own}_`) ?? own;

function partsTable(parts) {
  const heads = [[word("part")], [word("state")], [word("why"), "wide"]];
  const rows = parts.map((own) =>
    row(
      heads,
      [
        partName(own.part),
        own.away_since
          ? make("strong", { class: "wrong-text" }, word("awaySince", { time: time(own.away_since) }))
          : make("span", { class: "state done" }, word("answers")),
        own.why ?? "",
      ],
      { key: own.part },
    ),
  );
  return card("parts", word("parts"), table(word("parts"), heads, rows, { cards: true }));
}

function mountsTable(mounts) {
  const heads = [
    [word("mount")],
    [word("path"), "wide"],
    [word("used")],
    [word("free"), "number"],
    [word("size"), "number"],
    [word("trouble")],
  ];
  const rows = mounts.map((own) => {
    const share = own.size ? 1 - own.free / own.size : null;
    const used =
      share == null ? "–" : bar(word("usedOf", { mount: partName(own.mount) }), share, percent(share), share > 0.9 ? "low" : "");
    return row(
      heads,
      [
        partName(own.mount),
        make("code", {}, own.path),
        used,
        size(own.free),
        size(own.size),
        own.trouble ? make("span", { class: "wrong-text" }, own.trouble) : "–",
      ],
      { key: own.mount },
    );
  });
  return card("mounts", word("mounts"), table(word("mounts"), heads, rows, { cards: true }));
}

const COUNTS = ["jobs_done", "jobs_failed", "attempts_done", "attempts_failed", "attempts_waited", "attempts_fenced"];

function ratesTable(counts) {
  if (!counts) return null;
  const heads = [
    [word("what"), "wide"],
    [word("lastHour"), "number"],
    [word("lastDay"), "number"],
  ];
  const value = (own, name) => {
    const [kind, end] = name.split("_");
    const all = own[`${kind}_done`] + own[`${kind}_failed`];
    const text = number(own[name]);
    return end === "failed" && all && own[name]
      ? make("strong", { class: "wrong-text" }, word("failedShare", { n: text, share: percent(own[name] / all) }))
      : text;
  };
  const rows = COUNTS.map((name) => row(heads, [word(name), value(counts.hour, name), value(counts.day, name)], { key: name }));
  return card("rates", word("rates"), table(word("rates"), heads, rows, { cards: true }));
}

function noticeForm(text) {
  return keyed("section", "notice", language(), () => {
    const input = make("textarea", { rows: 2, maxlength: 2000 }, text);
    const save = tried(async () => {
      await ask("/api/notice", { method: "PUT", body: { text: input.value } });
      say(word("saved"));
    });
    return make(
      "section",
      { class: "card", "aria-labelledby": "head-notice", "data-keep": true },
      make("h2", { id: "head-notice" }, word("notice")),
      make(
        "form",
        { onsubmit: save },
        field(word("notice"), input, word("noticeHint")),
        make("div", { class: "row" }, make("button", { class: "main" }, word("save"))),
      ),
    );
  });
}

export const system = {
  heading: () => word("system"),
  isLive: true,
  async load(context) {
    context.watch ??= setInterval(() => {
      if (!document.hidden) context.reload();
    }, LOOK);
    const isAdministrator = context.user.role === "administrator";
    // What is not there yet is left out.
    const [own, notice, profiles, tokens, users] = await Promise.all([
      ask("/api/system"),
      ask("/api/notice"),
      ask("/api/profiles").catch(() => null),
      ask("/api/tokens").catch(() => null),
      isAdministrator ? ask("/api/users").catch(() => null) : null,
    ]);
    return { system: own, notice, profiles, tokens, users };
  },
  leave: (context) => clearInterval(context.watch),
  follows: (change) => /^(worker|user|token|profile|notice)\./.test(change.what),
  view(context, { system: own, notice, profiles, tokens, users }) {
    const isAdministrator = context.user.role === "administrator";
    return [
      make(
        "div",
        { class: "head", key: "head" },
        make("h1", { tabindex: -1 }, word("system")),
        make("span", { class: "soft" }, `Trix ${own.version}`),
      ),
      partsTable(live.parts.length ? live.parts : own.parts),
      mountsTable(own.mounts),
      ratesTable(own.counts),
      isAdministrator ? noticeForm(notice.text) : null,
      profiles ? profilesCard(context, profiles) : null,
      peopleCards(context, users, tokens),
    ];
  },
};
