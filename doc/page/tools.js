// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page at /api/docs/, first part: elements, the description that was
// fetched, and texts. doc/generate.py puts the parts into one function, in the
// order tools, schemas, calls, account, page. Texts only ever enter the page
// as text, never as markup, and tokens are kept in memory alone.

const METHODS = ["get", "post", "put", "patch", "delete"];
const session = { access: "", refresh: "" };
let api = {};

const by = (id) => document.getElementById(id);

// make("a", {href: "#x"}, "text", node): an element with its children.
function make(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (typeof value === "function") {
			node.addEventListener(name, value);
		} else if (value === true) {
			node.setAttribute(name, "");
		} else if (value !== false && value !== undefined) {
			node.setAttribute(name, value);
		}
	}
	node.append(...children.flat(Infinity).filter((c) => c !== "" && c != null));
	return node;
}

// ---- reading the description -----------------------------------------

// What a $ref names, with a description beside it taking precedence.
function resolve(thing) {
	let found = thing;

	while (found && found.$ref) {
		const { $ref, ...own } = found;
		const target = $ref.slice(2).split("/")
			.reduce((at, key) => at[key], api);
		found = { ...target, ...own };
	}
	return found || {};
}

const nameOf = (thing) => (thing && thing.$ref || "").split("/").pop();

// A schema with all that `allOf` joins to it laid together.
function whole(schema) {
	const { allOf, ...own } = resolve(schema);
	let all = {};

	for (const part of [...(allOf || []), own]) {
		const next = part === own ? own : whole(part);
		all = { ...all, ...next,
			properties: { ...all.properties, ...next.properties },
			required: [...(all.required || []), ...(next.required || [])] };
	}
	return all;
}

function operations() {
	const list = [];

	for (const [path, item] of Object.entries(api.paths)) {
		for (const method of METHODS.filter((m) => item[m])) {
			const spec = item[method];
			list.push({
				path, method, spec, id: "op-" + spec.operationId,
				parameters: [...(item.parameters || []),
					...(spec.parameters || [])].map(resolve),
			});
		}
	}
	return list;
}

function guardOf(spec) {
	if (!spec.security || spec.security.length === 0) {
		return "no account";
	}
	return spec.security[0].jwtAuth.includes("verified") ?
		"verified account" : "any account";
}

// ---- text: the little Markdown that descriptions use -----------------

function inline(text) {
	return text.split(/(``.+?``|`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
		if (part.startsWith("``")) {
			return make("code", {}, part.slice(2, -2).trim());
		}
		if (part.startsWith("`")) {
			return make("code", {}, part.slice(1, -1));
		}
		if (part.startsWith("**")) {
			return make("strong", {}, part.slice(2, -2));
		}
		return part;
	});
}

function prose(text, headings) {
	const box = make("div", { class: "text" });

	for (const block of (text || "").trim().split(/\n{2,}/)) {
		if (block.startsWith("### ")) {
			const title = block.slice(4).trim();
			const id = "about-" + title.toLowerCase().replace(/\W+/g, "-");
			box.append(make("h3", { id }, title));
			headings?.push({ id, title });
		} else if (block.startsWith("- ")) {
			box.append(make("ul", {}, block.split(/\n(?=- )/).map(
				(line) => make("li", {}, inline(line.slice(2))))));
		} else if (block) {
			box.append(make("p", {}, inline(block)));
		}
	}
	return box;
}

// JSON with its parts coloured.
function coloured(value) {
	const text = typeof value === "string" ? value :
		JSON.stringify(value, null, 2);
	const box = make("pre", { tabindex: "0" });
	const parts = text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.eE+-]*\b|\b(?:true|false|null)\b)/);

	for (const [at, part] of parts.entries()) {
		if (at % 2 === 0) {
			box.append(part);
			continue;
		}
		const kind = part.endsWith(":") ? "k" : part[0] === "\"" ? "s" : "n";
		box.append(make("span", { class: kind }, part));
	}
	return box;
}
