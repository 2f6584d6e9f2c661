// The workers, and what each does.

import { ask, at, post, serverTime } from "./ask.js";
import { make } from "./dom.js";
import { number, size, time } from "./format.js";
import { live } from "./live.js";
import { bar, button, nothing, row, table, tried } from "./parts.js";
import { doingName, framesText, share, stepName } from "./progress.js";
import { word } from "./words.js";

/** A worker without a sign for this long counts as gone. */
const GONE = 10_000;
/** Time between two looks while the page is open. */
const LOOK = 2000;

function workOf(own) {
  const unit = live.units.find((unit) => unit.worker === own.name);
  if (!unit) return make("span", { class: "soft" }, own.work ?? word("idle"));
  const text = [doingName(unit.doing), framesText(unit)].filter(Boolean).join(", ");
  return [
    make("a", { href: `#/title/${unit.job}` }, own.work ?? stepName(unit.step)),
    bar(word("progressOf", { title: own.work ?? unit.step }), share(unit), text),
  ];
}

function loadOf(own) {
  if (own.load == null) return "–";
  const text = own.cores ? word("loadOf", { load: number(own.load, 1), cores: number(own.cores) }) : number(own.load, 1);
  return bar(word("loadBar", { name: own.name }), Math.min(1, own.load / (own.cores || 1)), text);
}

function memoryOf(own) {
  if (!own.memory) return "–";
  if (own.memory_free == null) return size(own.memory);
  return bar(
    word("memoryBar", { name: own.name }),
    1 - own.memory_free / own.memory,
    word("memoryFree", { free: size(own.memory_free), memory: size(own.memory) }),
  );
}

export const workers = {
  heading: () => word("workers"),
  isLive: true,
  async load(context) {
    context.watch ??= setInterval(() => {
      if (!document.hidden) context.reload();
    }, LOOK);
    const workers = await ask("/api/workers");
    return { workers, asked: serverTime() };
  },
  leave: (context) => clearInterval(context.watch),
  follows: (change) => change.what === "worker.drain",
  view(context, { workers: found, asked }) {
    const isAdministrator = context.user.role === "administrator";
    const heads = [
      [word("name")],
      [word("work"), "wide"],
      [word("load")],
      [word("memory")],
      [word("version")],
      [word("host")],
      [word("seen")],
      ...(isAdministrator ? [[""]] : []),
    ];
    const drain = (own) =>
      tried(async () => {
        await post(at("/api/workers", own.name, "drain"), { is_draining: !own.is_draining });
        await context.reload();
      });
    const rows = found.map((own) => {
      const isGone = asked - own.seen_at > GONE;
      const seen = isGone
        ? make("strong", { class: "wrong-text" }, word("gone", { time: time(own.seen_at) }))
        : time(own.seen_at);
      const name = make(
        "div",
        {},
        make("strong", {}, own.name),
        own.is_draining ? make("small", { class: "warn-text" }, word("draining")) : null,
      );
      const label = word(own.is_draining ? "takeName" : "drainName", { name: own.name });
      const action = button(word(own.is_draining ? "take" : "drain"), drain(own), { "aria-label": label });
      return row(
        heads,
        [
          name,
          isGone ? "" : workOf(own),
          isGone ? "–" : loadOf(own),
          isGone ? "–" : memoryOf(own),
          own.version,
          own.host,
          seen,
          ...(isAdministrator ? [action] : []),
        ],
        { key: own.name },
      );
    });
    return [
      make("div", { class: "head", key: "head" }, make("h1", { tabindex: -1 }, word("workers"))),
      make(
        "div",
        { class: "card", key: "list" },
        rows.length ? table(word("workers"), heads, rows, { cards: true }) : nothing(word("noWorkers")),
      ),
    ];
  },
};
