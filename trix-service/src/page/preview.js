// The preview of a title: player, thumbnails along the time, waveform.

import { make } from "./dom.js";
import { clock } from "./format.js";
import { play } from "./player.js";
import { word } from "./words.js";

/** The width of a thumbnail. */
const WIDTH = 112;
/** Seconds of an arrow key. */
const STEP = 5;

/** Where a file of the preview is. */
export const fileAt = (title, path) =>
  ["/preview", title, ...path.split("/")].map((own, at) => (at ? encodeURIComponent(own) : own)).join("/");

/** The files of a preview among the outputs of a job. */
export function previewFiles(outputs) {
  const paths = outputs.map((own) => own.path);
  const find = (end) => paths.find((path) => path.endsWith(end)) ?? null;
  return {
    hls: find(".preview/master.m3u8"),
    mp4: find(".preview.mp4"),
    poster: find(".poster.jpg"),
    vtt: find(".sprites.vtt"),
    waveform: find(".waveform.png"),
  };
}

/** The widget, and a function that ends it. */
export function previewOf(title, files) {
  const at = (path) => fileAt(title, path);
  const message = make("p", { class: "wrong-text lines", role: "alert", hidden: true });
  const video = make("video", {
    controls: true,
    preload: "metadata",
    playsinline: true,
    poster: files.poster ? at(files.poster) : null,
    "aria-label": `${word("preview")}: ${title}`,
  });
  const show = (text) => {
    message.hidden = !text;
    message.textContent = text;
  };
  const told = ({ trouble, waits }) =>
    show(
      trouble
        ? word("playerFailed", { why: trouble.message === "MediaSource" ? word("noHls") : trouble.message })
        : waits
          ? word("playerWaits")
          : "",
    );
  let stop = () => {};
  if (files.hls) {
    stop = play(video, at(files.hls), told);
  } else {
    video.src = at(files.mp4);
    video.addEventListener("error", () => told({ trouble: new Error(video.error?.message || files.mp4) }));
  }
  const seek = (time) => {
    video.currentTime = Math.min(time, (video.duration || Infinity) - 0.05);
  };
  const strip = make("div", { class: "strip", role: "group", "aria-label": word("strip"), hidden: true });
  if (files.vtt) thumbnails(strip, video, at(files.vtt), seek);
  const wave = files.waveform ? waveform(video, at(files.waveform), seek) : null;
  return { element: make("div", { class: "preview" }, video, message, strip, wave), stop };
}

const seconds = (text) => text.split(":").reduce((sum, own) => sum * 60 + Number.parseFloat(own), 0);

/** The cues of a WebVTT file with places in a picture. */
function cuesOf(text, base) {
  const found = [];
  for (const block of text.replace(/\r/g, "").split(/\n\n+/)) {
    const match = block.match(/([\d:.]+)\s+-->\s+([\d:.]+)[^\n]*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/);
    if (!match) continue;
    const [x, y, width, height] = match.slice(4).map(Number);
    found.push({ start: seconds(match[1]), end: seconds(match[2]), url: new URL(match[3], base).href, x, y, width, height });
  }
  return found;
}

async function thumbnails(strip, video, url, seek) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) return;
  const cues = cuesOf(await answer.text(), new URL(url, location.href));
  if (!cues.length) return;
  const sheet = [Math.max(...cues.map((own) => own.x + own.width)), Math.max(...cues.map((own) => own.y + own.height))];
  const tiles = cues.map((own, at) => tileOf(own, sheet, at === 0 ? 0 : -1, () => seek(own.start)));
  strip.append(...tiles);
  strip.hidden = false;
  // One tile is reached with Tab, the others with the arrow keys.
  const reach = (at) => {
    tiles.forEach((tile, own) => {
      tile.tabIndex = own === at ? 0 : -1;
    });
    tiles[at].focus();
  };
  strip.addEventListener("keydown", (event) => {
    const own = tiles.indexOf(document.activeElement);
    const next = { ArrowRight: own + 1, ArrowLeft: own - 1, Home: 0, End: tiles.length - 1 }[event.key];
    if (own < 0 || next == null) return;
    event.preventDefault();
    reach(Math.max(0, Math.min(tiles.length - 1, next)));
  });
  let current = -1;
  const mark = () => {
    const now = cues.findLastIndex((own) => own.start <= video.currentTime + 0.02);
    if (now === current) return;
    tiles[current]?.removeAttribute("aria-current");
    current = now;
    const tile = tiles[now];
    if (!tile) return;
    tile.setAttribute("aria-current", "true");
    if (!strip.matches(":hover, :focus-within"))
      strip.scrollTo({ left: tile.offsetLeft - strip.offsetLeft - strip.clientWidth / 2 + tile.clientWidth / 2 });
  };
  video.addEventListener("timeupdate", mark);
  video.addEventListener("seeking", mark);
  mark();
}

function tileOf(cue, [width, height], tabindex, onclick) {
  const scale = WIDTH / cue.width;
  const tile = make("button", {
    type: "button",
    class: "tile",
    tabindex,
    onclick,
    "aria-label": word("seekTo", { time: clock(cue.start) }),
    title: clock(cue.start),
  });
  Object.assign(tile.style, {
    width: `${WIDTH}px`,
    height: `${Math.round(cue.height * scale)}px`,
    backgroundImage: `url("${cue.url}")`,
    backgroundPosition: `${-cue.x * scale}px ${-cue.y * scale}px`,
    backgroundSize: `${width * scale}px ${height * scale}px`,
  });
  return tile;
}

function waveform(video, url, seek) {
  const line = make("span", { class: "line" });
  const slider = make(
    "div",
    {
      class: "wave",
      role: "slider",
      tabindex: 0,
      "aria-label": word("waveform"),
      "aria-valuemin": 0,
      "aria-valuemax": 0,
      "aria-valuenow": 0,
      "aria-valuetext": clock(0),
    },
    make("img", { src: url, alt: "" }),
    line,
  );
  const show = () => {
    const { currentTime, duration } = video;
    if (!Number.isFinite(duration) || !duration) return;
    line.style.left = `${(100 * currentTime) / duration}%`;
    const whole = Math.floor(currentTime);
    if (slider.getAttribute("aria-valuenow") === `${whole}`) return;
    slider.setAttribute("aria-valuemax", Math.floor(duration));
    slider.setAttribute("aria-valuenow", whole);
    slider.setAttribute("aria-valuetext", clock(currentTime));
  };
  for (const type of ["timeupdate", "seeking", "durationchange"]) video.addEventListener(type, show);
  slider.addEventListener("click", (event) => {
    const box = slider.getBoundingClientRect();
    if (video.duration) seek((video.duration * (event.clientX - box.left)) / box.width);
  });
  slider.addEventListener("keydown", (event) => {
    const { currentTime, duration } = video;
    const next = {
      ArrowRight: currentTime + STEP,
      ArrowUp: currentTime + STEP,
      ArrowLeft: currentTime - STEP,
      ArrowDown: currentTime - STEP,
      Home: 0,
      End: duration,
      PageUp: currentTime + 12 * STEP,
      PageDown: currentTime - 12 * STEP,
    }[event.key];
    if (next == null || !duration) return;
    event.preventDefault();
    seek(Math.max(0, next));
  });
  return slider;
}
