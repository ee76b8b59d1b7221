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

enum guard { PUBLIC, LOGGED_IN, VERIFIED };

enum pool { FAST, SLOW, POOL__MAX };

/* Which limit a request counts against (settings limit_…). */
enum limit_class {
	L_NONE,   /* health, documents */
	L_PUBLIC, /* per address */
	L_LOGIN,  /* per address, apart from L_PUBLIC */
	L_CODE,   /* per account, beside L_USER */
	L_USER,   /* per account */
	L_NAME,   /* per name that is logged in to, beside L_LOGIN */
	L__MAX
};

typedef enum err handler(struct req *r);

/* What of the caller or the path an answer depends on, or a write touches. */
enum on {
	ON_MOVIE = 1,   /* {movie} of the path */
	ON_ACCOUNT = 2, /* caller: profile, language, sessions */
	ON_USER = 4,    /* caller: ratings, marks, reviews, friends */
	ON_LISTS = 8,   /* caller's lists */
	ON_CATALOGUE = 16,
	ON_CIRCLE = 32, /* caller: what her friends like */
	ON_NAME = 64,   /* {username} of the path */
	ON_PERSON = 128 /* {person} of the path */
};

struct keeping {
	int seconds;      /* 0: not kept */
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
	enum limit_class limit;
	enum style style;
	const struct field *input;
	struct keeping keep;
	unsigned touches; /* enum on, after success */
	bool writes;      /* POST, PUT, PATCH, DELETE that change something */
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

/* Position of a parameter's name in a pattern, -1: not there. */
int route_param(const struct route *route, const char *name);

/*
 * Is `segment` a literal of the table at the place of {username} or {movie}?
 * (contract README 13)
 */
bool route_is_reserved(const char *segment);

#endif
