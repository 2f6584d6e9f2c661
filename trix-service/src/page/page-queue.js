// All jobs, the last one first.

import { ask, at, post, query } from "./ask.js";
import { keyed, make } from "./dom.js";
import { time } from "./format.js";
import { button, choice, row, say, state, table, tried } from "./parts.js";
import { actionsOf, isOver, mayChange, progressOf, signOf, stateOf } from "./progress.js";
import { language, word } from "./words.js";

/** Jobs of a request. */
const MOST = 100;
/** The most jobs beyond the first hundred that are asked for one by one at a time. */
const SINGLE = 20;
const STATES = ["queued", "running", "done", "failed", "cancelled"];
const PRIORITIES = [1, 2, 3, 4, 5];

const priorityName = (own) => (own === 1 ? word("priority1") : own === 5 ? word("priority5") : `${own}`);

function filterOf(context) {
  return { state: context.query.get("state") ?? "", title: context.query.get("title") ?? "" };
}

const fits = (job, { state, title }) =>
  (!state || job.state === state) && (!title || job.submission.title.toLowerCase().includes(title.toLowerCase()));

/** Reads the first hundred jobs, and those further down that have changed. */
async function load(context) {
  const filter = filterOf(context);
  const name = JSON.stringify(filter);
  if (context.filter !== name) Object.assign(context, { filter: name, jobs: new Map(), changed: new Set(), hasMore: false });
  const { jobs } = context;
  const first = await ask(query("/api/jobs", { limit: MOST, ...filter }));
  if (context.filter !== name) return {};
  const end = first.at(-1)?.id ?? "";
  // More than a page of new jobs: those between are not known.
  if (jobs.size && first.length === MOST && !first.some((job) => jobs.has(job.id))) jobs.clear();
  // What is not there any more does not match any more.
  for (const id of jobs.keys()) if (first.length < MOST || id >= end) jobs.delete(id);
  if (first.length < MOST) context.hasMore = false;
  else if (!jobs.size) context.hasMore = true;
  for (const job of first) {
    jobs.set(job.id, job);
    context.changed.delete(job.id);
  }
  const others = [...context.changed].filter((id) => jobs.has(id)).slice(0, SINGLE);
  for (const job of await Promise.all(others.map((id) => ask(at("/api/jobs", id))))) {
    context.changed.delete(job.id);
    if (fits(job, filter)) jobs.set(job.id, job);
    else jobs.delete(job.id);
  }
  for (const id of context.changed) if (!jobs.has(id)) context.changed.delete(id);
  return {};
}

function tools(context) {
  const go = (values) => {
    const own = query("#/queue", { ...filterOf(context), ...values });
    history.replaceState(null, "", own);
    context.query = new URLSearchParams(own.split("?")[1] ?? "");
    return context.reload();
  };
  return keyed("div", "tools", language(), () => {
    const filter = filterOf(context);
    let wait = null;
    const search = make("input", {
      type: "search",
      "aria-label": word("search"),
      placeholder: word("search"),
      value: filter.title,
      oninput: ({ target }) => {
        clearTimeout(wait);
        wait = setTimeout(() => go({ title: target.value }), 300);
      },
    });
    const states = [["", word("all")], ...STATES.map((own) => [own, word(own)])];
    return make(
      "div",
      { class: "tools", role: "search", "data-keep": true },
      search,
      choice(word("state"), states, filter.state, ({ target }) => go({ state: target.value })),
    );
  });
}

/** What lets a row be dragged, and dropped onto. */
function dragging(context, job, isMovable) {
  if (!isMovable) return {};
  const over = (event) => {
    if (!context.dragged || context.dragged === job.id) return;
    event.preventDefault();
    event.currentTarget.classList.add("target");
  };
  const leave = (event) => event.currentTarget.classList.remove("target");
  const drop = async (event) => {
    event.preventDefault();
    leave(event);
    const dragged = context.jobs.get(context.dragged);
    context.dragged = null;
    if (dragged && dragged.id !== job.id) await setPriority(context, dragged, job.priority);
  };
  return { ondragover: over, ondragleave: leave, ondrop: drop };
}

const setPriority = (context, job, priority) =>
  tried(async () => {
    put(context, await post(at("/api/jobs", job.id, "priority"), { priority }));
    say(word("priorityNow", { title: job.submission.title, priority }));
  })();

function put(context, job) {
  context.jobs.set(job.id, job);
  context.redraw();
}

function rowOf(context, heads, job) {
  const { title, profiles } = job.submission;
  const isMovable = mayChange(context.user) && !isOver(job);
  const begin = (event) => {
    context.dragged = job.id;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", title);
    event.dataTransfer.setDragImage(event.currentTarget.closest("tr"), 10, 10);
  };
  const grip = isMovable
    ? make(
        "span",
        {
          class: "grip",
          draggable: "true",
          title: word("drag"),
          "aria-hidden": "true",
          ondragstart: begin,
          ondragend: () => {
            context.dragged = null;
          },
        },
        "⠿",
      )
    : null;
  const priority = isMovable
    ? choice(
        word("priorityOf", { title }),
        PRIORITIES.map((own) => [own, priorityName(own)]),
        job.priority,
        ({ target }) => setPriority(context, job, Number(target.value)),
      )
    : `${job.priority}`;
  return row(
    heads,
    [
      make(
        "div",
        { class: "named" },
        grip,
        make("div", {}, make("a", { href: `#/title/${job.id}` }, title), make("small", { class: "soft" }, profiles.join(", "))),
      ),
      state(stateOf(job)),
      progressOf(job),
      priority,
      make("div", {}, time(job.created_at), make("small", { class: "soft" }, word("by", { who: job.submitter }))),
      actionsOf(job, context.user, (own) => put(context, own)) ?? "",
    ],
    dragging(context, job, isMovable),
  );
}

function list(context) {
  const jobs = [...context.jobs.values()].sort((one, other) => (one.id < other.id ? 1 : -1));
  if (!jobs.length) return make("p", { class: "soft empty", key: "empty" }, word("noJobs"));
  const heads = [[word("title")], [word("state")], [word("progress"), "wide"], [word("priority")], [word("submitted")], [""]];
  const version = (job) =>
    [
      language(),
      job.state,
      job.priority,
      job.units,
      job.units_done,
      job.detail,
      job.is_paused,
      job.is_cancelling,
      job.run,
      signOf(job),
    ].join("|");
  const rows = jobs.map((job) => keyed("tr", job.id, version(job), () => rowOf(context, heads, job)));
  return make("div", { key: "list" }, table(word("queue"), heads, rows, { cards: true, kind: "jobs" }));
}

function moreButton(context) {
  if (!context.hasMore) return null;
  const next = tried(async () => {
    const filter = filterOf(context);
    const last = [...context.jobs.keys()].sort()[0];
    const found = await ask(query("/api/jobs", { limit: MOST, before: last, ...filter }));
    for (const job of found) context.jobs.set(job.id, job);
    context.hasMore = found.length === MOST;
    context.redraw();
  });
  return make("p", { key: "more" }, button(word("more"), next));
}

export const queue = {
  heading: () => word("queue"),
  isLive: true,
  load,
  follows(change, context) {
    if (!change.job || !change.what.startsWith("job.")) return false;
    context.changed?.add(change.job);
    return true;
  },
  view: (context) => [
    make("div", { class: "head", key: "head" }, make("h1", { tabindex: -1 }, word("queue")), tools(context)),
    list(context),
    moreButton(context),
  ],
};
