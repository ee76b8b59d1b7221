/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mails: one layout, and a table of texts by kind and language. {0} is the user
 * name.
 */
#include "base/base.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "i18n/mailtext.h"

struct sentences {
	const char *subject;
	const char *hello;
	const char *code;   /* the purpose of the code, which follows */
	const char *link;   /* the text about the link */
	const char *button; /* the text of the link in HTML */
	const char *expiry;
	const char *not_you;
};

static const struct sentences verification[LANG__MAX] = {
	[LANG_EN] = {
		"Verification of MoviesXMovies account for {0}",
		"Hello {0},",
		"This is the code that verifies your account:",
		"This link enters it for you:",
		"Verify my account",
		"The code is valid for 24 hours and can be used only once.",
		"If you have no account with MoviesXMovies, someone has "
		"mistyped an address; please ignore this email.",
	},
	[LANG_ES] = {
		"Verificación de la cuenta de MoviesXMovies de {0}",
		"Hola, {0}:",
		"Este es el código que verifica su cuenta:",
		"Con este enlace no hace falta escribirlo:",
		"Verificar mi cuenta",
		"El código es válido durante 24 horas y solo se puede usar una "
		"vez.",
		"Si no tiene una cuenta en MoviesXMovies, alguien se ha "
		"equivocado de dirección; ignore este correo.",
	},
	[LANG_FR] = {
		"Vérification de votre compte MoviesXMovies ({0})",
		"Bonjour {0},",
		"Voici le code qui permet de vérifier votre compte :",
		"Avec ce lien, inutile de le saisir :",
		"Vérifier mon compte",
		"Le code est valable 24 heures et ne peut servir qu’une fois.",
		"Si vous n’avez pas de compte MoviesXMovies, quelqu’un s’est "
		"trompé d’adresse : ignorez ce message.",
	},
	[LANG_DE] = {
		"Bestätigung des MoviesXMovies-Kontos von {0}",
		"Hallo {0},",
		"mit diesem Code bestätigen Sie Ihr Konto:",
		"Mit diesem Link müssen Sie ihn nicht eingeben:",
		"Mein Konto bestätigen",
		"Der Code gilt 24 Stunden und kann nur einmal verwendet "
		"werden.",
		"Wenn Sie kein Konto bei MoviesXMovies haben, hat sich jemand "
		"bei der Adresse vertippt; bitte ignorieren Sie diese "
		"Nachricht.",
	},
};

static const struct sentences reset[LANG__MAX] = {
	[LANG_EN] = {
		"Password reset for MoviesXMovies account of {0}",
		"Hello {0},",
		"This is the code that lets you choose a new password:",
		"This link opens the page where you can do so:",
		"Choose a new password",
		"The code expires in 15 minutes and can be used only once.",
		"If you did not ask for a new password, please ignore this "
		"email; your password stays unchanged.",
	},
	[LANG_ES] = {
		"Contraseña nueva para la cuenta de MoviesXMovies de {0}",
		"Hola, {0}:",
		"Este es el código para elegir una contraseña nueva:",
		"Este enlace abre la página correspondiente:",
		"Elegir una contraseña nueva",
		"El código caduca a los 15 minutos y solo se puede usar una vez.",
		"Si no ha pedido una contraseña nueva, ignore este correo; su "
		"contraseña no cambiará.",
	},
	[LANG_FR] = {
		"Nouveau mot de passe pour votre compte MoviesXMovies ({0})",
		"Bonjour {0},",
		"Voici le code pour choisir un nouveau mot de passe :",
		"Ce lien ouvre la page correspondante :",
		"Choisir un nouveau mot de passe",
		"Le code expire au bout de 15 minutes et ne peut servir qu’une "
		"fois.",
		"Si vous n’avez pas demandé de nouveau mot de passe, ignorez "
		"ce message : votre mot de passe reste inchangé.",
	},
	[LANG_DE] = {
		"Neues Passwort für das MoviesXMovies-Konto von {0}",
		"Hallo {0},",
		"mit diesem Code wählen Sie ein neues Passwort:",
		"Dieser Link öffnet die Seite, auf der Sie das tun können:",
		"Neues Passwort wählen",
		"Der Code läuft nach 15 Minuten ab und kann nur einmal "
		"verwendet werden.",
		"Wenn Sie kein neues Passwort angefordert haben, ignorieren "
		"Sie bitte diese Nachricht; Ihr Passwort bleibt unverändert.",
	},
};

static const struct sentences *const kinds[MAILTEXT__MAX] = {
	[MAILTEXT_VERIFICATION] = verification,
	[MAILTEXT_RESET] = reset,
};

/* The text with the name inserted. */
static const char *
fill(TALLOC_CTX *mem, const char *sentence, const char *username)
{
	const char *hole = strstr(sentence, "{0}");

	if (!hole)
		return sentence;
	return mem_printf(mem, "%.*s%s%s", (int)(hole - sentence), sentence,
	    username, hole + 3);
}

static const char *
make_link(
    TALLOC_CTX *mem, enum mailtext_kind kind, const struct mailtext_facts *f)
{
	const char *code = text_url_encode(mem, f->code);

	if (kind == MAILTEXT_VERIFICATION)
		return mem_printf(
		    mem, "%s/verify-email?code=%s", f->site, code);
	return mem_printf(mem, "%s/reset-password?code=%s&email=%s", f->site,
	    code, text_url_encode(mem, f->email));
}

static const char *
make_text(TALLOC_CTX *mem, const struct sentences *s, const char *hello,
    const char *code, const char *link)
{
	return mem_printf(mem, "%s\n\n%s\n\n    %s\n\n%s\n%s\n\n%s\n\n%s\n",
	    hello, s->code, code, s->link, link, s->expiry, s->not_you);
}

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

static void
put_paragraph(struct buf *out, const char *style, const char *s)
{
	buf_printf(out, "<p style=\"%s\">", style);
	put_escaped(out, s);
	buf_puts(out, "</p>\n");
}

/* Inline styles only: mail clients ignore others. */
static const char *
make_html(TALLOC_CTX *mem, const struct sentences *s, enum lang lang,
    const char *hello, const char *const code_and_link[2])
{
	static const char small[] = "color:#666;font-size:13px";
	struct buf out;

	buf_init(&out, mem, 2048);
	buf_printf(&out,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n"
	    "<head><meta charset=\"utf-8\"><title>MoviesXMovies</title>"
	    "</head>\n<body style=\"font-family:sans-serif;"
	    "max-width:36em;margin:2em auto\">\n"
	    "<h1 style=\"font-size:20px\">MoviesXMovies</h1>\n",
	    lang_code(lang));
	put_paragraph(&out, "", hello);
	put_paragraph(&out, "", s->code);
	put_paragraph(
	    &out, "font-size:28px;letter-spacing:4px", code_and_link[0]);
	put_paragraph(&out, "", s->link);
	buf_puts(&out, "<p><a href=\"");
	put_escaped(&out, code_and_link[1]);
	buf_puts(&out, "\">");
	put_escaped(&out, s->button);
	buf_puts(&out, "</a></p>\n");
	put_paragraph(&out, small, s->expiry);
	put_paragraph(&out, small, s->not_you);
	buf_puts(&out, "</body>\n</html>\n");
	return out.data;
}

void
mailtext_make(TALLOC_CTX *mem, struct mailtext *out, enum mailtext_kind kind,
    enum lang lang, const struct mailtext_facts *facts)
{
	const struct sentences *s;
	const char *hello, *link;

	assert(kind < MAILTEXT__MAX && lang < LANG__MAX);
	s = &kinds[kind][lang];
	hello = fill(mem, s->hello, facts->username);
	link = make_link(mem, kind, facts);
	out->subject = fill(mem, s->subject, facts->username);
	out->text = make_text(mem, s, hello, facts->code, link);
	out->html = make_html(
	    mem, s, lang, hello, (const char *const[]){ facts->code, link });
}
