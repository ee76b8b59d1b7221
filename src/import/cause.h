/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Likely causes of faults in import files: a wrong separator or encoding, and
 * what spreadsheet and other programs do to values. For report_cause().
 */
#ifndef IMPORT_CAUSE_H
#define IMPORT_CAUSE_H

#include "base/base.h"

#include "import/csv.h"

/* Of a value that is not the number, date or list that it should be; NULL. */
const char *cause_of_value(const char *value);

/* Of a record that is no row, by row->why; NULL. */
const char *cause_of_row(const struct csv_row *row);

/*
 * Of a header that is missing or incomplete; `ok`: it was read, and is in
 * `row`. NULL: not known.
 */
const char *cause_of_header(const struct csv *c, enum csv_form form, bool ok,
    const struct csv_row *row);

#endif
