/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/journal/journal.h"
#include "broker/policy/naming.h"
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
	if (options->state_namespace != NULL && ush_name_not_label(options->state_namespace) != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--state-namespace: \"%s\" %s", options->state_namespace, ush_name_not_label(options->state_namespace));
	ush_world_real(&broker->world);
	if (open_recorder(broker, options, err) != 0)
		return -1;
	return cluster ? ush_broker_connect(broker, options->kubeconfig, options->context, err) : 0;
}

void ush_broker_close(struct ush_broker *broker)
{
	struct ush_error ignored = {0};

	ush_recorder_close(ush_steal(&broker->recorder), &ignored);
	ush_journal_close(&broker->journal, &ignored);
	ush_kube_config_free(broker->config);
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

char *ush_broker_word(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=,-";
	struct ush_buf out = {0};

	if (*text != '\0' && strspn(text, plain) == strlen(text))
		return ush_strdup(text);
	ush_buf_puts(&out, "'");
	for (; *text != '\0'; text++)
		if (*text == '\'')
			ush_buf_puts(&out, "'\\''");
		else
			ush_buf_add(&out, text, 1);
	ush_buf_puts(&out, "'");
	return ush_buf_take(&out);
}

char *ush_broker_place(const struct ush_broker_options *options, const struct ush_cluster *cluster)
{
	const struct {
		const char *name, *value;
	} flags[] = {
		{"kubeconfig", cluster != NULL ? cluster->kubeconfig : options->kubeconfig},
		{"context", cluster != NULL ? cluster->context : options->context},
		{"state-namespace", options->state_namespace != NULL && strcmp(options->state_namespace, "default") != 0 ? options->state_namespace : NULL},
	};
	struct ush_buf out = {0};

	for (size_t i = 0; i < USH_COUNT(flags); i++) {
		USH_AUTO_FREE char *word = flags[i].value != NULL ? ush_broker_word(flags[i].value) : NULL;

		if (word != NULL)
			ush_buf_printf(&out, " --%s %s", flags[i].name, word);
	}
	return ush_buf_take(&out);
}

char *ush_broker_same(const struct ush_broker_options *options, const char *cluster)
{
	USH_AUTO_FREE char *policy = ush_broker_word(options->policy), *place = ush_broker_place(options, NULL);
	USH_AUTO_FREE char *name = cluster != NULL ? ush_broker_word(cluster) : NULL;

	return ush_printf("-f %s%s%s%s", policy, name != NULL ? " --cluster " : "", name != NULL ? name : "", place);
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
