// The frame around the pages: routes, banners, the language, who is signed in.

import { ask, post, whenSignedOut } from "./ask.js";
import { make, patch } from "./dom.js";
import { time } from "./format.js";
import { listen, live, quiet } from "./live.js";
import { language, switchLanguage, word } from "./words.js";
import { button, mistake, nothing, settleRegions, tried } from "./parts.js";
import { masters } from "./page-masters.js";
import { queue } from "./page-queue.js";
import { refused, signIn } from "./page-sign-in.js";
import { submit } from "./page-submit.js";
import { system } from "./page-system.js";
import { mayChange } from "./progress.js";
import { title } from "./page-title.js";
import { workers } from "./page-workers.js";

// A page has `load` (what it needs from the server), `view` (its content, of what was loaded and of what is live), `heading`,
// `follows` (true if a change makes it load again), `isLive` (true if it shows the units that run), and `leave`.
const PAGES = { queue, submit, masters, workers, system, title, refused };
const NAVIGATION = ["queue", "submit", "masters", "workers", "system"];
/** The least time between two updates of a page. */
const PACE = 1000;

const $ = (id) => document.getElementById(id);
let user = null;
let shown = null;

/** What the address says. */
function place() {
  const [path, values] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = (path || "queue").split("/");
  let own = rest.join("/");
  try {
    own = decodeURIComponent(own);
  } catch {
    // It is taken as it stands.
  }
  return { name, path: own, query: new URLSearchParams(values ?? "") };
}

/** Opens the page of the address. */
async function open(withFocus) {
  const { name, path, query } = place();
  const page = user || name === "refused" ? PAGES[name] : signIn;
  const isSame = shown && page && shown.page === page && shown.context.path === path;
  if (isSame) {
    shown.context.query = query;
    return reload();
  }
  shown?.page?.leave?.(shown.context);
  const context = { name, path, query, user, redraw: () => draw(own), reload: () => load(own), signedIn };
  const own = { page, context, data: null, failure: null, loaded: 0 };
  shown = own;
  frame();
  $("main").replaceChildren();
  if (!page) return patch($("main"), [make("h1", { tabindex: -1 }, word("noPage"))]);
  const wait = setTimeout(() => {
    if (shown === own && !own.data) patch($("main"), [nothing(word("loading"))]);
  }, 300);
  await load(own);
  clearTimeout(wait);
  if (shown !== own) return;
  scrollTo(0, 0);
  if (withFocus)
    ($("main").querySelector("[data-first]") ?? $("main").querySelector("h1") ?? $("main")).focus({ preventScroll: true });
}

async function load(own) {
  own.loaded = Date.now();
  own.isLoading = true;
  try {
    const data = (await own.page.load?.(own.context)) ?? {};
    Object.assign(own, { data, failure: null });
  } catch (error) {
    own.failure = error;
  } finally {
    own.isLoading = false;
  }
  draw(own);
}

function draw(own) {
  if (shown !== own || !own.page) return;
  const heading = own.page.heading(own.context, own.data ?? {});
  document.title = `${heading} · Trix`;
  const again = () =>
    button(
      word("again"),
      tried(() => load(own)),
    );
  // What was seen before stays while the server is away.
  if (own.failure && !own.data) {
    patch($("main"), [make("h1", { tabindex: -1 }, heading), mistake(own.failure), again()]);
  } else if (own.data) {
    patch($("main"), own.page.view(own.context, own.data));
  }
  settleRegions();
}

let [planned, isToLoad] = [null, false];

/** Brings the page up to date, at most once a second. */
function refresh(withLoad) {
  isToLoad ||= withLoad;
  if (planned || document.hidden) return;
  planned = setTimeout(
    async () => {
      planned = null;
      const own = shown;
      if (!own?.page) return;
      if (isToLoad && own.isLoading) return void refresh(true);
      const wanted = isToLoad;
      isToLoad = false;
      if (wanted) await load(own);
      else draw(own);
    },
    Math.max(30, PACE - (Date.now() - (shown?.loaded ?? 0))),
  );
}

const reload = () => load(shown);

function frame() {
  document.documentElement.lang = language();
  const { name } = place();
  $("skip").textContent = word("skip");
  $("language").textContent = word("otherLanguage");
  $("language").lang = language() === "en" ? "ru" : "en";
  $("out").textContent = word("signOut");
  $("nav").hidden = $("out").hidden = !user;
  $("nav").setAttribute("aria-label", word("pages"));
  $("user").textContent = user ? `${user.name} (${word(user.role)})` : "";
  const current = name === "title" ? "queue" : name;
  patch(
    $("nav"),
    NAVIGATION.filter((page) => page !== "submit" || (user && mayChange(user))).map((page) => make("a", { href: `#/${page}`, "aria-current": page === current ? "page" : null }, word(page))),
  );
  banners();
}

function banners() {
  const away = live.parts.filter((part) => part.away_since);
  const lines = away.map((own) =>
    word("isAway", { part: word(`part_${own.part}`), time: time(own.away_since), why: own.why ?? "" }),
  );
  if (live.offlineSince) lines.unshift(word("offline", { time: time(live.offlineSince) }));
  banner($("away"), lines.join("\n"));
  banner($("notice"), live.notice);
}

function banner(element, text) {
  element.hidden = !text;
  if (element.textContent !== text) element.textContent = text;
}

function signedIn(found) {
  user = found;
  live.offlineSince = null;
  listen({
    told: () => {
      banners();
      if (shown?.page?.isLive) refresh(false);
    },
    changed: (change) => {
      if (shown?.page?.follows?.(change, shown.context)) refresh(true);
    },
    lost: banners,
    found: () => {
      banners();
      if (shown?.page?.load && shown.page !== submit) refresh(true);
    },
  });
  shown = null;
  return open(true);
}

function signedOut() {
  if (!user) return;
  user = null;
  quiet();
  shown?.page?.leave?.(shown.context);
  shown = null;
  open(true);
}

$("language").addEventListener("click", () => {
  switchLanguage();
  frame();
  if (!shown) return;
  // Every text changes: the content is made anew.
  $("main").replaceChildren();
  if (shown.page) draw(shown);
  else open(false);
});
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
$("out").addEventListener(
  "click",
  tried(async () => {
    await post("/api/sign-out");
    signedOut();
  }),
);
addEventListener("hashchange", () => open(true));
addEventListener("resize", settleRegions);
document.addEventListener("toggle", settleRegions, true);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && shown?.page) refresh(isToLoad);
});
whenSignedOut(signedOut);
frame();

/** Asks who is signed in, until the server answers. */
function begin() {
  ask("/api/me").then(signedIn, (error) => {
    if (error.status === 401) {
      live.offlineSince = null;
      banners();
      return open(false);
    }
    live.offlineSince ??= Date.now();
    banners();
    setTimeout(begin, 1000);
  });
}
begin();
