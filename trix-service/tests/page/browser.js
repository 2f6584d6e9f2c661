// A browser, and what a person does in it: elements are found by role and name, as a screen reader finds them.

import fs from "node:fs";
import path from "node:path";

import axe from "axe-core";
import puppeteer from "puppeteer-core";

import { until } from "./farm.js";

const PROGRAM = process.env.TRIX_CHROMIUM ?? "/usr/bin/chromium-headless-shell";
/** The longest that an element is waited for, in milliseconds. */
const PATIENCE = 8000;

/** Starts a browser. */
export const browse = () => puppeteer.launch({
  executablePath: PROGRAM,
  // Its sandbox does not work for root. It opens nothing but the pages of the tests.
  args: [...(process.getuid() === 0 ? ["--no-sandbox"] : []), "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required", "--lang=en-US"],
  defaultViewport: { width: 1280, height: 800 },
});

/** A page with cookies of its own. What its scripts say and fail with is in `page.said`. */
export async function newPage(browser) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.said = [];
  page.on("pageerror", (error) => page.said.push(`${error}`));
  page.on("console", (message) => { if (message.type() === "error") page.said.push(message.text()); });
  return page;
}

/** The element of a role and a name, once it is there. */
export const get = (page, role, name) => page.waitForSelector(`::-p-aria([role="${role}"][name="${name}"])`, { visible: true });
/** The same, or null if it is not there now. */
export const find = (page, role, name) => page.$(`::-p-aria([role="${role}"][name="${name}"])`);

/** The button in the content whose name begins so, or null. */
export async function buttonOf(page, start) {
  for (const button of await page.$$("main button")) {
    const name = await button.evaluate((own) => own.getAttribute("aria-label") ?? own.innerText);
    if (name.startsWith(start)) return button;
  }
  return null;
}

/** The box in the content whose label begins so, or null. */
export async function boxOf(page, start) {
  for (const box of await page.$$("main input[type=checkbox]")) {
    if (await box.evaluate((own, text) => [...own.labels].some((label) => label.innerText.startsWith(text)), start)) return box;
  }
  return null;
}

/** Presses a button, a link or a box. */
export async function press(page, role, name) {
  // The page may replace an element between the look and the click.
  await until(`pressing ${role} ${name}`, PATIENCE / 1000, async () => {
    const element = await get(page, role, name);
    await element.click();
    return true;
  });
}

/** Writes into a field, in place of what it holds. */
export async function fill(page, name, text, role = "textbox") {
  const field = await get(page, role, name);
  await field.evaluate((own) => own.select?.());
  await field.type(text);
}

/** Waits until the page shows a text. */
export const shows = (page, text, seconds = PATIENCE / 1000) =>
  until(`the page shows ${text}`, seconds, () => page.evaluate((own) => document.body.innerText.includes(own), text));
/** What the page shows. */
export const text = (page) => page.evaluate(() => document.body.innerText);

/** Opens a path of the page. */
export const open = (page, farm, where = "#/queue") => page.goto(`${farm.url}/${where}`);

/** Signs in by typing, and waits for the navigation. */
export async function signIn(page, farm, name = farm.name, password = farm.password) {
  await open(page, farm, "");
  await fill(page, "Name", name);
  await page.type("input[type=password]", password);
  await press(page, "button", "Sign in");
  await page.waitForFunction(() => !document.querySelector("input[type=password]"));
  await get(page, "link", "Queue");
}

/** Goes to a page by its link in the navigation, and waits for its heading. */
export async function go(page, name) {
  await press(page, "link", name);
  await page.waitForSelector("main h1");
}

/** What axe finds on the page: ["rule: the element"]. */
export async function violations(page) {
  if (!(await page.evaluate("typeof axe !== 'undefined'"))) await page.evaluate(axe.source);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`));
}

/** By how many pixels the page is wider than the window. */
export const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** The appearance: light or dark. */
export const look = (page, scheme) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);

/** Writes a picture of the page into the folder that TRIX_SCREENSHOTS names. */
export async function picture(page, name) {
  const folder = process.env.TRIX_SCREENSHOTS;
  if (!folder) return;
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}
