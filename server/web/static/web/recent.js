// The pictures made before, newest first; each leads back to its colophon.

import { ask } from "./api.js";
import { $, el, picturesOf, word } from "./page.js";

const FIRST = "/api/v1/generations?page_size=24";
let following = null;

/** Show the newest pictures. */
export async function showRecent() {
  const body = $("recent-body");
  if (!body.childElementCount) body.replaceChildren(el("p", { class: "hint" }, word("recent_loading")));
  try {
    const page = await ask(FIRST);
    const cards = cardsOf(page);
    body.replaceChildren(cards.length || page.next ? el("ul", { class: "shelf" }, cards) : el("p", { class: "hint" }, word("recent_empty")));
    offerMore(page);
  } catch (error) {
    const retry = el("button", { type: "button", class: "quiet", onclick: showRecent }, word("try_again"));
    body.replaceChildren(el("p", { class: "hint" }, `${word("recent_failed")} ${error.message} `, retry));
  }
}

async function showOlder() {
  const button = $("recent-more");
  button.setAttribute("aria-disabled", "true");
  try {
    const page = await ask(following);
    const cards = cardsOf(page);
    $("recent-body").querySelector(".shelf").append(...cards);
    cards[0]?.querySelector("a").focus();
    offerMore(page);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function offerMore(page) {
  following = page.next ? sameOrigin(page.next) : null;
  const button = $("recent-more");
  button.hidden = !following;
  button.onclick = () => showOlder().catch(() => {});
}

/** The path of a link to the next page: behind a proxy, its host may be another's name for us. */
function sameOrigin(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

function cardsOf(page) {
  return page.results.filter((record) => record.outputs.length).map(cardOf);
}

function cardOf(record) {
  const [first] = picturesOf(record);
  const caption = record.prompt ?? word("recent_private");
  const count = record.outputs.length > 1 ? el("span", { class: "count" }, word("recent_count", { count: record.outputs.length })) : null;
  const picture = el("img", { src: first.links.file, alt: "", loading: "lazy", width: first.width, height: first.height });
  return el("li", {}, el("a", { href: `#${record.id}`, title: caption }, picture, el("span", { class: "caption" }, caption), count));
}
