# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes the catalogue of the journal from src/events.def: what journalctl -x
# shows with a message that has one of these ids.
#
#	awk -f systemd/catalog.awk src/events.def >systemd/moviesxmovies.catalog

BEGIN {
	print "# SPDX-License-Identifier: GPL-3.0-or-later"
	print "#"
	print "# Explanations of the events of moviesxmovies for journalctl -x."
	print "# Generated from src/events.def by systemd/catalog.awk; edit that."
}

# Removes the next string of the row and returns its text.
function next_text(    text)
{
	match(row, /"([^"\\]|\\.)*"/)
	text = substr(row, RSTART + 1, RLENGTH - 2)
	row = substr(row, RSTART + RLENGTH)
	gsub(/\\"/, "\"", text)
	return text
}

# Prints a text in lines of at most 78 characters.
function print_folded(text,    n, i, words, line)
{
	n = split(text, words, " ")
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line " " words[i]) > 78) {
			print line
			line = ""
		}
		line = line (line == "" ? "" : " ") words[i]
	}
	print line
}

function finish_row(    id, subject, text)
{
	id = next_text()
	subject = next_text()
	text = ""
	while (match(row, /"([^"\\]|\\.)*"/))
		text = text next_text()
	print "\n-- " id
	print "Subject: " subject
	print "Defined-By: moviesxmovies"
	print "Documentation: man:mxmd(8) man:mxmctl(8)"
	print ""
	print_folded(text)
}

/^EVENT\(/ { row = "" }

/^EVENT\(/ || row != "" { row = row $0 }

row != "" && /"\)$/ {
	finish_row()
	row = ""
}
