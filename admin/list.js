// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: the list of a kind, with search and pages.

import { admin, call } from "./api.js";
import { announce, make, pages, place, time } from "./dom.js";
import { remember } from "./links.js";
import { t } from "./texts.js";

const LIMIT = 25;
const WAIT = 300; // ms after a key before the list is read

// Whether removed things are listed: the choices of a list.
export function removedChoice(value, change) {
	return make("select", { id: "removed", name: "removed", change },
		["no", "yes", "all"].map((v) => make("option",
			{ value: v, selected: v === (value || "no") },
			t("removed." + v))));
}

function row(kind, thing) {
	return make("li", { class: thing.deleted_at ? "gone" : null },
		make("a", { href: place(`${kind}/${thing.id}`), dir: "auto" },
			thing.label || thing.slug || thing.id),
		thing.detail && make("span", { class: "soft", dir: "auto" },
			thing.detail),
		thing.deleted_at && make("span", { class: "badge" },
			t("is.removed")),
		make("span", { class: "soft when" }, time(thing.updated_at)));
}

function drawResults(kind, query, data) {
	return [
		make("p", { class: "soft", id: "count" }, t("found", {
			n: data.count, more: data.count_exact === false ? "+" : "" })),
		data.results.length ? make("ul", { class: "rows" },
			data.results.map((thing) => row(kind, thing))) :
			make("p", {}, t("found.none")),
		pages(data, kind, query),
	];
}

// The view of the list; query: search, removed, page.
export async function listView(kind, query) {
	const results = make("div", { class: "results" });
	let asked = null;
	let timer = 0;

	async function read(now) {
		asked?.abort();
		asked = new AbortController();
		const { data } = await call("GET", admin(kind, "",
			{ limit: LIMIT, ...now }),
			{ signal: asked.signal });
		remember(kind, data.results);
		results.replaceChildren(...drawResults(kind, now, data)
			.filter((node) => node !== ""));
		return data;
	}

	const search = make("input", { id: "search", type: "search",
		name: "search", maxlength: 255, value: query.search || "", autocomplete: "off" });
	const removed = removedChoice(query.removed, () => again());

	async function again() {
		clearTimeout(timer);
		if (!results.isConnected) {
			return;
		}
		const now = { search: search.value.trim(),
			removed: removed.value === "no" ? "" : removed.value };
		try {
			const data = await read(now);
			if (!results.isConnected) {
				return; // another view has been opened meanwhile
			}
			history.replaceState(null, "", place(kind, now));
			announce(t("found", { n: data.count,
				more: data.count_exact === false ? "+" : "" }), true);
		} catch (error) {
			if (error.name !== "AbortError") {
				announce(error.message);
			}
		}
	}

	search.addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(again, WAIT);
	});
	await read(query);
	return make("div", {},
		make("div", { class: "row between" },
			make("h1", { tabindex: "-1" }, t("kind." + kind)),
			make("a", { class: "button main", href: place(kind + "/new") },
				t("new." + kind))),
		make("form", { role: "search", class: "find", "aria-label":
			t("kind." + kind), submit: (event) => {
			event.preventDefault();
			again();
		} },
		make("div", {}, make("label", { for: "search" }, t("search")),
			search),
		make("div", {}, make("label", { for: "removed" },
			t("removed")), removed)),
		results);
}

