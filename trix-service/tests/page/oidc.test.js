// Sign-in with an OpenID provider.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { browse, get, newPage, open, press, shows, text } from "./browser.js";
import { Farm, freePort, until } from "./farm.js";
import { GROUPS, OpenId } from "./provider.js";

const BACK = "/api/oidc/back";

let farm, provider, browser;

before(async () => {
  const port = await freePort();
  provider = await OpenId.start(`http://127.0.0.1:${port}${BACK}`);
  farm = await Farm.make({ api: { listen: `127.0.0.1:${port}` }, ...provider.settings() });
  farm.addBroken("film.mov");
  await farm.serve();
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await provider?.end();
  await farm?.end();
});

/** Goes to the provider, and signs in there. With `isHeld`, the way back is not taken. The path back. */
async function signIn(page, name, isHeld = false) {
  let back;
  await page.setRequestInterception(true);
  page.removeAllListeners("request");
  page.on("request", (request) => {
    const isBack = request.url().startsWith(farm.url + BACK);
    if (isBack) back = request.url();
    if (isBack && isHeld) request.abort();
    else request.continue();
  });
  await open(page, farm, "");
  await press(page, "link", "Sign in with Studio");
  const login = await page.waitForSelector("input[name=login]");
  await login.type(name);
  await page.type("input[name=password]", "any");
  await press(page, "button", "Sign-in");
  // The provider asks whether the farm may know the groups.
  await press(page, "button", "Continue").catch((error) => { if (!back) throw error; });
  await until("the way back", 10, () => back && (isHeld || page.url().startsWith(`${farm.url}/#`) || page.url() === `${farm.url}/`));
  return back;
}

const whoIs = (page) => page.evaluate(async () => {
  const answer = await fetch("/api/me");
  return answer.ok ? answer.json() : answer.status;
});

async function isRefused(page) {
  await get(page, "heading", "Sign-in refused");
  assert.equal(await whoIs(page), 401);
}

test("a user of the provider signs in, with the highest role of the groups", { timeout: 30_000 }, async () => {
  for (const [name, role] of [["anna", "operator"], ["boris", "administrator"]]) {
    const page = await newPage(browser);
    await signIn(page, name);
    await get(page, "heading", "Queue");
    const me = await whoIs(page);
    assert.deepEqual([me.name, me.role], [name, role]);
    await page.browserContext().close();
  }
});

test("another group gives another role at the next sign-in", { timeout: 30_000 }, async () => {
  provider.groups.anna = ["staff"];
  const page = await newPage(browser);
  await signIn(page, "anna");
  await get(page, "heading", "Queue");
  assert.equal((await whoIs(page)).role, "viewer");
  provider.groups.anna = GROUPS.anna;
});

test("a user without a known group is refused, and told why", { timeout: 30_000 }, async () => {
  const page = await newPage(browser);
  await signIn(page, "vera");
  await isRefused(page);
  const told = await text(page);
  console.log(`refused: ${told.replace(/\s+/g, " ").slice(0, 300)}`);
  assert.match(told, /vera/);
  assert.match(told, /group|role/i);
});

test("the way back works once, with its own state, in its own browser", { timeout: 60_000 }, async () => {
  const page = await newPage(browser);
  const back = await signIn(page, "anna", true);
  // Someone else opens the link: nobody is signed in as another user without knowing it.
  const other = await newPage(browser);
  await other.goto(back);
  await isRefused(other);
  const forged = new URL(back);
  forged.searchParams.set("state", "0123456789abcdef0123456789abcdef");
  await other.goto(forged.href);
  await isRefused(other);
  for (const name of ["code", "state"]) {
    const less = new URL(back);
    less.searchParams.delete(name);
    await other.goto(less.href);
    await isRefused(other);
  }
  // A whole sign-in, and then its link again.
  const again = await newPage(browser);
  const used = await signIn(again, "anna");
  await shows(again, "anna");
  await again.deleteCookie(...await again.cookies(farm.url));
  await again.goto(used);
  await isRefused(again);
});

test("a refusal of the provider is shown", { timeout: 30_000 }, async () => {
  const page = await newPage(browser);
  await page.goto(`${farm.url}${BACK}?error=access_denied&error_description=The+user+said+no&state=none`);
  await isRefused(page);
});

test("an ID token that is wrong is refused", { timeout: 90_000 }, async (all) => {
  for (const [what, change] of Object.entries(provider.wrongTokens())) {
    await all.test(what, { timeout: 20_000 }, async () => {
      provider.change = change;
      const page = await newPage(browser);
      try {
        await signIn(page, "anna");
        await isRefused(page);
      } finally {
        provider.change = null;
        await page.browserContext().close();
      }
    });
  }
});
