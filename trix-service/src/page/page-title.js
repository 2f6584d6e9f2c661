// One job: how far it is, what it has made, what happened.

import { ask, at } from "./ask.js";
import { copiesOf } from "./copies.js";
import { keyed, make } from "./dom.js";
import { clock, number, percent, size, span, time } from "./format.js";
import { attemptsTable, eventsTable } from "./history.js";
import { bar, card, facts, more, row, say, state, table } from "./parts.js";
import { decisionsTable, warningsList } from "./plan.js";
import { probeTable } from "./probe.js";
import { fileAt, previewFiles, previewOf } from "./preview.js";
import { actionsOf, doingName, encoded, framesText, isOver, share, stateOf, stepName, unitsOf } from "./progress.js";
import { language, plural, word } from "./words.js";

async function load(context) {
  const path = at("/api/jobs", context.path);
  const [job, attempts, changes] = await Promise.all([ask(path), ask(`${path}/attempts`), ask(`${path}/changes`)]);
  // What a job has made does not change any more.
  const run = `${job.run} ${job.state}`;
  if (job.plan && (!context.master || context.run !== run)) context.master = await ask(`${path}/master`).catch(() => null);
  if (context.run !== run) {
    const [outputs, report] = await Promise.all([
      ask(`${path}/outputs`),
      job.state === "done" ? ask(`${path}/report`).catch(() => null) : null,
    ]);
    if (context.run && isOver(job)) say(word("jobIs", { title: job.submission.title, state: word(job.state) }));
    Object.assign(context, { run, outputs, report });
  }
  return { job, attempts, changes };
}

function head(context, job) {
  const done = () => context.reload();
  return make(
    "div",
    { class: "head", key: "head" },
    make("h1", { tabindex: -1 }, job.submission.title),
    state(stateOf(job)),
    make("div", { class: "push" }, actionsOf(job, context.user, done)),
  );
}

function summary(context, job) {
  const { submission: own, plan } = job;
  const versions = job.profile_versions ?? {};
  const profiles = own.profiles
    .map((name) => (versions[name] ? `${name} (${word("versionOf", { n: versions[name] })})` : name))
    .join(", ");
  const set = Object.entries(own.set ?? {})
    .map(([name, value]) => `${name} = ${value}`)
    .join(", ");
  const tracks = (own.tracks ?? []).map((track) =>
    [track.files.join(" + "), track.language, track.offset && `+${track.offset} s`].filter(Boolean).join(", "),
  );
  const { poster } = context.files;
  return make(
    "section",
    { class: "card summary", key: "summary", "aria-label": word("submission") },
    poster ? make("img", { class: "poster", src: fileAt(own.title, poster), alt: word("posterOf", { title: own.title }) }) : null,
    facts([
      [word("source"), make("code", {}, own.source)],
      [word("profiles"), profiles],
      [word("variables"), set],
      [
        word("tracks"),
        tracks.length
          ? make(
              "ul",
              { class: "plain" },
              tracks.map((text) => make("li", {}, text)),
            )
          : null,
      ],
      [word("check"), own.check && word(own.check === "full" ? "checkFull" : "checkStructure")],
      [word("priority"), `${job.priority}`],
      [word("playingTime"), plan?.seconds == null ? null : clock(plan.seconds)],
      [word("ledger"), plan?.frames == null ? null : number(plan.frames)],
      [word("estimate"), plan && !isOver(job) ? size(plan.bytes) : null],
      [word("submitted"), `${time(job.created_at)}, ${job.submitter}`],
      [word("started"), time(job.started_at)],
      [word("ended"), time(job.ended_at)],
      [word("took"), job.started_at && job.ended_at ? span((job.ended_at - job.started_at) / 1000) : null],
      [word("run"), job.run > 1 ? `${job.run}` : null],
    ]),
  );
}

function failure({ error }) {
  return error
    ? make(
        "section",
        { class: "card wrong", key: "error", "aria-labelledby": "head-error" },
        make("h2", { id: "head-error" }, word("error")),
        make("p", { class: "lines" }, error.message),
      )
    : null;
}

function unitsTable(units) {
  const heads = [[word("step")], [word("worker")], [word("progress"), "wide"], [word("began")]];
  const rows = units.map((own) => {
    const text = [doingName(own.doing), framesText(own)].filter(Boolean).join(", ");
    return row(
      heads,
      [
        stepName(own.step),
        own.worker,
        bar(word("progressOf", { title: stepName(own.step) }), share(own), text),
        time(own.began_at),
      ],
      { key: `${own.step} ${own.worker}` },
    );
  });
  return table(word("nowInWork"), heads, rows, { cards: true });
}

/** What all copies are in: chunks are encoded for all of them at once, and joined afterwards. */
function copyProgress(job) {
  const after = unitsOf(job).find((own) => own.step === "finish" || own.step === "publish");
  const done = encoded(job);
  const text = after
    ? [stepName(after.step), doingName(after.doing)].filter(Boolean).join(", ")
    : done == null
      ? ""
      : percent(done);
  const heads = [[word("copy")], [word("progress"), "wide"], [word("details")]];
  const rows = job.plan.outputs.map((own) =>
    row(heads, [make("code", {}, own.path), bar(word("progressOf", { title: own.path }), done ?? 0, text), own.detail], {
      key: own.path,
    }),
  );
  return [make("h3", {}, word("perCopy")), table(word("perCopy"), heads, rows, { cards: true })];
}

function progress(job) {
  if (isOver(job)) return null;
  const units = unitsOf(job);
  const done = encoded(job);
  const text = job.units ? `${plural("units", job.units, { done: number(job.units_done) })} · ${percent(done)}` : "";
  return card(
    "progress",
    word("progress"),
    job.units ? bar(word("progressOf", { title: job.submission.title }), done, text) : null,
    job.detail ? make("p", { class: "warn-text" }, `${word("waitsFor")}: ${job.detail}`) : null,
    units.length ? [make("h3", {}, word("nowInWork")), unitsTable(units)] : make("p", { class: "soft" }, word("waitsForWorker")),
    job.plan?.outputs.length ? copyProgress(job) : null,
  );
}

function preview(context, job) {
  const { files } = context;
  if (job.state !== "done" || !(files.hls || files.mp4)) return null;
  return keyed("section", "preview", `${context.run} ${language()}`, () => {
    context.stop?.();
    const { element, stop } = previewOf(job.submission.title, files);
    context.stop = stop;
    return make(
      "section",
      { class: "card", "data-keep": true, "aria-labelledby": "head-preview" },
      make("h2", { id: "head-preview" }, word("preview")),
      element,
    );
  });
}

function copies(context, job) {
  if (!context.outputs.length) return null;
  return keyed("section", "copies", `${context.run} ${language()}`, () =>
    make(
      "section",
      { class: "card", "data-keep": true, "aria-labelledby": "head-copies" },
      make(
        "div",
        { class: "head" },
        make("h2", { id: "head-copies" }, word("copies")),
        make("a", { href: at("/api/jobs", job.id, "report"), class: "push" }, word("report")),
      ),
      copiesOf(context.outputs, context.report),
    ),
  );
}

/** The master as it was when it was planned. */
function master(context) {
  const own = context.master;
  if (!own) return null;
  const numbers = [
    [word("size"), size(own.bytes)],
    [word("changed"), time(own.changed_at)],
    [word("sha256"), own.sha256 ? make("code", { class: "hash" }, own.sha256) : null],
  ];
  return keyed("section", "master", `${context.run} ${own.sha256} ${language()}`, () =>
    card("master", word("source"), facts(numbers), more(word("streams"), probeTable(own.path, own.probe))),
  );
}

function decisions({ plan }) {
  if (!plan) return null;
  return [
    plan.warnings?.length ? card("warnings", word("warnings"), warningsList(plan.warnings)) : null,
    plan.decisions?.length
      ? card("decisions", word("decisions"), more(plural("showAll", plan.decisions.length), decisionsTable(plan.decisions)))
      : null,
  ];
}

export const title = {
  heading: (_, { job }) => job?.submission.title ?? word("title"),
  isLive: true,
  load,
  follows: (change, context) => change.job === context.path,
  leave: (context) => context.stop?.(),
  view(context, { job, attempts, changes }) {
    context.files = previewFiles(context.outputs);
    return [
      head(context, job),
      failure(job),
      summary(context, job),
      progress(job),
      preview(context, job),
      copies(context, job),
      master(context),
      decisions(job),
      attempts.length ? card("attempts", word("attempts"), attemptsTable(context, job, attempts)) : null,
      card("events", word("events"), eventsTable(context, changes)),
    ];
  },
};
