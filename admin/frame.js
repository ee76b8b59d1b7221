// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: what all controls of a form have. The document has the event
// "changed" after each change.

import { make, unique } from "./dom.js";
import { t } from "./texts.js";

export function changed() {
	document.dispatchEvent(new Event("changed"));
}

// What all controls have: a label, a help text, and a place for its error.
// options: path, label, lang.
export function frame(field, options, input, more) {
	const id = unique("field");
	const label = make(more?.group ? "span" : "label",
		{ id: id + "-label", class: "label", for: more?.group ? null : id },
		options.label || t("field." + field.name),
		field.required && make("span", { class: "soft" },
			" ", t("required")));
	const help = field.help ? make("p", { class: "help", id: id + "-help" },
		t("help." + field.name)) : "";
	const error = make("p", { class: "error", id: id + "-error",
		hidden: true });

	input.id = id;
	input.setAttribute("aria-describedby", `${help ? id + "-help " : ""}${
		id}-error`);
	return { input, error, label, help, node: make("div",
		{ class: `field is-${field.type}`, role: more?.group && "group",
			"aria-labelledby": more?.group && id + "-label" },
		label, more?.before, input, help, more?.after, error) };
}

// Shows or clears the error of a control.
export function mark(control, text, lang) {
	control.error.textContent = text || "";
	control.error.lang = lang || "";
	control.error.hidden = !text;
	if (text) {
		control.input.setAttribute("aria-invalid", "true");
	} else {
		control.input.removeAttribute("aria-invalid");
	}
}
