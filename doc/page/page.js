// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page at /api/docs/, last part: draws the operations, finds among them,
// and starts. What is inside an operation is drawn when it is first opened.

// ---- an operation ------------------------------------------------------

function parametersOf(operation) {
	if (operation.parameters.length === 0) {
		return [];
	}
	const list = make("ul", { class: "fields" });
	for (const p of operation.parameters) {
		const schema = { ...resolve(p.schema), description: p.description };
		const item = field(p.name, schema, p.required, 9);
		item.querySelector(".name").after(" ", make("span",
			{ class: "chip" }, p.in));
		list.append(item);
	}
	return [make("h4", {}, "Parameters"), list];
}

function bodyOf(spec) {
	if (!spec.requestBody) {
		return [];
	}
	const content = spec.requestBody.content;
	const kinds = Object.keys(content);
	return [make("h4", {}, "Body"),
		make("p", { class: "type" }, "As ", kinds.map((kind, at) => [
			at ? " or " : "", make("code", {}, kind)]).flat()),
		described(content[kinds[0]].schema)];
}

function statusChip(status) {
	const kind = status < 300 ? "good" : status < 400 ? "" : "bad";
	return make("span", { class: "status " + kind }, String(status));
}

function answer(status, response) {
	const r = resolve(response);
	const first = r.description.trim().split("\n\n")[0];
	const short = first.replace(/\n/g, " ").split(/(?<=\.) /)[0];
	const box = make("details", { class: "answer" }, make("summary", {},
		statusChip(status), make("span", { class: "short" },
			inline(short))));

	box.addEventListener("toggle", () => {
		const inside = make("div", {});
		if (first !== short || first !== r.description.trim()) {
			inside.append(prose(r.description));
		}
		for (const [name, header] of Object.entries(r.headers || {})) {
			inside.append(make("p", {}, "Header ",
				make("code", {}, name), ": ",
				inline(resolve(header).description)));
		}
		const kinds = Object.keys(r.content || {});
		if (kinds.length > 0) {
			const media = r.content[kinds.find((k) =>
				k === "application/json") || kinds[0]];
			inside.append(make("p", { class: "type" }, "As ", kinds.map(
				(kind, at) => [at ? " or " : "", make("code", {}, kind)])
				.flat()));
			if (media.schema) {
				inside.append(...described(media.schema).filter((x) => x));
			}
			if (kinds.includes("application/json")) {
				inside.append(coloured(media.example ||
					exampleOf(media.schema)));
			}
		}
		box.append(inside);
	}, { once: true });
	return box;
}

function draw(operation) {
	const { spec, method, path } = operation;
	const box = make("details", { class: "operation", id: operation.id },
		make("summary", {},
			make("span", { class: "verb " + method }, method.toUpperCase()),
			make("h3", {}, spec.summary),
			make("span", { class: "path" }, path),
			make("span", { class: "chip" }, guardOf(spec))));

	box.addEventListener("toggle", () => {
		box.append(make("div", { class: "inside" },
			spec.description ? prose(spec.description) : "",
			parametersOf(operation), bodyOf(spec),
			make("h4", {}, "Answers"),
			Object.entries(spec.responses).map(([status, response]) =>
				answer(status, response)),
			tryIt(operation)));
	}, { once: true });
	box.addEventListener("toggle", () => {
		if (box.open) {
			history.replaceState(null, "", "#" + operation.id);
			mark(operation.id);
		}
	});
	operation.box = box;
	return box;
}

// ---- finding -----------------------------------------------------------

function wireSearch(list) {
	for (const o of list) {
		o.text = [o.method, o.path, o.id, o.spec.summary,
			o.spec.description, o.spec.tags.join(" "), guardOf(o.spec),
			...o.parameters.map((p) => p.name)].join(" ").toLowerCase();
	}
	const find = () => {
		const words = by("search").value.toLowerCase().split(/\s+/)
			.filter(Boolean);
		let count = 0;
		for (const o of list) {
			const hit = words.every((word) => o.text.includes(word));
			o.box.hidden = o.link.hidden = !hit;
			count += hit ? 1 : 0;
		}
		for (const part of document.querySelectorAll("[data-group]")) {
			part.hidden = !part.querySelector("[data-item]:not([hidden])");
		}
		by("intro").hidden = words.length > 0;
		by("nothing").hidden = count > 0;
		by("found").textContent = words.length === 0 ? "" :
			count + (count === 1 ? " operation" : " operations");
	};
	by("search").addEventListener("input", find);
	by("clear").addEventListener("click", () => {
		by("search").value = "";
		find();
		by("search").focus();
	});
	document.addEventListener("keydown", (event) => {
		const typing = event.target.closest("input, textarea, select");
		if (event.key === "/" && !typing && !event.ctrlKey &&
			!event.metaKey && !event.altKey) {
			event.preventDefault();
			by("search").focus();
		}
	});
}

function mark(id) {
	for (const link of document.querySelectorAll("#menu a")) {
		if (link.hash === "#" + id) {
			link.setAttribute("aria-current", "location");
			if (link.offsetParent) {
				link.scrollIntoView({ block: "nearest" });
			}
		} else {
			link.removeAttribute("aria-current");
		}
	}
}

// Opens what the address names.
function follow() {
	const target = by(decodeURIComponent(location.hash.slice(1)));

	if (target?.matches("details.operation")) {
		target.hidden = false;
		target.open = true;
		mark(target.id);
	}
	target?.scrollIntoView();
}

function closeMenu() {
	by("menu").classList.remove("open");
	by("menu-button").setAttribute("aria-expanded", "false");
}

function wireMenu() {
	by("menu-button").addEventListener("click", () => {
		const open = by("menu").classList.toggle("open");
		by("menu-button").setAttribute("aria-expanded", String(open));
	});
	by("menu").addEventListener("click", (event) => {
		const link = event.target.closest("a");
		if (!link) {
			return;
		}
		event.preventDefault();
		closeMenu();
		history.pushState(null, "", link.hash);
		follow();
		const target = by(link.hash.slice(1));
		(target.querySelector("summary") || by("main")).focus(
			{ preventScroll: true });
	});
	window.addEventListener("popstate", follow);
}

// ---- the page ----------------------------------------------------------

function group(title, links) {
	return make("div", { "data-group": true }, make("h2", {}, title),
		make("ul", {}, links));
}

function drawPage() {
	const headings = [];
	const list = operations();
	const info = api.info;
	const about = prose(info.description, headings);

	document.title = info.title;
	by("title").textContent = by("brand-name").textContent = info.title;
	by("brand-version").textContent = info.version;
	by("licence").textContent = info.license?.name || "";
	by("loading").remove();
	by("intro").append(make("p", { class: "lead" }, info.summary), about);
	by("intro").setAttribute("aria-busy", "false");
	by("menu").append(group("About", headings.map((h) => make("li",
		{ "data-item": true }, make("a", { href: "#" + h.id }, h.title)))));
	for (const tag of api.tags) {
		const mine = list.filter((o) => o.spec.tags[0] === tag.name);
		const boxes = mine.map(draw);
		boxes.forEach((box) => box.setAttribute("data-item", ""));
		by("operations").append(make("section", { class: "tag",
			"data-group": true }, make("h2", {}, tag.name.replace("-", " ")),
		make("p", {}, inline(tag.description)), boxes));
		mine.forEach((o) => {
			o.link = make("li", { "data-item": true }, make("a",
				{ href: "#" + o.id }, make("span",
					{ class: "verb " + o.method },
					o.method === "delete" ? "DEL" :
						o.method.toUpperCase()), o.spec.summary));
		});
		by("menu").append(group(tag.name.replace("-", " "),
			mine.map((o) => o.link)));
	}
	wireSearch(list);
	wireMenu();
	follow();
}

async function start() {
	wireAccount();
	try {
		const answer = await fetch("/api/schema/?format=json");
		if (!answer.ok) {
			throw new Error("status " + answer.status);
		}
		api = await answer.json();
	} catch (error) {
		by("loading").textContent =
			"The description cannot be fetched: " + error.message + ".";
		by("loading").setAttribute("role", "alert");
		return;
	}
	drawPage();
}

start();
