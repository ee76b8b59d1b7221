/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What handlers share: statements, shapes, pages.
 */
#ifndef API_API_H
#define API_API_H

#include "base/base.h"

#include "api/page.h"
#include "api/run.h"
#include "api/shape.h"
#include "auth/account.h"
#include "db/arg.h"
#include "db/db.h"
#include "db/query.h"
#include "db/row.h"
#include "http/field.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"

#endif
