# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes mxm.conf(5): the text of mxm.conf.5.in with the list of settings, made
# from src/settings.def, in the place of its line "@SETTINGS@".
#
#	awk -f settings.awk ../src/settings.def mxm.conf.5.in >mxm.conf.5

# The strings of a row, joined.
function text_of(row,    out)
{
	out = ""
	while (match(row, /"([^"\\]|\\.)*"/)) {
		out = out substr(row, RSTART + 1, RLENGTH - 2)
		row = substr(row, RSTART + RLENGTH)
	}
	gsub(/\\"/, "\"", out)
	return out
}

# One sentence a line, as mdoc wants it.
function sentences(s)
{
	gsub(/\. +/, ".\n", s)
	return s
}

function finish_row(    head, name, rest, standard)
{
	head = row
	sub(/^SETTING\(/, "", head)
	name = head
	sub(/,.*/, "", name)
	match(head, /"([^"\\]|\\.)*"/)
	standard = substr(head, RSTART + 1, RLENGTH - 2)
	rest = substr(head, RSTART + RLENGTH)
	list = list ".It Ic " name (rest ~ /AT_START/ ? " Pq at start" : "") "\n"
	list = list sentences(text_of(rest)) "\n"
	if (standard != "")
		list = list "Default:\n.Ql " standard " .\n"
}

FNR == NR {
	if ($0 ~ /^SETTING\(/)
		row = ""
	if ($0 ~ /^SETTING\(/ || row != "")
		row = row $0
	if (row != "" && $0 ~ /\)$/) {
		finish_row()
		row = ""
	}
	next
}

$0 == "@SETTINGS@" {
	printf "%s", list
	next
}

{ print }
