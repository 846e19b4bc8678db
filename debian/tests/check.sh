# SPDX-License-Identifier: LGPL-2.1-or-later
# One line a check: check WORDS COMMAND...; end_of_checks ends with status 1 if one failed.
failed=0 checked=0

check() {
	words=$1
	shift
	checked=$((checked + 1))
	if said=$("$@" 2>&1); then
		echo "ok: $words"
	else
		failed=$((failed + 1))
		echo "FAILED: $words"
		echo "$said" | sed 's/^/    /'
	fi
}

end_of_checks() {
	[ "$checked" -gt 0 ] && [ "$failed" -eq 0 ]
}
