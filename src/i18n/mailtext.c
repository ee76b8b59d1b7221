/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mails: one layout. The paragraphs of a message are separated before its
 * variables are inserted, so that a variable can add neither paragraphs nor
 * markup.
 */
#include "base/base.h"

#include "base/buf.h"
#include "base/mem.h"
#include "i18n/mailtext.h"

struct writer {
	TALLOC_CTX *mem;
	const struct mailtext_facts *facts;
	struct buf text;
	struct buf html;
};

static void
put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		case '\'':
			buf_puts(out, "&#39;");
			break;
		default:
			buf_putc(out, *s);
		}
	}
}

/* Inline styles only: mail clients ignore others. */
static void
put_paragraph(struct writer *w, const char *style, const char *s)
{
	buf_printf(&w->html, "<p style=\"%s\">", style);
	put_escaped(&w->html, s);
	buf_puts(&w->html, "</p>\n");
}

static const char *
fill(const struct writer *w, const char *s)
{
	return msg_fill(w->mem, s,
	    (const char *const[3]){ w->facts->username, w->facts->value });
}

/* Whether the paragraph begins with `mark`; then *rest is what follows. */
static bool
has_mark(const char *paragraph, const char *mark, const char **rest)
{
	size_t n = strlen(mark);

	if (strncmp(paragraph, mark, n) != 0)
		return false;
	*rest = paragraph + n;
	return true;
}

static void
write_paragraph(struct writer *w, const char *paragraph)
{
	const struct mailtext_facts *f = w->facts;
	const char *s;

	if (has_mark(paragraph, "{code}", &s)) {
		buf_printf(&w->text, "\n    %s\n", f->code);
		put_paragraph(w, "font-size:28px;letter-spacing:4px", f->code);
	} else if (has_mark(paragraph, "{link}", &s)) {
		/* in plain text directly below the text about it */
		buf_printf(&w->text, "%s\n", f->link);
		buf_puts(&w->html, "<p><a href=\"");
		put_escaped(&w->html, f->link);
		buf_puts(&w->html, "\">");
		put_escaped(&w->html, s);
		buf_puts(&w->html, "</a></p>\n");
	} else if (has_mark(paragraph, "{note}", &s)) {
		buf_printf(&w->text, "\n%s\n", fill(w, s));
		put_paragraph(w, "color:#666;font-size:13px", fill(w, s));
	} else {
		buf_printf(&w->text, "%s%s\n", w->text.len > 0 ? "\n" : "",
		    fill(w, paragraph));
		put_paragraph(w, "", fill(w, paragraph));
	}
}

void
mailtext_make(TALLOC_CTX *mem, struct mailtext *out, enum lang lang,
    enum msg message, const struct mailtext_facts *facts)
{
	const char *s = msg_text(lang, message);
	struct writer w = { .mem = mem, .facts = facts };
	size_t n = strcspn(s, "\n");

	out->subject = fill(&w, mem_textn(mem, s, n));
	buf_init(&w.text, mem, 1024);
	buf_init(&w.html, mem, 2048);
	buf_printf(&w.html,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n"
	    "<head><meta charset=\"utf-8\"><title>MoviesXMovies</title>"
	    "</head>\n<body style=\"font-family:sans-serif;"
	    "max-width:36em;margin:2em auto\">\n"
	    "<h1 style=\"font-size:20px\">MoviesXMovies</h1>\n",
	    lang_code(lang));
	while (s[n]) {
		s += n + 1;
		n = strcspn(s, "\n");
		write_paragraph(&w, mem_textn(mem, s, n));
	}
	buf_puts(&w.html, "</body>\n</html>\n");
	out->text = w.text.data;
	out->html = w.html.data;
}
