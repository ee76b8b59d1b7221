// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: messages to its other windows, by a service worker that passes
// them to no other page of this origin, as a BroadcastChannel would. Where the
// browser has no service workers, such as with http, nothing is passed on.

const WORKER = new URL("relay.js", import.meta.url).href;
const container = navigator.serviceWorker;
const policy = window.trustedTypes?.createPolicy("mxm-relay",
	{ createScriptURL: () => WORKER });

let registration = null;

// receive(message) gets those of other windows, and {sent: n} after each own one:
// the number of windows that get it. Returns whether there is a worker.
export async function connect(receive) {
	if (!container) {
		return false;
	}
	container.addEventListener("message", ({ data, source }) => {
		if (source.scriptURL === WORKER) {
			receive(data);
		}
	});
	container.startMessages();
	try {
		await container.register(policy ? policy.createScriptURL("") : WORKER);
		registration = await container.ready;
	} catch {
		return false;
	}
	return true;
}

export function send(message) {
	registration?.active.postMessage(message);
}
