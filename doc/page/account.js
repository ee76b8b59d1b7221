// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page at /api/docs/: logging in, and the token that calls are made with.

// ---- the account -------------------------------------------------------

function claimsOf(token) {
	try {
		const part = token.split(".")[1].replace(/-/g, "+")
			.replace(/_/g, "/");
		const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
		return JSON.parse(new TextDecoder().decode(bytes));
	} catch (error) {
		return {};
	}
}

function say(text, kind) {
	by("account-message").className = "message " + (kind || "");
	by("account-message").textContent = text;
}

function setTokens(access, refresh) {
	const claims = claimsOf(access);
	const until = claims.exp ? " until " +
		new Date(claims.exp * 1000).toLocaleTimeString() : "";

	session.access = access;
	session.refresh = refresh;
	by("token-text").value = access;
	by("forget").hidden = !access;
	by("renew").hidden = !refresh;
	by("account-button").classList.toggle("on", Boolean(access));
	by("account-state").textContent = !access ? "Not signed in" :
		(claims.username || "With a token") + until;
}

function openAccount() {
	say("");
	by("account").showModal();
}

async function obtain(path, input) {
	say("…");
	try {
		const answer = await fetch(path, {
			method: "POST", body: JSON.stringify(input),
			headers: { "Content-Type": "application/json" } });
		const found = await answer.json();
		if (!answer.ok) {
			say([].concat(found.error).join(" "), "bad");
			return false;
		}
		setTokens(found.access, found.refresh || session.refresh);
		say("Signed in.", "good");
		return true;
	} catch (error) {
		say("No answer: " + error.message, "bad");
		return false;
	}
}

function wireAccount() {
	by("account-button").addEventListener("click", openAccount);
	by("account-close").addEventListener("click", () =>
		by("account").close());
	by("login").addEventListener("submit", async (event) => {
		event.preventDefault();
		const name = by("login-name").value;
		const password = by("login-password").value;
		if (await obtain("/api/auth/login/", { username: name, password })) {
			by("login-password").value = "";
			by("account").close();
		}
	});
	by("token").addEventListener("submit", (event) => {
		event.preventDefault();
		setTokens(by("token-text").value.trim(), "");
		by("account").close();
	});
	by("renew").addEventListener("click", () =>
		obtain("/api/auth/refresh/", { refresh: session.refresh }));
	by("forget").addEventListener("click", () => {
		setTokens("", "");
		say("Signed out here; the token itself stays valid.");
	});
}
