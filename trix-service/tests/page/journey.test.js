// From the sign-in to the preview of a title.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { boxOf, browse, fill, get, go, newPage, press, shows, signIn } from "./browser.js";
import { Farm, until } from "./farm.js";

const SECONDS = 20;

let farm, browser, page, requests;

before(async () => {
  farm = await Farm.start({}, SECONDS);
  browser = await browse();
  page = await newPage(browser);
  requests = [];
  page.on("response", (answer) => requests.push({ path: new URL(answer.url()).pathname, status: answer.status() }));
});

after(async () => {
  await browser?.close();
  await farm?.end();
});

const video = (read) => page.$eval("main video", read);
const time = () => video((own) => own.currentTime);

test("sign in and look at a master", { timeout: 30_000 }, async () => {
  await signIn(page, farm);
  await go(page, "Masters");
  // The sound files and the checksum stand with their master.
  await shows(page, "3 files of this film");
  await press(page, "button", "Look at film.mov");
  await get(page, "heading", "What film.mov holds");
  await shows(page, "640×360");
});

test("choose it, see the plan, and submit it", { timeout: 60_000 }, async () => {
  await press(page, "link", "Choose film.mov");
  await get(page, "heading", "Submit");
  await get(page, "checkbox", "Use film_ru.wav");
  await get(page, "checkbox", "Use film_en.wav");
  assert.equal(await (await get(page, "textbox", "Language of film_ru.wav")).evaluate((field) => field.value), "ru");
  await fill(page, "Title", "The Film");
  // Copies for the archive take minutes.
  await (await boxOf(page, "archive ")).click();
  const began = performance.now();
  await press(page, "button", "Dry run");
  await shows(page, "Time on one worker", 30);
  console.log(`dry run: ${Math.round(performance.now() - began)} ms`);
  await shows(page, "Decisions (");
  await shows(page, "500");
  assert.deepEqual(await farm.ask("GET", "/api/jobs"), [], "a dry run starts nothing");
  await press(page, "button", "Submit");
  await get(page, "heading", "The Film");
});

test("the queue shows how far it is, until it is done", { timeout: 240_000 }, async () => {
  await go(page, "Queue");
  await until("the queue shows progress", 60, () => page.$("main tbody progress"));
  await until("the job is done", 220, () => page.$eval("main tbody tr", (own) => /\bdone\b/.test(own.innerText)));
});

/** Plays the preview on a page, and looks at what the browser fetches for it. */
async function plays(own, answers) {
  await own.waitForSelector("main video");
  const read = (work) => own.$eval("main video", work);
  const now = () => read((element) => element.currentTime);
  await read((element) => { element.muted = true; return element.play(); });
  await until("the preview plays", 20, async () => (await now()) > 0.5);
  const before = await now();
  await until("the preview goes on", 10, async () => (await now()) > before + 1);
  const [width, height] = await read((element) => [element.videoWidth, element.videoHeight]);
  assert.ok(width > 0 && height > 0, `${width}x${height}`);
  const preview = answers.filter(({ path }) => path.startsWith("/preview/"));
  assert.deepEqual(preview.filter(({ status }) => status >= 400), []);
  return { source: await read((element) => element.currentSrc), preview };
}

test("the preview plays as HLS through MediaSource", { timeout: 60_000 }, async () => {
  const other = await newPage(browser);
  const answers = [];
  other.on("response", (answer) => answers.push({ path: new URL(answer.url()).pathname, status: answer.status() }));
  // As in browsers that do not play HLS by themselves.
  await other.evaluateOnNewDocument(() => {
    const { canPlayType } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.canPlayType = function (type) { return /mpegurl/i.test(type) ? "" : canPlayType.call(this, type); };
  });
  await signIn(other, farm);
  await press(other, "link", "The Film");
  const { source, preview } = await plays(other, answers);
  assert.match(source, /^blob:/, "the page feeds it");
  for (const end of [".m3u8", ".m4s"]) assert.ok(preview.some(({ path, status }) => path.endsWith(end) && status === 200), end);
  // A place that is not there yet.
  await other.$eval("main video", (element) => { element.currentTime = 17; });
  await until("the preview goes on after a seek", 15, () => other.$eval("main video", (element) => element.currentTime > 17.5));
  await other.browserContext().close();
});

test("the preview plays as HLS, as this browser likes it", { timeout: 60_000 }, async () => {
  await press(page, "link", "The Film");
  // The requests of a browser that plays HLS by itself are not seen here.
  const { source } = await plays(page, requests);
  console.log(`the browser plays ${source.startsWith("blob:") ? "what the page feeds it" : "HLS by itself"}`);
});

test("it goes on while the page changes", { timeout: 30_000 }, async () => {
  await video((own) => { own.marked = true; own.addEventListener("pause", () => { own.hasPaused = true; }); });
  const began = await time();
  for (let number = 0; number < 6; number += 1) {
    await farm.ask("PUT", "/api/notice", { text: `Notice ${number}` });
    const other = await farm.ask("POST", "/api/jobs", { title: `Other ${number}`, source: "film.mov" });
    await farm.ask("POST", `/api/jobs/${other.id}/cancel`, {});
    await pause(400);
  }
  await shows(page, "Notice 5");
  const [isSame, hasPaused, ended] = await video((own) => [own.marked === true, own.hasPaused === true, own.ended]);
  assert.ok(isSame && (!hasPaused || ended), "it is the same element, and was not stopped");
  assert.ok((await time()) > began + 1.5 || ended);
  await farm.ask("PUT", "/api/notice", { text: "" });
});

test("thumbnails and waveform are there, and seek", { timeout: 60_000 }, async () => {
  await video((own) => own.pause());
  const isLoaded = (selector) => page.waitForFunction((own) => document.querySelector(own)?.naturalWidth > 0, {}, selector);
  await isLoaded("main img[src$='.waveform.png']");
  assert.ok(requests.some(({ path, status }) => path.endsWith(".sprites.jpg") && status === 200), "the thumbnails were fetched");
  const thumbs = await page.$$("::-p-aria([role='button'])");
  const names = await Promise.all(thumbs.map((own) => own.evaluate((button) => button.getAttribute("aria-label") ?? button.innerText)));
  const places = names.map((name, at) => [/^Go to (\d\d):(\d\d):(\d\d)$/.exec(name), thumbs[at]]).filter(([found]) => found);
  assert.ok(places.length >= 2, `${places.length} thumbnails`);
  const [found, thumb] = places.at(-1);
  const wanted = Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3]);
  await thumb.click();
  await until(`the preview is at ${wanted} s`, 10, async () => Math.abs((await time()) - wanted) < 1.1);
  // The arrow keys move within the waveform.
  const slider = await page.waitForSelector("main [role='slider'], main input[type='range']");
  await slider.focus();
  await video((own) => { own.currentTime = 5; });
  await until("the preview is at 5 s", 5, async () => Math.abs((await time()) - 5) < 0.5);
  await page.keyboard.press("ArrowRight");
  await until("the arrow key seeks", 5, async () => (await time()) > 5.5);
});

test("checks, frames, scores and curves are shown", { timeout: 30_000 }, async () => {
  const shown = async (words) => shows(page, words, 5);
  await shown("checks passed");
  await shown("500 decoded");
  await shown("SSIM");
  await shown("SHA-256");
  const curves = await page.$$eval("main svg", (all) => all.map((own) => own.getBoundingClientRect().width));
  assert.ok(curves.some((width) => width > 100), "a curve is drawn");
  const details = await page.$$("main details:not([open]) > summary");
  for (const summary of details.slice(0, 3)) await summary.click();
  const outputs = await farm.ask("GET", `/api/jobs/${page.url().split("/").at(-1)}/outputs`);
  assert.ok(outputs.length > 5);
  // Before the sign-in, the page asks who is signed in.
  assert.deepEqual(page.said.slice(1), []);
});
