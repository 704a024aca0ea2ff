// Following a request to its end: server-sent events while they come, and the record once they have ended.

import { ask, pause, Problem } from "./api.js";

const ENDS = ["done", "refused", "failed", "cancelled"];
const STAGES = ["queued", "rendering", "step", "marking"];
const LONGEST_PAUSE = 10_000;

/** Whether a state is an end. */
export function hasEnded(state) {
  return ENDS.includes(state);
}

/**
 * The record of a request once it has ended. Meanwhile `onEvent(name, data)` hears each event, and
 * "reconnecting" when the stream has broken; a broken stream is joined again for as long as it takes.
 * Throws Problem where there is no such request, and AbortError when the signal says to stop.
 */
export async function follow(id, { onEvent, signal }) {
  const path = `/api/v1/generations/${encodeURIComponent(id)}`;
  for (let wait = 500; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    const record = await readPatiently(path, { onEvent, signal });
    if (hasEnded(record.state)) return record;
    await listen(`${path}/events`, { onEvent, signal });
    signal.throwIfAborted();
    const after = await readPatiently(path, { onEvent, signal });
    if (hasEnded(after.state)) return after;
    onEvent("reconnecting", {});
    await pause(wait);
  }
}

async function readPatiently(path, { onEvent, signal }) {
  for (let wait = 500; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    signal.throwIfAborted();
    try {
      return await ask(path);
    } catch (error) {
      if (error instanceof Problem && error.status < 500 && error.status !== 429) throw error;
      onEvent("reconnecting", {});
      await pause(wait);
    }
  }
}

/** Resolves when the stream has told an end, or is closed for good; the browser itself mends short breaks. */
function listen(path, { onEvent, signal }) {
  return new Promise((resolve) => {
    const stream = new EventSource(path);
    const close = () => {
      stream.close();
      signal.removeEventListener("abort", close);
      resolve();
    };
    signal.addEventListener("abort", close);
    for (const name of STAGES) {
      stream.addEventListener(name, (event) => onEvent(name, JSON.parse(event.data)));
    }
    for (const name of ENDS) stream.addEventListener(name, close);
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) close();
      else onEvent("reconnecting", {});
    });
  });
}
