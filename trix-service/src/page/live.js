// What the server tells by itself.
//
// Invariant: no change is missed that the catalogue still has. Changes have numbers without gaps, but old ones are removed; after a
// cut, the server is asked for those after the last one.

import { ask } from "./ask.js";

/** The server tells the state of all parts every second. After this time without a word, the connection counts as cut. */
const SILENCE = 6000;
const LONGEST_PAUSE = 5000;

/** What is known now. */
export const live = { parts: [], notice: "", units: [], offlineSince: null };

let [socket, last, heard, pause, watch, handlers] = [null, null, 0, 500, null, null];
/** True until the first change of a connection: what is missing before it was removed. */
let isFresh = true;
/** The number of the last change that counts an encoded chunk. */
let counted = 0;

/** Listens. `told` is called for each state, `changed` for each change, `lost` and `found` when the server goes and comes. */
export function listen(own) {
  handlers = own;
  if (!socket) connect();
}

/** Ends the connection, until `listen`. */
export function quiet() {
  handlers = null;
  clearInterval(watch);
  socket?.close();
  socket = last = null;
  Object.assign(live, { parts: [], units: [], notice: "", offlineSince: null });
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const own = new WebSocket(`${scheme}://${location.host}/ws${last == null ? "" : `?after=${last}`}`);
  socket = own;
  heard = Date.now();
  isFresh = true;
  clearInterval(watch);
  watch = setInterval(() => {
    if (Date.now() - heard > SILENCE) cut(own);
  }, 1000);
  own.onmessage = ({ data }) => {
    if (socket === own) hear(JSON.parse(data), own);
  };
  own.onclose = own.onerror = () => cut(own);
}

function cut(own) {
  if (socket !== own) return;
  clearInterval(watch);
  socket = null;
  own.close();
  if (!handlers) return;
  live.offlineSince ??= heard;
  handlers.lost();
  setTimeout(async () => {
    // A session that has ended looks like a cut.
    await ask("/api/me").catch(() => {});
    if (handlers && !socket) connect();
  }, pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

function hear(told, own) {
  heard = Date.now();
  pause = 500;
  const wasLost = live.offlineSince != null;
  live.offlineSince = null;
  if (told.type === "state") {
    // A catalogue that was restored counts from a lower number.
    if (last == null || told.last < last) last = told.last;
    Object.assign(live, { parts: told.parts, notice: told.notice });
    // Older units could be chunks that a job counts as encoded.
    if (told.units_at >= counted) live.units = told.units;
    handlers?.told();
  } else if (told.type === "change") {
    const { number } = told.change;
    if (last != null && number <= last) return;
    // A gap: the changes between are asked for, once.
    if (last != null && number > last + 1 && !isFresh) {
      socket = null;
      own.close();
      return connect();
    }
    last = number;
    isFresh = false;
    if (told.change.what === "job.progress") {
      counted = number;
      live.units = live.units.filter((unit) => unit.job !== told.change.job || unit.worker !== told.change.who);
    }
    handlers?.changed(told.change);
  }
  if (wasLost) handlers?.found();
}
