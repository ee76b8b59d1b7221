/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The route table (routes.def) and its lookup.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "base/base.h"

#include "http/field.h"
#include "http/problem.h"
#include "http/request.h"

/* Authorization. All but PUBLIC require an access token of an active account.
 */
enum guard {
	VERIFIED, /* the default: the mail address is verified */
	PUBLIC,
	LOGGED_IN, /* verified or not */
	OWNER,     /* VERIFIED, and the statement checks the owner (:owned) */
	STAFF      /* VERIFIED, and account.staff is set */
};

enum pool { FAST, SLOW, POOL__MAX };

/* The rate limits (settings limit_…). */
enum limit_class {
	L_NONE,
	L_PUBLIC, /* per address */
	L_LOGIN,  /* per address, separate from L_PUBLIC */
	L_CODE,   /* per account */
	L_USER,   /* per account */
	L_NAME,   /* per name of a log-in; counted by login, not by a row */
	L_SEARCH, /* per account, and ten times as many per address */
	L_WRITE,  /* the same */
	L__MAX
};

/* Their names, and those of the pools, in figures. */
extern const char *const limit_names[L__MAX];
extern const char *const pool_names[POOL__MAX];

/* Those that guard log-ins and codes: they survive a restart. */
#define LASTING_LIMITS (LIMIT(L_LOGIN) | LIMIT(L_NAME) | LIMIT(L_CODE))

/* The limits of a row, combined by |. */
#define LIMIT(CLASS) (1u << (CLASS))
#define NO_LIMIT     0u /* health, documents */

typedef enum err handler(struct req *r);

/*
 * What an answer depends on. The key of each kind is the id of the caller, a
 * parameter of the path, or empty (api/depends.c); changes are recorded in
 * table touch.
 */
enum on {
	ON_ACCOUNT = 1,  /* caller: profile, language, verified, sessions */
	ON_USER = 2,     /* caller: ratings, unseen marks, reviews, platforms */
	ON_FRIENDS = 4,  /* caller: friends and friend requests */
	ON_CIRCLE = 8,   /* caller: what their friends like */
	ON_PROFILE = 16, /* {username}: the public page */
	ON_LISTS = 32,   /* {username}: their movie lists */
	ON_MOVIE = 64,   /* {movie} */
	ON_REVIEWS = 128,    /* {movie}: its reviews */
	ON_REVIEW = 256,     /* {review}: it, its comments, all reactions */
	ON_PERSON = 512,     /* {person} */
	ON_AWARD = 1024,     /* {award} */
	ON_CATALOGUE = 2048, /* anything of the catalogue */
	ON_TREND = 4096,     /* which movies are trending */
	ON_POPULAR = 8192    /* which movies are popular */
};

/* Whether and how an answer is cached. */
struct cache_rule {
	int seconds;      /* 0: not cached */
	unsigned depends; /* enum on: generations in the answer */
	bool by_viewer;   /* the caller's id is part of the key */
	bool by_lang;
	bool by_model; /* the model and the day, because films are released */
};

struct route {
	enum method method;
	const char *pattern; /* complete: "/api/movies/{movie}/" */
	const char *name;    /* of the handler */
	handler *handle;
	enum guard guard;
	enum pool pool;
	unsigned limits; /* LIMIT(class) of each limit */
	enum style style;
	const struct field *input;
	bool needs_database; /* connect before the handler runs */
	bool needs_model;    /* r->model is set, also without by_model */
	bool replica;        /* lag is tolerated: may be read from a standby */
	bool hashes; /* a password: at most one such handler per core runs */
	struct cache_rule cache;
};

extern const struct route routes[];
extern const int n_routes;

/* The result of a lookup. */
struct route_match {
	const struct route *route; /* NULL: none */
	unsigned allowed; /* methods of the path: bits 1 << enum method */
	const char *param[PATH_PARAMS_MAX];
};

/*
 * Finds the row of a decoded path; literal segments have priority over
 * parameters, and the trailing slash is optional. HEAD finds GET. Parameters
 * are allocated below `mem`.
 */
void route_find(TALLOC_CTX *mem, enum method method, const char *path,
    struct route_match *out);

/* "GET, HEAD, OPTIONS, …" for the Allow header; allocated below `mem`. */
char *route_allow(TALLOC_CTX *mem, unsigned allowed);

/*
 * Parameters of the path by name; asserts that the route has it. The text is
 * never empty; a number (by the table in route.c) has passed
 * route_check_numbers().
 */
const char *path_of(const struct req *r, const char *name);
int64_t path_number(const struct req *r, const char *name);

/* Replaces the value of a parameter; asserts that the route has it. */
void path_replace(struct req *r, const char *name, const char *to);

/* Whether the route has a parameter of that name, and of which type. */
enum path_kind { PATH_NONE, PATH_TEXT, PATH_NUMBER };
enum path_kind path_kind(const struct route *route, const char *name);

/* Name of the last parameter; NULL: the path has none. */
const char *path_last(const struct route *route);

/*
 * The parameter in keys: normalised, if it is a number (007 and 7 are one
 * review). Invalid numbers are not changed.
 */
const char *path_key(const struct req *r, const char *name);

/*
 * 404 for the first parameter that must be a number (decimal digits, at most
 * INT64_MAX) and is not. To be called after the guard.
 */
enum err route_check_numbers(struct req *r);

/*
 * Adds the 404 of the contract for what a parameter of the path names, and
 * returns ERR_NOT_FOUND.
 */
enum err fail_param(struct req *r, const char *name);

/*
 * Whether `segment` is a literal of the table in the position of {username} or
 * {movie} (contract README 13).
 */
bool route_is_reserved(const char *segment);

/* All of them; allocated below `mem`. */
const char **route_reserved(TALLOC_CTX *mem, size_t *n);

#endif
