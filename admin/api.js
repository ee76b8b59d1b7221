// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: calls of the API. Tokens are in sessionStorage, and other windows
// of the editor get them from this one (share.js), because the use of a refresh
// token that was replaced ends the session.

import { connect, send as share } from "./share.js";
import { t } from "./texts.js";

const KEY = "mxm-editor";
const WAIT = 2000; // ms for the answers of windows, which may be suspended

let tokens = JSON.parse(sessionStorage.getItem(KEY) || "null");
let lastName = tokens?.username;
let renewing = null;
let asked = null; // {left, isSent, done}: the answers that are awaited
const dead = new Set(); // refresh tokens of sessions that have ended

// What main.js sets: signIn() resolves when the user has signed in, or closed
// the dialog; adopted() is called when there is a session of another window,
// ended() when the session has been ended in another window.
export const hooks = { signIn: null, adopted: null, ended: null };

// An answer that is an error. fields: its sentences, by the path of the field.
export class Failure extends Error {
	constructor(status, message, body = {}, fields = {}, lang = null) {
		super(message);
		Object.assign(this, { status, body, fields, lang });
	}
}

function store(next, tell = true) {
	const former = tokens;

	tokens = next;
	lastName = next?.username || lastName;
	if (next) {
		sessionStorage.setItem(KEY, JSON.stringify(next));
	} else {
		sessionStorage.removeItem(KEY);
	}
	if (tell && former) {
		share({ former: former.refresh, next });
	}
}

// One of the other windows has answered.
function answered(more) {
	asked.left += more;
	if (asked.isSent && asked.left <= 0 || tokens) {
		asked.done();
	}
}

function receive(data) {
	if (data.wanted) {
		share({ offer: tokens });
	} else if ("sent" in data) {
		if (asked && !asked.isSent) {
			asked.isSent = true;
			answered(data.sent);
		}
	} else if ("offer" in data) {
		if (data.offer && !tokens && !dead.has(data.offer.refresh)) {
			store(data.offer, false);
			hooks.adopted?.();
		}
		if (asked) {
			answered(-1);
		}
	} else if (tokens?.refresh === data.former) {
		store(data.next, false);
		if (!data.next) {
			hooks.ended();
		}
	}
}

const connected = connect(receive);

async function askOthers() {
	if (await connected && !tokens) {
		await new Promise((done) => {
			asked = { left: 0, isSent: false, done };
			share({ wanted: true });
		});
		asked = null;
	}
}

// Takes the session of another window, if there is one. What is offered later
// closes the dialog to sign in.
function adopt() {
	return Promise.race([askOthers(), new Promise((done) => {
		setTimeout(done, WAIT);
	})]);
}

export const signedIn = () => tokens?.username;

// The last user, also after the end of the session.
export const lastUser = () => lastName || "";

// The fields of an error: every key with sentences, except those that repeat
// the first one.
function fieldsOf(body) {
	const fields = {};

	for (const [key, value] of Object.entries(body.errors || body)) {
		if (Array.isArray(value) && value.length &&
		    value.every((v) => typeof v === "string")) {
			fields[key] = value.join(" ");
		}
	}
	return fields;
}

async function failure(answer) {
	const body = await answer.json().catch(() => ({}));
	const message = body.detail || [].concat(body.error || []).join(" ") ||
		t("error.status", { status: answer.status });

	return new Failure(answer.status, message, body, fieldsOf(body),
		answer.headers.get("Content-Language"));
}

async function send(method, path, { json, form, etag, signal,
	access = tokens?.access } = {}) {
	const headers = { Accept: "application/json" };

	if (access) {
		headers.Authorization = "Bearer " + access;
	}
	if (etag) {
		headers["If-Match"] = etag;
	}
	if (json !== undefined) {
		headers["Content-Type"] = "application/json";
	}
	try {
		return await fetch(path, { method, headers, signal,
			body: form || (json === undefined ? undefined :
				JSON.stringify(json)),
			cache: "no-store", credentials: "omit", redirect: "error" });
	} catch (error) {
		if (error.name === "AbortError") {
			throw error;
		}
		throw new Failure(0, t("error.network"));
	}
}

// Takes new tokens: by the refresh token, else from another window, in which the
// user may have signed in again, else the user signs in here.
async function renew() {
	if (tokens) {
		const former = tokens;
		const answer = await send("POST", "/api/auth/refresh/",
			{ json: { refresh: former.refresh } });
		if (answer.ok) {
			const { access, refresh } = await answer.json();
			store({ ...former, access,
				refresh: refresh || former.refresh });
			return;
		}
		if (answer.status !== 401 && answer.status !== 400) {
			throw await failure(answer);
		}
		dead.add(former.refresh);
		store(null, false);
	}
	await adopt();
	if (!tokens) {
		await hooks.signIn();
	}
	if (!tokens) {
		throw new Failure(401, t("signin.needed"));
	}
}

// Calls that need new tokens at the same time share one renewal.
function renewed() {
	renewing ||= renew().finally(() => {
		renewing = null;
	});
	return renewing;
}

// Resolves when the user is signed in.
export async function session() {
	if (!tokens) {
		await renewed();
	}
}

// One call: {data, etag, status}, or a Failure is thrown. 204 has no data.
export async function call(method, path, options) {
	const used = tokens?.access;
	let answer = await send(method, path, options);

	if (answer.status === 401) {
		if (tokens?.access === used) {
			await renewed();
		}
		answer = await send(method, path, options);
	}
	if (!answer.ok) {
		throw await failure(answer);
	}
	return {
		status: answer.status,
		data: answer.status === 204 ? null : await answer.json(),
		etag: answer.headers.get("ETag"),
	};
}

// Signs in. The tokens of an account that is not one of the staff, or of which
// that cannot be read, are not used, and their session is ended.
export async function signIn(username, password) {
	const answer = await send("POST", "/api/auth/login/",
		{ json: { username, password }, access: null });

	if (!answer.ok) {
		throw await failure(answer);
	}
	const { access, refresh } = await answer.json();
	let problem;
	try {
		const probe = await send("GET", admin("movies", "", { limit: 1 }),
			{ access });
		problem = probe.ok ? null : await failure(probe);
	} catch (error) {
		problem = error;
	}
	if (problem) {
		await send("POST", "/api/auth/logout/", { access })
			.catch(() => null);
		throw problem.status === 403 ? new Failure(403,
			t("signin.staff", { name: username, text: problem.message })) :
			problem;
	}
	store({ access, refresh, username });
	share({ offer: tokens });
}

// Ends the session. What the API answers does not matter: the tokens are
// forgotten here.
export async function signOut() {
	await send("POST", "/api/auth/logout/").catch(() => null);
	store(null);
}

// The path of a thing, or of a list of things. A list in query is a parameter
// for each value.
export function admin(kind, rest = "", query = {}) {
	const words = Object.entries(query).flatMap(([key, value]) =>
		[].concat(value ?? []).filter((v) => v !== "")
			.map((v) => [key, v]));
	const search = new URLSearchParams(words).toString();

	return `/api/admin/${kind}/${rest}${search ? "?" + search : ""}`;
}

// The address of a picture, whose path is below the directory of pictures.
export function picture(path) {
	return "/media/" + path.split("/").map(encodeURIComponent).join("/");
}
