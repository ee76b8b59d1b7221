// SPDX-License-Identifier: GPL-3.0-or-later
//
// The editor: all its texts. For another language translate the values, and set
// language. {name} is replaced; of a text with "one" and "other" the number n
// decides.

export const language = "en";

const TEXTS = {
	"title": "Catalogue editor",
	"skip": "Skip to the content",
	"navigation": "Kinds",
	"home.text": "Changes are visible to users at once. Each of them is in the "
		+ "audit log, with its author.",
	"error.status": "The server answered with status {status}.",
	"error.network": "The server cannot be reached. Try again.",
	"error.title": "That did not work",
	"error.place": "There is no such page",
	"again": "Try again",
	"nothing": "–",
	"yes": "yes",
	"no": "no",
	"required": "(required)",

	"signin": "Sign in",
	"signin.title": "Sign in to the editor",
	"signin.text": "With an account of the staff of this site.",
	"signin.again": "Your session has ended. What you have typed is still "
		+ "there.",
	"signin.name": "User name or mail address",
	"signin.password": "Password",
	"signin.needed": "Sign in to go on.",
	"signin.staff": "The account {name} may not use the editor, because it does "
		+ "not belong to the staff of this site. An administrator can change "
		+ "that. ({text})",
	"signout": "Sign out",

	"kind.movies": "Movies",
	"kind.persons": "Persons",
	"kind.genres": "Genres",
	"kind.platforms": "Platforms",
	"kind.awards": "Awards",
	"kind.reviews": "Reviews",
	"kind.comments": "Comments",
	"kind.lists": "Lists",
	"one.movies": "movie",
	"one.persons": "person",
	"one.genres": "genre",
	"one.platforms": "platform",
	"one.awards": "award",
	"one.reviews": "review",
	"one.comments": "comment",
	"one.lists": "list",
	"new.movies": "Add a movie",
	"new.persons": "Add a person",
	"new.genres": "Add a genre",
	"new.platforms": "Add a platform",
	"new.awards": "Add an award",
	"new.reviews": "Add a review",
	"new.comments": "Add a comment",
	"new.lists": "Add a list",
	"about.movies": "Titles, covers, credits, and their translations",
	"about.persons": "Directors and actors",
	"about.genres": "Names of genres in four languages",
	"about.platforms": "Streaming platforms",
	"about.awards": "Awards of movies and persons",
	"about.reviews": "What users write about movies",
	"about.comments": "Comments on reviews",
	"about.lists": "Lists of users",

	"search": "Search",
	"show": "Show",
	"removed": "Show",
	"removed.no": "what is visible",
	"removed.yes": "what was removed",
	"removed.all": "everything",
	"found": { one: "{n} result", other: "{n}{more} results" },
	"found.entries": { one: "{n} entry", other: "{n}{more} entries" },
	"found.none": "Nothing was found.",
	"pages": "Pages",
	"page.previous": "Previous page",
	"page.next": "Next page",
	"page.of": "Page {page} of {pages}",

	"number": "Number {id}",
	"changed": "changed",
	"is.removed": "Removed",
	"save": "Save",
	"saving": "Saving…",
	"saved": "Saved.",
	"unsaved": "There are changes that are not saved.",
	"unchanged": "Nothing was changed.",
	"undo": "Discard the changes",
	"undo.title": "Discard the changes?",
	"undo.text": "The form then shows again what was read last.",
	"undone": "The changes were discarded.",
	"cancel": "Cancel",
	"remove": "Remove",
	"restore": "Restore",
	"purge": "Delete for ever",
	"purge.title": "Delete “{name}” for ever?",
	"purge.text": "Everything that belongs to it is deleted with it, such as "
		+ "ratings, reviews, and places in lists. This cannot be undone. What "
		+ "is only removed is hidden from users and can be restored.",
	"done.remove": "Removed. It can be restored.",
	"done.restore": "Restored.",
	"done.purge": "Deleted for ever.",
	"leave.title": "Leave without saving?",
	"leave.text": "There are changes that are not saved. They would be lost.",
	"leave": "Leave without saving",
	"stay": "Stay",

	"conflict.title": "Another user has changed this",
	"conflict.save": "It was saved by another user after you opened it. Where "
		+ "both of you have changed a field, choose whose value to keep. All "
		+ "other changes stay, theirs and yours.",
	"conflict.remove": "It was saved by another user after you opened it. "
		+ "Remove it all the same?",
	"conflict.restore": "It was saved by another user after you opened it. "
		+ "Restore it all the same?",
	"conflict.purge": "It was saved by another user after you opened it. Delete "
		+ "it for ever all the same?",
	"conflict.changes": "Changes by another user",
	"conflict.field": "Field",
	"conflict.before": "When you opened it",
	"conflict.now": "Now",
	"conflict.mine": "Your value",
	"conflict.same": "not changed by you",
	"conflict.keep.of": "Keep of {field}",
	"conflict.keep.mine": "keep yours",
	"conflict.keep.theirs": "keep theirs",
	"conflict.reload": "Discard mine and reload",
	"conflict.reloaded": "Reloaded.",

	"translations": "Translations",
	"translations.help": "Users see the text of their language, or the one "
		+ "above where there is none. A translation whose fields are all empty "
		+ "is removed.",
	"translation.of": "{field} ({language})",
	"lang.en": "English",
	"lang.es": "Spanish",
	"lang.fr": "French",
	"lang.de": "German",

	"links.type": "Type a name…",
	"links.found": "Results",
	"links.count": { one: "{n} result; Enter adds it",
		other: "{n} results; arrow keys choose, Enter adds" },
	"links.added": "{name} was added.",
	"links.removed": "{name} was removed.",
	"links.moved": "{name} is now number {place}.",
	"links.remove": "Remove {name}",
	"links.up": "Move {name} up",
	"links.down": "Move {name} down",

	"picture.now": "The picture as it is",
	"picture.new": "New picture: {name}",
	"picture.unsaved": "This picture is not saved yet.",
	"picture.none": "The default picture",
	"picture.main": "That of the original",
	"picture.broken": "The picture cannot be shown.",
	"picture.unset": "Use the default picture",
	"picture.keep": "Keep the present picture",

	"queue": "Recent texts",
	"queue.changed": "It was changed by another user in the meantime, and nothing "
		+ "was done. This is how it is now.",
	"queue.remove": "Remove {name}",
	"queue.restore": "Restore {name}",

	"audit": "Audit log",
	"audit.kind": "Kind",
	"audit.any": "all kinds",
	"audit.id": "Number",
	"audit.user": "User name",
	"audit.before": "Before",
	"audit.after": "After",
	"audit.keys": { one: "{n} field", other: "{n} fields" },
	"audit.origin.api": "unknown user",
	"audit.origin.mxmctl": "mxmctl",
	"action.add": "Added",
	"action.edit": "Edited",
	"action.remove": "Removed",
	"action.restore": "Restored",
	"action.purge": "Deleted for ever",
	"action.picture": "Picture changed",

	"field.actors": "Actors",
	"field.awards": "Awards",
	"field.biography": "Biography",
	"field.birthday": "Date of birth",
	"field.category": "Category",
	"field.content": "Text",
	"field.cover": "Cover",
	"field.created_at": "Added",
	"field.date": "Date",
	"field.deathday": "Date of death",
	"field.deleted_at": "Removed",
	"field.description": "Description",
	"field.directors": "Directors",
	"field.gender": "Gender",
	"field.genres": "Genres",
	"field.icon": "Icon",
	"field.id": "Number",
	"field.image": "Picture",
	"field.is_positive": "Positive",
	"field.movie": "Movie",
	"field.movies": "Movies",
	"field.name": "Name",
	"field.platforms": "Platforms",
	"field.popularity": "Popularity",
	"field.privacy": "Visible to",
	"field.release_date": "Release date",
	"field.reply_to": "Reply to comment",
	"field.review": "Review",
	"field.slug": "Slug",
	"field.sources": "Numbers in other catalogues",
	"field.spoiler": "Spoiler",
	"field.synopsis": "Synopsis",
	"field.title": "Title",
	"field.translations": "Translations",
	"field.updated_at": "Changed",
	"field.url": "Address (URL)",
	"field.user": "User",
	"help.popularity": "Orders lists of popular movies.",
	"help.release_date": "Leave it empty if it is unknown.",
	"help.reply_to": "The number of a comment on the same review.",
	"help.review": "The number of the review.",
	"help.slug": "The last part of the address. Leave it empty to make it of "
		+ "the name; a changed slug breaks links to the former one.",
	"help.sources": "Imports find the movie by them.",
	"help.user": "The user name of the author.",

	"gender.unknown": "unknown",
	"gender.female": "female",
	"gender.male": "male",
	"gender.non-binary": "non-binary",
	"privacy.public": "all users",
	"privacy.friends": "friends",
	"privacy.private": "the user only",
	"category.": "none",
	"category.BP": "Best Picture",
	"category.BA": "Best Animated Feature",
	"category.BD": "Best Documentary",
	"category.IF": "Best International Feature",
	"category.MA": "Best Actor in a Leading Role",
	"category.WA": "Best Actress in a Leading Role",
	"category.SA": "Best Supporting Actor",
	"category.SX": "Best Supporting Actress",
	"category.DR": "Best Director",
	"category.DD": "Best Debut Director",
};

const plural = new Intl.PluralRules(language);

// The text of a key; for a key that is unknown its last part, so that a field
// that is new in the API can still be shown.
export function t(key, values = {}) {
	let text = TEXTS[key];

	if (text === undefined) {
		return key.split(".").pop();
	}
	if (typeof text === "object") {
		text = text[plural.select(values.n)] || text.other;
	}
	return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
