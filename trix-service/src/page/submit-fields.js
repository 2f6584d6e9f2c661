// The groups of fields of a submission. Each writes into the draft, and calls `changed`.

import { make } from "./dom.js";
import { field, row, table, tick } from "./parts.js";
import { word } from "./words.js";

/** The variables of the chosen profiles: name to [{ value, profile }]. */
export function variablesOf(draft, profiles) {
  const found = new Map();
  for (const { name, variables } of profiles.filter((own) => draft.profiles.has(own.name))) {
    for (const [own, value] of Object.entries(variables ?? {}))
      found.set(own, [...(found.get(own) ?? []), { value: `${value}`, profile: name }]);
  }
  return found;
}

export function variableFields(draft, profiles, changed) {
  const variables = [...variablesOf(draft, profiles)];
  if (!variables.length) return null;
  const fields = variables.map(([name, owners]) => {
    const values = [...new Set(owners.map((own) => own.value))].join(" / ");
    const input = make("input", {
      value: draft.set[name] ?? "",
      placeholder: values,
      autocomplete: "off",
      spellcheck: "false",
      oninput: ({ target }) => {
        draft.set[name] = target.value.trim();
        changed();
      },
    });
    return field(name, input, word("ofProfiles", { profiles: owners.map((own) => own.profile).join(", ") }));
  });
  return make("fieldset", {}, make("legend", {}, word("variables")), make("div", { class: "grid" }, fields));
}

export function trackFields(draft, tracks, changed) {
  if (!tracks.length) return null;
  const heads = [[""], [word("file"), "wide"], [word("language")], [word("offset")]];
  const rows = tracks.map((file) => {
    const own = draft.tracks.get(file);
    const name = file.split("/").pop();
    const set = (values) => {
      Object.assign(own, values);
      changed();
    };
    return row(heads, [
      make("input", {
        type: "checkbox",
        checked: own.wanted,
        "aria-label": word("use", { name }),
        onchange: ({ target }) => set({ wanted: target.checked }),
      }),
      name,
      make("input", {
        value: own.language,
        size: 4,
        maxlength: 3,
        "aria-label": word("languageOf", { name }),
        oninput: ({ target }) => set({ language: target.value.trim() }),
      }),
      make("input", {
        value: own.offset,
        size: 6,
        inputmode: "decimal",
        placeholder: "0",
        "aria-label": word("offsetOf", { name }),
        oninput: ({ target }) => set({ offset: target.value.trim() }),
      }),
    ]);
  });
  return make("fieldset", {}, make("legend", {}, word("tracks")), table(word("tracks"), heads, rows, { cards: true }));
}

export function profileFields(draft, profiles, changed) {
  const ticks = profiles.map((own) =>
    tick(
      [
        make("strong", {}, own.name),
        " ",
        make("span", { class: "soft" }, own.version ? word("versionOf", { n: own.version }) : word("builtIn")),
      ],
      {
        checked: draft.profiles.has(own.name),
        onchange: ({ target }) => {
          draft.profiles[target.checked ? "add" : "delete"](own.name);
          changed();
        },
      },
      own.description,
    ),
  );
  return make("fieldset", {}, make("legend", {}, word("profiles")), make("div", { class: "ticks" }, ticks));
}

export function checkFields(draft, changed) {
  const radio = (value, name, hint) =>
    make(
      "label",
      { class: "tick" },
      make("input", {
        type: "radio",
        name: "check",
        value,
        checked: draft.check === value,
        onchange: () => {
          draft.check = value;
          changed();
        },
      }),
      make("span", {}, name, make("small", { class: "soft" }, hint)),
    );
  return make(
    "fieldset",
    {},
    make("legend", {}, word("check")),
    make(
      "div",
      { class: "ticks" },
      radio("full", word("checkFull"), word("checkFullHint")),
      radio("structure", word("checkStructure"), word("checkStructureHint")),
    ),
  );
}
