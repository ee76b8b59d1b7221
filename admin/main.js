// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor of the catalogue at /admin/: its addresses (#/movies/12), the
// navigation, signing in, and the question before changes are lost.

import { hooks, lastUser, session, signIn, signOut, signedIn }
	from "./api.js";
import { auditView } from "./audit.js";
import { announce, button, by, make, place } from "./dom.js";
import { Form } from "./form.js";
import { KINDS } from "./kinds.js";
import { listView } from "./list.js";
import { queueView } from "./queue.js";
import { language, t } from "./texts.js";

let form = null;    // the open form, if there is one
let current = null; // the address that is shown
let views = 0;      // of several that load, the last one is shown
let wasAsked = false; // to sign in

// ---- signing in ---------------------------------------------------------

// Asks for user name and password until they are accepted, another window has
// signed in, or the user closes it: a form behind it stays as it is.
hooks.signIn = () => new Promise((done) => {
	const before = document.activeElement;
	const name = make("input", { id: "signin-name", autocomplete: "username",
		name: "username", autocapitalize: "none", spellcheck: "false",
		required: true, value: lastUser() });
	const password = make("input", { id: "signin-password", type: "password",
		name: "password", autocomplete: "current-password", required: true });
	const problem = make("p", { class: "error", role: "alert" });
	let isBusy = false;
	const box = make("dialog", { class: "signin",
		"aria-labelledby": "signin-title" },
	make("form", { submit: async (event) => {
		event.preventDefault();
		if (isBusy) {
			return;
		}
		isBusy = true;
		problem.textContent = "";
		try {
			await signIn(name.value.trim(), password.value);
			box.close();
		} catch (error) {
			problem.textContent = error.message;
			problem.lang = error.lang || "";
			password.value = "";
			password.focus();
		}
		isBusy = false;
	} },
	make("h1", { id: "signin-title" }, t("signin.title")),
	make("p", { class: "soft" }, t(form ? "signin.again" : "signin.text")),
	make("label", { for: "signin-name" }, t("signin.name")), name,
	make("label", { for: "signin-password" }, t("signin.password")), password,
	problem, make("div", { class: "row" },
		make("button", { class: "main" }, t("signin")),
		form && button(t("cancel"), () => box.close()))));

	hooks.adopted = () => box.close();
	box.addEventListener("close", () => {
		hooks.adopted = null;
		box.remove();
		drawTop();
		if (before?.isConnected) {
			before.focus();
		}
		done();
	});
	wasAsked = true;
	document.body.append(box);
	box.showModal();
	(name.value ? password : name).focus();
});

// The session was ended in another window: what is not saved stays.
hooks.ended = () => {
	if (!form) {
		location.reload();
	}
};

async function leave() {
	if (form && !await form.mayLeave()) {
		return;
	}
	form = null;
	await signOut();
	location.hash = "";
	location.reload();
}

// ---- navigation ---------------------------------------------------------

function drawTop() {
	const [first] = path(location.hash);
	const link = (where, text) => make("a", { href: place(where),
		"aria-current": first === where.split("/")[0] ? "page" : null }, text);

	by("top").replaceChildren(
		make("a", { class: "brand", href: place("") }, t("title")),
		make("nav", { "aria-label": t("navigation") },
			Object.keys(KINDS).map((kind) => link(kind, t("kind." + kind))),
			link("queue/reviews", t("queue")), link("audit", t("audit"))),
		make("div", { class: "row account" },
			make("span", { class: "soft" }, signedIn() || ""),
			button(t("signout"), leave)));
	by("top").hidden = !signedIn();
}

const path = (hash) => hash.split("?")[0].replace(/^#\/?/, "").split("/");
const query = (hash) => Object.fromEntries(new URLSearchParams(
	hash.split("?")[1] || ""));

function home() {
	return make("div", {},
		make("h1", { tabindex: "-1" }, t("title")),
		make("p", {}, t("home.text")),
		make("ul", { class: "tiles" }, Object.keys(KINDS).map((kind) =>
			make("li", {}, make("a", { href: place(kind) },
				t("kind." + kind)), make("p", { class: "soft" },
				t("about." + kind))))));
}

// The view of an address; null if there is none.
async function view(hash) {
	const [first, second, more] = path(hash);
	const words = query(hash);

	await session();
	if (first === "") {
		return home();
	}
	if (first === "queue" && ["reviews", "comments"].includes(second)) {
		return queueView(second, words);
	}
	if (first === "audit" && !second) {
		return auditView(words);
	}
	if (!Object.hasOwn(KINDS, first) || more) {
		return null;
	}
	if (!second) {
		return listView(first, words);
	}
	if (second !== "new" && !/^\d+$/.test(second)) {
		return null;
	}
	return new Form(first, second === "new" ? null : second).open();
}

async function show() {
	const number = ++views;
	const isFirst = current === null;
	let next;

	current = location.hash;
	by("main").setAttribute("aria-busy", "true");
	try {
		next = await view(current) || make("h1", { tabindex: "-1" },
			t("error.place"));
	} catch (error) {
		if (error.status === undefined) {
			console.error(error);
		}
		const isGone = error.status === 404;
		next = make("div", {}, make("h1", { tabindex: "-1" },
			t(isGone ? "error.place" : "error.title")),
		make("p", { lang: isGone ? null : error.lang },
			isGone ? t("error.gone") : error.message),
		!isGone && button(t(signedIn() ? "again" : "signin"),
			show, { class: "main" }));
	}
	if (number !== views) {
		return;
	}
	form?.close();
	form = next instanceof Form ? next : null;
	by("main").replaceChildren(form ? form.node : next);
	by("main").removeAttribute("aria-busy");
	drawTop();
	const heading = by("main").querySelector("h1");
	if (!form) {
		document.title = heading.textContent === t("title") ? t("title") :
			`${heading.textContent} – ${t("title")}`;
	}
	if (!isFirst || wasAsked) {
		scrollTo(0, 0);
		heading.focus({ preventScroll: true });
	}
}

// ---- changes that are not saved -----------------------------------------

// Opens an address after the question, if one is needed.
async function open(hash) {
	if (form && !await form.mayLeave()) {
		return;
	}
	form?.close();
	form = null;
	if (location.hash === hash) {
		show();
	} else {
		location.hash = hash;
	}
}

function wire() {
	document.addEventListener("click", (event) => {
		const link = event.target.closest?.("a[href^='#/']");
		if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
			event.preventDefault();
			open(link.getAttribute("href"));
		}
	});
	addEventListener("hashchange", async () => {
		if (form?.isDirty()) { // back or forward
			const wanted = location.hash;
			history.pushState(null, "", current);
			open(wanted);
			return;
		}
		show();
	});
	addEventListener("beforeunload", (event) => {
		if (form?.isDirty()) {
			event.preventDefault();
		}
	});
	addEventListener("keydown", (event) => {
		if ((event.ctrlKey || event.metaKey) && event.key === "s" && form) {
			event.preventDefault();
			if (!document.querySelector("dialog")) {
				form.submit();
			}
		}
	});
	document.addEventListener("changed", () => form?.changed());
	by("main").addEventListener("added", (event) => {
		current = place(`${path(current)[0]}/${event.detail.id}`);
		history.replaceState(null, "", current);
	});
	by("main").addEventListener("purged", () => {
		announce(t("done.purge"));
		open(place(path(current)[0]));
	});
	by("skip").addEventListener("click", (event) => {
		event.preventDefault();
		by("main").focus();
	});
}

async function start() {
	document.documentElement.lang = language;
	document.title = t("title");
	by("skip").textContent = t("skip");
	wire();
	await show();
}

start();
