// What a request would cost, asked before it is sent; what was shown is the most that may be owed for it.

import { ask, Unreachable } from "./api.js";
import { bodyOf, Misfilled } from "./order.js";
import { $, money, word } from "./page.js";

const CHANGES = ["style", "n", "purpose", "model", "prompt"];
let asked = 0;
let shown = null;

/** Keep the cost in step with what the form asks for. */
export function prepareCost(form) {
  form.addEventListener("change", (event) => {
    if (CHANGES.includes(event.target.name)) showCost(form);
  });
  showCost(form);
}

/** The request's body with what was shown as its ceiling: a price that rose meanwhile is refused, with the new one. */
export function withCeiling(body) {
  return shown ? { ...body, ceiling: shown } : body;
}

async function showCost(form) {
  const number = ++asked;
  shown = null; // until the answer is here, nothing is promised
  $("cost").hidden = true;
  const quote = isPriced(form) ? await quoteOf(form) : null;
  if (number !== asked) return; // the form has changed since
  if (!quote) return;
  shown = { amount: quote.total, currency: quote.currency };
  const values = { total: money(quote.total, quote.currency), each: money(quote.per_image, quote.currency) };
  $("cost").textContent = word("cost", values);
  $("cost").hidden = false;
}

function isPriced(form) {
  const slug = form.querySelector("[name=style]:checked").value;
  return Boolean(slug && form.querySelector(`.terms[data-style="${CSS.escape(slug)}"] [data-price]`));
}

async function quoteOf(form) {
  try {
    const body = bodyOf(form, { unwritten: word("cost_prompt") });
    const headers = { "Content-Type": "application/json" };
    return (await ask("/api/v1/decisions", { method: "POST", headers, body: JSON.stringify(body) })).quote;
  } catch (error) {
    if (error instanceof Misfilled || error instanceof Unreachable || error.status) return null; // the request itself will tell what is wrong
    throw error;
  }
}
