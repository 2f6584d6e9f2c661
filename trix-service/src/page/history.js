// What happened to a job: attempts and events.

import { make } from "./dom.js";
import { span, time } from "./format.js";
import { live } from "./live.js";
import { more, row, some, table } from "./parts.js";
import { stepName } from "./progress.js";
import { known, word } from "./words.js";

/** What an event is called. The plan is told as progress, too. */
function eventName({ what, detail }) {
  const name = what === "job.progress" && detail?.units != null ? "job.planned" : what;
  return known(name, detail ?? {}) ?? what;
}

/** How an attempt ended; without an outcome it runs, or its worker was lost. */
function outcomeOf(own, job) {
  if (own.outcome) return known(`outcome_${own.outcome}`) ?? own.outcome;
  const isRunning =
    job.state === "running" &&
    own.run === job.run &&
    live.units.some((unit) => unit.step === own.step && unit.worker === own.worker && unit.job === job.id);
  return word(isRunning ? "open" : "lost");
}

export function attemptsTable(context, job, attempts) {
  const heads = [
    [word("step")],
    [word("run"), "number"],
    [word("worker")],
    [word("began")],
    [word("took"), "number"],
    [word("outcome"), "wide"],
  ];
  const { rows, rest } = some(context, "attempts", attempts);
  const cells = (own) => {
    const text = outcomeOf(own, job);
    const outcome = own.outcome === "failed" ? make("span", { class: "wrong-text" }, text) : text;
    return [
      stepName(own.step),
      `${own.run}`,
      own.worker,
      time(own.began_at),
      own.ended_at ? span((own.ended_at - own.began_at) / 1000) : "",
      own.error ? [outcome, make("p", { class: "lines small" }, own.error.message)] : outcome,
    ];
  };
  return [
    table(
      word("attempts"),
      heads,
      rows.map((own) => row(heads, cells(own), { key: own.id })),
      { cards: true },
    ),
    rest,
  ];
}

export function eventsTable(context, changes) {
  const heads = [[word("when")], [word("what"), "wide"], [word("who")], [word("details")]];
  const { rows, rest } = some(context, "events", changes);
  const cells = (own) => {
    const raw = JSON.stringify(own.detail, null, 1);
    return [time(own.at), eventName(own), own.who, raw === "{}" || raw == null ? "" : more("JSON", make("pre", {}, raw))];
  };
  return [
    table(
      word("events"),
      heads,
      rows.map((own) => row(heads, cells(own), { key: own.number })),
      { cards: true },
    ),
    rest,
  ];
}
