// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: the form of one thing. Saving sends what was changed as a merge
// patch with the entity tag of what was read; if the thing has been changed in
// between (412), the user sees both and decides.

import { admin, call } from "./api.js";
import { announce, ask, button, equal, make, place, shown, time }
	from "./dom.js";
import { control, translations } from "./fields.js";
import { mark } from "./frame.js";
import { KINDS, emptyOf, titleOf } from "./kinds.js";
import { t } from "./texts.js";

const isObject = (value) => value && typeof value === "object" &&
	!Array.isArray(value);

// The merge patch (RFC 7396) that makes after of before.
export function patchOf(before, after) {
	const patch = {};

	for (const key of Object.keys({ ...before, ...after })) {
		if (!(key in after)) {
			patch[key] = null;
		} else if (isObject(before[key]) && isObject(after[key])) {
			const inner = patchOf(before[key], after[key]);
			if (Object.keys(inner).length) {
				patch[key] = inner;
			}
		} else if (!equal(before[key], after[key])) {
			patch[key] = after[key];
		}
	}
	return patch;
}

// The values that differ, by their paths ("translations.es.title").
function paths(patch, before, prefix = "") {
	return Object.entries(patch).flatMap(([key, value]) =>
		(isObject(value) && isObject(before?.[key]) ?
			paths(value, before[key], `${prefix}${key}.`) :
			[prefix + key]));
}

const valueAt = (thing, path) => path.split(".").reduce(
	(at, key) => at?.[key], thing);

// A path as the form has it: "Spanish: Title".
function pathLabel(path) {
	const [first, lang, field] = path.split(".");

	if (first === "translations") {
		return field ? t("translation.of", { language: t("lang." + lang),
			field: t("field." + field) }) :
			lang ? t("lang." + lang) : t("translations");
	}
	return [t("field." + first), lang].filter(Boolean).join(" ");
}

export class Form {
	constructor(kind, id) {
		this.kind = kind;
		this.id = id;
		this.spec = KINDS[kind];
		this.controls = {};
		this.thing = null; // the document, and its entity tag
		this.etag = null;
		this.before = {};  // the values of the form when it was filled
	}

	async open() {
		if (this.id) {
			const { data, etag } = await call("GET",
				admin(this.kind, this.id + "/"));
			this.thing = data;
			this.etag = etag;
		}
		this.build();
		this.fill();
		return this;
	}

	// ---- what is in it ---------------------------------------------

	build() {
		const locked = (field) => Boolean(this.id && field.fixed);
		const name = t("one." + this.kind);

		this.heading = make("h1", { tabindex: "-1" });
		this.facts = make("div", { class: "facts" });
		this.errors = make("div", { class: "errors", role: "alert",
			tabindex: "-1", hidden: true });
		this.state = make("span", { class: "soft", id: "form-state" });
		this.save = make("button", { class: "main" }, t("save"));
		for (const field of this.spec.fields) {
			this.controls[field.name] = control(field,
				{ path: field.name, locked: locked(field) });
		}
		this.texts = this.spec.texts && translations(this.spec.texts,
			(field) => this.controls[field]?.get(), {});
		Object.assign(this.controls, this.texts?.controls);
		this.node = make("form", { class: "thing", novalidate: true,
			"aria-label": name,
			submit: (event) => {
				event.preventDefault();
				this.submit();
			} },
		this.heading, this.facts, this.errors,
		make("div", { class: "fields" }, this.spec.fields.map(
			(field) => this.controls[field.name].node)),
		this.texts && make("section", {},
			make("h2", {}, t("translations")),
			make("p", { class: "help" }, t("translations.help")),
			this.texts.node),
		make("div", { class: "bar" }, this.save,
			this.undo = button(t("undo"), () => this.revert()),
			this.state));
	}

	fill() {
		const thing = this.thing || {};

		for (const field of this.spec.fields) {
			this.controls[field.name].set(field.name in thing ?
				thing[field.name] : emptyOf(field));
		}
		this.texts?.set(thing.translations);
		this.before = this.values();
		this.head();
		this.changed();
	}

	// The title, what is known of the thing, and what can be done with it.
	head() {
		const { thing, kind } = this;
		const named = thing ? titleOf(kind, thing) : t("new." + kind);

		this.heading.textContent = named;
		document.title = `${named} – ${t("title")}`;
		if (!thing) {
			return;
		}
		const gone = thing.deleted_at;
		this.facts.replaceChildren(
			gone ? make("p", { class: "removed" }, t("is.removed"), " ",
				time(gone), " ",
				button(t("restore"), () => this.act("restore")),
				button(t("purge"), () => this.purge(),
					{ class: "bad" })) : "",
			make("p", { class: "row" },
				make("span", { class: "soft" }, t("number",
					{ id: thing.id }), " · ", t("changed"), " ",
				time(thing.updated_at)),
				make("a", { href: place("audit",
					{ kind, id: thing.id }) }, t("audit")),
				gone ? "" : button(t("remove"),
					() => this.act("remove"), { class: "bad" })));
	}

	values() {
		const values = Object.fromEntries(this.spec.fields.map(
			(field) => [field.name, this.controls[field.name].get()]));

		return this.texts ? { ...values, translations: this.texts.get() } :
			values;
	}

	// The controls of pictures that were chosen and are not saved yet.
	pictures() {
		return Object.values(this.controls).filter(
			(c) => c.pending !== undefined);
	}

	patch() {
		return patchOf(this.before, this.values());
	}

	isDirty() {
		return Object.keys(this.patch()).length > 0 ||
			this.pictures().length > 0;
	}

	changed() {
		const dirty = this.isDirty();

		this.texts?.refresh();
		this.state.textContent = dirty ? t("unsaved") : "";
		this.undo.hidden = !dirty;
	}

	async revert() {
		if (await ask(t("undo.title"), make("p", {}, t("undo.text")), [
			{ value: "yes", text: t("undo"), kind: "bad" },
			{ value: "", text: t("cancel") }])) {
			this.fill();
			this.showErrors(null);
			this.heading.focus();
			announce(t("undone"));
		}
	}

	// ---- saving ----------------------------------------------------

	// What was read or written; the form keeps what the user has changed.
	take({ data, etag }) {
		this.thing = data;
		this.etag = etag;
		this.id = data.id;
	}

	async submit() {
		if (this.isBusy) {
			return;
		}
		if (this.id && !this.isDirty()) {
			announce(t("unchanged"));
			return;
		}
		this.busy(true);
		try {
			this.showErrors(null);
			const isNew = !this.id;
			if (!await this.write()) {
				return;
			}
			this.before = this.values();
			if (isNew) { // also if a picture is refused
				this.head();
				this.node.dispatchEvent(new CustomEvent("added",
					{ bubbles: true, detail: this.thing }));
			}
			await this.writePictures();
			this.fill();
			announce(t("saved"));
		} catch (error) {
			this.showErrors(error);
		} finally {
			this.busy(false);
		}
	}

	busy(yes) {
		this.isBusy = yes;
		this.node.setAttribute("aria-busy", String(yes));
		if (yes) {
			this.state.textContent = t("saving");
		} else {
			this.changed();
		}
	}

	// The document without pictures; false if the user decided otherwise.
	async write() {
		if (!this.id) {
			const values = this.values();
			const json = Object.fromEntries(Object.entries(values).filter(
				([key, value]) => key !== "slug" || value));
			for (const field of this.spec.fields) {
				if (field.type === "picture") {
					delete json[field.name];
				}
			}
			this.take(await call("POST", admin(this.kind), { json }));
			return true;
		}
		const patch = this.patch();
		if (Object.keys(patch).length === 0) {
			return true;
		}
		for (;;) {
			try {
				this.take(await call("PATCH", admin(this.kind,
					this.id + "/"), { json: patch, etag: this.etag }));
				return true;
			} catch (error) {
				if (error.status !== 412) {
					throw error;
				}
			}
			if (!await this.conflict(patch)) {
				return false;
			}
		}
	}

	async writePictures() {
		for (const one of this.pictures()) {
			const path = admin(this.kind,
				`${this.id}/pictures/${one.picture}/`);
			const form = new FormData();
			form.append("picture", one.pending || "");
			const before = this.thing;
			let answer;
			try {
				answer = await (one.pending === null ?
					call("DELETE", path) : call("PUT", path, { form }));
			} catch (error) {
				error.fields = { [one.path]: error.fields.picture ||
					error.message };
				throw error;
			}
			this.takePicture(one, answer, before);
		}
	}

	// A picture is written without If-Match, so the answer may have changes of
	// others. With the former entity tag the next save finds them.
	takePicture(one, { data, etag }, before) {
		const rest = patchOf(before, data);
		delete rest.updated_at;
		const found = paths(rest, before);
		const isAlone = found.every((path) => path === one.path ||
			one.path.startsWith(path + "."));

		this.thing = data;
		if (isAlone || !this.etag) {
			this.etag = etag;
		}
		one.set(valueAt(data, one.path) ?? null);
		this.before = this.values();
	}

	// ---- changes of another user -----------------------------------

	// Shows what was changed meanwhile. True: save all the same, over it.
	async conflict(patch) {
		const mine = new Set(paths(patch, this.before));
		const former = this.thing;
		const now = await call("GET", admin(this.kind, this.id + "/"));
		const known = ["translations", "deleted_at",
			...this.spec.fields.map((field) => field.name)];
		const theirs = paths(patchOf(former, now.data), former).filter(
			(path) => known.includes(path.split(".")[0]));
		if (theirs.length === 0) { // only what a job computes
			this.etag = now.etag;
			return true;
		}
		const rows = theirs.map((path) => {
			const own = [...mine].find((m) => m === path ||
				m.startsWith(path + ".") || path.startsWith(m + "."));
			return make("tr", { class: own ? "both" : null },
				make("th", { scope: "row" }, pathLabel(path)),
				make("td", { "data-of": t("conflict.before") },
					shown(valueAt(former, path))),
				make("td", { "data-of": t("conflict.now") },
					shown(valueAt(now.data, path))),
				make("td", { "data-of": t("conflict.mine") }, own ?
					shown(valueAt(this.values(), own)) :
					make("span", { class: "soft" },
						t("conflict.same"))));
		});
		const head = ["conflict.field", "conflict.before", "conflict.now",
			"conflict.mine"].map((key) => make("th", { scope: "col" },
			t(key)));
		const choice = await ask(t("conflict.title"), [
			make("p", {}, t("conflict.text")),
			make("div", { class: "scroll", tabindex: "0",
				role: "group", "aria-label": t("conflict.changes") },
			make("table", {}, make("thead", {}, make("tr", {}, head)),
				make("tbody", {}, rows)))],
		[{ value: "mine", text: t("conflict.overwrite"), kind: "bad" },
			{ value: "theirs", text: t("conflict.reload") },
			{ value: "", text: t("cancel") }]);

		if (choice === "mine") {
			this.etag = now.etag;
			return true;
		}
		if (choice === "theirs") {
			this.take(now);
			this.fill();
			this.heading.focus();
			announce(t("conflict.reloaded"));
		}
		return false;
	}

	// ---- errors ----------------------------------------------------

	// A list of all errors, with links to their fields, which has the focus.
	showErrors(error) {
		Object.values(this.controls).forEach((c) => mark(c));
		this.errors.hidden = !error;
		this.errors.replaceChildren();
		if (!error) {
			return;
		}
		if (error.status === undefined) {
			console.error(error);
		}
		const items = Object.entries(error.fields || {}).map(
			([path, text]) => {
				const at = this.controls[path] ||
					this.controls[path.split(".")[0]] ||
					this.controls[path.replace(/\.\d+$/, "")];
				if (!at) {
					return make("li", {}, path === "__all__" ||
						path === "non_field_errors" ? text :
						`${path}: ${text}`);
				}
				mark(at, text, error.lang);
				return make("li", {}, button(pathLabel(path), () =>
					at.input.focus(), { class: "link" }), ": ", text);
			});
		this.errors.append(make("h2", {}, t("error.title")),
			items.length ? make("ul", { lang: error.lang }, items) :
				make("p", { lang: error.lang }, error.message));
		this.errors.focus();
	}

	// ---- remove, restore, purge ------------------------------------

	async act(action) {
		if (!await this.mayLeave()) {
			return;
		}
		const path = admin(this.kind, this.id + "/");
		try {
			await call(...(action === "remove" ? ["DELETE", path] :
				["POST", path + "restore/"]));
			this.take(await call("GET", path));
			this.fill();
			this.showErrors(null);
			this.heading.focus();
			announce(t("done." + action));
		} catch (error) {
			this.showErrors(error);
		}
	}

	async purge() {
		const choice = await ask(t("purge.title",
			{ name: titleOf(this.kind, this.thing) }),
		make("p", {}, t("purge.text")), [
			{ value: "purge", text: t("purge"), kind: "bad" },
			{ value: "", text: t("cancel") }]);
		if (!choice) {
			return;
		}
		try {
			await call("DELETE", admin(this.kind, this.id + "/purge/"));
			this.fill();
			this.node.dispatchEvent(new CustomEvent("purged",
				{ bubbles: true }));
		} catch (error) {
			this.showErrors(error);
		}
	}

	// Whether the user gives up what is not saved, if there is anything.
	async mayLeave() {
		return !this.isDirty() || Boolean(await ask(t("leave.title"),
			make("p", {}, t("leave.text")), [
				{ value: "leave", text: t("leave"), kind: "bad" },
				{ value: "", text: t("stay") }]));
	}

	close() {
		this.pictures().forEach((c) => c.set(null));
	}
}

