/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The route table (routes.def) and the search in it.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "base/base.h"

#include "http/field.h"
#include "http/problem.h"
#include "http/request.h"

/* Who may call. All but PUBLIC need an access token of an active account. */
enum guard {
	VERIFIED, /* the default: the address of the account is verified */
	PUBLIC,
	LOGGED_IN, /* verified or not */
	OWNER, /* VERIFIED, and the statement decides whose it is (:owned) */
	STAFF  /* VERIFIED, with the flag of the staff */
};

enum pool { FAST, SLOW, POOL__MAX };

/* What a request is counted against (settings limit_…). */
enum limit_class {
	L_NONE,
	L_PUBLIC, /* per address */
	L_LOGIN,  /* per address, apart from L_PUBLIC */
	L_CODE,   /* per account */
	L_USER,   /* per account */
	L_NAME, /* per name that is logged in to; in no row, login counts it */
	L__MAX
};

/* The limits of a row, several joined by |. */
#define LIMIT(CLASS) (1u << (CLASS))
#define NO_LIMIT     0u /* health, documents */

typedef enum err handler(struct req *r);

/*
 * What an answer is made from. The key of each is the caller's id, a parameter
 * of the path, or nothing (api/depends.c); table touch lists what changed.
 */
enum on {
	ON_ACCOUNT = 1,  /* caller: profile, language, verified, sessions */
	ON_USER = 2,     /* caller: ratings, unseen marks, reviews, platforms */
	ON_FRIENDS = 4,  /* caller: friends and friend requests */
	ON_CIRCLE = 8,   /* caller: what their friends like */
	ON_PROFILE = 16, /* {username}: the public page */
	ON_LISTS = 32,   /* {username}: their movie lists */
	ON_MOVIE = 64,   /* {movie} */
	ON_REVIEWS = 128,   /* {movie}: its reviews */
	ON_REVIEW = 256,    /* {review}: it, its comments, all reactions */
	ON_PERSON = 512,    /* {person} */
	ON_AWARD = 1024,    /* {award} */
	ON_CATALOGUE = 2048 /* anything of the catalogue */
};

/* Whether and how an answer is cached. */
struct cache_rule {
	int seconds;      /* 0: not cached */
	unsigned depends; /* enum on: generations in the answer */
	bool by_viewer;   /* the caller's id is part of the key */
	bool by_lang;
	bool by_model; /* model in force, and the day: films come out */
};

struct route {
	enum method method;
	const char *pattern; /* whole: "/api/movies/{movie}/" */
	const char *name;    /* of the handler */
	handler *handle;
	enum guard guard;
	enum pool pool;
	unsigned limits; /* LIMIT(class) of each that counts the request */
	enum style style;
	const struct field *input;
	bool needs_database; /* it is connected before the handler runs */
	struct cache_rule cache;
	bool writes; /* every method but GET */
};

extern const struct route routes[];
extern const int n_routes;

/* What the search found. */
struct route_match {
	const struct route *route; /* NULL: none */
	unsigned allowed;          /* bits 1 << enum method that the path has */
	const char *param[PATH_PARAMS_MAX];
};

/*
 * Finds the row of a decoded path; literal segments win over parameters, and
 * the trailing slash does not matter. HEAD finds GET. Captured texts belong to
 * `mem`.
 */
void route_find(TALLOC_CTX *mem, enum method method, const char *path,
    struct route_match *out);

/* "GET, HEAD, OPTIONS, …" for the Allow header; belongs to `mem`. */
char *route_allow(TALLOC_CTX *mem, unsigned allowed);

/*
 * Parameters of the path, by the name they have in the pattern; asserts that
 * the matched route has it. The text is never empty; a number (a row of the
 * table in route.c) has passed route_check_numbers().
 */
const char *path_of(const struct req *r, const char *name);
int64_t path_number(const struct req *r, const char *name);

/* Whether the route has a parameter of that name, and of which type. */
enum path_kind { PATH_NONE, PATH_TEXT, PATH_NUMBER };
enum path_kind path_kind(const struct route *route, const char *name);

/* Name of the last parameter; NULL: the path has none. */
const char *path_last(const struct route *route);

/*
 * The parameter as keys have it: 007 and 7 are one review. A number that is
 * none stays as it came.
 */
const char *path_key(const struct req *r, const char *name);

/*
 * 404 for the first parameter that has to be a number (decimal digits, at most
 * INT64_MAX) and is none. To be called when the caller has passed the guard.
 */
enum err route_check_numbers(struct req *r);

/*
 * Records the 404 of what a parameter of the path names, with the contract's
 * body, and returns ERR_NOT_FOUND.
 */
enum err fail_param(struct req *r, const char *name);

/*
 * Is `segment` a literal of the table at the place of {username} or {movie}?
 * (contract README 13)
 */
bool route_is_reserved(const char *segment);

#endif
