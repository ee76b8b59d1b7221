// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: a control for links to other things. Things are found as their
// name is typed (a combobox with a listbox, as the ARIA practices describe it),
// and shown below as a list, in which they can be moved and removed.

import { admin, call } from "./api.js";
import { announce, button, make, shown, unique } from "./dom.js";
import { changed, frame, mark } from "./frame.js";
import { t } from "./texts.js";

const WAIT = 200; // ms after a key before the API is asked
const MOST = 8;
const LABELS = 200; // of longer lists the others are shown by their slugs

// The labels of things by kind and slug, from lists that were read.
const labels = new Map();

export function remember(kind, rows) {
	rows.forEach((row) => labels.set(`${kind}/${row.slug}`, row.label));
}

const labelOf = (kind, slug) => labels.get(`${kind}/${slug}`) || slug;

// Reads the labels of slugs that are not known yet.
async function learn(kind, slugs) {
	const unknown = slugs.slice(0, LABELS).filter(
		(slug) => !labels.has(`${kind}/${slug}`));

	for (let at = 0; at < unknown.length; at += 50) {
		const part = unknown.slice(at, at + 50);
		const { data } = await call("GET", admin(kind, "", {
			slugs: part, limit: part.length }));
		remember(kind, data.results);
	}
}

// The combobox; take(row) is called with the thing that is chosen.
function combobox(kind, input, take, taken) {
	const list = make("ul", { role: "listbox", id: unique("list"),
		class: "options", "aria-label": t("links.found"), hidden: true });
	let rows = [];
	let active = -1;
	let timer = 0;
	let asked = null;

	function close() {
		clearTimeout(timer);
		asked?.abort();
		list.hidden = true;
		active = -1;
		input.setAttribute("aria-expanded", "false");
		input.removeAttribute("aria-activedescendant");
	}

	function activate(number) {
		list.children[active]?.setAttribute("aria-selected", "false");
		active = number;
		const option = list.children[active];
		option.setAttribute("aria-selected", "true");
		option.scrollIntoView({ block: "nearest" });
		input.setAttribute("aria-activedescendant", option.id);
	}

	function choose(number) {
		const row = rows[number];
		input.value = "";
		close();
		take(row);
	}

	function open(found) {
		rows = found.filter((row) => !taken().includes(row.slug));
		list.replaceChildren(...rows.map((row, number) => make("li",
			{ role: "option", id: unique("option"),
				"aria-selected": "false",
				pointerdown: (e) => e.preventDefault(),
				click: () => choose(number) },
			row.label, row.detail &&
				make("span", { class: "soft" }, " ", row.detail))));
		if (rows.length === 0) {
			close();
			announce(t("found.none"));
			return;
		}
		announce(t("links.count", { n: rows.length }), true);
		list.hidden = false;
		input.setAttribute("aria-expanded", "true");
		activate(0);
	}

	async function find() {
		asked?.abort();
		asked = new AbortController();
		const { signal } = asked;
		try {
			const { data } = await call("GET", admin(kind, "",
				{ search: input.value.trim(), limit: MOST }), { signal });
			if (!signal.aborted && document.activeElement === input) {
				remember(kind, data.results);
				open(data.results);
			}
		} catch (error) {
			if (error.name !== "AbortError") {
				announce(error.message);
			}
		}
	}

	const KEYS = {
		ArrowDown: () => activate((active + 1) % rows.length),
		ArrowUp: () => activate((active + rows.length - 1) % rows.length),
		Enter: () => choose(active),
		Escape: close,
	};

	input.addEventListener("input", () => {
		close();
		if (input.value.trim()) {
			timer = setTimeout(find, WAIT);
		}
	});
	input.addEventListener("keydown", (event) => {
		if (event.isComposing) {
			return;
		}
		if (!list.hidden && KEYS[event.key]) {
			event.preventDefault();
			KEYS[event.key]();
		} else if (event.key === "Enter") {
			event.preventDefault(); // it does not save the form
		} else if (event.key === "ArrowDown" && input.value.trim()) {
			find();
		}
	});
	input.addEventListener("blur", close);
	input.setAttribute("aria-controls", list.id);
	return list;
}

// The list of what is linked; slugs is changed in place.
function linked(field, slugs, redraw) {
	const label = (slug) => labelOf(field.of, slug);
	const item = (slug, at) => {
		const move = (by, text) => button(text, () => {
			slugs.splice(at, 1);
			slugs.splice(at + by, 0, slug);
			redraw(at + by, by < 0 ? "up" : "down");
			announce(t("links.moved", { name: label(slug),
				place: at + by + 1 }));
		}, { class: "small", "data-move": by < 0 ? "up" : "down",
			"aria-label": t(by < 0 ? "links.up" : "links.down",
				{ name: label(slug) }),
			disabled: at + by < 0 || at + by >= slugs.length });
		const remove = button("✕", () => {
			slugs.splice(at, 1);
			redraw(Math.min(at, slugs.length - 1), "remove");
			announce(t("links.removed", { name: label(slug) }));
		}, { class: "small", "data-move": "remove",
			"aria-label": t("links.remove", { name: label(slug) }) });
		return make("li", {}, make("span", { class: "name" },
			make("bdi", {}, label(slug))), field.order && [move(-1, "↑"), move(1, "↓")],
		remove);
	};
	return slugs.map(item);
}

export function linkControl(field, options) {
	const input = make("input", { type: "text", role: "combobox",
		autocomplete: "off", "aria-autocomplete": "list",
		"aria-expanded": "false", placeholder: t("links.type") });
	const list = make(field.order ? "ol" : "ul", { class: "links" });
	let slugs = [];

	function redraw(at = -1, which = "") {
		list.replaceChildren(...(input.disabled ?
			slugs.map((slug) => make("li", {}, labelOf(field.of, slug))) :
			linked(field, slugs, redraw)));
		list.hidden = slugs.length === 0;
		if (which) {
			const item = list.children[at];
			const wanted = item?.querySelector(
				`[data-move=${which}]:not(:disabled)`) ||
				item?.querySelector("button:not(:disabled)");
			(wanted || input).focus();
			changed();
		}
	}

	const options_ = combobox(field.of, input, (row) => {
		if (field.one) {
			slugs.length = 0;
		}
		slugs.push(row.slug);
		redraw();
		changed();
		announce(t("links.added", { name: row.label }));
	}, () => slugs);
	const control = frame(field, options, input, { after: [options_, list] });

	control.lock = () => {
		input.disabled = true;
	};
	control.learn = (value) => learn(field.of, [].concat(value ?? []))
		.catch(() => null);
	control.show = (value) => shown([].concat(value ?? []).map(
		(slug) => labelOf(field.of, slug)));
	control.get = () => (field.one ? slugs[0] ?? null : [...slugs]);
	control.set = (value) => {
		slugs = [].concat(value ?? []);
		redraw();
		mark(control);
		control.learn(slugs).then(() => redraw());
	};
	return control;
}
