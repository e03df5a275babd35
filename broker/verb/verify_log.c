/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker verify-log: is an audit log (--audit-log) as it was written?
 */
#include <stdio.h>
#include <string.h>

#include "broker/journal/verify.h"
#include "broker/verb/verb.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.output = "text"};
static const char *wanted;

static const struct ush_option rows[] = {
	{"head", 0, USH_OPTION_STRING, "HASH",
	 "a line must have this hash, which was noted elsewhere: nothing up to it was cut off", &wanted},
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

static void add_line(struct ush_buf *out, const struct ush_chain *chain)
{
	char number[2][32];

	ush_buf_printf(out, "%s line%s, all as they were written; head %s\n",
		       ush_thousands(chain->records, number[0], sizeof number[0]), chain->records == 1 ? "" : "s",
		       chain->head);
	if (chain->found_at > 0)
		ush_buf_printf(out, "the hash that was asked for: line %s of %s\n",
			       ush_thousands(chain->found_at, number[0], sizeof number[0]), chain->found_in);
	if (!chain->witnessed && chain->found_at == 0)
		ush_buf_printf(out, "no .head is beside it: an end that was cut off would show by --head alone\n");
	if (chain->continued)
		ush_buf_printf(out, "it goes on from another log, which ended with %s\n", chain->after);
	if (chain->tears > 0)
		ush_buf_printf(out, "%zu time%s a run was killed, or the disk was full, while it wrote a line, and the next one said so\n",
			       chain->tears, chain->tears == 1 ? "" : "s");
	if (ush_chain_open(chain) > 0)
		ush_buf_printf(out,
			       "%zu run%s began and did not end: killed, still at it, or the disk was full; what was done last may have "
			       "no line\n",
			       ush_chain_open(chain), ush_chain_open(chain) == 1 ? "" : "s");
}

static int print_text(const struct ush_chain *chain, struct ush_error *err)
{
	USH_AUTO_BUF out = {0};

	add_line(&out, chain);
	return ush_broker_print(out.data, err);
}

static int print_json(const struct ush_chain *chain, struct ush_error *err)
{
	USH_AUTO_JSON json =
		json_pack("{s:b, s:b, s:I, s:s, s:I, s:I, s:I}", "intact", true, "witnessed", chain->witnessed, "lines", (json_int_t)chain->records, "head",
			  chain->head, "sequence", (json_int_t)chain->sequence, "torn", (json_int_t)chain->tears,
			  "openRuns", (json_int_t)ush_chain_open(chain));

	if (chain->continued)
		json_object_set_new(json, "after", json_string(chain->after));
	if (chain->found_at > 0)
		json_object_set_new(
			json, "foundAt",
			json_pack("{s:s, s:I}", "file", chain->found_in, "line", (json_int_t)chain->found_at));
	return ush_broker_print_json(json, err);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_CHAIN chain = {.wanted = wanted};

	if (wanted != NULL && !ush_link_is_hash(wanted)) {
		ush_fail(err, USH_ERR_USAGE, "--head: \"%s\" is no hash", wanted);
		return ush_hint(err, "It has 64 digits of 0-9 and a-f, as a run printed them on stderr");
	}
	if (ush_journal_verify_all(&chain, operands, count, err) != 0)
		return -1;
	return strcmp(options.output, "json") == 0 ? print_json(&chain, err) : print_text(&chain, err);
}

const struct ush_verb ush_verb_verify_log = {
	"verify-log", "FILE...", "check that an audit log was not edited, cut or reordered", rows, 1, 1000, run};
