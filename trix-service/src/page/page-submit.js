// Submit a master.
//
// Invariant: the form is made once for a visit. What the user has chosen is kept in `context.draft`.

import { ask, key, post, query } from "./ask.js";
import { keyed, make } from "./dom.js";
import { planView } from "./plan.js";
import { choice, field, mistake, nothing, say, tick, tried } from "./parts.js";
import { mayChange } from "./progress.js";
import { checkFields, profileFields, trackFields, variableFields, variablesOf } from "./submit-fields.js";
import { language, word } from "./words.js";

const AUDIO = /\.(wav|w64|bwf|rf64|flac|aiff?|ac3|eac3|m4a|mka|mp2|mp3|thd|dts)$/i;
const DEFAULT = ["archive", "preview"];

const stemOf = (path) =>
  path
    .split("/")
    .pop()
    .replace(/\.[^.]*$/, "");

function newDraft({ query: values }) {
  const source = values.get("source") ?? "";
  const profiles = (values.get("profiles") ?? DEFAULT.join())
    .split(",")
    .map((own) => own.trim())
    .filter(Boolean);
  const title = values.get("title") ?? stemOf(source);
  return { source, title, profiles: new Set(profiles), set: {}, tracks: new Map(), priority: 3, check: "full", overwrite: false };
}

/** The audio files that belong to a master. */
async function tracksBeside(source) {
  if (!source) return [];
  const [path, name] = [source.split("/").slice(0, -1).join("/"), source.split("/").pop()];
  const entries = await ask(query("/api/masters", { path })).catch(() => []);
  const stem = stemOf(source).toLowerCase();
  const isOurs = (own) => (own.film == null ? own.name !== name && own.name.toLowerCase().startsWith(stem) : own.film === name);
  return entries
    .filter((own) => !own.is_folder && AUDIO.test(own.name) && isOurs(own))
    .map((own) => (path ? `${path}/${own.name}` : own.name));
}

/** The language in the name of a file: "film.eng.wav". */
const languageIn = (file) =>
  stemOf(file)
    .match(/[._ -]([a-z]{2,3})$/i)?.[1]
    .toLowerCase() ?? "";

/** What is sent. */
function submissionOf(draft, profiles, tracks) {
  const defaults = variablesOf(draft, profiles);
  const set = Object.fromEntries(Object.entries(draft.set).filter(([name, value]) => defaults.has(name) && value !== ""));
  const chosen = tracks.map((file) => [file, draft.tracks.get(file)]).filter(([, own]) => own.wanted);
  return {
    title: draft.title.trim(),
    source: draft.source.trim(),
    profiles: profiles.map((own) => own.name).filter((name) => draft.profiles.has(name)),
    set,
    priority: draft.priority,
    overwrite: draft.overwrite,
    check: draft.check,
    tracks: chosen.map(([file, own]) => ({
      files: [file],
      language: own.language || null,
      offset: own.offset.replace(",", ".") || null,
    })),
  };
}

function form(context, { profiles, tracks: beside }) {
  const draft = context.draft;
  let tracks = beside;
  const variables = make("div", {});
  const audio = make("div", {});
  const plan = make("section", { class: "plan", "aria-live": "off" });
  const failure = make("div", {});

  const showPlan = () => {
    const own = context.plan;
    const isOld = own && own.text !== JSON.stringify(submissionOf(draft, profiles, tracks));
    const content = own?.error ? mistake(own.error) : own?.found ? planView(own.found) : null;
    plan.replaceChildren(
      ...(own
        ? [
            make(
              "div",
              { class: "card" },
              make("h2", { tabindex: -1 }, word("plan")),
              isOld ? make("p", { class: "warn-text" }, word("planIsOld")) : null,
              own.isBusy ? make("p", { role: "status" }, word("planning")) : content,
            ),
          ]
        : []),
    );
  };
  const changed = () => {
    if (context.plan && !context.plan.isBusy) showPlan();
    failure.replaceChildren();
  };
  const showVariables = () => variables.replaceChildren(...[variableFields(draft, profiles, changed)].filter(Boolean));
  const showTracks = () => {
    for (const file of tracks)
      if (!draft.tracks.has(file)) draft.tracks.set(file, { wanted: true, language: languageIn(file), offset: "" });
    audio.replaceChildren(...[trackFields(draft, tracks, changed)].filter(Boolean));
  };

  const title = make("input", {
    required: true,
    maxlength: 150,
    value: draft.title,
    oninput: ({ target }) => {
      draft.title = target.value;
      draft.isTitled = true;
      changed();
    },
  });
  const source = make("input", {
    required: true,
    value: draft.source,
    spellcheck: "false",
    autocapitalize: "none",
    onchange: async ({ target }) => {
      draft.source = target.value.trim();
      if (!draft.isTitled) title.value = draft.title = stemOf(draft.source);
      changed();
      const asked = draft.source;
      const found = await tracksBeside(asked);
      if (draft.source !== asked) return;
      tracks = found;
      showTracks();
      changed();
    },
  });
  const priorities = [1, 2, 3, 4, 5].map((own) => [
    own,
    own === 1 ? word("priority1") : own === 5 ? word("priority5") : `${own}`,
  ]);
  const priority = choice(null, priorities, draft.priority, ({ target }) => {
    draft.priority = Number(target.value);
    changed();
  });

  const checked = () => {
    if (!own.reportValidity()) return null;
    const submission = submissionOf(draft, profiles, tracks);
    if (!submission.profiles.length) throw new Error(word("noProfile"));
    return submission;
  };
  const dryRun = tried(async () => {
    const submission = checked();
    if (!submission) return;
    const text = JSON.stringify(submission);
    const mine = (context.plan = { text, isBusy: true });
    showPlan();
    try {
      mine.found = await post("/api/plan", submission);
    } catch (error) {
      mine.error = error;
    }
    mine.isBusy = false;
    if (context.plan !== mine) return;
    showPlan();
    plan.querySelector("h2")?.focus();
  });
  const send = tried(async () => {
    const submission = checked();
    if (!submission) return;
    // The same content has the same key: a repeated click submits once.
    const text = JSON.stringify(submission);
    if (context.request?.text !== text) context.request = { text, key: key() };
    failure.replaceChildren();
    try {
      const job = await post("/api/jobs", submission, { "Idempotency-Key": context.request.key });
      say(word("sent"));
      location.hash = `#/title/${job.id}`;
    } catch (error) {
      failure.replaceChildren(mistake(error));
    }
  });

  const own = make(
    "form",
    { class: "card", onsubmit: send },
    make(
      "div",
      { class: "grid" },
      field(word("source"), source, word("sourceHint")),
      field(word("title"), title, word("titleHint")),
      field(word("priority"), priority),
    ),
    profileFields(draft, profiles, () => {
      showVariables();
      changed();
    }),
    variables,
    audio,
    checkFields(draft, changed),
    tick(word("overwrite"), {
      checked: draft.overwrite,
      onchange: ({ target }) => {
        draft.overwrite = target.checked;
        changed();
      },
    }),
    failure,
    make(
      "div",
      { class: "row" },
      make("button", { class: "main" }, word("send")),
      make("button", { type: "button", onclick: dryRun }, word("dryRun")),
    ),
  );
  showVariables();
  showTracks();
  showPlan();
  return make("div", { "data-keep": true }, own, plan);
}

export const submit = {
  heading: () => word("submit"),
  async load(context) {
    const values = `${context.query}`;
    // Another address within the page is another submission.
    if (context.values !== values)
      Object.assign(context, { values, draft: newDraft(context), plan: null, made: (context.made ?? 0) + 1 });
    const [profiles, tracks] = await Promise.all([ask("/api/profiles"), tracksBeside(context.draft.source)]);
    return { profiles, tracks };
  },
  view: (context, data) => [
    make("h1", { tabindex: -1, key: "head" }, word("submit")),
    mayChange(context.user)
      ? keyed("div", "form", `${context.made} ${language()}`, () => form(context, data))
      : nothing(word("submitRefused")),
  ],
};
