// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page at /api/docs/: a form for each operation that makes the call.

// ---- trying a call -----------------------------------------------------

function control(id, schema, value) {
	const s = whole(schema);

	if (s.contentMediaType) {
		return make("input", { id, type: "file" });
	}
	if (s.enum || s.type === "boolean") {
		const choices = s.enum || [true, false];
		return make("select", { id }, make("option", { value: "" }, "–"),
			choices.map((c) => make("option",
				{ value: String(c), selected: value === c }, String(c))));
	}
	const number = s.type === "integer";
	return make("input", { id, autocomplete: "off", autocapitalize: "none",
		spellcheck: "false", inputmode: number && "numeric",
		value: value ?? "",
		type: s.writeOnly ? "password" : "text" });
}

function labelled(id, text, note, input) {
	if (note) {
		input.setAttribute("aria-describedby", id + "-note");
	}
	return make("div", {}, make("label", { for: id }, text), input,
		note ? make("p", { class: "note", id: id + "-note" }, note) : "");
}

function parameterInputs(operation) {
	const box = make("div", { class: "inputs" });

	for (const p of operation.parameters) {
		const id = operation.id + "-in-" + p.name.replace(/\W/g, "");
		const list = p.schema.type === "array";
		const input = control(id, p.schema, p.example);
		input.required = p.in === "path";
		input.dataset.name = p.name;
		input.dataset.in = p.in;
		input.dataset.list = list ? "1" : "";
		box.append(labelled(id, p.name,
			list ? "several: put commas between" : "", input));
	}
	return box;
}

// The part of the form that makes the body; read() gives it to fetch().
function bodyInputs(operation) {
	const content = operation.spec.requestBody?.content;
	const box = make("div", {});
	const inside = make("div", {});
	let read = () => undefined;

	function show(kind) {
		const schema = content[kind].schema;
		const id = operation.id + "-body";
		if (kind === "application/json") {
			const sample = JSON.stringify(exampleOf(schema), null, 2);
			const area = make("textarea", { id, spellcheck: "false",
				rows: Math.min(14, sample.split("\n").length + 1) }, sample);
			inside.replaceChildren(make("label", { for: id }, "Body"), area);
			read = () => area.value;
			return;
		}
		const inputs = Object.entries(whole(schema).properties).map(
			([name, inner]) => {
				const input = control(id + "-" + name, inner);
				input.dataset.name = name;
				return input;
			});
		inside.replaceChildren(make("div", { class: "inputs" }, inputs.map(
			(input) => labelled(input.id, input.dataset.name, "", input))));
		read = () => {
			const data = new FormData();
			for (const input of inputs) {
				const value = input.files ? input.files[0] : input.value;
				if (value) {
					data.append(input.dataset.name, value);
				}
			}
			return kind === "multipart/form-data" ? data :
				new URLSearchParams(data);
		};
	}

	if (content) {
		const kinds = Object.keys(content);
		const id = operation.id + "-kind";
		const choice = make("select", { id,
			change: () => show(choice.value) },
			kinds.map((kind) => make("option", {}, kind)));
		if (kinds.length > 1) {
			box.append(make("div", { class: "inputs" },
				labelled(id, "Content type", "", choice)));
		}
		show(choice.value);
		box.append(inside);
		return { box, read: () => read(), kind: () => choice.value };
	}
	return { box, read, kind: () => "" };
}

function addressOf(operation, form) {
	const query = new URLSearchParams();
	let path = operation.path;

	for (const input of form.querySelectorAll("[data-in]")) {
		const { name, list } = input.dataset;
		if (input.dataset.in === "path") {
			path = path.replace("{" + name + "}",
				encodeURIComponent(input.value));
		} else if (input.value !== "") {
			const values = list ? input.value.split(",") : [input.value];
			values.forEach((v) => query.append(name, v.trim()));
		}
	}
	return path + (query.size || String(query) ? "?" + query : "");
}

function callOf(operation, form, body) {
	const headers = {};
	const needs = operation.spec.security?.length > 0;

	if (needs && session.access) {
		headers.Authorization = "Bearer " + session.access;
	}
	if (body.kind() === "application/json") {
		headers["Content-Type"] = "application/json";
	}
	return {
		url: addressOf(operation, form),
		method: operation.method.toUpperCase(),
		headers, body: body.read(),
	};
}

// The same call for a terminal.
function curlOf(call) {
	const quote = (text) => "'" + String(text).replace(/'/g, "'\\''") + "'";
	const words = ["curl"];

	if (call.method !== "GET") {
		words.push("-X " + call.method);
	}
	for (const [name, value] of Object.entries(call.headers)) {
		words.push("-H " + quote(name + ": " + value));
	}
	if (call.body instanceof FormData) {
		for (const [name, value] of call.body) {
			words.push("-F " + quote(name + "=" +
				(value instanceof File ? "@" + value.name : value)));
		}
	} else if (call.body !== undefined) {
		words.push("-d " + quote(call.body));
	}
	words.push(quote(location.origin + call.url));
	return words.join(" \\\n  ");
}

async function send(call, out) {
	const started = performance.now();

	try {
		const answer = await fetch(call.url, { method: call.method,
			headers: call.headers, body: call.body, cache: "no-cache" });
		const text = await answer.text();
		showAnswer(call, answer, text, performance.now() - started, out);
	} catch (error) {
		out.replaceChildren(make("p", { class: "message bad" },
			"No answer: " + error.message));
	}
}

function showAnswer(call, answer, text, time, out) {
	const size = new TextEncoder().encode(text).length;
	const headers = [...answer.headers].map(([k, v]) => k + ": " + v);
	let body = "";

	if (/json/.test(answer.headers.get("content-type") || "")) {
		try {
			body = coloured(JSON.parse(text));
		} catch (error) {
			body = make("pre", { class: "wrap", tabindex: "0" }, text);
		}
	} else if (text) {
		body = make("pre", { class: "wrap", tabindex: "0" },
			text.length > 20000 ? text.slice(0, 20000) + " …" : text);
	}
	out.replaceChildren(
		make("p", { class: "line row" }, statusChip(answer.status),
			make("span", { class: "type" }, [answer.statusText,
				Math.round(time) + " ms", size + " bytes"]
				.filter(Boolean).join(" · "))),
		make("p", { class: "line path" }, call.method + " " + call.url),
		answer.status === 401 && call.url !== "/api/auth/login/" ?
			make("p", { class: "note" }, "This call needs a token: ",
				make("button", { type: "button", class: "plain",
					click: openAccount }, "log in")) : "",
		body, make("details", {}, make("summary", {}, headers.length +
			" headers"), make("pre", { class: "wrap", tabindex: "0" },
			headers.join("\n"))));
}

function tryIt(operation) {
	const body = bodyInputs(operation);
	const out = make("div", { class: "result", role: "status" });
	const button = make("button", { type: "submit", class: "main" },
		"Send");
	const form = make("form", { class: "try", submit: async (event) => {
		event.preventDefault();
		button.disabled = true;
		await send(callOf(operation, form, body), out);
		button.disabled = false;
	} }, make("h4", {}, "Try it"), parameterInputs(operation), body.box,
	make("div", { class: "row" }, button,
		make("button", { type: "button", class: "plain", click: () => {
			const call = callOf(operation, form, body);
			out.replaceChildren(make("pre", { tabindex: "0" },
				curlOf(call)));
		} }, "Show as curl")), out);

	if (operation.spec["x-served-by"]) {
		return make("p", { class: "note" }, "Answered by " +
			operation.spec["x-served-by"] + ".");
	}
	return form;
}
