# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes mxm-metrics(5): the text of mxm-metrics.5.in with the list of metrics,
# made from src/metrics.def, in the place of its line "@METRICS@".
#
#	awk -f metrics.awk ../src/metrics.def mxm-metrics.5.in >mxm-metrics.5

# The text in lines of at most 80 characters, each sentence on a new one.
function folded(s,    n, i, words, line, out)
{
	n = split(s, words, " ")
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line " " words[i]) > 80) {
			out = out line "\n"
			line = words[i]
		} else {
			line = line (line == "" ? "" : " ") words[i]
		}
		if (words[i] ~ /[.]$/) {
			out = out line "\n"
			line = ""
		}
	}
	return out
}

function finish_row(    name, type, labels, help)
{
	match(row, /^METRIC\([a-z_]+/)
	name = substr(row, 8, RLENGTH - 7)
	match(row, /[A-Z]+, "/)
	type = tolower(substr(row, RSTART, RLENGTH - 3))
	row = substr(row, RSTART + RLENGTH)
	labels = row
	sub(/".*/, "", labels)
	sub(/^[^"]*",[ \t]*/, "", row)
	help = ""
	while (match(row, /"([^"\\]|\\.)*"/)) {
		help = help substr(row, RSTART + 1, RLENGTH - 2)
		row = substr(row, RSTART + RLENGTH)
	}
	gsub(/\\"/, "\"", help)
	list = list ".It Ic moviesxmovies_" name \
	    (labels != "" ? " Brq " labels : "") "\n" \
	    toupper(substr(type, 1, 1)) substr(type, 2) ".\n" folded(help)
}

FNR == NR {
	if ($0 ~ /^METRIC\([a-z]/)
		row = ""
	if ($0 ~ /^METRIC\([a-z]/ || row != "")
		row = row $0
	if (row != "" && $0 ~ /"\)$/) {
		finish_row()
		row = ""
	}
	next
}

$0 == "@METRICS@" {
	printf "%s", list
	next
}

{ print }
