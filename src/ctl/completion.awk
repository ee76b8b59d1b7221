# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes the completion of mxmctl for bash: completion.bash.in with the usage of
# every command and the names of the settings, those that are secret, and those of
# the recommender in the place of "@TABLES@".
#
#	awk -f completion.awk ../settings.def ../commands.def ../recommend/fit.c \
#	    completion.bash.in

# The n-th string of a row, whose parts are joined.
function string(row, n,    out, found)
{
	while (match(row, /"([^"\\]|\\.)*"|,/)) {
		if (substr(row, RSTART, 1) == "\"") {
			if (found == n - 1)
				out = out substr(row, RSTART + 1, RLENGTH - 2)
			inside = 1
		} else if (inside) {
			found++
			inside = 0
		}
		row = substr(row, RSTART + RLENGTH)
	}
	inside = 0
	return out
}

function finish_row(    name)
{
	name = row
	sub(/^[A-Z]+\(/, "", name)
	if (row ~ /^SETTING/) {
		sub(/,.*/, "", name)
		settings = settings " " name
		if (row ~ /[ |]HIDDEN[,|]/)
			secrets = secrets " " name
	} else {
		usages = usages "\t[\"" string(row, 1) "\"]=\"" \
		    string(row, 2) "\"\n"
	}
}

FNR == 1 { file++ }

file < 3 {
	if ($0 ~ /^(SETTING|COMMAND)\(/)
		row = ""
	if ($0 ~ /^(SETTING|COMMAND)\(/ || row != "")
		row = row $0
	if (row != "" && $0 ~ /\)$/) {
		finish_row()
		row = ""
	}
	next
}

# { "factors", COUNT, ... of fit_set()
file == 3 {
	if ($0 ~ /^\t\{ "[a-z_]+", [A-Z]+, AT\(/) {
		split($0, part, "\"")
		fits = fits " " part[2] "="
	}
	next
}

$0 == "@TABLES@" {
	printf "declare -gA _mxmctl_usage=(\n%s)\n", usages
	printf "_mxmctl_settings=\"%s\"\n", substr(settings, 2)
	printf "_mxmctl_secrets=\"%s\"\n", substr(secrets, 2)
	printf "_mxmctl_fits=\"%s\"\n", substr(fits, 2)
	next
}

{ print }
