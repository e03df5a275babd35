/* SPDX-License-Identifier: Apache-2.0
 *
 * The exec half of a kubeconfig user: client.authentication.k8s.io v1 and v1beta1. What the plugin is told and what it
 * must answer: the client-go credential plugin contract (KEP-541).
 */
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/command.h"
#include "common/kube/kubeconfig.h"

#define API_V1      "client.authentication.k8s.io/v1"
#define API_V1BETA1 "client.authentication.k8s.io/v1beta1"
#define EXTENSION   "client.authentication.k8s.io/exec"
#define INFO        "KUBERNETES_EXEC_INFO"
#define ANSWER_CAP  (256U << 10)
#define FILE_CAP    (16U << 20)
#define SAID_CAP    (64U << 10)

#define DEADLINE_ALONE_MS  120000 /* nobody is asked anything */
#define DEADLINE_PERSON_MS 900000 /* a person signs in */

extern char **environ;

struct words { /* ended by NULL once sealed */
	char **items;
	size_t count;
};

static void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
}

static void add_word(struct words *words, char *word)
{
	USH_PUSH(words->items, words->count, word);
}

struct plugin {
	const char *api_version, *command, *install_hint;
	char *path;
	struct words args, env;
	bool interactive, cluster_info;
};

static void plugin_free(struct plugin *plugin)
{
	free(plugin->path);
	words_free(&plugin->args);
	words_free(&plugin->env);
}

#define AUTO_PLUGIN __attribute__((cleanup(plugin_free))) struct plugin

/* ---- what the kubeconfig says ---- */

static int read_args(const struct ush_kubeconfig_entry *exec, struct plugin *plugin, struct ush_error *err)
{
	const struct ush_node *args = ush_node_get(exec->node, "args");

	add_word(&plugin->args, ush_strdup(plugin->command));
	if (args != NULL && !ush_node_is_null(args) && args->kind != USH_NODE_LIST)
		return ush_kubeconfig_fail(exec, "args", err, "expected a list, found a %s", ush_node_kind_name(args));
	for (size_t i = 0; args != NULL && i < args->count; i++) {
		if (ush_node_string(args->items[i]) == NULL)
			return ush_node_fail(err, USH_ERR_CONFIG, exec->file->path, args->items[i],
					     "%s.args[%zu]: expected a string, found a %s", exec->field, i,
					     ush_node_kind_name(args->items[i]));
		add_word(&plugin->args, ush_strdup(ush_node_string(args->items[i])));
	}
	add_word(&plugin->args, NULL);
	plugin->args.count--;
	return 0;
}

/* Sets NAME=value, over one that is there. */
static void set_variable(struct words *env, const char *name, const char *value)
{
	size_t length = strlen(name);
	char *pair = ush_printf("%s=%s", name, value);

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], name, length) == 0 && env->items[i][length] == '=') {
			free(env->items[i]);
			env->items[i] = pair;
			return;
		}
	add_word(env, pair);
}

static int read_env(const struct ush_kubeconfig_entry *exec, struct plugin *plugin, struct ush_error *err)
{
	const struct ush_node *env = ush_node_get(exec->node, "env");

	for (char **e = environ; *e != NULL; e++)
		add_word(&plugin->env, ush_strdup(*e));
	if (env != NULL && !ush_node_is_null(env) && env->kind != USH_NODE_LIST)
		return ush_kubeconfig_fail(exec, "env", err, "expected a list, found a %s", ush_node_kind_name(env));
	for (size_t i = 0; env != NULL && i < env->count; i++) {
		const char *name = ush_node_string(ush_node_get(env->items[i], "name"));
		const struct ush_node *value = ush_node_get(env->items[i], "value");

		if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL ||
		    (value != NULL && ush_node_string(value) == NULL))
			return ush_node_fail(err, USH_ERR_CONFIG, exec->file->path, env->items[i],
					     "%s.env[%zu]: expected name and value, both strings", exec->field, i);
		set_variable(&plugin->env, name, value != NULL ? ush_node_string(value) : "");
	}
	return 0;
}

static int read_mode(const struct ush_kubeconfig_entry *exec, bool interactive, struct plugin *plugin,
		     struct ush_error *err)
{
	const char *mode;

	if (ush_kubeconfig_string(exec, "interactiveMode", &mode, err) != 0)
		return -1;
	if (mode == NULL && strcmp(plugin->api_version, API_V1) == 0)
		return ush_kubeconfig_fail(exec, "interactiveMode", err, "is missing: Never, IfAvailable or Always");
	interactive = interactive && isatty(STDIN_FILENO);
	if (mode != NULL && strcmp(mode, "Never") == 0)
		plugin->interactive = false;
	else if (mode == NULL || strcmp(mode, "IfAvailable") == 0)
		plugin->interactive = interactive;
	else if (strcmp(mode, "Always") != 0)
		return ush_kubeconfig_fail(exec, "interactiveMode", err,
					   "expected Never, IfAvailable or Always, found \"%s\"", mode);
	else if (!interactive)
		return ush_fail(err, USH_ERR_LOGIN,
				"%s always asks a person (interactiveMode), and this call may not ask",
				plugin->command);
	else
		plugin->interactive = true;
	return 0;
}

static int read_plugin(const struct ush_kubeconfig_entry *exec, bool interactive, struct plugin *plugin,
		       struct ush_error *err)
{
	if (ush_kubeconfig_string(exec, "apiVersion", &plugin->api_version, err) != 0 ||
	    ush_kubeconfig_string(exec, "command", &plugin->command, err) != 0 ||
	    ush_kubeconfig_string(exec, "installHint", &plugin->install_hint, err) != 0 ||
	    ush_kubeconfig_bool(exec, "provideClusterInfo", &plugin->cluster_info, err) != 0)
		return -1;
	if (plugin->api_version == NULL)
		return ush_kubeconfig_fail(exec, "apiVersion", err, "is missing");
	if (strcmp(plugin->api_version, API_V1) != 0 && strcmp(plugin->api_version, API_V1BETA1) != 0)
		return ush_kubeconfig_fail(exec, "apiVersion", err, "expected " API_V1 " or v1beta1, found \"%s\"",
					   plugin->api_version);
	if (plugin->command == NULL)
		return ush_kubeconfig_fail(exec, "command", err, "is missing");
	if (read_mode(exec, interactive, plugin, err) != 0 || read_args(exec, plugin, err) != 0)
		return -1;
	return read_env(exec, plugin, err);
}

/* What a kubeconfig that runs a command says must be nobody else's to write: it is read again, with that condition. */
static int check_trust(const struct ush_kubeconfig_entry *exec, struct ush_error *err)
{
	USH_AUTO_BUF again = USH_BUF_MAX(FILE_CAP);
	const struct ush_kubeconfig_file *file = exec->file;

	if (ush_file_read(file->path, USH_FILE_OURS, USH_ERR_CONFIG, &again, NULL, err) != 0)
		return ush_error_at(err, "%s runs a command", exec->field);
	if (again.length != file->text.length || memcmp(again.data, file->text.data, again.length) != 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s: changed while it was read", file->path);
	return 0;
}

static int find_command(const struct ush_kubeconfig_entry *exec, struct plugin *plugin, struct ush_error *err)
{
	if (strchr(plugin->command, '/') == NULL)
		plugin->path = ush_command_find(plugin->command);
	else if (plugin->command[0] == '/')
		plugin->path = ush_strdup(plugin->command);
	else
		plugin->path = ush_printf("%s/%s", exec->file->folder, plugin->command);
	if (plugin->path != NULL && access(plugin->path, X_OK) == 0)
		return 0;
	ush_fail(err, USH_ERR_UNAVAILABLE, "%s: the kubeconfig's credential command is not %s", plugin->command,
		 plugin->path == NULL              ? "in PATH"
		 : access(plugin->path, F_OK) == 0 ? "executable"
						   : "there");
	return plugin->install_hint != NULL ? ush_hint(err, "%s", plugin->install_hint) : -1;
}

/* ---- what the plugin is told ---- */

static char *base64(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = strlen(text), n = 0;
	char *out = ush_alloc(4 * (length / 3 + 1) + 1);

	for (size_t i = 0; i < length; i += 3) {
		unsigned int left = length - i > 2 ? 3 : (unsigned int)(length - i);
		unsigned int bits = (unsigned int)(unsigned char)text[i] << 16 |
				    (left > 1 ? (unsigned int)(unsigned char)text[i + 1] << 8 : 0) |
				    (left > 2 ? (unsigned char)text[i + 2] : 0);

		out[n++] = digits[bits >> 18];
		out[n++] = digits[bits >> 12 & 63];
		out[n++] = left > 1 ? digits[bits >> 6 & 63] : '=';
		out[n++] = left > 2 ? digits[bits & 63] : '=';
	}
	return out;
}

/* clusters[].cluster.extensions[name = EXTENSION].extension, or NULL. */
static json_t *extension_of(const struct ush_kubeconfig_entry *cluster)
{
	const struct ush_node *list = ush_node_get(cluster->node, "extensions"), *found;

	for (size_t i = 0; list != NULL && list->kind == USH_NODE_LIST && i < list->count; i++) {
		const char *name = ush_node_string(ush_node_get(list->items[i], "name"));

		found = ush_node_get(list->items[i], "extension");
		if (name != NULL && strcmp(name, EXTENSION) == 0 && found != NULL)
			return ush_yaml_to_json(found);
	}
	return NULL;
}

static char *exec_info(const struct plugin *plugin, const struct ush_kubeconfig_entry *cluster,
		       const struct ush_kube_config *config)
{
	USH_AUTO_JSON info = json_pack("{s:s,s:s,s:{s:b}}", "apiVersion", plugin->api_version, "kind", "ExecCredential",
				       "spec", "interactive", (int)plugin->interactive);
	json_t *about = json_pack("{s:s}", "server", config->server), *extension = extension_of(cluster);
	USH_AUTO_FREE char *ca = config->ca_pem != NULL ? base64(config->ca_pem) : NULL;

	if (config->tls_server_name != NULL)
		json_object_set_new(about, "tls-server-name", json_string(config->tls_server_name));
	if (ca != NULL)
		json_object_set_new(about, "certificate-authority-data", json_string(ca));
	if (extension != NULL)
		json_object_set_new(about, "config", extension);
	if (plugin->cluster_info)
		json_object_set(json_object_get(info, "spec"), "cluster", about);
	json_decref(about);
	return json_dumps(info, JSON_COMPACT);
}

/* ---- what it answers ---- */

static int refused(const struct plugin *plugin, struct ush_error *err, const char *why)
{
	return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: its answer %s", plugin->command, why);
}

static struct ush_secret *secret_of(const json_t *status, const char *key)
{
	const char *text = ush_json_string(status, key);

	return text != NULL && text[0] != '\0' ? ush_secret_new(text, strlen(text)) : NULL;
}

static int take_credential(const struct plugin *plugin, const json_t *answer, struct ush_kube_config *config,
			   struct ush_error *err)
{
	const char *version = ush_json_string(answer, "apiVersion"), *kind = ush_json_string(answer, "kind");
	const json_t *status = ush_json_object(answer, "status");
	const char *cert = ush_json_string(status, "clientCertificateData");
	USH_AUTO_SECRET token = secret_of(status, "token");
	USH_AUTO_SECRET key = secret_of(status, "clientKeyData");

	if (kind == NULL || strcmp(kind, "ExecCredential") != 0)
		return refused(plugin, err, "is no ExecCredential");
	if (version == NULL || strcmp(version, plugin->api_version) != 0)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: its answer is in \"%s\", the kubeconfig wants %s",
				plugin->command, version != NULL ? version : "", plugin->api_version);
	if (cert != NULL && cert[0] == '\0')
		cert = NULL;
	if ((cert == NULL) != (key == NULL))
		return refused(plugin, err, "has one of clientCertificateData and clientKeyData without the other");
	if (token == NULL && cert == NULL)
		return refused(plugin, err, "has neither a token nor a certificate");
	if (token != NULL && !ush_kube_token_ok(ush_secret_reveal(token)))
		return refused(plugin, err, "has a token with characters that no token has");
	config->token = ush_steal(&token);
	config->client_cert_pem = ush_strdup(cert);
	config->client_key_pem = ush_steal(&key);
	return 0;
}

/* jansson frees without wiping. */
static void wipe(const json_t *answer)
{
	static const char *const secrets[] = {"token", "clientKeyData"};
	const json_t *status = json_object_get(answer, "status");

	for (size_t i = 0; i < USH_COUNT(secrets); i++) {
		const char *text = ush_json_string(status, secrets[i]);

		if (text != NULL)
			explicit_bzero((char *)(uintptr_t)text, strlen(text));
	}
}

/* Where somebody is asked, he must read what to do while it runs; else its stderr is taken into said. */
static int run(const struct plugin *plugin, struct ush_buf *out, struct ush_buf *said, struct ush_error *err)
{
	struct ush_command command = {.path = plugin->path,
				      .argv = plugin->args.items,
				      .envp = plugin->env.items,
				      .stdin_attached = plugin->interactive,
				      .said = plugin->interactive ? NULL : said,
				      .deadline_ms = plugin->interactive ? DEADLINE_PERSON_MS : DEADLINE_ALONE_MS};
	int status;

	if (ush_command_run(&command, out, &status, err) != 0)
		return -1;
	if (status == 0)
		return 0;
	if (status == 4) /* our own plugin's word for it; what to do stands in its own line above */
		return ush_fail(err, USH_ERR_LOGIN, "%s: a person must sign in first (it ended with status 4)",
				plugin->command);
	return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: the kubeconfig's credential command failed (status %d)",
			plugin->command, status);
}

int ush_kube_exec(const struct ush_kubeconfig_entry *exec, const struct ush_kubeconfig_entry *cluster, bool interactive,
		  struct ush_kube_config *config, struct ush_error *err)
{
	AUTO_PLUGIN plugin = {0};
	USH_AUTO_BUF out = USH_BUF_MAX(ANSWER_CAP);
	USH_AUTO_BUF said = USH_BUF_MAX(SAID_CAP);
	USH_AUTO_SECRET token = NULL;
	USH_AUTO_JSON answer = NULL;
	USH_AUTO_FREE char *info = NULL, *what = NULL;
	int result;

	if (read_plugin(exec, interactive, &plugin, err) != 0 || check_trust(exec, err) != 0 ||
	    find_command(exec, &plugin, err) != 0)
		return -1;
	info = exec_info(&plugin, cluster, config);
	set_variable(&plugin.env, INFO, info);
	add_word(&plugin.env, NULL);
	plugin.env.count--;
	if (run(&plugin, &out, &said, err) != 0) {
		ush_command_pass_on(&said);
		return -1;
	}
	what = ush_printf("%s: its answer", plugin.command);
	answer = ush_json_parse(out.data != NULL ? out.data : "", out.length, what, USH_ERR_UNAVAILABLE, err);
	token = secret_of(ush_json_object(answer, "status"), "token"); /* one that is not taken is not told either */
	result = answer != NULL ? take_credential(&plugin, answer, config, err) : -1;
	wipe(answer);
	ush_command_pass_on(&said);
	return result;
}
