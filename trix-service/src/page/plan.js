// What a plan says: copies, decisions, warnings, and the figures of a dry run.

import { make } from "./dom.js";
import { clock, number, size, span } from "./format.js";
import { bar, facts, more, row, table } from "./parts.js";
import { word } from "./words.js";

export function decisionsTable(decisions) {
  const heads = [
    [word("decision"), "wide"],
    [word("why"), "wide"],
  ];
  return table(
    word("decisions"),
    heads,
    decisions.map((own) => row(heads, [own.what, own.why])),
    { cards: true },
  );
}

export const warningsList = (warnings) =>
  make(
    "ul",
    { class: "warnings" },
    warnings.map((own) => make("li", {}, own)),
  );

/** A dry run in full. */
export function planView(plan) {
  const heads = [[word("copy")], [word("details"), "wide"]];
  const outputs = plan.outputs.map((own) => row(heads, [make("code", {}, own.path), own.detail]));
  const isTooLarge = plan.free != null && plan.bytes > plan.free;
  const space = plan.free
    ? bar(
        word("freeSpace"),
        Math.min(1, plan.bytes / plan.free),
        word("partOfFree", { bytes: size(plan.bytes), free: size(plan.free) }),
      )
    : size(plan.bytes);
  return [
    facts([
      [word("estimate"), space],
      [word("playingTime"), plan.seconds == null ? null : `${clock(plan.seconds)} (${span(plan.seconds)})`],
      [word("ledger"), plan.frames == null ? null : number(plan.frames)],
      [word("unitCount"), number(plan.units)],
      [word("timeNeeded"), plan.takes == null ? null : span(plan.takes)],
    ]),
    isTooLarge ? make("p", { class: "wrong-text" }, word("tooLarge")) : null,
    plan.warnings.length ? [make("h3", {}, word("warnings")), warningsList(plan.warnings)] : null,
    make("h3", {}, word("willMake")),
    table(word("willMake"), heads, outputs, { cards: true }),
    plan.decisions.length
      ? more(`${word("decisions")} (${number(plan.decisions.length)})`, decisionsTable(plan.decisions))
      : null,
  ];
}
