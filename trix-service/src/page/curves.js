// A score over the time of a film, as a picture and as text.

import { make, shape } from "./dom.js";
import { clock, number, span } from "./format.js";
import { plural, word } from "./words.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [640, 130, 46, 18, 8];

/**
 * The curve of `values`, each of `frames` frames; `null` is an identical point, which stands at the top.
 * `rate` is frames a second, if known. `most` is the value that cannot be passed, if there is one.
 */
function curve(what, values, { frames, rate, text, most }) {
  const real = values.map((value, at) => ({ value, at })).filter((own) => own.value != null);
  const place = (at) => (rate ? clock((at * frames) / rate) : word("frameNumber", { n: number(at * frames) }));
  const [low, high] = real.length ? [least(real), greatest(real)] : [null, null];
  const hasIdentical = real.length < values.length;
  const shown = (value) => (value == null ? word("identical") : text(value));
  const said = {
    what,
    time: rate ? span((values.length * frames) / rate) : "",
    n: number(values.length * frames),
    low: shown(low?.value ?? null),
    at: low ? place(low.at) : place(0),
    high: shown(hasIdentical ? null : (high?.value ?? null)),
  };
  const summary = word(rate ? "curveText" : "curveFrames", said);
  const readout = make("span", { class: "soft readout", "aria-hidden": "true" });
  const [bottom, top] = range(low?.value, high?.value, most);
  const x = (at) => LEFT + (values.length > 1 ? (at / (values.length - 1)) * (WIDTH - LEFT - 4) : 0);
  const y = (value) => TOP + (1 - ((value ?? top) - bottom) / (top - bottom || 1)) * (HEIGHT - TOP - BOTTOM);
  const points = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  if (points.length === 1) points.push(`${WIDTH - 4},${y(values[0]).toFixed(1)}`);
  const pointer = shape("line", { class: "pointer", y1: TOP, y2: HEIGHT - BOTTOM, x1: -9, x2: -9 });
  const grid = [bottom, (bottom + top) / 2, top].map((value) => [
    shape("line", { class: "grid-line", x1: LEFT, x2: WIDTH - 4, y1: y(value), y2: y(value) }),
    shape("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, text(value, true)),
  ]);
  const ends = [0, values.length - 1].map((at) =>
    shape("text", { x: at ? WIDTH - 4 : LEFT, y: HEIGHT - 4, "text-anchor": at ? "end" : "start" }, place(at)),
  );
  const move = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - 4);
    const at = Math.round(Math.max(0, Math.min(1, share)) * (values.length - 1));
    pointer.setAttribute("x1", x(at));
    pointer.setAttribute("x2", x(at));
    readout.textContent = word("curvePoint", { at: place(at), value: shown(values[at]) });
  };
  const leave = () => {
    pointer.setAttribute("x1", -9);
    pointer.setAttribute("x2", -9);
    readout.textContent = "";
  };
  const picture = shape(
    "svg",
    {
      class: "curve",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": `${word("curveOf", { what })}. ${summary}`,
      onpointermove: move,
      onpointerleave: leave,
    },
    grid,
    shape("polyline", { points: points.join(" ") }),
    low ? shape("circle", { cx: x(low.at), cy: y(low.value), r: 3 }) : null,
    pointer,
    ends,
  );
  return make(
    "figure",
    {},
    make("figcaption", {}, make("strong", {}, word("curveOf", { what })), " ", readout),
    picture,
    make("p", { class: "soft" }, summary),
  );
}

const least = (points) => points.reduce((one, other) => (other.value < one.value ? other : one));
const greatest = (points) => points.reduce((one, other) => (other.value > one.value ? other : one));

/** The values at the bottom and the top of the picture. */
function range(low, high, most) {
  if (low == null) return [0, most ?? 1];
  const room = Math.max((high - low) * 0.1, most === 1 ? 0.0005 : 0.5);
  return [low - room, most == null ? high + room : Math.min(most, high + room)];
}

/** Both curves of a score. */
export function curvesOf({ curve: own }, rate) {
  if (!own) return null;
  const { frames, psnr_db: psnr, ssim } = own;
  return make(
    "div",
    { class: "curves" },
    psnr?.length
      ? curve(word("psnr"), psnr, {
          frames,
          rate,
          text: (value, isShort) => (isShort ? number(value, 1) : word("decibels", { n: number(value, 2) })),
        })
      : null,
    ssim?.length
      ? curve(word("ssim"), ssim, { frames, rate, most: 1, text: (value, isShort) => number(value, isShort ? 3 : 5) })
      : null,
  );
}

export const framesCompared = (count) => plural("scoreFrames", count);
