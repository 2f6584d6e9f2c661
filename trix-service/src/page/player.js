// Plays HLS: by the browser itself, or through MediaSource.
//
// Invariant: each track asks for the segment at the end of what is buffered at the place of the film, so that a seek needs nothing else.

import { parseMaster, parseMedia } from "./playlist.js";

const AHEAD = 30;
const BEHIND = 60;
/** Times in seconds between attempts at a segment. */
const PAUSES = [0.5, 1, 2, 4, 8];
/** The part of the measured throughput that a variant may need. */
const SAFE = 0.7;
/** A gap that is jumped over. */
const GAP = 0.5;

const HLS = "application/vnd.apple.mpegurl";
const isVideo = (codec) => /^(avc|hvc|hev|av01|vp0|dvh)/.test(codec);
const mime = (kind, codecs) => `${kind}/mp4; codecs="${codecs.join(",")}"`;
const sleep = (seconds) => new Promise((go) => setTimeout(go, seconds * 1000));

/** Plays `url`. `told` gets { trouble: Error } or { waits: true or false }. Returns a function that ends it. */
export function play(video, url, told) {
  let player = null;
  const begin = (place) => {
    player = new Player(video, told);
    player.begin(new URL(url, location.href).href, place).catch((error) => player.fail(error));
  };
  // A browser that gives up at the first failure is helped.
  const failed = () => {
    if (globalThis.MediaSource) begin(video.currentTime);
    else told({ trouble: new Error(video.error?.message || `${video.error?.code}`) });
  };
  if (video.canPlayType(HLS)) {
    video.src = url;
    video.addEventListener("error", failed, { once: true });
  } else {
    begin(0);
  }
  return () => {
    video.removeEventListener("error", failed);
    player?.end();
    video.removeAttribute("src");
    video.load();
  };
}

class Player {
  constructor(video, told) {
    Object.assign(this, { video, told, tracks: [], throughput: 0, isOver: false, wake: [], stop: new AbortController() });
    this.onSeek = () => this.seek();
    this.onWait = () => this.jump();
    video.addEventListener("seeking", this.onSeek);
    video.addEventListener("waiting", this.onWait);
  }

  /** Opens the playlist, and goes to `place`. */
  async begin(url, place) {
    if (!globalThis.MediaSource) throw new Error("MediaSource");
    const master = parseMaster(new TextDecoder().decode(await this.load(url, null, this.stop.signal)), url);
    const variants = master.variants.filter((own) => MediaSource.isTypeSupported(mime("video", own.codecs)));
    if (!variants.length) throw new Error(master.variants.map((own) => own.codecs.join()).join("; ") || "EXT-X-STREAM-INF");
    this.media = new MediaSource();
    this.address = URL.createObjectURL(this.media);
    this.video.src = this.address;
    await new Promise((go) => this.media.addEventListener("sourceopen", go, { once: true }));
    URL.revokeObjectURL(this.address);
    if (this.isOver) return;
    const group = master.audio.get(variants[0].audio);
    const pictures = (own) => (group ? own.codecs.filter(isVideo) : own.codecs);
    // A package without video has its audio in both places.
    if (!group || pictures(variants[0]).length) {
      this.track(variants.map((own) => ({ url: own.url, bandwidth: own.bandwidth, mime: mime("video", pictures(own)) })));
    }
    if (group)
      this.track([
        {
          url: group,
          bandwidth: 0,
          mime: mime(
            "audio",
            variants[0].codecs.filter((own) => !isVideo(own)),
          ),
        },
      ]);
    const lists = await Promise.all(this.tracks.map((track) => this.list(track, 0)));
    if (this.media.readyState === "open") this.media.duration = Math.max(...lists.map((list) => list.duration));
    if (place) this.video.currentTime = place;
    for (const track of this.tracks) this.pump(track).catch((error) => this.fail(error));
  }

  track(levels) {
    const buffer = this.media.addSourceBuffer(levels[0].mime);
    this.tracks.push({ levels, level: 0, buffer, lists: [], map: null, last: null, isAtEnd: false });
  }

  /** The segments of a level. */
  async list(track, level) {
    const { url } = track.levels[level];
    track.lists[level] ??= parseMedia(new TextDecoder().decode(await this.load(url, null, this.stop.signal)), url);
    return track.lists[level];
  }

  /** Keeps the buffer of a track filled. */
  async pump(track) {
    while (!this.isOver) {
      const position = this.video.currentTime;
      const end = bufferedEnd(track.buffer, position);
      const { segments } = await this.list(track, track.level);
      const next = end - position < AHEAD ? this.next(track, segments, end) : null;
      await this.evict(track, position);
      if (!next) {
        await this.rest();
        continue;
      }
      track.request = new AbortController();
      try {
        await this.fetch(track, next);
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    }
  }

  /** The segment that follows what is buffered. `null` at the end. */
  next(track, segments, end) {
    let own = segments.findIndex((segment) => segment.end > end + 0.05);
    // What was just appended may end a little before its time in the list.
    if (own >= 0 && track.last === segments[own].start) own += 1;
    track.isAtEnd = own < 0 || own >= segments.length;
    if (track.isAtEnd) this.finish();
    return track.isAtEnd ? null : segments[own];
  }

  async fetch(track, segment) {
    const { signal } = track.request;
    if (segment.map && track.map !== segment.map.url) {
      const data = await this.load(segment.map.url, segment.map.range, signal);
      const type = track.levels[track.level].mime;
      if (track.mime && track.mime !== type) track.buffer.changeType(type);
      await this.append(track, data);
      Object.assign(track, { map: segment.map.url, mime: type });
    }
    const began = performance.now();
    const data = await this.load(segment.url, segment.range, signal);
    this.measure(data.byteLength, performance.now() - began);
    await this.append(track, data);
    track.last = segment.start;
    this.choose(track);
  }

  /** Bits a second, as of the last segments. Small ones say little. */
  measure(bytes, milliseconds) {
    if (bytes < 20_000) return;
    const own = (bytes * 8000) / Math.max(1, milliseconds);
    this.throughput = this.throughput ? 0.6 * this.throughput + 0.4 * own : own;
  }

  /** Goes one level up or down. */
  choose(track) {
    const wanted = track.levels.findLastIndex((own) => own.bandwidth <= this.throughput * SAFE);
    if (wanted > track.level) track.level += 1;
    else if (wanted < track.level && track.level > 0) track.level -= 1;
  }

  async load(url, range, signal) {
    const headers = range ? { Range: `bytes=${range.begin}-${range.end}` } : {};
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await fetch(url, { headers, signal });
        if (!answer.ok) throw new Error(`${url.split("/").pop()}: ${answer.status}`);
        const data = await answer.arrayBuffer();
        if (attempt) this.told({ waits: false });
        return data;
      } catch (error) {
        if (signal?.aborted || this.isOver) throw new DOMException("", "AbortError");
        if (attempt === PAUSES.length) throw error;
        this.told({ waits: true });
        await sleep(PAUSES[attempt]);
        if (signal?.aborted || this.isOver) throw new DOMException("", "AbortError");
      }
    }
  }

  async append(track, data) {
    try {
      await this.change(track.buffer, () => track.buffer.appendBuffer(data));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      // The browser keeps less than we want.
      const position = this.video.currentTime;
      await this.change(track.buffer, () => track.buffer.remove(0, Math.max(0.1, position - 2)));
      await this.change(track.buffer, () => track.buffer.remove(position + AHEAD / 2, Infinity));
      await this.change(track.buffer, () => track.buffer.appendBuffer(data));
    }
  }

  /** Does something to a buffer, and waits until it is done. */
  async change(buffer, work) {
    if (this.isOver) throw new DOMException("", "AbortError");
    await new Promise((go, fail) => {
      const failed = () => fail(new Error(this.video.error?.message || "SourceBuffer"));
      buffer.addEventListener(
        "updateend",
        () => {
          buffer.removeEventListener("error", failed);
          go();
        },
        { once: true },
      );
      buffer.addEventListener("error", failed, { once: true });
      work();
    });
  }

  async evict(track, position) {
    const { buffered } = track.buffer;
    const isOld = buffered.length && buffered.start(0) < position - BEHIND - 10;
    if (isOld && this.media.readyState === "open")
      await this.change(track.buffer, () => track.buffer.remove(0, position - BEHIND));
  }

  finish() {
    const isDone = this.tracks.every((own) => own.isAtEnd && !own.buffer.updating);
    if (isDone && this.media.readyState === "open") this.media.endOfStream();
  }

  /** Waits for a seek, or half a second. */
  rest() {
    return new Promise((go) => {
      this.wake.push(go);
      setTimeout(go, 500);
    });
  }

  seek() {
    for (const track of this.tracks) {
      const isThere = bufferedEnd(track.buffer, this.video.currentTime) > this.video.currentTime;
      if (!isThere) {
        track.last = null;
        track.request?.abort();
      }
    }
    this.wake.splice(0).forEach((go) => go());
  }

  /** Jumps over a small gap of the film. */
  jump() {
    const { buffered, currentTime } = this.video;
    for (let own = 0; own < buffered.length; own += 1) {
      const start = buffered.start(own);
      if (start > currentTime && start - currentTime < GAP) this.video.currentTime = start + 0.01;
    }
  }

  fail(error) {
    if (this.isOver || error.name === "AbortError") return;
    this.told({ trouble: error });
  }

  end() {
    this.isOver = true;
    this.stop.abort();
    this.tracks.forEach((track) => track.request?.abort());
    this.video.removeEventListener("seeking", this.onSeek);
    this.video.removeEventListener("waiting", this.onWait);
  }
}

/** The end of what is buffered around a time, or this time. */
function bufferedEnd(buffer, time) {
  const { buffered } = buffer;
  for (let own = 0; own < buffered.length; own += 1) {
    if (buffered.start(own) - GAP <= time && time < buffered.end(own)) return buffered.end(own);
  }
  return time;
}
