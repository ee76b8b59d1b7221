// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: the form of one thing. Saving sends what was changed as a merge
// patch, and every change has the entity tag of what was read: if the thing has
// been changed in between (412), the user sees both and decides. What is typed
// while a request runs is not replaced by its answer.

import { Failure, admin, call } from "./api.js";
import { announce, ask, button, equal, make, place, shown, table, time }
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

// The removal of a thing, as a control in the list of changes.
const REMOVED = { path: "deleted_at", empty: null, get: () => undefined,
	show: shown };

// Thrown when the user has decided not to go on.
const STOP = new Error("stop");

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

	get path() {
		return admin(this.kind, this.id + "/");
	}

	async open() {
		if (this.id) {
			const { data, etag } = await call("GET", this.path);
			this.thing = data;
			this.etag = etag;
		}
		this.build();
		this.fill();
		return this;
	}

	// ---- what is in it ---------------------------------------------

	build() {
		const name = t("one." + this.kind);

		this.heading = make("h1", { tabindex: "-1" });
		this.facts = make("div", { class: "facts" });
		this.errors = make("div", { class: "errors", role: "alert",
			tabindex: "-1", hidden: true });
		this.state = make("p", { class: "state", tabindex: "-1" });
		this.message = "";
		this.save = make("button", { class: "main",
			"aria-keyshortcuts": "Control+S" }, t("save"));
		for (const field of this.spec.fields) {
			this.controls[field.name] = control(field,
				{ path: field.name });
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
			if (this.id && field.fixed) {
				this.controls[field.name].lock();
			}
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
		const named = (most) => (thing ? titleOf(kind, thing, most) :
			t("new." + kind));

		this.heading.textContent = named(160);
		document.title = `${named(60)} – ${t("title")}`;
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

	// Whether a control differs from what the form was filled with.
	isChanged(one) {
		return one.pending !== undefined || !equal(one.get(),
			valueAt(this.before, one.path) ?? one.empty);
	}

	isDirty() {
		return Object.keys(this.patch()).length > 0 ||
			this.pictures().length > 0;
	}

	changed() {
		const dirty = this.isDirty();

		this.texts?.refresh();
		this.undo.hidden = !dirty;
		this.state.textContent = this.isBusy ? t("saving") :
			dirty ? t("unsaved") : this.message;
	}

	// Shows a document that was read or written, and again what the user has
	// changed and not sent, except where isDropped(control).
	rebase({ data, etag }, isDropped = () => false) {
		const kept = Object.values(this.controls).filter((one) =>
			this.isChanged(one) && !isDropped(one)).map((one) =>
			[one, one.get(), one.pending]);
		const at = document.activeElement;
		const caret = [at.selectionStart, at.selectionEnd];

		this.thing = data;
		this.etag = etag;
		this.id = data.id;
		this.fill();
		for (const [one, value, pending] of kept) {
			if (pending === undefined) {
				one.set(value);
			} else {
				one.choose(pending);
			}
		}
		if (Number.isInteger(caret[0])) {
			at.setSelectionRange(...caret);
		}
		this.changed();
	}

	// The same after "sent", the values of the form, were written.
	stored(answer, sent) {
		this.before = sent;
		this.rebase(answer);
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

	async submit() {
		if (this.id && !this.isBusy && !this.isDirty()) {
			this.done("unchanged");
			return;
		}
		await this.run(async () => {
			this.check();
			await this.write();
			await this.writePictures();
			this.done("saved");
		});
	}

	// What is only half typed, of which the browser gives no value, is not sent.
	check() {
		const bad = Object.values(this.controls).filter((one) => one.isBad?.());

		if (bad.length > 0) {
			throw new Failure(400, t("error.incomplete"), {},
				Object.fromEntries(bad.map((one) =>
					[one.path, t("error.incomplete")])));
		}
	}

	// One action at a time, whose error is shown.
	async run(action) {
		if (this.isBusy) {
			return;
		}
		this.busy(true);
		this.showErrors(null);
		try {
			await action();
		} catch (error) {
			if (error !== STOP) {
				this.showErrors(error);
			}
		}
		this.busy(false);
	}

	busy(yes) {
		this.isBusy = yes;
		this.node.setAttribute("aria-busy", String(yes));
		this.changed();
	}

	// A message beside the button to save, which gets the focus from it. From a
	// field (Ctrl+S, Enter) the focus is not taken: the message is read out.
	done(key) {
		this.message = t(key);
		this.isBusy = false;
		this.changed();
		if (document.activeElement === this.save) {
			this.state.focus();
		} else {
			announce(this.message);
		}
	}

	// Sends what request() returns, with the entity tag of what was read, and
	// returns the answer; null: nothing was left to be sent. After a change by
	// another user (412) and the decision, request() is called again.
	async send(action, request) {
		for (;;) {
			const [method, path, options] = request() || [];
			if (!method) {
				return null;
			}
			try {
				return await call(method, path,
					{ ...options, etag: this.etag });
			} catch (error) {
				if (error.status !== 412) {
					throw error;
				}
			}
			await this.conflict(action);
		}
	}

	// The document without pictures.
	async write() {
		let sent = this.values();

		if (!this.id) {
			const json = Object.fromEntries(Object.entries(sent).filter(
				([key, value]) => key !== "slug" || value));
			for (const field of this.spec.fields) {
				if (field.type === "picture") {
					delete json[field.name];
				}
			}
			this.stored(await call("POST", admin(this.kind), { json }), sent);
			this.node.dispatchEvent(new CustomEvent("added",
				{ bubbles: true, detail: this.thing }));
			return;
		}
		const answer = await this.send("save", () => {
			const json = this.patch();
			sent = this.values();
			return Object.keys(json).length && ["PATCH", this.path, { json }];
		});
		if (answer) {
			this.stored(answer, sent);
		}
	}

	async writePictures() {
		for (const one of this.pictures()) {
			const path = `${this.path}pictures/${one.picture}/`;
			let sent;
			let chosen;
			try {
				const answer = await this.send("save", () => {
					sent = this.values();
					chosen = one.pending;
					const form = new FormData();
					form.append("picture", chosen || "");
					return chosen === undefined ? null : chosen ?
						["PUT", path, { form }] : ["DELETE", path];
				});
				if (one.pending === chosen) {
					one.pending = undefined;
				}
				if (answer) {
					this.stored(answer, sent);
				}
			} catch (error) {
				if (error !== STOP) {
					error.fields = { [one.path]: error.status === 413 ?
						t("picture.large", { n: Math.ceil(
							chosen.size / 1048576) }) :
						error.fields?.picture || error.message };
				}
				throw error;
			}
		}
	}

	// ---- changes of another user -----------------------------------

	// Shows what was changed meanwhile, and asks whether to go on; else STOP is
	// thrown. Where both have changed a field, the user chooses. What was not
	// changed again, such as by an answer that was lost, is no question.
	async conflict(action) {
		const former = this.thing;
		const now = await call("GET", this.path);
		const at = (thing, one) => valueAt(thing, one.path) ?? one.empty;
		const mine = (one) => (one.pending === undefined ? one.get() :
			one.pending);
		const theirs = [...Object.values(this.controls), REMOVED].filter(
			(one) => !equal(at(former, one), at(now.data, one)) &&
				!equal(at(now.data, one), mine(one)));
		if (theirs.length === 0) {
			this.rebase(now);
			return;
		}
		await Promise.all(theirs.map((one) => one.learn?.(at(now.data, one))));
		const choices = new Map();
		const choice = (one) => {
			const select = make("select", { "aria-label":
				t("conflict.keep.of", { field: pathLabel(one.path) }) },
			["mine", "theirs"].map((value) => make("option", { value },
				t("conflict.keep." + value))));
			choices.set(one, select);
			return select;
		};
		const cell = (key, ...content) => make("td",
			{ "data-of": t("conflict." + key) }, content);
		const rows = theirs.map((one) => {
			const both = action === "save" && one !== REMOVED &&
				this.isChanged(one);
			return make("tr", { class: both ? "both" : null },
				make("th", { scope: "row" }, pathLabel(one.path)),
				cell("before", one.show(at(former, one))),
				cell("now", one.show(at(now.data, one))),
				cell("mine", both ? [one.show(mine(one)), choice(one)] :
					make("span", { class: "soft" },
						t("conflict.same"))));
		});
		const answer = await ask(t("conflict.title"), [
			make("p", {}, t("conflict." + action)),
			table(t("conflict.changes"), ["conflict.field",
				"conflict.before", "conflict.now", "conflict.mine"], rows)],
		[{ value: "go", text: t(action), kind: action === "save" ? "main" :
			"bad" },
		{ value: "reload", text: t("conflict.reload") },
		{ value: "", text: t("cancel") }]);

		if (answer === "go") {
			this.rebase(now, (one) => choices.get(one)?.value === "theirs");
			return;
		}
		if (answer === "reload") {
			this.rebase(now, () => true);
			this.heading.focus();
			announce(t("conflict.reloaded"));
		}
		throw STOP;
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
		await this.run(async () => {
			const answer = await this.send(action, () => (
				action === "remove" ? ["DELETE", this.path] :
					["POST", this.path + "restore/"]));
			this.rebase(answer, () => true);
			this.heading.focus();
			announce(t("done." + action));
		});
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
		await this.run(async () => {
			await this.send("purge", () => ["DELETE", this.path + "purge/"]);
			this.fill(); // nothing is left to be saved
			this.node.dispatchEvent(new CustomEvent("purged",
				{ bubbles: true }));
		});
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

