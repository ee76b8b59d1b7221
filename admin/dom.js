// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: elements, dialogs, messages, and times. Texts only ever enter
// the page as text, never as markup.

import { LANGUAGES } from "./kinds.js";
import { language, t } from "./texts.js";

export const by = (id) => document.getElementById(id);

// make("a", {href: "#x"}, "text", node): an element with its children. A
// function is a listener, true an attribute without a value.
export function make(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (typeof value === "function") {
			node.addEventListener(name, value);
		} else if (value === true) {
			node.setAttribute(name, "");
		} else if (value !== false && value != null) {
			node.setAttribute(name, value);
		}
	}
	node.append(...children.flat(Infinity).filter((c) => c !== "" &&
		c != null && c !== false));
	return node;
}

let made = 0;

// An id that no other element has.
export const unique = (what) => `${what}-${++made}`;

export function button(text, action, more) {
	return make("button", { type: "button", click: action, ...more }, text);
}

// Prints a message; screen readers read it out. quiet: for them alone, because
// others see it elsewhere. The same text twice is a change only if the element was
// empty in between.
export function announce(text, quiet = false) {
	const line = by("status");

	line.classList.toggle("quiet", quiet);
	line.textContent = "";
	clearTimeout(announce.timer);
	requestAnimationFrame(() => {
		line.textContent = text;
	});
	announce.timer = setTimeout(() => {
		line.textContent = "";
	}, 8000);
}

// A dialog with a title, content and buttons ({value, text, kind}). Returns
// the value of the button, or null if it was closed with Escape. The last
// button has the focus, which is the one that changes nothing.
export function ask(title, content, buttons) {
	const id = unique("dialog");
	const before = document.activeElement;
	const row = make("div", { class: "row end" }, buttons.map((b) =>
		make("button", { value: b.value, class: b.kind }, b.text)));
	const box = make("dialog", { "aria-labelledby": id },
		make("form", { method: "dialog" },
			make("h2", { id }, title), content, row));

	document.body.append(box);
	box.showModal();
	row.lastChild.focus();
	return new Promise((done) => {
		box.addEventListener("close", () => {
			box.remove();
			if (before && before.isConnected) {
				before.focus();
			}
			done(box.returnValue || null);
		});
	});
}

const dayAndTime = new Intl.DateTimeFormat(language,
	{ dateStyle: "medium", timeStyle: "short" });

// A time of the API, in the time zone of the browser.
export function time(text) {
	return make("time", { datetime: text },
		dayAndTime.format(new Date(text)));
}

// Whether two JSON values are equal; the order of keys does not matter.
export function equal(a, b) {
	if (a === b) {
		return true;
	}
	if (!a || !b || typeof a !== "object" || typeof b !== "object" ||
	    Array.isArray(a) !== Array.isArray(b)) {
		return false;
	}
	const keys = Object.keys(a);
	return keys.length === Object.keys(b).length &&
		keys.every((key) => key in b && equal(a[key], b[key]));
}

export const isEmpty = (value) => value == null || value === "" ||
	(typeof value === "object" && Object.values(value).every(isEmpty));

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*\+00:00$/;

// A key of a document, for a person to read.
export const keyLabel = (key) => (LANGUAGES.includes(key) ? t("lang." + key) :
	t("field." + key));

// A value of a document, likewise.
export function shown(value) {
	if (isEmpty(value)) {
		return make("span", { class: "soft" }, t("nothing"));
	}
	if (Array.isArray(value)) {
		return make("span", { dir: "auto" }, value.map(String).join(", "));
	}
	if (typeof value === "object") {
		return make("dl", { class: "inner" }, Object.entries(value)
			.filter(([, inner]) => !isEmpty(inner)).map(([key, inner]) =>
				[make("dt", {}, keyLabel(key)),
					make("dd", {}, shown(inner))]));
	}
	if (typeof value === "boolean") {
		return t(value ? "yes" : "no");
	}
	return TIME.test(value) ? time(value) :
		make("span", { class: "prose", dir: "auto" }, String(value));
}

// A table that scrolls, also by the keyboard: the keys of the texts of its head.
export function table(label, head, rows) {
	return make("div", { class: "scroll", tabindex: "0", role: "group",
		"aria-label": label },
	make("table", {}, make("thead", {}, make("tr", {}, head.map((key) =>
		make("th", { scope: "col" }, t(key))))), make("tbody", {}, rows)));
}

// An address of the editor: place("movies", {page: 2}) is "#/movies?page=2".
export function place(path, query = {}) {
	const words = Object.entries(query).filter(([, value]) => value !== "" &&
		value != null);
	const search = new URLSearchParams(words).toString();

	return `#/${path}${search ? "?" + search : ""}`;
}

// Previous and next page of a list of the API.
export function pages(page, path, query) {
	if (page.total_pages < 2) {
		return "";
	}
	const link = (text, number, rel) => make("a", { class: "button", rel,
		href: place(path, { ...query, page: number }) }, text);
	return make("nav", { class: "row pages", "aria-label": t("pages") },
		page.has_previous &&
			link(t("page.previous"), page.current_page - 1, "prev"),
		make("span", {}, t("page.of", { page: page.current_page,
			pages: page.total_pages })),
		page.has_next &&
			link(t("page.next"), page.current_page + 1, "next"));
}
