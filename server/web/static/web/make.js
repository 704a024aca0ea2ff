// The page that makes pictures: sends a request once, follows it to its end, and finds it again after a reload.

import { ask, newKey, pause, Problem, Unreachable } from "./api.js";
import { prepareCost, withCeiling } from "./cost.js";
import { prepareChoices } from "./model_choice.js";
import { bodyOf, clearFaults, faultsOf, keepDraft, Misfilled, restoreDraft, showFault } from "./order.js";
import { $, word } from "./page.js";
import { showEnd, showProgress, showTrouble } from "./plate.js";
import { showRecent } from "./recent.js";
import { facts } from "./signed_in.js";
import { follow, hasEnded } from "./watching.js";

const PENDING = "colophon.pending";
const PAUSES = [1000, 3000, 6000];
const GENERATION = /^#([0-9a-f-]{36})$/;

const form = $("order");
let shownId = null;
let watching = new AbortController();
let isSending = false;

if (form) {
  restoreDraft(form, facts.account);
  prepareChoices(form, facts.models);
  prepareCount();
  prepareCost(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  $("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  addEventListener("pagehide", keep);
}
document.querySelector("[data-sign-out]")?.addEventListener("submit", forget);
addEventListener("hashchange", showNamed);
resume();
showRecent();

/** Send what the form holds: once, however often it has to be sent. */
async function submit() {
  if (isSending) return;
  clearFaults(form);
  try {
    const pending = { account: facts.account, key: newKey(), body: JSON.stringify(withCeiling(bodyOf(form))) };
    sessionStorage.setItem(PENDING, JSON.stringify(pending));
    await send(pending);
  } catch (error) {
    if (!(error instanceof Misfilled)) throw error;
    showFault(form, error.field, error.message);
  }
}

async function send(pending) {
  isSending = true;
  $("submit")?.setAttribute("aria-disabled", "true");
  stopWatching();
  const progress = showProgress({});
  $("plate-title").focus();
  try {
    const record = await sendPatiently(pending, progress);
    sessionStorage.removeItem(PENDING);
    show(record);
  } catch (error) {
    refuse(error, pending);
  } finally {
    isSending = false;
    $("submit")?.removeAttribute("aria-disabled");
  }
}

/** The request's record; the same key makes a repeated request the same one. */
async function sendPatiently({ key, body }, progress) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  for (const wait of [...PAUSES, null]) {
    try {
      return await ask("/api/v1/generations", { method: "POST", headers, body });
    } catch (error) {
      if (error instanceof Problem && error.body.generation) return error.body.generation;
      const mayPass = error instanceof Unreachable || error.status === 503 || error.status === 502;
      if (!mayPass || wait === null) throw error;
      progress.tell(word("sending_again"));
      await pause(wait);
    }
  }
}

function refuse(error, pending) {
  if (error instanceof Unreachable || error.status >= 500) {
    showTrouble(error.message, { onRetry: () => send(pending) });
    return;
  }
  sessionStorage.removeItem(PENDING);
  const faults = faultsOf(error);
  showTrouble(faults.length ? word("fix_first") : error.message, {});
  if (!form) return;
  for (const fault of [...faults].reverse()) showFault(form, fault.field, fault.detail);
  if (!faults.length) showFault(form, "", error.message);
}

/** Show a request by its record, following it if it has not ended. */
function show(record) {
  shownId = record.id;
  history.replaceState(null, "", `#${record.id}`);
  if (hasEnded(record.state)) showEnd(record, { focus: false });
  else watch(record.id, record);
}

async function watch(id, record) {
  stopWatching();
  const { signal } = watching;
  const onCancel = () => ask(`/api/v1/generations/${id}/cancel`, { method: "POST" });
  const progress = showProgress({ onCancel, first: word("queued"), notices: record?.notices });
  if (record?.progress && record.state === "rendering") progress.hear("step", record.progress);
  try {
    const ended = await follow(id, { onEvent: (name, data) => progress.hear(name, data), signal });
    showEnd(ended, { focus: false });
    showRecent();
  } catch (error) {
    if (signal.aborted) return;
    showTrouble(error.message, {});
  }
}

function stopWatching() {
  watching.abort();
  watching = new AbortController();
}

/** Show the request that the address names. */
async function showNamed() {
  const id = GENERATION.exec(location.hash)?.[1];
  if (!id || id === shownId) return;
  shownId = id;
  stopWatching();
  const { signal } = watching;
  try {
    const record = await ask(`/api/v1/generations/${id}`);
    if (signal.aborted) return;
    if (hasEnded(record.state)) showEnd(record, { focus: true });
    else watch(id, record);
  } catch (error) {
    shownId = null;
    showTrouble(error.status === 404 ? word("not_found") : error.message, { onRetry: error.status === 404 ? null : showNamed });
  }
}

/** Go on where a reload interrupted: with a request not yet answered, or with the one in the address. */
function resume() {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  if (pending?.account === facts.account && form) send(pending);
  else showNamed();
}

function prepareCount() {
  const prompt = $("prompt");
  const line = $("prompt-count");
  const most = Number(prompt.dataset.longest);
  const count = () => {
    const written = [...prompt.value].length;
    line.hidden = written < most * 0.8;
    line.classList.toggle("over", written > most);
    line.textContent = line.dataset.words.replace("{count}", written).replace("{most}", most);
  };
  prompt.addEventListener("input", count);
  count();
}

function keep() {
  keepDraft(form, facts.account);
}

/** On signing out, leave nothing of the account in this tab. */
function forget() {
  removeEventListener("pagehide", keep);
  for (const name of ["colophon.draft", PENDING]) sessionStorage.removeItem(name);
}
