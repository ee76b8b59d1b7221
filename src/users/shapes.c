/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON representations of an account.
 */
#include "base/base.h"

#include "users/users.h"

const struct column user_shape[] = {
	{ "id", C_INT, NULL },
	{ "username", C_TEXT, NULL },
	{ "bio", C_PROSE, NULL },
	{ "friendship", C_JSON, NULL },
	{ "picture", C_TEXT, NULL },
	{ NULL, C_NULL, NULL },
};

const struct column profile_shape[] = {
	{ "id", C_INT, NULL },
	{ "username", C_TEXT, NULL },
	{ "bio", C_PROSE, NULL },
	{ "friendship", C_JSON, NULL },
	{ "picture", C_TEXT, NULL },
	{ "taste_match", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};

const struct column self_shape[] = {
	{ "id", C_INT, NULL },
	{ "username", C_TEXT, NULL },
	{ "bio", C_PROSE, NULL },
	{ "email", C_TEXT, NULL },
	{ "last_name", C_TEXT, NULL },
	{ "first_name", C_TEXT, NULL },
	{ "picture", C_TEXT, NULL },
	{ "training", C_BOOL, NULL },
	{ NULL, C_NULL, NULL },
};
