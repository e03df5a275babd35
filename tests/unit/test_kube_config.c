/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/kube/kubeconfig.h"
#include "tests/support/kubeconfig_room.h"

START_TEST(the_members_of_a_context_are_taken)
{
	ROOM_AUTO_CONFIG config = NULL;

	room_begin();
	room_put("pki/ca.crt", ROOM_PEM, 0600);
	config = room_load_with(ROOM_SERVER ", certificate-authority: pki/ca.crt, tls-server-name: api.internal",
				"token: secret-token, client-certificate-data: " ROOM_DATA
				", client-key-data: " ROOM_DATA);
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(config->server, "https://k8s.example.com:6443");
	ck_assert_str_eq(config->context, "c");
	ck_assert_str_eq(config->namespace_name, "team-n");
	ck_assert_str_eq(config->ca_pem, ROOM_PEM);
	ck_assert_str_eq(config->tls_server_name, "api.internal");
	ck_assert_str_eq(ush_secret_reveal(config->token), "secret-token");
	ck_assert_ptr_null(config->token_file);
	ck_assert_str_eq(config->client_cert_pem, ROOM_PEM);
	ck_assert_str_eq(ush_secret_reveal(config->client_key_pem), ROOM_PEM);
}
END_TEST

START_TEST(a_token_file_beside_the_kubeconfig_wins_over_a_token)
{
	ROOM_AUTO_CONFIG config = NULL;
	USH_AUTO_FREE char *path = NULL;

	room_begin();
	path = room_path("t");
	room_put("t", "from-the-file\n", 0600);
	config = room_load_with(ROOM_SERVER, "token: in-the-config, tokenFile: t");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(ush_secret_reveal(config->token), "from-the-file");
	ck_assert_str_eq(config->token_file, path);
	ck_assert_ptr_null(config->ca_pem);
}
END_TEST

static const char first[] = "current-context: \"\"\nclusters:\n- {name: k, cluster: {server: https://one.example}}\n"
			    "contexts:\n- {name: c, context: {cluster: k, user: u}}\n";
static const char second[] =
	"current-context: c\nclusters:\n- {name: k, cluster: {server: https://two.example, tls-server-name: two}}\n"
	"users:\n- {name: u, user: {token: of-two}}\ncontexts:\n- {name: c, context: {cluster: k, user: nobody}}\n"
	"- {name: d, context: {cluster: k, user: u, namespace: dd}}\n";

START_TEST(of_several_files_the_first_wins_name_by_name)
{
	USH_AUTO_FREE char *list = NULL, *room = NULL;
	ROOM_AUTO_CONFIG config = NULL;
	ROOM_AUTO_CONFIG other = NULL;

	room_begin();
	room = room_path(".");
	room_put("one", first, 0600);
	room_put("x/two", second, 0600);
	list = ush_printf(":%s/missing:%s/one::%s/x/two", room, room, room);
	setenv("KUBECONFIG", list, 1);
	config = room_load(NULL, NULL);
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(config->server, "https://one.example");
	ck_assert_ptr_null(config->tls_server_name);
	ck_assert_str_eq(ush_secret_reveal(config->token), "of-two");
	ck_assert_str_eq(config->namespace_name, "default");
	other = room_load(NULL, "d");
	ck_assert_str_eq(other->namespace_name, "dd");
}
END_TEST

START_TEST(home_is_looked_at_last_and_a_missing_context_is_named_with_what_there_is)
{
	ROOM_AUTO_CONFIG config = NULL;

	room_begin();
	room_put(".kube/config", second, 0600);
	config = room_load(NULL, "d");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(config->server, "https://two.example");
	ck_assert_ptr_null(room_load(NULL, "e"));
	ck_assert_int_eq(room_error.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(room_error.what, "there is no context \"e\"") != NULL, "%s", room_error.what);
	ck_assert_str_eq(room_error.hint, "There is: c, d");
	ck_assert_ptr_null(room_load(NULL, "c"));
	ck_assert_msg(strstr(room_error.what, "there is no user \"nobody\"") != NULL, "%s", room_error.what);
}
END_TEST

START_TEST(nothing_at_all_names_what_was_looked_for)
{
	room_begin();
	ck_assert_ptr_null(room_load(NULL, NULL));
	ck_assert_int_eq(room_error.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(room_error.what, "/.kube/config") != NULL &&
			      strstr(room_error.what, "KUBERNETES_SERVICE_HOST") != NULL,
		      "%s", room_error.what);
	setenv("KUBECONFIG", "/nowhere/a:/nowhere/b", 1);
	ck_assert_ptr_null(room_load(NULL, NULL));
	ck_assert_msg(strstr(room_error.what, "/nowhere/a:/nowhere/b") != NULL, "%s", room_error.what);
	ck_assert_ptr_null(room_load("missing", NULL));
	ck_assert_msg(strstr(room_error.what, "missing: No such file") != NULL, "%s", room_error.what);
	room_put("empty", "", 0600);
	ck_assert_ptr_null(room_load("empty", NULL));
	ck_assert_msg(strstr(room_error.what, "which is empty") != NULL, "%s", room_error.what);
	room_put("none", "contexts: [{name: a, context: {}}, {name: b, context: {}}]", 0600);
	ck_assert_ptr_null(room_load("none", NULL));
	ck_assert_str_eq(room_error.hint, "Choose one with --context: a, b");
}
END_TEST

static void expect_failure(const char *cluster, const char *user, const char *what)
{
	ROOM_AUTO_CONFIG config = room_load_with(cluster, user);

	ck_assert_msg(config == NULL, "%s %s", cluster, user);
	ck_assert_msg(room_error.code == USH_ERR_CONFIG, "%d: %s", room_error.code, room_error.what);
	ck_assert_msg(strstr(room_error.what, what) != NULL, "\"%s\" lacks \"%s\"", room_error.what, what);
	ck_assert_msg(strstr(room_error.what, "hush") == NULL && strstr(room_error.hint, "hush") == NULL,
		      "a secret in \"%s\"", room_error.what);
}

START_TEST(what_is_refused_points_at_its_line_and_field)
{
	room_begin();
	expect_failure(ROOM_SERVER ", insecure-skip-tls-verify: true", "token: t",
		       "config:5:99: clusters[0].cluster.insecure-skip-tls-verify: is refused");
	ck_assert_ptr_nonnull(strstr(room_error.hint, "certificate-authority"));
	expect_failure(ROOM_SERVER ", proxy-url: http://p", "token: t",
		       "clusters[0].cluster.proxy-url: a proxy is not supported");
	expect_failure("server: \"http://k8s.example.com\"", "token: t",
		       "clusters[0].cluster.server: expected an https URL");
	expect_failure("server: \"https://hush:hush@k8s.example.com\"", "token: t",
		       "config:5:40: clusters[0].cluster.server: ");
	expect_failure("server: \"https://k8s.example.com/?a=b\"", "token: t",
		       "clusters[0].cluster.server: has a query");
	expect_failure("server: 7", "token: t", "clusters[0].cluster.server: expected a string, found a number");
	expect_failure("", "token: t", "clusters[0].cluster.server: is missing");
	expect_failure(ROOM_SERVER ", certificate-authority-data: \"?\"", "token: t",
		       "certificate-authority-data: is not base64");
	expect_failure(ROOM_SERVER ", certificate-authority-data: QUFBQQ==", "token: t",
		       "certificate-authority-data: holds no PEM text");
	expect_failure(ROOM_SERVER ", certificate-authority: gone.crt", "token: t",
		       "clusters[0].cluster.certificate-authority: ");
	expect_failure(ROOM_SERVER, "username: a, password: hush",
		       "config:9:20: users[1].user.username: passwords are not supported");
	expect_failure(ROOM_SERVER, "auth-provider: {name: oidc}",
		       "users[1].user.auth-provider: was removed from Kubernetes in 1.26");
	expect_failure(ROOM_SERVER, "token: t, as: admin", "users[1].user.as: impersonation is not supported");
	expect_failure(ROOM_SERVER, "token: 123", "users[1].user.token: expected a string, found a number");
	expect_failure(ROOM_SERVER, "token: \"hush\\nX: y\"", "users[1].user.token: has characters that no token has");
	expect_failure(ROOM_SERVER, "tokenFile: gone", "gone: No such file");
	expect_failure(ROOM_SERVER, "client-certificate-data: " ROOM_DATA, "users[1].user.client-key: is missing");
	expect_failure(ROOM_SERVER, "client-key-data: " ROOM_DATA, "users[1].user.client-certificate: is missing");
	expect_failure(ROOM_SERVER, "exec: [a]", "users[1].user.exec: expected a map, found a list");
}
END_TEST

START_TEST(a_file_that_is_no_kubeconfig_is_refused)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"[]", "bad:1:1: expected a kubeconfig (a map), found a list"},
		{"kind: Pod\n", "bad:1:7: kind: expected Config"},
		{"a: 1\n---\nb: 1\n", "several documents"},
		{"clusters: [\n", "bad:2:1: "},
		{"current-context: [c]\nusers: [{name: x}]\n",
		 "bad:1:18: current-context: expected a string, found a list"},
		{"current-context: c\ncontexts: {}\n", "contexts: expected a list, found a map"},
		{"current-context: c\ncontexts:\n- c\n", "bad:3:3: contexts[0]: expected a map, found a string"},
		{"current-context: c\ncontexts:\n- context: {}\n", "contexts[0].name: is missing"},
		{"current-context: c\ncontexts:\n- name: c\n", "contexts[0].context: is missing"},
		{"current-context: c\ncontexts:\n- {name: c, context: {cluster: k}}\n",
		 "contexts[0].context.user: is missing"},
		{"current-context: c\ncontexts:\n- {name: c, context: {}}\n- {name: c, context: {}}\n",
		 "contexts[1].name: \"c\" stands twice"},
		{"current-context: c\ncurrent-context: c\n", "stands twice"},
	};

	room_begin();
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		room_put("bad", cases[i].text, 0600);
		ck_assert_msg(room_load("bad", NULL) == NULL, "%s", cases[i].text);
		ck_assert_int_eq(room_error.code, USH_ERR_CONFIG);
		ck_assert_msg(strstr(room_error.what, cases[i].what) != NULL, "\"%s\" lacks \"%s\"", room_error.what,
			      cases[i].what);
	}
}
END_TEST

START_TEST(http_is_for_this_machine_only)
{
	ROOM_AUTO_CONFIG config = NULL;

	room_begin();
	config = room_load_with("server: \"http://127.0.0.1:8001\"", "");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_ptr_null(config->token);
}
END_TEST

START_TEST(a_pod_has_its_service_account)
{
	ROOM_AUTO_CONFIG config = NULL;
	ROOM_AUTO_CONFIG six = NULL;

	room_begin();
	room_put("sa/token", "pod-token", 0644);
	room_put("sa/ca.crt", ROOM_PEM, 0644);
	room_put("sa/namespace", "team-a", 0644);
	setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "6443", 1);

	USH_AUTO_FREE char *folder = room_path("sa"), *file = room_path("sa/token"), *empty = room_path("no");

	config = ush_kube_config_in_cluster(folder, &room_error);
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(config->server, "https://10.0.0.1:6443");
	ck_assert_str_eq(config->context, "in-cluster");
	ck_assert_str_eq(config->namespace_name, "team-a");
	ck_assert_str_eq(config->ca_pem, ROOM_PEM);
	ck_assert_str_eq(config->token_file, file);
	ck_assert_str_eq(ush_secret_reveal(config->token), "pod-token");
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	six = ush_kube_config_in_cluster(folder, &room_error);
	ck_assert_str_eq(six->server, "https://[fd00::1]:6443");
	ck_assert_ptr_null(ush_kube_config_in_cluster(empty, &room_error));
	ck_assert_int_eq(room_error.code, USH_ERR_CONFIG);
}
END_TEST

TAP_MAIN("kube_config", the_members_of_a_context_are_taken, a_token_file_beside_the_kubeconfig_wins_over_a_token,
	 of_several_files_the_first_wins_name_by_name,
	 home_is_looked_at_last_and_a_missing_context_is_named_with_what_there_is,
	 nothing_at_all_names_what_was_looked_for, what_is_refused_points_at_its_line_and_field,
	 a_file_that_is_no_kubeconfig_is_refused, http_is_for_this_machine_only, a_pod_has_its_service_account)
