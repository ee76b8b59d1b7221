// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page at /api/docs/: what a schema means, as a list and as an example.

// ---- schemas -----------------------------------------------------------

function typeOf(schema) {
	const s = whole(schema);

	if ("const" in s) {
		return JSON.stringify(s.const);
	}
	if (s.anyOf) {
		return s.anyOf.map(typeOf).join(" or ");
	}
	if (s.contentMediaType) {
		return "file";
	}
	const types = [].concat(s.type || (s.properties ? "object" : "anything"));
	return types.map((t) => {
		if (t === "array") {
			return s.items ? "list of " + typeOf(s.items) : "list";
		}
		if (t === "object" && nameOf(schema)) {
			return nameOf(schema);
		}
		return s.format && t !== "null" ? t + " (" + s.format + ")" : t;
	}).join(" or ");
}

function limitsOf(s) {
	const limits = [];

	if (s.enum) {
		limits.push("one of " + s.enum.map(String).join(", "));
	}
	if (s.minimum !== undefined && s.maximum !== undefined) {
		limits.push(s.minimum + " to " + s.maximum);
	} else if (s.minimum !== undefined) {
		limits.push("at least " + s.minimum);
	}
	if (s.minLength > 1) {
		limits.push("at least " + s.minLength + " characters");
	}
	if (s.maxLength !== undefined) {
		limits.push("at most " + s.maxLength + " characters");
	}
	if (s.maxItems !== undefined) {
		limits.push("at most " + s.maxItems);
	}
	if (s.default !== undefined && s.default !== "") {
		limits.push("default " + s.default);
	}
	return limits.join(" · ");
}

// The object that is inside a schema, if there is one to describe.
function innerObject(schema) {
	const s = whole(schema);

	if (s.items) {
		return innerObject(s.items);
	}
	if (s.anyOf) {
		return s.anyOf.map(innerObject).find((inner) => inner);
	}
	const described = Object.keys(s.properties || {}).length > 0 ||
		typeof s.additionalProperties === "object";
	return described ? schema : undefined;
}

function field(name, schema, required, depth) {
	const s = whole(schema);
	const inner = innerObject(schema);
	const item = make("li", {},
		make("span", { class: "name" }, name), " ",
		make("span", { class: "type" }, typeOf(schema)), " ",
		required ? make("span", { class: "must" }, "required") : "",
		limitsOf(s) ?
			make("div", { class: "limits" }, limitsOf(s)) : "",
		s.description ? prose(s.description) : "");

	if (inner && depth < 4) {
		const more = make("details", { class: "inner" },
			make("summary", {}, "What is in " + name));
		more.addEventListener("toggle", () =>
			more.append(fields(inner, depth + 1)), { once: true });
		item.append(more);
	}
	return item;
}

function fields(schema, depth = 0) {
	const s = whole(schema);
	const required = new Set(s.required);
	const list = make("ul", { class: "fields" });

	for (const [name, inner] of Object.entries(s.properties || {})) {
		list.append(field(name, inner, required.has(name), depth));
	}
	if (typeof s.additionalProperties === "object") {
		list.append(field("any other key", s.additionalProperties, false,
			depth));
	}
	return list;
}

// A value that shows what a schema means.
function exampleOf(schema, depth = 0) {
	const s = whole(schema);

	if (s.examples && s.examples.length > 0) {
		return s.examples[0];
	}
	if ("const" in s || s.default !== undefined || s.enum) {
		return s.const ?? s.default ?? s.enum[0];
	}
	if (s.anyOf) {
		return exampleOf(s.anyOf[0], depth);
	}
	const type = [].concat(s.type || "object")[0];
	if (type === "object") {
		const entries = Object.entries(s.properties || {});
		return Object.fromEntries(depth > 4 ? [] : entries.map(
			([key, inner]) => [key, exampleOf(inner, depth + 1)]));
	}
	if (type === "array") {
		return s.items ? [exampleOf(s.items, depth + 1)] : [];
	}
	const samples = { integer: s.minimum ?? 1, number: 1, boolean: true };
	return samples[type] ?? "…";
}

function described(schema) {
	const inner = innerObject(schema);
	const s = whole(schema);
	const list = s.type === "array" ?
		make("p", { class: "type" }, "A " + typeOf(schema) + ".") : "";

	return [list, s.description ? prose(s.description) : "",
		inner ? fields(inner) : ""];
}
