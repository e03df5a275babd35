/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/journal/journal.h"
#include "broker/source/record.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/data/yaml.h"
#include "common/net/real.h"

static int open_recorder(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_error *err)
{
	broker->source_world = broker->world;
	if (options->record != NULL && options->replay != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--record and --replay together: one keeps what is said, the other asks nobody");
	if (options->record == NULL && options->replay == NULL)
		return 0;
	broker->recorder = options->record != NULL ? ush_recorder_record(options->record, err) : ush_recorder_replay(options->replay, err);
	if (broker->recorder == NULL)
		return -1;
	broker->source_world = ush_recorder_world(broker->recorder, &broker->world);
	return 0;
}

int ush_broker_recorded(struct ush_broker *broker, struct ush_error *err)
{
	struct ush_recorder *recorder = ush_steal(&broker->recorder);

	broker->source_world = broker->world;
	return ush_recorder_close(recorder, err);
}

int ush_broker_open(struct ush_broker *broker, const struct ush_broker_options *options, bool cluster, struct ush_error *err)
{
	*broker = (struct ush_broker){0};
	ush_world_real(&broker->world);
	if (open_recorder(broker, options, err) != 0)
		return -1;
	ush_broker_lead(broker, options, NULL);
	return cluster ? ush_broker_connect(broker, options, NULL, err) : 0;
}

void ush_broker_close(struct ush_broker *broker)
{
	struct ush_error ignored = {0};

	ush_recorder_close(ush_steal(&broker->recorder), &ignored);
	ush_journal_close(&broker->journal, &ignored);
	ush_kube_config_free(broker->config);
	ush_way_free(&broker->way);
	ush_world_real_free(&broker->world);
	broker->config = NULL;
}

int ush_broker_need_policy(const struct ush_broker_options *options, struct ush_error *err)
{
	if (options->policy != NULL)
		return 0;
	ush_fail(err, USH_ERR_USAGE, "which policy?");
	return ush_hint(err, "Name it: -f policy.yaml");
}

struct ush_policy *ush_broker_policy(struct ush_broker_options *options, struct ush_error *err)
{
	USH_AUTO_POLICY policy = NULL;

	if (ush_broker_need_policy(options, err) != 0 || (policy = ush_policy_load(options->policy, NULL, err)) == NULL || ush_broker_settle(options, policy, err) != 0)
		return NULL;
	return ush_steal(&policy);
}

char *ush_broker_identity(const struct ush_world *world)
{
	char host[256] = "localhost";
	unsigned char random[4];

	gethostname(host, sizeof host - 1);
	ush_random(world, random, sizeof random);
	return ush_printf("%s-%ld-%02x%02x%02x%02x", host, (long)getpid(), random[0], random[1], random[2], random[3]);
}

int ush_broker_print(const char *text, struct ush_error *err)
{
	USH_AUTO_FREE char *scrubbed = ush_scrubbed_long(text);

	if (fputs(scrubbed != NULL ? scrubbed : text, stdout) == EOF || fflush(stdout) != 0)
		return ush_fail(err, USH_ERR_STORE, "stdout: %s", strerror(errno));
	return 0;
}

int ush_broker_print_json(const json_t *json, struct ush_error *err)
{
	USH_AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS), *line = NULL;

	if (text == NULL)
		return ush_fail(err, USH_ERR_STORE, "cannot write JSON");
	line = ush_printf("%s\n", text);
	return ush_broker_print(line, err);
}

int ush_broker_print_yaml(const json_t *objects, struct ush_error *err)
{
	USH_AUTO_BUF out = {0};
	const json_t *object;
	size_t i;

	json_array_foreach(objects, i, object) {
		ush_buf_puts(&out, i > 0 ? "---\n" : "");
		ush_yaml_write(&out, object, false);
	}
	return ush_broker_print(out.data != NULL ? out.data : "", err);
}
