// What depends on the chosen model: its terms, the styles it carries, its limits, and ideas it can draw.

import { ask } from "./api.js";
import { $, el, language, word } from "./page.js";

const SHOWN = 8;

/** Keep the form in step with the chosen model and style. */
export function prepareChoices(form, models) {
  const chosen = () => models.find((model) => model.slug === $("model").value) ?? models[0];
  const changed = () => showModel(form, chosen());
  if ($("model").tagName === "SELECT") $("model").addEventListener("change", changed);
  for (const radio of form.querySelectorAll("[name=style]")) radio.addEventListener("change", () => showStyle(form));
  changed();
}

function showModel(form, model) {
  for (const terms of form.querySelectorAll(".terms[data-model]")) terms.hidden = terms.dataset.model !== model.slug;
  for (const card of form.querySelectorAll(".card[data-model]")) {
    card.hidden = card.dataset.model !== model.digest;
    const radio = card.querySelector("input");
    if (card.hidden && radio.checked) form.querySelector('[name=style][value=""]').checked = true;
  }
  for (const group of form.querySelectorAll(".styles .group")) {
    group.hidden = !group.querySelector(".card:not([hidden])");
  }
  const barred = form.querySelector("details.barred");
  if (barred) barred.hidden = !barred.querySelector(".card:not([hidden])");
  showStyle(form);
  showNumbers(form, model);
  showSuggestions(model);
}

function showStyle(form) {
  const slug = form.querySelector("[name=style]:checked").value;
  for (const terms of form.querySelectorAll(".terms[data-style]")) terms.hidden = terms.dataset.style !== slug;
}

function showNumbers(form, { defaults, sizes }) {
  for (const name of ["width", "height", "steps", "guidance_scale"]) $(name).placeholder = defaults[name] ?? "";
  const hint = $("size-hint");
  hint.textContent = hint.dataset.words.replace(/\{(\w+)\}/g, (whole, name) => sizes[name] ?? whole);
  const scheduler = $("scheduler");
  const before = scheduler.value;
  scheduler.replaceChildren(scheduler.options[0]);
  for (const name of defaults.schedulers ?? []) scheduler.append(el("option", { value: name }, name));
  scheduler.value = [...scheduler.options].some((one) => one.value === before) ? before : "";
}

async function showSuggestions(model) {
  const box = $("suggestions");
  box.hidden = true;
  const detail = await ask(`/api/v1/models/${encodeURIComponent(model.slug)}`).catch(() => null);
  const ideas = ideasIn(detail?.vocabulary);
  if (!ideas.length || $("model").value !== model.slug) return;
  let start = Math.floor(Math.random() * ideas.length);
  const chips = box.querySelector(".chips");
  const show = () => {
    const shown = Array.from({ length: Math.min(SHOWN, ideas.length) }, (_, index) => ideas[(start + index) % ideas.length]);
    chips.replaceChildren(...shown.map((idea) => el("button", { type: "button", class: "chip", onclick: () => use(idea) }, idea)));
    if (ideas.length > SHOWN) {
      chips.append(el("button", { type: "button", class: "quiet", onclick: next }, word("more_suggestions")));
    }
  };
  const next = () => {
    start = (start + SHOWN) % ideas.length;
    show();
    chips.lastElementChild.focus();
  };
  show();
  box.hidden = false;
}

/** Put an idea into the prompt: alone where there is none, behind what was written otherwise. */
function use(idea) {
  const prompt = $("prompt");
  const written = prompt.value.trimEnd();
  prompt.value = written ? `${written}${word("comma")}${idea}` : idea;
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
  prompt.focus();
}

/** The subjects that a vocabulary lists, in the page's language where it has them; none for a shape not known. */
export function ideasIn(vocabulary) {
  if (Array.isArray(vocabulary)) return [...new Set(vocabulary.map(ideaOf).filter(Boolean))];
  if (!vocabulary || typeof vocabulary !== "object") return [];
  for (const name of ["subjects", "prompts", "words", "labels"]) {
    const ideas = ideasIn(listed(vocabulary[name]));
    if (ideas.length) return ideas;
  }
  return [];
}

/** A list as it is; a table by name as the list of its rows, each with its name. */
function listed(value) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.entries(value).map(([name, row]) => (row && typeof row === "object" ? { name, ...row } : name));
}

function ideaOf(item) {
  if (typeof item === "string") return item;
  if (!item || typeof item !== "object") return "";
  const chinese = item["zh-Hans"] ?? item.zh ?? item.name_zh;
  const english = item.en ?? item.name ?? item.prompt ?? item.label ?? item.subject;
  const chosen = (language === "zh-Hans" && chinese) || english;
  const first = Array.isArray(chosen) ? chosen[0] : chosen;
  return typeof first === "string" ? first : "";
}
