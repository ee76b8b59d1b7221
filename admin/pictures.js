// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: a control for a picture, with a preview. The value is the path that
// is stored; a picture that was chosen is in pending until the form is saved:
// a File, or null for the default picture.

import { picture } from "./api.js";
import { announce, button, make } from "./dom.js";
import { changed, frame, mark } from "./frame.js";
import { t } from "./texts.js";

export function pictureControl(field, options) {
	const input = make("input", { type: "file", disabled: options.locked,
		accept: "image/jpeg,image/png,image/webp,image/gif" });
	const image = make("img", { alt: "", class: "preview" });
	const note = make("p", { class: "help" });
	const unset = button(t("picture.unset"), () => choose(null));
	const keep = button(t("picture.keep"), () => choose(undefined));
	let path = null;
	let address = null;
	const control = frame(field, options, input, {
		before: make("div", { class: "current" }, image, note),
		after: make("div", { class: "row" }, unset, keep) });

	function draw() {
		const chosen = control.pending;
		if (address) {
			URL.revokeObjectURL(address);
			address = null;
		}
		if (chosen) {
			address = URL.createObjectURL(chosen);
		}
		const source = address || (chosen === null ? null :
			path && picture(path));
		image.hidden = !source;
		if (source) {
			image.src = source;
		} else {
			image.removeAttribute("src");
		}
		image.alt = chosen ? t("picture.new", { name: chosen.name }) :
			t("picture.now");
		note.textContent = chosen ? t("picture.unsaved") :
			chosen === null || !path ? t("picture.none") : "";
		unset.hidden = !path || chosen !== undefined;
		keep.hidden = chosen === undefined;
	}

	function choose(chosen) {
		control.pending = chosen;
		if (!chosen) {
			input.value = "";
			input.focus();
		}
		mark(control);
		draw();
		changed();
	}

	input.addEventListener("change", () => {
		if (input.files[0]) {
			choose(input.files[0]);
			announce(t("picture.new", { name: input.files[0].name }));
		}
	});
	image.addEventListener("error", () => {
		image.hidden = true;
		note.textContent = t("picture.broken");
	});
	control.picture = options.name || field.name;
	control.get = () => path;
	control.set = (value) => {
		path = value;
		control.pending = undefined;
		input.value = "";
		mark(control);
		draw();
	};
	control.set(null);
	return control;
}
