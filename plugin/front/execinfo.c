/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/front/execinfo.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define VARIABLE "KUBERNETES_EXEC_INFO"
#define MOST     (256U << 10) /* kubectl puts the cluster's CA bundle in; execve takes 128 KiB of one variable */

static const char *const versions[] = {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"};

static const char *known_version(const char *text)
{
	for (size_t i = 0; text != NULL && i < USH_COUNT(versions); i++)
		if (strcmp(text, versions[i]) == 0)
			return versions[i];
	return NULL;
}

static int read_header(struct ush_execinfo *info, const json_t *root, struct ush_error *err)
{
	const char *kind = ush_json_string(root, "kind"), *given = ush_json_string(root, "apiVersion");
	const char *version = known_version(given);

	if (kind == NULL || strcmp(kind, "ExecCredential") != 0)
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": kind: expected ExecCredential, found \"%s\"", kind != NULL ? kind : "");
	if (version == NULL)
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": apiVersion: expected %s or v1beta1, found \"%s\"", versions[0],
				given != NULL ? given : "");
	memcpy(info->api_version, version, strlen(version) + 1); /* one of ours, which fit; snprintf is what a hit never pays for */
	return 0;
}

static int read_server(struct ush_execinfo *info, const json_t *cluster, struct ush_error *err)
{
	const json_t *server = json_object_get(cluster, "server"), *insecure = json_object_get(cluster, "insecure-skip-tls-verify");

	if (insecure != NULL && !json_is_boolean(insecure))
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": spec.cluster.insecure-skip-tls-verify: expected true or false");
	info->insecure = json_is_true(insecure);
	if (server == NULL)
		return 0;
	if (!json_is_string(server))
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": spec.cluster.server: expected a text");
	if (json_string_length(server) >= sizeof info->server)
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": spec.cluster.server: longer than %zu bytes", sizeof info->server - 1);
	memcpy(info->server, json_string_value(server), json_string_length(server) + 1);
	return 0;
}

static int read_spec(struct ush_execinfo *info, const json_t *root, struct ush_error *err)
{
	const json_t *spec = ush_json_object(root, "spec"), *interactive, *cluster;

	if (spec == NULL)
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": spec: expected an object");
	interactive = json_object_get(spec, "interactive");
	cluster = json_object_get(spec, "cluster");
	if (interactive != NULL && !json_is_boolean(interactive))
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": spec.interactive: expected true or false");
	if (cluster != NULL && !json_is_object(cluster))
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": spec.cluster: expected an object");
	info->interactive = json_is_true(interactive);
	return read_server(info, cluster, err);
}

/*
 * The text without the cluster's certificate, the caller frees: nobody reads it here, and it is most of what there is,
 * so that to parse it would cost more than all else of a hit. What is left out stands in quotes that stay, and is letters
 * that end no text and escape none: the rest is the JSON it was, or none.
 */
static char *without_certificate(const char *text)
{
	static const char member[] = "certificate-authority-data\":\"";
	const char *data = strstr(text, member), *end;
	size_t head;
	char *rest;

	if (data == NULL)
		return ush_strdup(text);
	head = (size_t)(data - text) + sizeof member - 1;
	end = text + head + strspn(text + head, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");
	rest = ush_alloc(head + strlen(end) + 1);
	memcpy(rest, text, head);
	memcpy(rest + head, end, strlen(end) + 1);
	return rest;
}

int ush_execinfo_read(struct ush_execinfo *info, const char *text, struct ush_error *err)
{
	USH_AUTO_FREE char *rest = NULL;
	USH_AUTO_JSON root = NULL;

	memset(info, 0, sizeof *info);
	if (text == NULL)
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE " is not set: kubectl runs this, people run: kubectl usher login");
	if (strnlen(text, MOST + 1) > MOST)
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": larger than %u bytes", MOST);
	rest = without_certificate(text);
	root = ush_json_parse(rest, strlen(rest), VARIABLE, USH_ERR_CONFIG, err);
	if (root == NULL)
		return -1;
	if (!json_is_object(root))
		return ush_fail(err, USH_ERR_CONFIG, VARIABLE ": expected an object");
	return read_header(info, root, err) != 0 ? -1 : read_spec(info, root, err);
}
