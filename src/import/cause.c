/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Likely causes.
 */
#include "base/base.h"

#include <strings.h>

#include "import/cause.h"

/* Length of the digits at `s`. */
static size_t
digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* "114709.0", "1.14709E+05" */
static bool
is_rewritten_number(const char *s)
{
	size_t n = digits(s);

	if (n == 0)
		return false;
	s += n;
	if (strcmp(s, ".0") == 0)
		return true;
	if (*s == '.')
		s += 1 + digits(s + 1);
	return (*s == 'E' || *s == 'e') && (s[1] == '+' || s[1] == '-') &&
	       digits(s + 2) > 0;
}

/* "22/11/1995", "11/22/95", "22.11.1995" */
static bool
is_rewritten_date(const char *s)
{
	for (int i = 0; i < 2; i++) {
		size_t n = digits(s);

		if (n < 1 || n > 2 || (s[n] != '/' && s[n] != '.'))
			return false;
		s += n + 1;
	}
	return digits(s) >= 2;
}

const char *
cause_of_value(const char *s)
{
	size_t n;

	s += strspn(s, " \t");
	if (strncmp(s, "tt", 2) == 0 || strncmp(s, "nm", 2) == 0)
		s += 2;
	n = digits(s);
	if (is_rewritten_number(s))
		return "a spreadsheet program has rewritten the numbers "
		       "(114709.0): import the columns there as text";
	if (is_rewritten_date(s))
		return "a spreadsheet program has rewritten the dates: "
		       "import the columns there as text";
	if (n > 0 && s[n] == ',' && digits(s + n + 1) > 0)
		return "numbers are written with a decimal comma";
	if (strncmp(s, "[{'", 3) == 0 || strncmp(s, "{'", 2) == 0)
		return "a list in Python's notation, not in JSON";
	if (*s == '"')
		return "the fields are in quotes, which this format does not "
		       "have";
	return NULL;
}

const char *
cause_of_row(const struct csv_row *row)
{
	static const struct {
		const char *why;
		const char *cause;
	} causes[] = {
		{ "not UTF-8",
		    "the encoding is Latin-1 or Windows-1252: convert the "
		    "file with \"iconv -f WINDOWS-1252 -t UTF-8\"" },
		{ "a NUL byte", "the encoding is UTF-16, or the file is "
				"damaged" },
		{ "text after the closing quote",
		    "quotes within a field are not doubled (RFC 4180)" },
		{ "a quote within an unquoted field",
		    "a field with quotes is not enclosed in quotes" },
	};

	for (size_t i = 0; i < array_len(causes); i++) {
		if (strcmp(row->why, causes[i].why) == 0)
			return causes[i].cause;
	}
	return strstr(row->why, "quote") ? "a quote is never closed" : NULL;
}

static const char *
cause_of_separator(enum csv_form form, const struct csv_row *row)
{
	static const struct {
		char separator;
		const char *cause;
	} causes[] = {
		{ ';', "the fields are separated by semicolons" },
		{ '\t', "the fields are separated by tabs" },
		{ '|', "the fields are separated by vertical bars" },
		{ ',', "the fields are separated by commas" },
	};

	for (size_t i = 0; i < array_len(causes) && row->count == 1; i++) {
		if (form == CSV_COMMAS && causes[i].separator == ',')
			continue;
		if (strchr(row->fields[0], causes[i].separator))
			return causes[i].cause;
	}
	return NULL;
}

const char *
cause_of_header(
    const struct csv *c, enum csv_form form, bool ok, const struct csv_row *row)
{
	const char *head = csv_head(c);

	if (strncmp(head, "\xff\xfe", 2) == 0 ||
	    strncmp(head, "\xfe\xff", 2) == 0)
		return "the encoding is UTF-16";
	if (strncmp(head, "PK\x03\x04", 4) == 0)
		return "it is a ZIP archive or the file of a spreadsheet "
		       "program";
	if (strncasecmp(head, "<!doctype", 9) == 0 ||
	    strncasecmp(head, "<html", 5) == 0)
		return "it is a web page: the download has failed";
	if (head[0] == '{' || head[0] == '[')
		return "it is a JSON file";
	if (head[strcspn(head, "\1\2\3\4\5\6\7\b\v\f\16\17\20\21\22\23\24"
			       "\25\26\27\30\31\32\33\34\35\36\37\177")])
		return "it is not a text file, or not a complete one";
	if (strncmp(head, "version https:/", 15) == 0)
		return "it is a pointer of Git LFS, not the file";
	if (ok && strncasecmp(row->fields[0], "sep=", 4) == 0)
		return "a line \"sep=\" of a spreadsheet program is before the "
		       "header";
	if (csv_has_return(c))
		return "the lines end with CR, without LF";
	if (ok)
		return cause_of_separator(form, row);
	return row->why ? cause_of_row(row) : NULL;
}
