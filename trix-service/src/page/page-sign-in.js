// Sign-in with a local name and password, or by a provider.

import { ask, post } from "./ask.js";
import { keyed, make } from "./dom.js";
import { field, tried } from "./parts.js";
import { word } from "./words.js";

export const signIn = {
  heading: () => word("signIn"),
  // Without an answer, the local sign-in remains.
  load: () => ask("/api/sign-in").catch(() => ({ oidc: null })),
  view: (context, { oidc }) =>
    keyed("div", "sign-in", 1, () => {
      const name = make("input", {
        autocomplete: "username",
        required: true,
        "data-first": true,
        autocapitalize: "none",
        spellcheck: "false",
      });
      const password = make("input", { type: "password", autocomplete: "current-password", required: true });
      const send = tried(async () => {
        const user = await post("/api/sign-in", { name: name.value, password: password.value }).catch((error) => {
          throw error.status === 401 ? new Error(word("wrongPassword")) : error;
        });
        await context.signedIn(user);
      });
      return make(
        "div",
        { class: "narrow", "data-keep": true },
        make("h1", { tabindex: -1 }, word("signIn")),
        make(
          "form",
          { class: "card", onsubmit: send },
          field(word("name"), name),
          field(word("password"), password),
          make("div", { class: "row" }, make("button", { class: "main" }, word("signIn"))),
        ),
        oidc ? make("p", {}, make("a", { href: "/api/oidc/start" }, word("signInWith", { provider: oidc }))) : null,
      );
    }),
};

/** Where the provider leads when it refuses. */
export const refused = {
  heading: () => word("refusedTitle"),
  view: (context) =>
    make(
      "div",
      { class: "narrow" },
      make("h1", { tabindex: -1 }, word("refusedTitle")),
      make("p", { class: "card wrong lines" }, context.query.get("why") ?? ""),
      make("p", {}, make("a", { href: "#/queue" }, word("toSignIn"))),
    ),
};
