/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker/audit/rules.h"
#include "broker/audit/words.h"
#include "common/base/memory.h"

/* 1304 is "1,304". */
static const char *thousands(char out[32], size_t number)
{
	char digits[32];
	size_t length, used = 0;

	snprintf(digits, sizeof digits, "%zu", number);
	length = strlen(digits);
	for (size_t i = 0; i < length && used + 2 < 32; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

static void print_safe(FILE *to, const char *indent, const char *text)
{
	USH_AUTO_FREE char *safe = ush_text_safe(text);

	fprintf(to, "%s%s\n", indent, safe);
}

/* "critical" in capitals, in a column. */
static void print_severity(FILE *to, enum ush_severity severity)
{
	char word[16];
	size_t i = 0;

	for (const char *name = ush_severity_name(severity); name[i] != '\0' && i + 1 < sizeof word; i++)
		word[i] = (char)(name[i] - 'a' + 'A');
	word[i] = '\0';
	fprintf(to, "%-8s  ", word);
}

/* cluster-admin says what is in it; a wildcard, or a group that everybody is in, does not. */
static bool is_summary(const struct ush_audit_rule *rule)
{
	return rule->about == USH_ABOUT_SUBJECTS || strcmp(rule->id, "AU006") == 0 || strcmp(rule->id, "AU007") == 0;
}

static void print_among(FILE *to, const char *ids)
{
	fputs("    among it:", to);
	for (size_t i = 0; i < ush_rule_count(); i++)
		if (strstr(ids, ush_rule_at(i)->id) != NULL)
			fprintf(to, " %s (%s)", ush_rule_at(i)->slug, ush_rule_at(i)->id);
	fputc('\n', to);
}

static void print_finding(FILE *to, const struct ush_finding *f)
{
	USH_AUTO_FREE char *name = ush_words_object(f->object);
	USH_AUTO_FREE char *safe = ush_text_safe(name);

	print_severity(to, f->severity);
	fprintf(to, "%s (%s%s%s)   %s\n", f->rule->slug, f->rule->id, f->rule->cis != NULL ? ", CIS " : "",
		f->rule->cis != NULL ? f->rule->cis : "", safe);
	print_safe(to, "    ", f->why);
	if (f->among != NULL && is_summary(f->rule))
		print_among(to, f->among);
	if (f->object->origin != NULL) {
		USH_AUTO_FREE char *where = ush_printf("in %s; and where it is applied already:", f->object->origin);

		print_safe(to, "    ", where);
	}
	print_safe(to, "    ", f->remedy);
}

static void print_builtins(FILE *to, const struct ush_inventory *in, const struct ush_findings *f)
{
	char number[32];

	fprintf(to, "%s built-ins %s1.%d recognised by content", thousands(number, f->builtins),
		in->minor == USH_BASELINE_MINOR || in->minor == 0 ? "of " : "by the table of ", USH_BASELINE_MINOR);
	if (f->addons > 0)
		fprintf(to, ", %s of kubeadm and metrics-server", thousands(number, f->addons));
	if (in->minor != 0 && in->minor != USH_BASELINE_MINOR)
		fprintf(to, " (the server is 1.%d)", in->minor);
	else if (in->live && in->minor == 0)
		fputs(" (the server did not tell its version)", to);
	fputs(".\n", to);
}

void ush_audit_text(FILE *to, const struct ush_inventory *in, const struct ush_findings *f)
{
	char number[32];

	for (size_t i = 0; i < f->count; i++)
		print_finding(to, &f->items[i]);
	if (f->count > 0)
		fputc('\n', to);
	for (size_t i = 0; i < in->missing.count; i++) {
		USH_AUTO_FREE char *line = ush_printf("not read: %s", in->missing.items[i]);

		print_safe(to, "", line);
	}
	if (f->gave_up)
		fputs("not worked out: too many aggregated ClusterRoles select each other\n", to);
	fprintf(to, "%zu critical, %zu high", f->by_severity[USH_CRITICAL], f->by_severity[USH_HIGH]);
	for (enum ush_severity s = USH_MEDIUM; s >= USH_LOW; s--)
		if (f->by_severity[s] > 0)
			fprintf(to, ", %zu %s", f->by_severity[s], ush_severity_name(s));
	fprintf(to, ". %s objects read, %s; ", thousands(number, in->read),
		in->missing.count > 0 || f->gave_up ? "NOT ALL: what is missing is not judged" : "nothing missing");
	print_builtins(to, in, f);
}

void ush_audit_rules_text(FILE *to)
{
	for (size_t i = 0; i < ush_rule_count(); i++) {
		const struct ush_audit_rule *rule = ush_rule_at(i);

		fprintf(to, "%s  %-8s  %-24s  %-6s  %s\n", rule->id, ush_severity_name(rule->severity), rule->slug,
			rule->cis != NULL ? rule->cis : "-", rule->title);
	}
}
