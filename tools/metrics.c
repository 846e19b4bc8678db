/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/whole.h"
#include "whosees.h"

/* As it is reported elsewhere: what is no printable ASCII as \xNN. A label has \ and " escaped. */
static void print_label(FILE *to, const char *name, const char *value)
{
	fprintf(to, "%s=\"", name);
	for (; *value; value++) {
		if (*value < ' ' || *value > '~')
			fprintf(to, "\\\\x%02x", (unsigned char)*value);
		else
			fprintf(to, *value == '\\' || *value == '"' ? "\\%c" : "%c",
				*value);
	}
	fputc('"', to);
}

static void print_head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One value of a metric, with one more label besides the target. */
static void print_labelled(FILE *to, const char *name, const char *target,
			   const char *label, const char *value, size_t n)
{
	fprintf(to, "%s{", name);
	print_label(to, "target", target);
	fputc(',', to);
	print_label(to, label, value);
	fprintf(to, "} %zu\n", n);
}

static void print_one(FILE *to, const char *name, const char *type, const char *help,
		      const char *target, double value)
{
	print_head(to, name, type, help);
	fprintf(to, "%s{", name);
	print_label(to, "target", target);
	fprintf(to, "} %.17g\n", value);
}

static void print_metrics(const struct metrics *m, const char *target, FILE *to)
{
	print_one(to, "whosees_look_success", "gauge",
		  "Whether the last look at the target succeeded.", target, m->success);
	print_one(to, "whosees_looks_total", "counter", "Looks at the target.", target,
		  (double)m->nlooks);
	print_one(to, "whosees_looks_failed_total", "counter", "Looks that failed.",
		  target, (double)m->nfailed);
	print_one(to, "whosees_look_timestamp_seconds", "gauge",
		  "When the last look that succeeded began.", target, (double)m->seen);
	print_one(to, "whosees_look_duration_seconds", "gauge", "How long it took.",
		  target, m->seconds);
	print_head(to, "whosees_spaces", "gauge", "Address spaces by verdict.");
	for (unsigned v = 0; v < DIGEST_VERDICTS; v++)
		print_labelled(to, "whosees_spaces", target, "verdict",
			       ws_verdict_name((enum ws_verdict)v), m->nverdict[v]);
	print_head(to, "whosees_findings", "gauge", "Findings by severity.");
	for (unsigned s = 0; s < DIGEST_SEVERITIES; s++)
		print_labelled(to, "whosees_findings", target, "severity",
			       ws_severity_name((enum ws_severity)s), m->nseverity[s]);
}

bool metrics_write(const struct metrics *metrics, const char *target, const char *path)
{
	struct ws_whole whole;

	if (!path)
		return true;
	if (!ws_whole_open(&whole, path))
		return false;
	print_metrics(metrics, target, whole.file);
	return ws_whole_close(&whole, !ferror(whole.file));
}
