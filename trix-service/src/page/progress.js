// How far jobs and their units are, and what a user does with jobs.

import { at, post } from "./ask.js";
import { make } from "./dom.js";
import { number } from "./format.js";
import { live } from "./live.js";
import { bar, button, confirmed, tried } from "./parts.js";
import { known, plural, word } from "./words.js";

export const isOver = (job) => !["queued", "running"].includes(job.state);
export const stateOf = (job) =>
  isOver(job) ? job.state : job.is_cancelling ? "cancelling" : job.is_paused ? "paused" : job.state;
export const mayChange = (user) => user.role !== "viewer";

/** The units of a job that run now. */
export const unitsOf = (job) => live.units.filter((own) => own.job === job.id && own.run === job.run);

const isChunk = (unit) => unit.step.startsWith("chunk");

/** The part of a unit that is done, from 0 to 1. `null` if it is not known. */
export const share = (unit) => (unit.frames_expected ? Math.min(1, unit.frames / unit.frames_expected) : null);

/** The part of all chunks that is encoded, with those that run. `null` before the plan. */
export function encoded(job) {
  if (job.state === "done") return 1;
  if (!job.units) return null;
  const inWork = unitsOf(job)
    .filter(isChunk)
    .reduce((sum, own) => sum + (share(own) ?? 0), 0);
  return Math.min(1, (job.units_done + inWork) / job.units);
}

/** "chunk 12" in words. */
export function stepName(step) {
  const [kind, n] = step.split(" ");
  return known(`step_${kind}`, { n }) ?? step;
}

export const doingName = (doing) => (doing ? (known(`doing_${doing}`) ?? doing) : "");

/** Frames of a unit in words. */
export function framesText(unit) {
  if (unit.frames_expected) return word("framesOf", { frames: number(unit.frames), expected: number(unit.frames_expected) });
  return unit.frames ? plural("frames", unit.frames) : "";
}

/** How far a job is: a bar and its numbers. */
export function progressOf(job) {
  if (isOver(job))
    return job.state === "failed" && job.error ? make("span", { class: "wrong-text clip" }, job.error.message) : "";
  const units = unitsOf(job);
  const lines = [];
  if (job.units) lines.push(plural("units", job.units, { done: number(job.units_done) }));
  const others = units
    .filter((own) => !isChunk(own))
    .map((own) => [stepName(own.step), framesText(own)].filter(Boolean).join(", "));
  const frames = units.filter(isChunk).reduce((sum, own) => sum + own.frames, 0);
  if (frames) lines.push(plural("framesRun", frames));
  lines.push(...others, job.detail);
  const text = lines.filter(Boolean).join(" · ");
  if (job.state === "queued" && !job.units) return make("span", { class: "soft" }, text);
  return bar(word("progressOf", { title: job.submission.title }), encoded(job), text);
}

/** What changes when the units of a job go on. */
export const signOf = (job) =>
  unitsOf(job)
    .map((own) => `${own.step} ${own.frames} ${own.doing}`)
    .join();

/** The buttons of a job. `done` is called with the job as it is then. */
export function actionsOf(job, user, done) {
  if (!mayChange(user)) return null;
  const {
    id,
    submission: { title },
  } = job;
  const act = (action) => tried(async () => done(await post(at("/api/jobs", id, action))));
  const named = (name) => ({ "aria-label": `${word(name)}: ${title}` });
  if (isOver(job))
    return job.state === "done" ? null : make("div", { class: "row" }, button(word("retry"), act("retry"), named("retry")));
  const cancel = tried(async () => {
    if (await confirmed(word("askCancel", { title }), word("cancelJob"))) done(await post(at("/api/jobs", id, "cancel")));
  });
  const other = job.is_paused ? "resume" : "pause";
  return make(
    "div",
    { class: "row" },
    button(word(other), act(other), named(other)),
    job.is_cancelling ? null : button(word("cancel"), cancel, named("cancel")),
  );
}
