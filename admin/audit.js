// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: the audit log, of everything or of one thing.

import { admin, call } from "./api.js";
import { isEmpty, keyLabel, make, pages, place, shown, table, time }
	from "./dom.js";
import { KINDS } from "./kinds.js";
import { t } from "./texts.js";

// The keys that were changed, with the values before and after. Of something
// that was added or purged there is only one side, and keys without a value are
// left out.
function changes(entry) {
	const sides = ["before", "after"].filter((side) => entry[side]);
	const keys = [...new Set(sides.flatMap((side) =>
		Object.keys(entry[side])))].filter((key) => sides.length > 1 ||
		!isEmpty(entry[sides[0]][key]));
	const label = t("audit.keys", { n: keys.length });

	return keys.length > 0 && make("details", {}, make("summary", {}, label),
		table(label, ["conflict.field", ...sides.map((s) => "audit." + s)],
			keys.map((key) => make("tr", {},
				make("th", { scope: "row" }, keyLabel(key)),
				sides.map((side) => make("td",
					{ "data-of": t("audit." + side) },
					shown(entry[side][key])))))));
}

// The audit log has the kinds in the singular.
const one = (kind) => kind.slice(0, -1);

function row(entry) {
	const kind = entry.kind + "s";
	const name = entry.label || entry.thing_id;
	const who = entry.username || (entry.os_user ?
		t("audit.mxmctl", { name: entry.os_user }) :
		t("audit.origin." + entry.origin));
	const deleted = Object.entries(entry.deleted_rows || {}).map(
		([key, n]) => `${n} ${keyLabel(key)}`).join(", ");

	return make("li", {},
		make("p", {}, make("strong", {}, t("action." + entry.action)), " ",
			t("one." + kind), " ",
			make("a", { href: place(`${kind}/${entry.thing_id}`),
				dir: "auto" }, name)),
		make("p", { class: "soft" }, time(entry.at), " · ", who,
			entry.request_id && [" · ", make("code", {},
				entry.request_id)]),
		deleted && make("p", {}, t("audit.deleted", { rows: deleted })),
		changes(entry));
}

export async function auditView(query) {
	const { data } = await call("GET", admin("audit", "", { ...query,
		kind: query.kind && one(query.kind) }));
	const kind = make("select", { id: "audit-kind", name: "kind" },
		make("option", { value: "" }, t("audit.any")),
		Object.keys(KINDS).map((key) => make("option", { value: key,
			selected: key === query.kind }, t("kind." + key))));
	const id = make("input", { id: "audit-id", name: "id", type: "text",
		inputmode: "numeric", value: query.id || "", autocomplete: "off" });
	const user = make("input", { id: "audit-user", name: "username",
		type: "text", value: query.username || "", autocomplete: "off",
		autocapitalize: "none", spellcheck: "false" });
	const box = (input, text) => make("div", {},
		make("label", { for: input.id }, text), input);

	return make("div", {},
		make("h1", { tabindex: "-1" }, t("audit")),
		make("form", { class: "find", role: "search",
			"aria-label": t("audit"), submit: (event) => {
				event.preventDefault();
				location.hash = place("audit", { kind: kind.value,
					id: id.value.trim(), username: user.value.trim() });
			} },
		box(kind, t("audit.kind")), box(id, t("audit.id")),
		box(user, t("audit.user")),
		make("div", { class: "low" }, make("button", {}, t("show")))),
		make("p", { class: "soft" }, t("found.entries", { n: data.count,
			more: data.count_exact === false ? "+" : "" })),
		data.results.length ? make("ul", { class: "rows log" },
			data.results.map(row)) : make("p", {}, t("found.none")),
		pages(data, "audit", query));
}
