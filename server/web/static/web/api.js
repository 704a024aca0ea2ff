// Speaking with the API: same origin, signed-in session, and problems that people can read.

import { said, word } from "./page.js";

/** What the API refused, with its sentence in the page's language. */
export class Problem extends Error {
  constructor(status, body) {
    super(status === 401 || body?.code === "not-signed-in" ? word("signed_out") : sentence(status, body));
    this.status = status;
    this.body = body ?? {};
  }
}

/** The server could not be reached at all. */
export class Unreachable extends Error {
  constructor() {
    super(word("unreachable"));
  }
}

function sentence(status, body) {
  return said(body?.said) || body?.detail || word("unexpected", { status });
}

/** The answer's JSON; throws Problem or Unreachable. */
export async function ask(path, options = {}) {
  const response = await send(path, options);
  const body = await response.json().catch(() => null);
  if (!response.ok || body === null) throw new Problem(response.status, body);
  return body;
}

/** The answer's bytes; throws Problem or Unreachable. */
export async function fetchFile(path) {
  const response = await send(path, {});
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => null));
  return response.blob();
}

async function send(path, { method = "GET", headers = {}, body } = {}) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  const changing = method === "GET" || !token ? {} : { "X-CSRFToken": token };
  try {
    return await fetch(path, { method, body, credentials: "same-origin", headers: { ...changing, ...headers } });
  } catch {
    throw new Unreachable();
  }
}

/** A name that nothing else has, also where the page is not served over TLS. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Resolves after some milliseconds. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
