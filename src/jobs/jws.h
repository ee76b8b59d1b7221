/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed tokens of other services (JSON Web Signature, RFC 7515): RS256 and
 * ES256 with public keys (RFC 7517). Other algorithms are refused, so a public
 * key cannot be used as a secret, and an unsigned token is invalid.
 */
#ifndef JOBS_JWS_H
#define JOBS_JWS_H

#include "base/base.h"

struct json_object;

enum jws_verdict {
	JWS_VALID,
	JWS_UNKNOWN_KEY, /* `keys` has none that can have signed it */
	JWS_INVALID,
	JWS_UNREADABLE /* too long, or the payload is not a JSON object */
};

/*
 * Verifies the signature of a compact token with a key set ({"keys": […]}).
 * JWS_VALID: *claims is the payload, held by `mem`; its claims are not checked.
 * Else *why is the reason, a static text. A key set may be any JSON object.
 */
enum jws_verdict jws_verify(TALLOC_CTX *mem, const char *token,
    struct json_object *keys, struct json_object **claims, const char **why);

#endif
