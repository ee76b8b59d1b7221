// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: the kinds of things and their fields, in the order of the form.
//
//   type      text, area, date, number, flag, choice, links, pairs, picture
//   empty     the value of a field that is not filled in (default "")
//   of        kind of the things that are linked
//   order     the order of the links has a meaning
//   one       one link instead of a list
//   fixed     can be set only when the thing is added
//   help      whether texts.js has a text help.<name>
//   texts     the fields of a translation

const name = { name: "name", type: "text", required: true };
const slug = { name: "slug", type: "text", help: true };
const user = { name: "user", type: "text", required: true, fixed: true,
	help: true };
const spoiler = { name: "spoiler", type: "flag", empty: false };
const content = { name: "content", type: "area", required: true };
const awards = { name: "awards", type: "links", of: "awards", empty: [] };
const sources = { name: "sources", type: "pairs", empty: {}, help: true,
	keys: ["imdb", "tmdb"] };
const image = { name: "image", type: "picture", empty: null };

const links = (key, of, more) => ({ name: key, type: "links", of, empty: [],
	...more });

export const KINDS = {
	movies: {
		title: "title",
		fields: [
			{ name: "title", type: "text", required: true },
			slug,
			{ name: "release_date", type: "date", empty: null, help: true },
			{ name: "cover", type: "picture", empty: null },
			{ name: "synopsis", type: "area" },
			links("genres", "genres"),
			links("platforms", "platforms"),
			links("directors", "persons", { order: true }),
			links("actors", "persons", { order: true }),
			awards,
			{ ...sources, keys: [...sources.keys, "movielens"] },
			{ name: "popularity", type: "number", empty: 0, help: true },
		],
		texts: [
			{ name: "title", type: "text" },
			{ name: "synopsis", type: "area" },
			image,
		],
	},
	persons: {
		title: "name",
		fields: [
			name, slug,
			{ name: "birthday", type: "date", empty: null },
			{ name: "deathday", type: "date", empty: null },
			{ name: "gender", type: "choice", empty: "unknown",
				choices: ["unknown", "female", "male", "non-binary"] },
			image,
			{ name: "biography", type: "area" },
			awards,
			sources,
		],
		texts: [{ name: "biography", type: "area" }],
	},
	genres: {
		title: "name",
		fields: [name, slug],
		texts: [{ name: "name", type: "text" }],
	},
	platforms: {
		title: "name",
		fields: [name, slug,
			{ name: "url", type: "text", empty: null, inputmode: "url" },
			image],
	},
	awards: {
		title: "name",
		fields: [name, slug,
			{ name: "category", type: "choice", choices: ["", "BP", "BA",
				"BD", "IF", "MA", "WA", "SA", "SX", "DR", "DD"] },
			{ name: "date", type: "date", empty: null },
			{ name: "icon", type: "picture", empty: null }],
	},
	reviews: {
		title: "title",
		fields: [user,
			links("movie", "movies", { one: true, fixed: true, empty: null,
				required: true }),
			{ name: "title", type: "text", required: true },
			content,
			{ name: "is_positive", type: "flag", empty: false },
			spoiler],
	},
	comments: {
		title: "content",
		fields: [user,
			{ name: "review", type: "number", required: true, fixed: true,
				empty: null, help: true },
			{ name: "reply_to", type: "number", fixed: true, empty: null,
				help: true },
			content, spoiler],
	},
	lists: {
		title: "name",
		fields: [user, name, slug,
			{ name: "description", type: "area" },
			{ name: "privacy", type: "choice", empty: "public",
				choices: ["public", "friends", "private"] },
			links("movies", "movies", { order: true })],
	},
};

export const LANGUAGES = ["en", "es", "fr", "de"];

// What a field has while it is not filled in.
export const emptyOf = (field) => ("empty" in field ? field.empty : "");

// How a thing is called: its title or name, or the beginning of it.
export function titleOf(kind, thing, most = 60) {
	const text = String(thing[KINDS[kind].title] || thing.slug || thing.id);

	return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
