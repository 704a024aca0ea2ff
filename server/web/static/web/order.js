// The form: from what was filled in to a request, and from the API's problems back to the fields.

import { $, word } from "./page.js";

const LARGEST_SEED = 2n ** 63n - 1n;
const WHOLE = ["width", "height", "steps"];

/** A field is filled in wrongly; the page can say so without asking. */
export class Misfilled extends Error {
  constructor(field, sentence) {
    super(sentence);
    this.field = field;
  }
}

/** The request's body, with ``unwritten`` for a prompt that is not written yet; throws Misfilled. */
export function bodyOf(form, { unwritten = "" } = {}) {
  const data = new FormData(form);
  const prompt = data.get("prompt").trim() ? data.get("prompt") : unwritten;
  if (!prompt.trim()) throw new Misfilled("prompt", word("prompt_missing"));
  const body = { prompt, model: data.get("model"), disclosure: data.get("disclosure"), ...pictures(data) };
  if (data.has("accepted_terms")) body.accepted_terms = data.getAll("accepted_terms");
  if (data.get("style")) body.references = [{ style: data.get("style") }];
  if (data.get("label")) body.label = { language: data.get("label") };
  for (const name of ["negative_prompt", "purpose", "scheduler", "output_format"]) if (data.get(name)) body[name] = data.get(name);
  for (const name of WHOLE) if (data.get(name).trim()) body[name] = number(name, data.get(name), /^\d{1,6}$/);
  const guidance = data.get("guidance_scale").replace(",", ".");
  if (guidance.trim()) body.guidance_scale = number("guidance_scale", guidance, /^\d{1,4}(\.\d+)?$/);
  return body;
}

function number(name, text, shape) {
  if (!shape.test(text.trim())) throw new Misfilled(name, word("number_invalid"));
  return Number(text);
}

function pictures(data) {
  const count = Number(data.get("n"));
  const seed = data.get("seed").trim();
  if (!seed) return { n: count };
  if (!/^\d{1,19}$/.test(seed) || BigInt(seed) + BigInt(count - 1) > LARGEST_SEED) {
    throw new Misfilled("seeds", word("seed_invalid"));
  }
  return { seeds: Array.from({ length: count }, (_, index) => String(BigInt(seed) + BigInt(index))) };
}

/** Take every fault off the form. */
export function clearFaults(form) {
  for (const place of form.querySelectorAll(".fault, #order-fault")) place.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** What is wrong with each field, as a problem tells it; the field's own name is left out of its sentence. */
export function faultsOf(problem) {
  if (Array.isArray(problem.body.errors)) return problem.body.errors;
  const { field } = problem.body;
  if (!field) return [];
  const sentence = problem.message.startsWith(field) ? problem.message.slice(field.length) : problem.message;
  return [{ field, detail: sentence.replace(/^[:：]\s*/, "") }];
}

/** Say what is wrong with one field beside it, or below the form where the field is not shown. */
export function showFault(form, fieldName, sentence) {
  const name = String(fieldName ?? "").split(".")[0];
  const place = name ? $(`${name}-fault`) : null;
  const field = $(name === "seeds" ? "seed" : name);
  const shown = place ?? $("order-fault");
  shown.textContent = sentence;
  shown.hidden = false;
  const more = place?.closest("details");
  if (more) more.open = true;
  field?.setAttribute("aria-invalid", "true");
  (field && field.type !== "hidden" ? field : $("submit")).focus();
}

/** Keep what was written, so that neither a reload nor another language loses it. */
export function keepDraft(form, account) {
  const entries = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  sessionStorage.setItem("colophon.draft", JSON.stringify({ account, entries }));
}

/** Fill in again what was kept for this account. */
export function restoreDraft(form, account) {
  const draft = JSON.parse(sessionStorage.getItem("colophon.draft") ?? "null");
  if (draft?.account !== account) return;
  for (const [name, value] of draft.entries) {
    const field = form.elements[name];
    if (field instanceof RadioNodeList) {
      if ([...field].some((one) => one.value === value && !one.disabled)) field.value = value;
    } else if (field?.tagName === "SELECT") {
      if ([...field.options].some((one) => one.value === value)) field.value = value;
    } else if (field && field.type !== "hidden") field.value = value;
  }
  const hidden = ["seed", "width", "height", "steps", "guidance_scale", "scheduler", "negative_prompt", "label"];
  const barred = form.querySelector("details.barred");
  if (barred?.querySelector(":checked")) barred.open = true;
  const isUsualFormat = (form.elements.output_format?.value ?? "png") === "png";
  if (!isUsualFormat || hidden.some((name) => form.elements[name]?.value)) $("more").open = true;
}
