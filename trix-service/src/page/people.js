// Users and tokens.

import { ask, at, post } from "./ask.js";
import { keyed, make } from "./dom.js";
import { time } from "./format.js";
import { button, card, confirmed, field, nothing, row, say, table, tried } from "./parts.js";
import { language, word } from "./words.js";

const ROLES = ["viewer", "operator", "administrator"];

function usersCard(context, users) {
  const heads = [[word("name"), "wide"], [word("role")], [""]];
  const change = (own) => () => {
    Object.assign(context, { user_: own, userForms: (context.userForms ?? 0) + 1 });
    context.redraw();
    document.getElementById("user-role")?.focus();
  };
  const remove = (own) =>
    tried(async () => {
      if (!(await confirmed(word("askRemoveUser", { name: own.name }), word("remove")))) return;
      await ask(at("/api/users", own.name), { method: "DELETE" });
      await context.reload();
    });
  const rows = users.map((own) =>
    row(
      heads,
      [
        make("div", {}, own.name, own.is_external ? make("small", { class: "soft" }, word("external")) : null),
        word(own.role),
        make(
          "div",
          { class: "row" },
          button(word("change"), change(own), { "aria-label": word("changeName", { name: own.name }) }),
          own.name === context.user.name
            ? null
            : button(word("remove"), remove(own), { "aria-label": word("removeName", { name: own.name }) }),
        ),
      ],
      { key: own.name },
    ),
  );
  return card(
    "users",
    word("users"),
    table(word("users"), heads, rows, { cards: true }),
    keyed("div", "user", `${context.userForms} ${language()}`, () => userForm(context, context.user_)),
  );
}

function userForm(context, own) {
  const name = make("input", {
    value: own?.name ?? "",
    required: true,
    maxlength: 100,
    autocomplete: "off",
    spellcheck: "false",
  });
  const role = make(
    "select",
    { id: "user-role" },
    ROLES.map((one) => make("option", { value: one, selected: one === (own?.role ?? "operator") }, word(one))),
  );
  const password = make("input", { type: "password", minlength: 10, autocomplete: "new-password" });
  const save = tried(async () => {
    const secret = password.value ? { password: password.value } : {};
    await post("/api/users", { name: name.value.trim(), role: role.value, ...secret });
    say(word("saved"));
    Object.assign(context, { user_: null, userForms: (context.userForms ?? 0) + 1 });
    await context.reload();
  });
  return make(
    "div",
    { "data-keep": true, class: "inner" },
    make("h3", {}, word("addUser")),
    make(
      "form",
      { onsubmit: save },
      make(
        "div",
        { class: "grid" },
        field(word("name"), name),
        field(word("role"), role),
        field(word("password"), password, word("passwordHint")),
      ),
      make("div", { class: "row" }, make("button", { class: "main" }, word("save"))),
    ),
  );
}

function tokensCard(context, tokens) {
  const isAdministrator = context.user.role === "administrator";
  const heads = [
    [word("label"), "wide"],
    ...(isAdministrator ? [[word("owner")]] : []),
    [word("created")],
    [word("expires")],
    [""],
  ];
  const labelOf = (own) => (own.label === "session" ? word("session") : own.label);
  const revoke = (own) =>
    tried(async () => {
      if (!(await confirmed(word("askRevoke", { name: labelOf(own) }), word("revoke")))) return;
      await ask(at("/api/tokens", own.id), { method: "DELETE" });
      await context.reload();
    });
  const rows = tokens.map((own) =>
    row(
      heads,
      [
        labelOf(own),
        ...(isAdministrator ? [own.owner] : []),
        time(own.created_at),
        own.expires_at ? time(own.expires_at) : word("never"),
        button(word("revoke"), revoke(own), {
          "aria-label": word("revokeName", { name: `${labelOf(own)}, ${time(own.created_at)}` }),
        }),
      ],
      { key: own.id },
    ),
  );
  return card(
    "tokens",
    word("tokens"),
    rows.length ? table(word("tokens"), heads, rows, { cards: true }) : nothing(),
    keyed("div", "token", language(), () => tokenForm(context)),
  );
}

function tokenForm(context) {
  const label = make("input", { required: true, maxlength: 100, autocomplete: "off" });
  const days = make("input", { type: "number", min: 1, max: 3650, step: 1 });
  const told = make("div", {});
  const save = tried(async () => {
    const { token } = await post("/api/tokens", { label: label.value.trim(), days: days.value ? Number(days.value) : null });
    const text = make("input", { value: token, readonly: true, class: "code" });
    const copy = tried(async () => {
      text.select();
      // Browsers offer the clipboard only with https.
      if (navigator.clipboard) await navigator.clipboard.writeText(token);
      else document.execCommand("copy");
      say(word("copied"));
    });
    told.replaceChildren(make("div", { class: "told" }, field(word("secret"), text), button(word("copySecret"), copy)));
    text.focus();
    text.select();
    label.value = days.value = "";
    await context.reload();
  });
  return make(
    "div",
    { "data-keep": true, class: "inner" },
    make("h3", {}, word("makeToken")),
    make(
      "form",
      { onsubmit: save },
      make("div", { class: "grid" }, field(word("label"), label), field(word("days"), days, word("daysHint"))),
      make("div", { class: "row" }, make("button", { class: "main" }, word("makeToken"))),
    ),
    told,
  );
}

export const peopleCards = (context, users, tokens) => [
  users ? usersCard(context, users) : null,
  tokens ? tokensCard(context, tokens) : null,
];
