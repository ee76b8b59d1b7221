// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: the controls of a form. control(field, options) returns
// {node, input, path, empty, get(), set(value), show(value), lock()}: node has the
// label and all that belongs to it, input has the focus when the field has an
// error, show() makes an element of a value, lock() is for what is set once.

import { make, shown, unique } from "./dom.js";
import { changed, frame, mark } from "./frame.js";
import { LANGUAGES, emptyOf } from "./kinds.js";
import { linkControl } from "./links.js";
import { pictureControl } from "./pictures.js";
import { t } from "./texts.js";

function textControl(field, options) {
	const area = field.type === "area";
	const types = { date: "date", number: "number" };
	const input = make(area ? "textarea" : "input", {
		type: area ? null : types[field.type] || "text",
		rows: area ? 4 : null, dir: field.type === "date" ? null : "auto",
		lang: options.lang, inputmode: field.inputmode, autocomplete: "off",
		step: field.type === "number" ? "any" : null,
		max: field.type === "date" ? "9999-12-31" : null,
		required: field.required, input: changed });
	const control = frame(field, options, input);
	const empty = emptyOf(field);

	control.get = () => {
		// a date or number that is only half typed is not an empty one
		if (input.value === "") {
			return control.isBad() ? "?" : empty;
		}
		return field.type === "number" ? Number(input.value) : input.value;
	};
	control.isBad = () => input.validity.badInput;
	control.set = (value) => {
		input.value = value ?? "";
		mark(control);
	};
	return control;
}

function flagControl(field, options) {
	const input = make("input", { type: "checkbox", change: changed });
	const control = frame(field, options, input);

	control.get = () => input.checked;
	control.set = (value) => {
		input.checked = Boolean(value);
		mark(control);
	};
	return control;
}

function choiceControl(field, options) {
	const show = (value) => t(`${field.name}.${value ?? ""}`);
	const input = make("select", { change: changed }, field.choices.map(
		(value) => make("option", { value }, show(value))));
	const control = frame(field, options, input);

	control.show = show;

	control.get = () => input.value;
	control.set = (value) => {
		input.value = value ?? "";
		mark(control);
	};
	return control;
}

// The number in an address of another catalogue.
const numberOf = (text) => text.trim().replace(
	/^https?:\/\/\S*?\/((?:tt|nm)?\d+)(?!\w).*$/, "$1");

// An object of texts: a row for each known key, and for others that it has.
// Several values of a key are separated by commas.
function pairControl(field, options) {
	const box = make("div", { class: "pairs" });
	const control = frame(field, options, box, { group: true });
	let inputs = {};

	control.get = () => Object.fromEntries(Object.entries(inputs)
		.map(([key, input]) => [key, input.value.split(",")
			.map(numberOf).filter(Boolean)])
		.filter(([, values]) => values.length)
		.map(([key, values]) => [key,
			values.length === 1 ? values[0] : values]));
	control.set = (value) => {
		const keys = new Set([...field.keys, ...Object.keys(value || {})]);
		inputs = {};
		box.replaceChildren(...[...keys].map((key) => {
			const id = unique("pair");
			inputs[key] = make("input", { id, type: "text",
				autocomplete: "off", input: changed,
				value: [].concat(value?.[key] ?? []).join(", ") });
			return make("div", {}, make("label", { for: id }, key),
				inputs[key]);
		}));
		mark(control);
	};
	control.set({});
	return control;
}

const CONTROLS = {
	text: textControl, area: textControl, date: textControl,
	number: textControl, flag: flagControl, choice: choiceControl,
	pairs: pairControl, links: linkControl, picture: pictureControl,
};

export function control(field, options) {
	const made = CONTROLS[field.type](field, options);

	return Object.assign(made, { path: options.path, empty: emptyOf(field),
		show: made.show || shown,
		lock: made.lock || (() => {
			made.input.readOnly = true;
		}) });
}

// Whether nothing is left of a translation. One whose document has no image
// has none.
const isBlank = (texts) => Object.values(texts).every((v) => v === "" ||
	v == null);

// The translations of a thing, the languages side by side: a row for each
// field, a column for each language. controls are by their paths, such as
// "translations.es.title"; original(name) is the text that is translated.
export function translations(fields, original, options) {
	const controls = {};
	const rows = fields.map((field) => {
		const source = make("p", { class: "original", dir: "auto" });
		const cells = LANGUAGES.map((lang) => {
			const path = `translations.${lang}.${field.name}`;
			controls[path] = control(field, { ...options, lang, path,
				name: `${field.name}-${lang}`,
				label: t("translation.of", { language: t("lang." + lang),
					field: t("field." + field.name) }) });
			return controls[path].node;
		});
		return { field, source, node: make("div", { class: "translation" },
			make("h3", {}, t("field." + field.name)),
			field.type !== "picture" && source,
			make("div", { class: "side" }, cells)) };
	});
	return {
		controls,
		node: rows.map((row) => row.node),
		get: () => Object.fromEntries(LANGUAGES.map((lang) => [lang,
			Object.fromEntries(fields.map((field) => [field.name,
				controls[`translations.${lang}.${field.name}`].get()]))])
			.filter(([, texts]) => !isBlank(texts))),
		set: (value) => LANGUAGES.forEach((lang) => fields.forEach((field) =>
			controls[`translations.${lang}.${field.name}`]
				.set(value?.[lang]?.[field.name] ?? emptyOf(field)))),
		refresh: () => rows.forEach(({ field, source }) => {
			source.textContent = original(field.name) || t("nothing");
		}),
	};
}
