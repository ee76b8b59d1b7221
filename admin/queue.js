// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: recent reviews and comments with their texts, to be removed or
// restored one after another.

import { admin, call } from "./api.js";
import { announce, button, make, pages, place, time } from "./dom.js";
import { removedChoice } from "./list.js";
import { t } from "./texts.js";

const KINDS = ["reviews", "comments"];

// One review or comment. Its button changes what it does, and so stays in
// place and focused.
function item(kind, thing) {
	const state = make("span", { class: "badge" }, t("is.removed"));
	const problem = make("p", { class: "error", hidden: true });
	const act = button("", change);
	const box = make("article", {},
		make("h2", { dir: "auto" }, make("a",
			{ href: place(`${kind}/${thing.id}`) },
			kind === "comments" ? t("number", { id: thing.id }) :
				thing.label)),
		make("p", { class: "row soft" }, make("span", { dir: "auto" },
			thing.detail), time(thing.created_at || thing.updated_at),
		thing.spoiler && make("span", { class: "badge" }, t("field.spoiler")),
		state),
		make("p", { class: "prose", dir: "auto" },
			thing.content ?? thing.label),
		make("div", { class: "row" }, act), problem);

	function draw() {
		const name = thing.label;
		box.classList.toggle("gone", Boolean(thing.deleted_at));
		state.hidden = !thing.deleted_at;
		act.textContent = t(thing.deleted_at ? "restore" : "remove");
		act.setAttribute("aria-label", t(thing.deleted_at ?
			"queue.restore" : "queue.remove", { name }));
		act.className = thing.deleted_at ? "" : "bad";
	}

	async function change() {
		const path = admin(kind, thing.id + "/");
		act.setAttribute("aria-busy", "true");
		problem.hidden = true;
		try {
			if (thing.deleted_at) {
				await call("POST", path + "restore/");
				thing.deleted_at = null;
				announce(t("done.restore"));
			} else {
				await call("DELETE", path);
				thing.deleted_at = new Date().toISOString();
				announce(t("done.remove"));
			}
			draw();
		} catch (error) {
			problem.textContent = error.message;
			problem.hidden = false;
			announce(error.message);
		} finally {
			act.removeAttribute("aria-busy");
		}
	}

	draw();
	return box;
}

export async function queueView(kind, query) {
	const path = "queue/" + kind;
	const { data } = await call("GET", admin(kind, "", query));
	const removed = removedChoice(query.removed, () => {
		location.hash = place(path, { removed: removed.value });
	});

	return make("div", {},
		make("h1", { tabindex: "-1" }, t("queue")),
		make("nav", { class: "tabs", "aria-label": t("queue") },
			KINDS.map((key) => make("a", { href: place("queue/" + key,
				query.removed ? { removed: query.removed } : {}),
			"aria-current": key === kind && "page" },
			t("kind." + key)))),
		make("div", { class: "find" }, make("div", {},
			make("label", { for: "removed" }, t("removed")), removed)),
		data.results.length ? make("div", { class: "queue" },
			data.results.map((thing) => item(kind, thing))) :
			make("p", {}, t("found.none")),
		pages(data, path, query));
}
