// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: a control for a picture, with a preview. The value is the path that
// is stored; a picture that was chosen is in pending until the form is saved:
// a File, or null for the default picture.

import { picture } from "./api.js";
import { announce, button, make } from "./dom.js";
import { changed, frame, mark } from "./frame.js";
import { t } from "./texts.js";

// The address of a preview: of a picture that was uploaded, one of its smaller
// sizes. It may be a picture that an administrator has put there.
const small = (path) => picture(path.replace(
	/^(.*\/[0-9a-f]{32})-\d+\.(?:jpg|webp)$/, "$1-384.webp"));

export function pictureControl(field, options) {
	const input = make("input", { type: "file",
		accept: "image/jpeg,image/png,image/webp,image/gif" });
	const image = make("img", { alt: "", class: "preview" });
	const note = make("p", { class: "help" });
	const unset = button(t("picture.unset"), () => choose(null));
	const keep = button(t("picture.keep"), () => choose(undefined));
	const none = options.lang ? "picture.main" : "picture.none";
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
			path && small(path));
		image.hidden = !source;
		if (source) {
			image.src = source;
		} else {
			image.removeAttribute("src");
		}
		image.alt = chosen ? t("picture.new", { name: chosen.name }) :
			t("picture.now");
		note.textContent = chosen ? t("picture.unsaved") :
			chosen === null || !path ? t(none) : "";
		unset.hidden = !path || chosen !== undefined;
		keep.hidden = chosen === undefined;
	}

	function choose(chosen) {
		if (!chosen) {
			input.value = "";
			input.focus();
		}
		mark(control);
		control.choose(chosen);
		changed();
	}

	input.addEventListener("change", () => {
		if (input.files[0]) {
			choose(input.files[0]);
			announce(t("picture.new", { name: input.files[0].name }));
		}
	});
	image.addEventListener("error", () => {
		if (!address && path &&
		    image.getAttribute("src") !== picture(path)) {
			image.src = picture(path);
			return;
		}
		image.hidden = true;
		note.textContent = t("picture.broken");
	});
	control.choose = (chosen) => {
		control.pending = chosen;
		draw();
	};
	control.show = (value) => (value ? make("img", { class: "preview small",
		alt: value.name || t("picture.now"),
		src: value.name ? address : small(value) }) : t(none));
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
