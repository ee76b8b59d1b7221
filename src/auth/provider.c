/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Providers of identities.
 */
#include "base/base.h"

#include "auth/provider.h"

bool
provider_find(const struct conf *conf, const char *name, struct provider *out)
{
	const struct provider all[] = {
		{ "google", "Google", conf->google_issuer,
		    conf->google_client_id, conf->google_client_secret,
		    conf->google_redirect_uri },
		{ conf->oidc_name, conf->oidc_label, conf->oidc_issuer,
		    conf->oidc_client_id, conf->oidc_client_secret,
		    conf->oidc_redirect_uri },
	};

	for (size_t i = 0; i < array_len(all); i++) {
		if (!*all[i].client_id || strcmp(all[i].name, name) != 0)
			continue;
		*out = all[i];
		return true;
	}
	return false;
}
