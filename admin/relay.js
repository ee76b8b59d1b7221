// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: a service worker that passes messages of a window of the editor
// to the others (share.js). A front end of this origin is none of them: the
// address of a window here is the one that it was loaded from, and an answer
// from it can be accessed by no other page (mxm-http.conf). It handles no
// requests.

const EDITOR = new URL("./", location).href;

async function pass(from, data) {
	const all = await clients.matchAll({ type: "window",
		includeUncontrolled: true });
	const windows = all.filter((one) => one.frameType === "top-level" &&
		one.url.split("#")[0] === EDITOR);
	const others = windows.filter((one) => one.id !== from.id);

	if (others.length < windows.length) { // the sender is one of them
		others.forEach((one) => one.postMessage(data));
		from.postMessage({ sent: others.length });
	}
}

addEventListener("message", (event) => {
	event.waitUntil(pass(event.source, event.data));
});
