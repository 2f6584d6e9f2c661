// Playlists of HLS (RFC 8216), as far as previews need them.

function attributes(text) {
  const found = {};
  for (const [, name, value] of text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^",]*)/g)) found[name] = value.replace(/^"|"$/g, "");
  return found;
}

const lines = (text) =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
const after = (line, tag) => (line.startsWith(`${tag}:`) ? line.slice(tag.length + 1) : null);

/** The variants, the lowest first, and the playlist of each audio group. */
export function parseMaster(text, base) {
  const [variants, audio] = [[], new Map()];
  let next = null;
  for (const line of lines(text)) {
    const media = after(line, "#EXT-X-MEDIA");
    const stream = after(line, "#EXT-X-STREAM-INF");
    if (media) {
      const own = attributes(media);
      const isFirst = !audio.has(own["GROUP-ID"]);
      if (own.TYPE === "AUDIO" && own.URI && (isFirst || own.DEFAULT === "YES"))
        audio.set(own["GROUP-ID"], new URL(own.URI, base).href);
    } else if (stream) {
      const own = attributes(stream);
      next = {
        bandwidth: Number(own.BANDWIDTH),
        codecs: (own.CODECS ?? "")
          .split(",")
          .map((one) => one.trim())
          .filter(Boolean),
        audio: own.AUDIO ?? null,
      };
    } else if (!line.startsWith("#") && next) {
      variants.push({ ...next, url: new URL(line, base).href });
      next = null;
    }
  }
  return { variants: variants.sort((one, other) => one.bandwidth - other.bandwidth), audio };
}

/** "bytes[@offset]" as the first and the last byte. */
function bytes(text, offset) {
  const [length, from] = text.split("@").map(Number);
  const begin = from ?? offset;
  return { begin, end: begin + length - 1 };
}

/** The segments with their times, and the segment that each needs before it. */
export function parseMedia(text, base) {
  const segments = [];
  let [start, duration, map, range, end] = [0, null, null, null, 0];
  for (const line of lines(text)) {
    const time = after(line, "#EXTINF");
    const own = after(line, "#EXT-X-MAP");
    const part = after(line, "#EXT-X-BYTERANGE");
    if (time) {
      duration = Number.parseFloat(time);
    } else if (part) {
      range = bytes(part, end);
    } else if (own) {
      const { URI, BYTERANGE } = attributes(own);
      map = { url: new URL(URI, base).href, range: BYTERANGE ? bytes(BYTERANGE, 0) : null };
    } else if (!line.startsWith("#") && duration != null) {
      segments.push({ start, end: start + duration, url: new URL(line, base).href, range, map });
      start += duration;
      end = range ? range.end + 1 : 0;
      [duration, range] = [null, null];
    }
  }
  return { segments, duration: start };
}
