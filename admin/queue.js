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
	const changed = make("span");
	const text = make("p", { class: "prose", dir: "auto" });
	const problem = make("p", { class: "error", hidden: true });
	const act = button("", change);
	const name = make("a", { href: place(`${kind}/${thing.id}`) });
	const box = make("article", {}, make("h2", { dir: "auto" }, name),
		make("p", { class: "row soft" }, make("span", { dir: "auto" },
			thing.detail), changed, state), text,
		make("div", { class: "row" }, act), problem);

	function draw() {
		name.textContent = kind === "comments" ?
			t("number", { id: thing.id }) : thing.label;
		text.textContent = thing.content;
		changed.replaceChildren(time(thing.updated_at));
		box.classList.toggle("gone", Boolean(thing.deleted_at));
		state.hidden = !thing.deleted_at;
		act.textContent = t(thing.deleted_at ? "restore" : "remove");
		act.setAttribute("aria-label", t(thing.deleted_at ?
			"queue.restore" : "queue.remove", { name: thing.label }));
		act.className = thing.deleted_at ? "" : "bad";
	}

	// Only what the user has read is removed or restored: if it has changed
	// since, it is shown, and nothing is done.
	async function change() {
		const path = admin(kind, thing.id + "/");
		const action = thing.deleted_at ? "restore" : "remove";

		if (act.getAttribute("aria-busy")) {
			return;
		}
		act.setAttribute("aria-busy", "true");
		problem.hidden = true;
		try {
			const now = await call("GET", path);
			const isSame = now.data.content === thing.content &&
				(now.data.title ?? thing.label) === thing.label &&
				!now.data.deleted_at === !thing.deleted_at;
			const { data } = isSame ? await (action === "remove" ?
				call("DELETE", path, { etag: now.etag }) :
				call("POST", path + "restore/", { etag: now.etag })) : now;
			Object.assign(thing, data,
				{ label: data.title ?? data.content.slice(0, 80) });
			draw();
			if (!isSame) {
				throw new Error(t("queue.changed"));
			}
			announce(t("done." + action));
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
