// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: calls of the API. Tokens are in sessionStorage, and other windows
// of the editor get them from this one through a BroadcastChannel, because the
// use of a refresh token that was replaced ends the session.

import { t } from "./texts.js";

const KEY = "mxm-editor";
const channel = new BroadcastChannel(KEY);

let tokens = JSON.parse(sessionStorage.getItem(KEY) || "null");
let lastName = tokens?.username;
let renewing = null;
let signingIn = null;
let adopted = null;
const dead = new Set(); // refresh tokens of sessions that have ended

// What main.js sets: signIn() resolves when there are tokens again; ended() is
// called when the session has been ended in another window.
export const hooks = { signIn: null, ended: null };

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
		channel.postMessage({ former: former.refresh, next });
	}
}

channel.addEventListener("message", ({ data }) => {
	if (data.wanted && tokens) {
		channel.postMessage({ offer: tokens });
	} else if (data.offer && !tokens && !dead.has(data.offer.refresh)) {
		store(data.offer, false);
		adopted?.();
	} else if ("former" in data && tokens?.refresh === data.former) {
		store(data.next, false);
		if (!data.next) {
			hooks.ended();
		}
	}
});

// Takes the session of another window, if there is one.
export function adopt() {
	if (tokens) {
		return Promise.resolve();
	}
	channel.postMessage({ wanted: true });
	return new Promise((done) => {
		adopted = done;
		setTimeout(done, 200);
	});
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

async function send(method, path, { json, form, etag, signal } = {}) {
	const headers = { Accept: "application/json" };

	if (tokens) {
		headers.Authorization = "Bearer " + tokens.access;
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
// user may have signed in again, else the user signs in here. Calls that need
// this at the same time share one.
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
	if (tokens) {
		return;
	}
	signingIn ||= hooks.signIn().finally(() => {
		signingIn = null;
	});
	await signingIn;
}

// One call: {data, etag, status}, or a Failure is thrown. 204 has no data.
export async function call(method, path, options) {
	const used = tokens?.access;
	let answer = await send(method, path, options);

	if (answer.status === 401) {
		if (tokens?.access === used) {
			renewing ||= renew().finally(() => {
				renewing = null;
			});
			await renewing;
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

// Signs in, and out again if the account is not one of the staff.
export async function signIn(username, password) {
	const answer = await send("POST", "/api/auth/login/",
		{ json: { username, password } });

	if (!answer.ok) {
		throw await failure(answer);
	}
	const { access, refresh } = await answer.json();
	const former = tokens;
	tokens = { access, refresh, username };
	const probe = await send("GET", admin("movies", "", { limit: 1 }));
	if (!probe.ok) {
		const error = await failure(probe);
		await send("POST", "/api/auth/logout/").catch(() => null);
		tokens = former;
		throw probe.status === 403 ? new Failure(403,
			t("signin.staff", { name: username, text: error.message })) :
			error;
	}
	store(tokens);
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
