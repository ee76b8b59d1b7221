/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The OpenID Connect providers in the settings: google, and the one named
 * oidc_name.
 */
#ifndef AUTH_PROVIDER_H
#define AUTH_PROVIDER_H

#include "base/base.h"

#include "base/conf.h"

struct provider {
	const char *name;  /* in paths and in table provider_link */
	const char *label; /* for users: "Google" */
	const char *issuer;
	const char *client_id;
	const char *client_secret; /* "": none */
	const char *redirect_uri;
};

/* A member of *out is a setting. false: the provider is not configured. */
bool provider_find(
    const struct conf *conf, const char *name, struct provider *out);

#endif
