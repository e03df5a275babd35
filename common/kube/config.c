/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/config.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/kube/kubeconfig.h"
#include "common/kube/request.h"
#include "common/net/http.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define PEM_LIMIT       (1U << 20)
#define TOKEN_LIMIT     (64U << 10)

void ush_kube_config_free(struct ush_kube_config *config)
{
	if (config == NULL)
		return;
	free(config->server);
	free(config->context);
	free(config->namespace_name);
	free(config->ca_pem);
	free(config->tls_server_name);
	ush_secret_free(config->token);
	free(config->token_file);
	free(config->client_cert_pem);
	ush_secret_free(config->client_key_pem);
	free(config->kubeconfig);
	ush_kube_config_free(config->before);
	free(config);
}

static void config_free_indirect(struct ush_kube_config **config)
{
	ush_kube_config_free(*config);
}

#define AUTO_CONFIG __attribute__((cleanup(config_free_indirect))) struct ush_kube_config *

bool ush_kube_token_ok(const char *text)
{
	size_t length = 0;

	for (; text[length] != '\0'; length++)
		if (text[length] <= ' ' || text[length] > '~')
			return false;
	return length > 0;
}

/* ---- values that are in the file as base64, or in a file beside it ---- */

static int digit_of(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'             ? 62
	       : c == '/'             ? 63
				      : -1;
}

/* RFC 4648 section 4 with padding; line ends between are passed over, as kubectl does. */
static int decode_base64(const char *text, struct ush_buf *out)
{
	uint32_t bits = 0;
	unsigned int have = 0, padding = 0;

	for (; *text != '\0'; text++) {
		int digit = digit_of(*text);

		if (*text == '\n' || *text == '\r')
			continue;
		padding += *text == '=';
		if ((digit < 0 && *text != '=') || (padding > 0 && *text != '=') || padding > 2)
			return -1;
		bits = bits << 6 | (uint32_t)(digit < 0 ? 0 : digit);
		if (++have < 4)
			continue;
		have = 0;
		for (unsigned int i = 0; i < 3 - padding; i++) {
			char byte = (char)(bits >> (16 - 8 * i));

			ush_buf_add(out, &byte, 1);
		}
	}
	return have == 0 ? 0 : -1;
}

static int read_file_field(const struct ush_kubeconfig_entry *entry, const char *key, const char *name,
			   struct ush_buf *out, struct ush_error *err)
{
	USH_AUTO_FREE char *path = name[0] == '/' ? ush_strdup(name) : ush_printf("%s/%s", entry->file->folder, name);

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, out, NULL, err) == 0)
		return 0;

	USH_AUTO_FREE char *why = ush_strdup(err->what);

	ush_error_clear(err);
	return ush_kubeconfig_fail(entry, key, err, "%s", why);
}

/* A PEM text from key-data, which wins, or from the file that key names. *pem is NULL when there is neither. */
static int read_pem(const struct ush_kubeconfig_entry *entry, const char *key, const char *data_key, char **pem,
		    struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(PEM_LIMIT);
	const char *data, *name;

	*pem = NULL;
	if (ush_kubeconfig_string(entry, data_key, &data, err) != 0 ||
	    ush_kubeconfig_string(entry, key, &name, err) != 0)
		return -1;
	if (data == NULL && name == NULL)
		return 0;
	if (data != NULL && decode_base64(data, &text) != 0)
		return ush_kubeconfig_fail(entry, data_key, err, "is not base64");
	if (data == NULL && read_file_field(entry, key, name, &text, err) != 0)
		return -1;
	if (text.length == 0 || strlen(text.data) != text.length || strstr(text.data, "-----BEGIN ") == NULL)
		return ush_kubeconfig_fail(entry, data != NULL ? data_key : key, err, "holds no PEM text");
	*pem = ush_buf_take(&text);
	return 0;
}

/* ---- the cluster ---- */

static int refuse_fields(const struct ush_kubeconfig_entry *entry, const char *const *fields, struct ush_error *err)
{
	for (; fields[0] != NULL; fields += 2) {
		const struct ush_node *node = ush_node_get(entry->node, fields[0]);
		const char *text = ush_node_string(node);

		if (node == NULL || ush_node_is_null(node) || (text != NULL && text[0] == '\0'))
			continue;
		return ush_kubeconfig_fail(entry, fields[0], err, "%s", fields[1]);
	}
	return 0;
}

static int read_server(const struct ush_kubeconfig_entry *cluster, struct ush_kube_config *config,
		       struct ush_error *err)
{
	USH_AUTO_URL url = {0};
	struct ush_error why = {0};
	const char *server;
	size_t length;

	if (ush_kubeconfig_string(cluster, "server", &server, err) != 0)
		return -1;
	if (server == NULL)
		return ush_kubeconfig_fail(cluster, "server", err, "is missing");
	if (ush_url_parse(&url, server, USH_ERR_CONFIG, &why) != 0)
		return ush_kubeconfig_fail(cluster, "server", err, "%s", why.what);
	if (strcmp(url.scheme, "https") != 0 && !url.loopback)
		return ush_kubeconfig_fail(cluster, "server", err,
					   "expected an https URL (http is for this machine only), found \"%s\"",
					   server);
	if (strchr(url.path, '?') != NULL)
		return ush_kubeconfig_fail(cluster, "server", err, "has a query");
	for (length = strlen(server); length > 0 && server[length - 1] == '/';)
		length--;
	config->server = ush_strndup(server, length);
	return 0;
}

static int read_cluster(const struct ush_kubeconfig_entry *cluster, struct ush_kube_config *config,
			struct ush_error *err)
{
	static const char *const refused[] = {"proxy-url", "a proxy is not supported", NULL};
	const char *name;
	bool insecure;

	if (read_server(cluster, config, err) != 0 || refuse_fields(cluster, refused, err) != 0 ||
	    ush_kubeconfig_bool(cluster, "insecure-skip-tls-verify", &insecure, err) != 0 ||
	    ush_kubeconfig_string(cluster, "tls-server-name", &name, err) != 0)
		return -1;
	if (insecure) {
		ush_kubeconfig_fail(cluster, "insecure-skip-tls-verify", err,
				    "is refused: whoever answers would get our credentials");
		return ush_hint(err, "Give the cluster's CA instead: certificate-authority: FILE");
	}
	config->tls_server_name = ush_strdup(name);
	return read_pem(cluster, "certificate-authority", "certificate-authority-data", &config->ca_pem, err);
}

/* ---- the user ---- */

/* Reads a token file, whose line end is not the token's. */
static struct ush_secret *read_token(const char *path, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(TOKEN_LIMIT);

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	while (text.length > 0 && strchr(" \t\r\n", text.data[text.length - 1]) != NULL)
		text.data[--text.length] = '\0';
	if (strlen(text.data) == text.length && ush_kube_token_ok(text.data))
		return ush_secret_new(text.data, text.length);
	ush_fail(err, USH_ERR_CONFIG, "%s: holds no token", path);
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

#define SWAP(a, b)                                                                                                     \
	do {                                                                                                           \
		__typeof__(a) swapped = (a);                                                                           \
		(a) = (b);                                                                                             \
		(b) = swapped;                                                                                         \
	} while (0)

/* Runs the command again; it may not ask anybody, and what it gives must be news. */
static bool exec_again(struct ush_kube_config *config)
{
	struct ush_error unimportant = {0};
	AUTO_CONFIG fresh = ush_kube_config_load(config->kubeconfig, config->context, false, &unimportant);

	if (fresh == NULL || strcmp(fresh->server, config->server) != 0 ||
	    (same_text(ush_secret_reveal(fresh->token), ush_secret_reveal(config->token)) &&
	     same_text(fresh->client_cert_pem, config->client_cert_pem)))
		return false;
	SWAP(fresh->token, config->token);
	SWAP(fresh->client_cert_pem, config->client_cert_pem);
	SWAP(fresh->client_key_pem, config->client_key_pem);
	fresh->before = config->before;
	config->before = ush_steal(&fresh);
	return true;
}

bool ush_kube_token_again(struct ush_kube_config *config)
{
	struct ush_error unimportant = {0};
	struct ush_secret *token = config->token_file != NULL ? read_token(config->token_file, &unimportant) : NULL;

	if (token == NULL)
		return config->from_exec && exec_again(config);
	ush_secret_free(config->token);
	config->token = token;
	return true;
}

static int read_token_fields(const struct ush_kubeconfig_entry *user, struct ush_kube_config *config,
			     struct ush_error *err)
{
	const char *token, *file;

	if (ush_kubeconfig_string(user, "token", &token, err) != 0 ||
	    ush_kubeconfig_string(user, "tokenFile", &file, err) != 0)
		return -1;
	if (file != NULL) { /* wins over token, as in client-go */
		config->token_file = file[0] == '/' ? ush_strdup(file) : ush_printf("%s/%s", user->file->folder, file);
		config->token = read_token(config->token_file, err);
		return config->token != NULL ? 0 : -1;
	}
	if (token != NULL && !ush_kube_token_ok(token))
		return ush_kubeconfig_fail(user, "token", err, "has characters that no token has");
	if (token != NULL)
		config->token = ush_secret_new(token, strlen(token));
	return 0;
}

static int read_certificate(const struct ush_kubeconfig_entry *user, struct ush_kube_config *config,
			    struct ush_error *err)
{
	char *key = NULL;

	if (read_pem(user, "client-certificate", "client-certificate-data", &config->client_cert_pem, err) != 0 ||
	    read_pem(user, "client-key", "client-key-data", &key, err) != 0)
		return -1;
	if (key != NULL)
		config->client_key_pem = ush_secret_new(key, strlen(key));
	ush_wipe_free(key, key != NULL ? strlen(key) : 0);
	if ((config->client_cert_pem == NULL) != (config->client_key_pem == NULL))
		return ush_kubeconfig_fail(user, config->client_cert_pem == NULL ? "client-certificate" : "client-key",
					   err, "is missing: certificate and key go together");
	return 0;
}

static int read_user(const struct ush_kubeconfig_entry *user, const struct ush_kubeconfig_entry *cluster,
		     bool interactive, struct ush_kube_config *config, struct ush_error *err)
{
	static const char *const refused[] = {
		"auth-provider",
		"was removed from Kubernetes in 1.26; use exec",
		"username",
		"passwords are not supported; use a token, a certificate or exec",
		"password",
		"passwords are not supported; use a token, a certificate or exec",
		"as",
		"impersonation is not supported",
		"as-uid",
		"impersonation is not supported",
		"as-groups",
		"impersonation is not supported",
		"as-user-extra",
		"impersonation is not supported",
		NULL,
	};
	struct ush_kubeconfig_entry exec;

	if (refuse_fields(user, refused, err) != 0 || read_token_fields(user, config, err) != 0 ||
	    read_certificate(user, config, err) != 0 || ush_kubeconfig_map(user, "exec", &exec, err) != 0)
		return -1;
	if (exec.node == NULL || config->token != NULL || config->client_cert_pem != NULL)
		return 0; /* as in client-go, what stands in the file wins over exec */
	config->from_exec = true;
	return ush_kube_exec(&exec, cluster, interactive, config, err);
}

/* ---- all of it ---- */

static struct ush_kube_config *from_files(const struct ush_kubeconfig *all, const char *name, bool interactive,
					  struct ush_error *err)
{
	AUTO_CONFIG config = ush_new(struct ush_kube_config);
	struct ush_kubeconfig_entry context, cluster, user;
	const char *cluster_name, *user_name, *space;

	if (ush_kubeconfig_find(all, "contexts", "context", name, &context, err) != 0 ||
	    ush_kubeconfig_string(&context, "cluster", &cluster_name, err) != 0 ||
	    ush_kubeconfig_string(&context, "user", &user_name, err) != 0 ||
	    ush_kubeconfig_string(&context, "namespace", &space, err) != 0)
		return NULL;
	if (cluster_name == NULL || user_name == NULL) {
		ush_kubeconfig_fail(&context, cluster_name == NULL ? "cluster" : "user", err, "is missing");
		return NULL;
	}
	config->context = ush_strdup(name);
	config->namespace_name = ush_strdup(space != NULL ? space : "default");
	if (ush_kubeconfig_find(all, "clusters", "cluster", cluster_name, &cluster, err) != 0 ||
	    read_cluster(&cluster, config, err) != 0 ||
	    ush_kubeconfig_find(all, "users", "user", user_name, &user, err) != 0 ||
	    read_user(&user, &cluster, interactive, config, err) != 0)
		return NULL;
	return ush_steal(&config);
}

static char *read_small(const char *folder, const char *name, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);
	USH_AUTO_BUF text = USH_BUF_MAX(PEM_LIMIT);

	return ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) == 0 ? ush_buf_take(&text) : NULL;
}

struct ush_kube_config *ush_kube_config_in_cluster(const char *folder, struct ush_error *err)
{
	AUTO_CONFIG config = ush_new(struct ush_kube_config);
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	USH_AUTO_URL url = {0};
	struct ush_error unimportant = {0};

	if (host == NULL || host[0] == '\0') {
		ush_fail(err, USH_ERR_CONFIG, "KUBERNETES_SERVICE_HOST is not set");
		return NULL;
	}
	config->server = ush_printf(strchr(host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s", host,
				    port != NULL && port[0] != '\0' ? port : "443");
	if (ush_url_parse(&url, config->server, USH_ERR_CONFIG, err) != 0) {
		ush_error_at(err, "KUBERNETES_SERVICE_HOST");
		return NULL;
	}
	config->context = ush_strdup("in-cluster");
	config->token_file = ush_printf("%s/token", folder);
	config->token = read_token(config->token_file, err);
	config->ca_pem = config->token != NULL ? read_small(folder, "ca.crt", err) : NULL;
	if (config->ca_pem == NULL)
		return NULL;
	config->namespace_name = read_small(folder, "namespace", &unimportant);
	if (config->namespace_name == NULL || config->namespace_name[0] == '\0') {
		free(config->namespace_name);
		config->namespace_name = ush_strdup("default");
	}
	return ush_steal(&config);
}

struct ush_kube_config *ush_kube_config_load(const char *path, const char *context, bool interactive,
					     struct ush_error *err)
{
	USH_AUTO_KUBECONFIG all = {0};
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *name = context;
	struct ush_kube_config *config;

	if (ush_kubeconfig_read(&all, path, err) != 0)
		return NULL;
	if (ush_kubeconfig_is_empty(&all)) {
		if (path == NULL && host != NULL && host[0] != '\0')
			return ush_kube_config_in_cluster(SERVICE_ACCOUNT, err);
		ush_fail(err, USH_ERR_CONFIG, "no kubeconfig: looked for %s%s", all.looked_for,
			 path == NULL ? ", and this is no pod (KUBERNETES_SERVICE_HOST is not set)"
				      : ", which is empty");
		ush_hint(err, "Name one: --kubeconfig FILE, or KUBECONFIG=FILE");
		return NULL;
	}
	if (name == NULL && ush_kubeconfig_current(&all, &name, err) != 0)
		return NULL;
	if (name == NULL) {
		USH_AUTO_FREE char *names = ush_kubeconfig_names(&all, "contexts");

		ush_fail(err, USH_ERR_CONFIG, "%s: has no current-context", all.looked_for);
		if (*names != '\0')
			ush_hint(err, "Choose one with --context: %s", names);
		return NULL;
	}
	config = from_files(&all, name, interactive, err);
	if (config != NULL)
		config->kubeconfig = ush_strdup(path);
	return config;
}
