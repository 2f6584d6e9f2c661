// Profiles by version: look at them, and save new ones.

import { ask, at, query } from "./ask.js";
import { keyed, make } from "./dom.js";
import { time } from "./format.js";
import { button, card, choice, field, mistake, row, say, scroll, table, tried } from "./parts.js";
import { language, word } from "./words.js";

const versionText = (version) => (version ? `${version}` : `0 (${word("builtIn")})`);

async function open(context, name, version, isEdited) {
  const [profile, versions] = await Promise.all([
    ask(query(at("/api/profiles", name), { version })),
    ask(at("/api/profiles", name, "versions")),
  ]);
  context.profile = { ...profile, versions, isEdited, made: (context.profile?.made ?? 0) + 1 };
  context.redraw();
  document.getElementById("head-profile")?.focus();
}

function close(context) {
  context.profile = null;
  context.redraw();
}

function viewer(context, own) {
  const versions = own.versions.map((one) => [
    one.version,
    [versionText(one.version), one.author, time(one.at)].filter(Boolean).join(", "),
  ]);
  const pick = choice(word("version"), versions, own.version, ({ target }) =>
    tried(() => open(context, own.name, target.value, false))(),
  );
  return [
    make("div", { class: "tools" }, pick),
    scroll(word("profileText", { name: own.name, version: own.version }), make("pre", {}, own.text), "tall"),
  ];
}

function editor(context, own) {
  const name = make("input", { value: own.name, required: true, spellcheck: "false" });
  const text = make("textarea", { rows: 22, class: "code", spellcheck: "false", required: true }, own.text);
  const failure = make("div", {});
  const save = tried(async () => {
    failure.replaceChildren();
    try {
      const made = await ask(at("/api/profiles", name.value.trim()), { method: "PUT", body: { text: text.value } });
      say(word("savedVersion", { name: made.name, version: made.version }));
      close(context);
      await context.reload();
    } catch (error) {
      failure.replaceChildren(mistake(error));
    }
  });
  return make(
    "form",
    { onsubmit: save },
    field(word("profileName"), name, word("nameHint")),
    field(word("profileText", { name: own.name, version: own.version }), text),
    failure,
    make(
      "div",
      { class: "row" },
      make("button", { class: "main" }, word("saveVersion")),
      button(word("back"), () => close(context)),
    ),
  );
}

export function profilesCard(context, profiles) {
  const isAdministrator = context.user.role === "administrator";
  const heads = [
    [word("name")],
    [word("version"), "number"],
    [word("description"), "wide"],
    [word("author")],
    [word("changedAt")],
    [""],
  ];
  const rows = profiles.map((own) =>
    row(
      heads,
      [
        make("strong", {}, own.name),
        `${own.version}`,
        own.description,
        own.version ? own.author : word("builtIn"),
        own.version ? time(own.at) : "",
        make(
          "div",
          { class: "row" },
          button(
            word("view"),
            tried(() => open(context, own.name, own.version, false)),
            { "aria-label": word("viewName", { name: own.name }) },
          ),
          isAdministrator
            ? button(
                word("edit"),
                tried(() => open(context, own.name, own.version, true)),
                { "aria-label": word("newVersionOf", { name: own.name }) },
              )
            : null,
        ),
      ],
      { key: own.name },
    ),
  );
  const own = context.profile;
  const heading = own && (own.isEdited ? word("newVersionOf", { name: own.name }) : word("viewName", { name: own.name }));
  const opened = own
    ? keyed("section", "profile", `${own.made} ${language()}`, () =>
        make(
          "section",
          { class: "inner", "data-keep": true, "aria-labelledby": "head-profile" },
          make(
            "div",
            { class: "head" },
            make("h3", { id: "head-profile", tabindex: -1 }, heading),
            button(word("close"), () => close(context)),
          ),
          own.isEdited ? editor(context, own) : viewer(context, own),
        ),
      )
    : null;
  return card("profiles", word("profiles"), table(word("profiles"), heads, rows, { cards: true }), opened);
}
